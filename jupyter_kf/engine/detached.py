"""Engine room: the process that each run has of its own. It outlives whoever submitted the run.

The submitter takes the run's lock, starts ``python -m PROGRAM FOLDER`` and passes it the lock, a pipe to say that it is
ready, and on its standard input what must not be written down: settings (a database URL may hold a password) and
secrets. The program calls :func:`enter`, which reads them and leaves the submitter's session for good.

Programs are :mod:`jupyter_kf.engine.supervisor` for pipelines and those that features bring (``RunRequest.program``).
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from jupyter_kf.config import Settings
from jupyter_kf.engine.locks import RunLock
from jupyter_kf.engine.plan import Plan, read_plan
from jupyter_kf.errors import EngineError
from jupyter_kf.runtime.marks import EXECUTION_MARK, RUN_MARK
from jupyter_kf.runtime.tracking import FOLDER_VARIABLE

LOG = "supervisor.log"
_OF_A_STEP = frozenset({EXECUTION_MARK, RUN_MARK, FOLDER_VARIABLE})


@dataclass(slots=True)
class Detached:
    """What the program of a run has: its folder, plan, settings and secrets, and the lock it holds.

    Call :meth:`ready` once the run is under way; the submitter waits for it.
    """

    folder: Path
    plan: Plan
    settings: Settings
    secrets: Mapping[str, str]
    lock: RunLock
    _ready: int = field(default=-1)

    def ready(self) -> None:
        """Tell the submitter, who may be gone, that the run has been taken over."""
        if self._ready >= 0:
            try:
                os.write(self._ready, b"ready")
            except BrokenPipeError:
                logging.getLogger(__name__).debug("the submitter did not wait")
            os.close(self._ready)
            self._ready = -1


def launch(folder: Path, program: str, settings: Settings, secrets: Mapping[str, str], lock: RunLock) -> None:
    """Start the program of the run in ``folder``, hand it the lock and wait until it is ready.

    Raises:
        EngineError: KF701 where it ended before that, quoting its log.
    """
    lock_descriptor = os.dup(lock.descriptor)
    heard, told = os.pipe()
    path = folder / LOG
    with path.open("ab") as stream:
        start = stream.tell()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", program, str(folder)],
            stdin=subprocess.PIPE, stdout=stream, stderr=stream, pass_fds=(lock_descriptor, told),
            start_new_session=True, cwd=folder,
            env={**_own_environment(), RUN_MARK: folder.name, "_JUPYTER_KF_HANDED": f"{lock_descriptor},{told}"},
        )  # fmt: skip
    os.close(lock_descriptor)
    os.close(told)
    handed = {"settings": {f.name: getattr(settings, f.name) for f in fields(settings)}, "secrets": dict(secrets)}
    try:
        process.communicate(json.dumps(handed, default=str).encode())
        answer = _read_all(heard)
    finally:
        os.close(heard)
    if answer != b"ready":
        with path.open("rb") as stream:
            stream.seek(start)
            told_us = stream.read()[-2000:].decode(errors="replace").strip()
        raise EngineError(
            f"The run's own process ended before it was ready: {told_us.splitlines()[-1] if told_us else 'no word'}",
            code="KF701",
            fix=f"See {path}.",
            details={"log": told_us},
        )


def _own_environment() -> dict[str, str]:
    """Return this process's environment without what a step of another run has in it.

    A run that a step starts is its own: it neither logs into the step's execution nor ends with it.
    """
    environ = os.environ.items()
    return {name: value for name, value in environ if name not in _OF_A_STEP and not name.startswith("_JUPYTER_KF_")}


def enter(folder: Path) -> Detached:
    """Take over the run in ``folder``: called first by its program, before any thread is started.

    Raises:
        EngineError: KF709 where another process looks after the run, KF705 where its plan cannot be read.
    """
    handed = os.environ.pop("_JUPYTER_KF_HANDED", "")
    told = json.loads(sys.stdin.buffer.read() or b"{}") if handed else {}
    if handed and os.fork():
        os._exit(0)  # the parent of the run's process is init: nobody has to wait for it
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # until the program listens; a cancel is in the event log by then
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    faulthandler.enable()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    os.environ[RUN_MARK] = folder.name
    lock = RunLock(folder)
    ready = -1
    if handed:
        descriptor, ready = (int(word) for word in handed.split(","))
        os.set_inheritable(ready, False)
        lock.adopt(descriptor)
    elif not lock.acquire():
        raise EngineError("Another process looks after this run.", code="KF709", fix="Wait for it, or cancel the run.")
    return Detached(
        folder, read_plan(folder), _settings(told.get("settings"), folder), told.get("secrets", {}), lock, ready
    )


def run_program(argv: list[str], program: Callable[[Detached], None]) -> int:
    """Be the main function of a run's program: enter the run named by the one argument and call ``program``."""
    detached = enter(Path(argv[0]).absolute())
    try:
        program(detached)
    finally:
        detached.lock.release()
    return 0


def _settings(data: Mapping[str, Any] | None, folder: Path) -> Settings:
    if data is None:
        from jupyter_kf.config import load_settings

        return load_settings(home=folder.parent.parent)
    return Settings(**{**data, "home": Path(data["home"]), "env": tuple(data["env"])})


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 4096):
        parts.append(part)
    return b"".join(parts)

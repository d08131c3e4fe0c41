"""Engine room, processes: starts a step in a process of its own, hears how it goes, ends it with all it started.

:func:`open_launcher` gives the fastest launcher that is safe here: steps forked from a warm server on Linux, else an
interpreter of its own for each. A launcher never waits: it has a file descriptor that becomes readable when
:meth:`Launcher.events` has something to say.
"""

from __future__ import annotations

import abc
import json
import logging
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_kf.config import Settings
from jupyter_kf.errors import EngineError
from jupyter_kf.runtime.marks import EXECUTION_MARK, RUN_MARK, kill_leftovers, marked, signal_group

__all__ = [
    "EXECUTION_MARK",
    "Launcher",
    "ProcessEvent",
    "SpawnLauncher",
    "kill_leftovers",
    "open_launcher",
    "step_environment",
]

log = logging.getLogger(__name__)

GUEST = Path(__file__).parent.parent / "runtime" / "guest.py"

_PRIVATE = re.compile(
    r"JUPYTER_?.*TOKEN|JPY_.*|JUPYTERHUB_.*|.*JUPYTER.*PASSWORD.*|CONFIGPROXY_AUTH_TOKEN|_JUPYTER_KF_.*|JUPYTER_KF_FOLDER"
    r"|JUPYTER_KF_EXECUTION",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """What happened to a step's process.

    ``started`` says ``pid``; ``reported`` hands in the report that is on disk by then; ``exited`` says ``status`` as
    ``Popen.returncode`` does (negative: the signal; ``None``: unknown, because its server died as well). A process
    that exits without having reported was killed, or left by ``os._exit``.
    """

    execution: str
    kind: Literal["started", "reported", "exited"]
    pid: int = 0
    report: Mapping[str, Any] | None = None
    status: int | None = None


class Launcher(abc.ABC):
    """Starts steps. One supervisor owns it; not for use from several threads."""

    @abc.abstractmethod
    def start(self, manifest: Mapping[str, Any], *, secret_env: Mapping[str, str] | None = None) -> None:
        """Write ``manifest.json`` into the manifest's folder and start the step; returns at once.

        ``secret_env`` goes into the step's environment and is written nowhere.

        Raises:
            EngineError: KF710 where the process cannot be started at all.
        """

    @abc.abstractmethod
    def kill(self, execution: str, grace: float) -> None:
        """End a step: SIGTERM to its group now, SIGKILL to all it started after ``grace`` seconds; returns at once."""

    @abc.abstractmethod
    def fileno(self) -> int:
        """Return the descriptor that is readable when there are events."""

    @abc.abstractmethod
    def events(self) -> list[ProcessEvent]:
        """Return what has happened since the last call, without waiting."""

    @abc.abstractmethod
    def close(self) -> None:
        """Kill what still runs and let go of everything."""


def open_launcher(
    python: str,
    *,
    modules: Collection[str] = (),
    settings: Settings,
    fingerprint: str = "",
    environ: Mapping[str, str] | None = None,
) -> Launcher:
    """Return a launcher for steps in the interpreter ``python``.

    ``modules`` are what the pipeline imports, worth loading ahead of time. ``fingerprint`` tells one state of the
    interpreter's packages from another. ``environ`` is what steps inherit, the caller's own by default; tokens of
    Jupyter and its hub are taken out.
    """
    inherited = step_environment(os.environ if environ is None else environ)
    if settings.start == "spawn" or (settings.start == "auto" and sys.platform != "linux"):
        return SpawnLauncher(python, inherited)
    from jupyter_kf.engine.forking import ForkLauncher

    return ForkLauncher(python, inherited, modules=modules, settings=settings, fingerprint=fingerprint)


def step_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that steps inherit: without tokens and passwords of Jupyter and its hub, hash seed 0."""
    kept = {name: value for name, value in environ.items() if not _PRIVATE.fullmatch(name)}
    kept["PYTHONHASHSEED"] = "0"
    return kept


def write_manifest(manifest: Mapping[str, Any]) -> Path:
    """Put the manifest into its folder; return its path."""
    folder = Path(manifest["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest), "utf-8")
    return path


def read_report(folder: Path) -> dict[str, Any] | None:
    """Return the report of an execution's folder, ``None`` where the step did not get to write one."""
    try:
        report = json.loads((folder / "report.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return report if isinstance(report, dict) else None


def marks(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that mark each process of an execution."""
    return {RUN_MARK: str(manifest["run"]), EXECUTION_MARK: str(manifest["execution"])}


@dataclass(slots=True)
class _Child:
    execution: str
    folder: Path
    process: subprocess.Popen[bytes]
    channel: int
    watched: int
    reported: bool = False
    timer: threading.Timer | None = None


class SpawnLauncher(Launcher):
    """Starts a new interpreter for each step."""

    def __init__(self, python: str, environ: Mapping[str, str]) -> None:
        self._python = python
        self._environ = dict(environ)
        self._selector = selectors.DefaultSelector()
        self._children: dict[str, _Child] = {}
        self._ready: list[ProcessEvent] = []
        self._waking, self._woken = os.pipe()
        os.set_blocking(self._waking, False)
        self._selector.register(self._waking, selectors.EVENT_READ)

    def start(self, manifest: Mapping[str, Any], *, secret_env: Mapping[str, str] | None = None) -> None:
        """See :meth:`Launcher.start`."""
        path = write_manifest(manifest)
        ours, theirs = os.pipe()
        environ = {**self._environ, **(manifest.get("env") or {}), **marks(manifest), **(secret_env or {})}
        environ["_JUPYTER_KF_REPORT"] = str(theirs)
        environ["_JUPYTER_KF_PARENT"] = str(os.getpid())
        try:
            with (path.parent / "stderr").open("ab") as stderr:
                process = subprocess.Popen(
                    [self._python, str(GUEST), "step", str(path)],
                    env=environ, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, pass_fds=(theirs,),
                    start_new_session=True,
                )  # fmt: skip
        except OSError as exc:
            os.close(ours)
            raise EngineError(
                f"Step {manifest['step']!r} cannot be started: {exc}.", code="KF710",
                fix=f"Check that the interpreter {self._python} is there and may be executed.",
            ) from exc  # fmt: skip
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        child = _Child(str(manifest["execution"]), path.parent, process, ours, self._watch(process))
        self._children[child.execution] = child
        self._selector.register(ours, selectors.EVENT_READ, child)
        if child.watched >= 0:
            self._selector.register(child.watched, selectors.EVENT_READ, child)
        self._ready.append(ProcessEvent(child.execution, "started", process.pid))
        self._wake()

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        """Return a descriptor that is readable when the process has ended; where there is none, a thread tells."""
        if sys.platform == "linux":
            try:
                return os.pidfd_open(process.pid)
            except OSError:
                log.debug("no pidfd for %d", process.pid)

        def wait() -> None:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            self._wake()

        threading.Thread(target=wait, daemon=True).start()
        return -1

    def _wake(self) -> None:
        try:
            os.write(self._woken, b".")
        except OSError:
            log.debug("nobody listens any more")

    def kill(self, execution: str, grace: float) -> None:
        """See :meth:`Launcher.kill`."""
        child = self._children.get(execution)
        if child is None:
            return
        if child.timer is not None:
            child.timer.cancel()
        if grace <= 0:
            self._kill_now(child)
            return
        signal_group(child.process.pid, signal.SIGTERM)
        child.timer = threading.Timer(grace, self._kill_now, (child,))
        child.timer.daemon = True
        child.timer.start()

    def _kill_now(self, child: _Child) -> None:
        if child.process.returncode is None:
            signal_group(child.process.pid, signal.SIGKILL)
            for pid in marked([child.execution]):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def fileno(self) -> int:
        """See :meth:`Launcher.fileno`."""
        return self._selector.fileno()

    def events(self) -> list[ProcessEvent]:
        """See :meth:`Launcher.events`."""
        ready = self._selector.select(0)
        for key, _ in ready:
            if key.fd == self._waking:
                os.read(self._waking, 65536)
            elif key.data is not None and key.fd == key.data.channel:
                self._hear(key.data)
        for child in list(self._children.values()):
            if _has_ended(child.process.pid):
                self._reap(child)
        events, self._ready = self._ready, []
        return events

    def _hear(self, child: _Child) -> None:
        try:
            told = os.read(child.channel, 4096)
        except BlockingIOError:
            return
        if not told:
            self._selector.unregister(child.channel)
            os.close(child.channel)
            child.channel = -1
        elif not child.reported:
            self._say_report(child)

    def _say_report(self, child: _Child) -> None:
        report = read_report(child.folder)
        if report is not None and not child.reported:
            child.reported = True
            self._ready.append(ProcessEvent(child.execution, "reported", child.process.pid, report))

    def _reap(self, child: _Child) -> None:
        """The process has ended but is not reaped yet, so that its process id still is its own."""
        del self._children[child.execution]
        if child.timer is not None:
            child.timer.cancel()
        signal_group(child.process.pid, signal.SIGKILL)
        kill_leftovers([child.execution])
        status = child.process.wait()
        for fd in (child.channel, child.watched):
            if fd >= 0:
                self._selector.unregister(fd)
                os.close(fd)
        self._say_report(child)
        self._ready.append(ProcessEvent(child.execution, "exited", child.process.pid, status=status))

    def close(self) -> None:
        """See :meth:`Launcher.close`."""
        for child in list(self._children.values()):
            self._kill_now(child)
        limit = time.monotonic() + 5.0
        while self._children and time.monotonic() < limit:
            self._selector.select(0.1)
            self.events()
        self._selector.close()
        os.close(self._waking)
        os.close(self._woken)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:
        return True

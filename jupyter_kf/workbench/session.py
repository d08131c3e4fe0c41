"""Workbench room: ``log_metric`` and its kin, with a run of their own where no step is running.

Inside a step (or a process that a step started) they are the guest's functions and nothing else. Elsewhere, in a script
or a plain notebook, the first record opens a run of kind ``session``: its folder is locked by this process, records go
to files as in a step, a thread folds them into the store a few times a second, and the end of the process ends the run.
Where the process is killed, the next reader of the store folds what is left and marks the run INTERRUPTED.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import KFError, StepFailed
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.model.run import State
from jupyter_kf.runtime import tracking
from jupyter_kf.runtime.tracking import (
    log_artifact,
    log_figure,
    log_metric,
    log_metrics,
    log_param,
    logdir,
    set_note,
    set_tag,
)

if TYPE_CHECKING:
    from jupyter_kf.config import Settings
    from jupyter_kf.store import Store

__all__ = [
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_param",
    "logdir",
    "set_note",
    "set_tag",
]

log = logging.getLogger(__name__)

#: The one step of a session.
STEP = "session"
_PAUSE = 0.5


class Session:
    """A run of kind ``session`` of this process."""

    def __init__(self, settings: Settings) -> None:
        from jupyter_kf.engine.locks import RunLock
        from jupyter_kf.engine.records import Records
        from jupyter_kf.store import open_store

        self.run, self.execution, self.pid = new_id(), new_id(), os.getpid()
        self.home = settings.home / "runs" / self.run
        self.folder = self.home / self.execution
        self.folder.mkdir(parents=True, mode=0o700)
        self._lock = RunLock(self.home)
        self._lock.acquire()
        self._store = open_store(settings)
        self._records = Records(self.run, STEP, self.execution, self.folder, self._store.artifacts)
        self._guard = threading.Lock()
        self._over = threading.Event()
        source = _source()
        now = time.time()
        submitted = {
            "name": Path(source).stem if source else "session",
            "kind": "session",
            "experiment": settings.experiment,
            "notebook": source,
            "engine": "local",
        }
        started = {"attempt": 1, "folder": str(self.folder)}
        self._store.metadata.append(
            [
                Event("run.submitted", self.run, now, data=submitted),
                Event("run.started", self.run, now, data={"pid": self.pid}),
                Event("execution.started", self.run, now, STEP, self.execution, started),
            ]
        )
        self._began = now
        self._thread = threading.Thread(target=self._keep_folding, name="jupyter_kf session", daemon=True)
        self._thread.start()

    def _keep_folding(self) -> None:
        while not self._over.wait(_PAUSE):
            try:
                self.fold()
            except (KFError, OSError) as exc:  # the files have it; the next round or the next reader folds it
                log.warning("Records could not be stored yet: %s", exc)

    def fold(self) -> None:
        """Bring into the store what was recorded since the last time."""
        with self._guard:
            events = self._records.events()
            if events:
                self._store.metadata.append(events)

    def finish(self, error: BaseException | None = None) -> None:
        """End the run: SUCCEEDED, or FAILED where the process ends by ``error``. Forked children do not."""
        if os.getpid() != self.pid or self._over.is_set():
            return
        self._over.set()
        self._thread.join(_PAUSE * 4)
        self.fold()
        state = State.FAILED if error is not None else State.SUCCEEDED
        told = None
        if error is not None:
            told = StepFailed(f"{type(error).__name__}: {error}", code="KF201").to_dict()
        seconds = time.time() - self._began
        ended = {"state": str(state), "seconds": seconds, "folder": str(self.folder), "error": told}
        self._store.metadata.append(
            [
                Event("execution.finished", self.run, time.time(), STEP, self.execution, ended),
                Event("run.finished", self.run, time.time(), data={"state": str(state), "error": told}),
            ]
        )
        tracking.close()
        self._store.close()
        self._lock.release()


_current: Session | None = None
_opening = threading.Lock()


def current_session() -> Session:
    """Return this process's session, opened now where there is none."""
    global _current  # noqa: PLW0603 - one session per process is the meaning
    with _opening:
        if _current is None:
            from jupyter_kf.config import load_settings

            _current = Session(load_settings())
            atexit.register(_at_exit)
        return _current


def end_session(error: BaseException | None = None) -> None:
    """End this process's session, if there is one; the next record opens another."""
    global _current
    session, _current = _current, None
    if session is not None:
        session.finish(error)


def recover_sessions(settings: Settings, store: Store) -> None:
    """Fold what killed sessions left in their files, and mark them INTERRUPTED."""
    from jupyter_kf.engine.locks import RunLock, holder
    from jupyter_kf.engine.records import Records

    live = store.metadata.runs(kind="session", states=(State.PENDING, State.RUNNING), limit=None)
    for run in live:
        home = settings.home / "runs" / run.id
        if not home.is_dir() or holder(home) is not None:
            continue
        with RunLock(home) as lock:
            if not lock.acquire(0.0, pid=0) or store.metadata.run(run.id).state.final:
                continue
            events: list[Event] = []
            for execution in store.metadata.executions(run.id):
                records = Records(run.id, execution.step, execution.id, Path(execution.folder), store.artifacts)
                known = len(store.metadata.metrics(run.id))
                events += _unfolded(records.events(), known)
            store.metadata.append([*events, Event("run.interrupted", run.id, time.time())])


def _unfolded(events: list[Event], known: int) -> list[Event]:
    """Return the events without the first ``known`` points, which the session folded itself before it was killed."""
    kept = []
    for event in events:
        if event.kind != "metrics.logged":
            kept.append(event)
            continue
        points = list(event.data["points"])
        skipped = min(known, len(points))
        known -= skipped
        if points[skipped:]:
            kept.append(
                Event(event.kind, event.run, event.time, event.step, event.execution, {"points": points[skipped:]})
            )
    return kept


def _folder() -> str:
    return str(current_session().folder)


def _at_exit() -> None:
    error = None
    if "get_ipython" not in vars(sys.modules.get("builtins")):
        error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    with contextlib.suppress(KFError, OSError):  # the files have it: the next reader of the store folds it
        end_session(error)


def _source() -> str:
    """Return the path of the script or notebook that this process runs, empty where there is none."""
    main = sys.modules.get("__main__")
    path: Any = getattr(main, "__file__", None)
    shell = sys.modules.get("IPython") and getattr(main, "get_ipython", None)
    if shell:
        named = vars(main).get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
        return str(Path(named).absolute()) if named.endswith(".ipynb") else ""
    return str(Path(path).absolute()) if path else ""


tracking.set_session(_folder)

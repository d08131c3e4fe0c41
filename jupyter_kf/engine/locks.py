"""Engine room: the lock that says that somebody looks after a run. It dies with its process, however that dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType

NAME = "lock"


class RunLock:
    """Exclusive lock on a run's folder, held by the process that runs the run.

    It is a ``flock`` on ``<folder>/lock``, which also names the holder's process id. It belongs to the open descriptor:
    who submits a run takes it and hands it on to the run's own process without a moment between. Other programs that
    the holder starts do not inherit it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The descriptor that holds the lock, to be inherited by a process that is to go on holding it."""
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        return self._descriptor

    def adopt(self, descriptor: int) -> None:
        """Go on holding the lock that came with an inherited descriptor, and write down who holds it now."""
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self._sign(os.getpid())

    def acquire(self, patience: float = 2.0, *, pid: int | None = None) -> bool:
        """Take the lock; false where another process still holds it after ``patience`` seconds.

        The patience is for those who only look (:func:`holder`), which takes the lock for a moment. ``pid`` is who to
        name as holder: this process, or 0 where the lock is about to be handed on.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        give_up = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    os.close(descriptor)
                    return False
                time.sleep(0.01)
        self._descriptor = descriptor
        self._sign(os.getpid() if pid is None else pid)
        return True

    def _sign(self, pid: int) -> None:
        os.pwrite(self.descriptor, json.dumps({"pid": pid, "since": time.time()}).encode().ljust(80), 0)

    def release(self) -> None:
        """Let go of the lock (whoever inherited it still holds it); does nothing where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(folder: Path) -> int | None:
    """Return the id of the living process that holds the folder's lock (0 where it has not said yet), else ``None``."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 200, 0)
        try:
            return int(json.loads(text)["pid"])
        except (ValueError, KeyError, TypeError):
            return 0
    else:
        return None
    finally:
        os.close(descriptor)

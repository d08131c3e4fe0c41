"""Jobs room: replicas as processes of this machine, each with its streams in its own folder and ended with all it
started.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_kf.runtime.marks import EXECUTION_MARK, kill_leftovers, marked, signal_group

log = logging.getLogger(__name__)

Key = tuple[str, int]


@dataclass(slots=True)
class Replica:
    """A process of a replica. ``exit_code`` as ``Popen.returncode``: negative for the signal that ended it."""

    key: Key
    execution: str
    folder: Path
    started: float
    attempt: int
    process: subprocess.Popen[bytes]
    exit_code: int | None = None
    ending: bool = False
    _timer: threading.Timer | None = field(default=None)


class Replicas:
    """The running processes of one job; used by one thread, which :meth:`wait` keeps until something happens."""

    def __init__(self) -> None:
        self._running: dict[Key, Replica] = {}
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)

    def __contains__(self, key: Key) -> bool:
        return key in self._running

    def __len__(self) -> int:
        return len(self._running)

    def running(self) -> list[Replica]:
        """Return the replicas whose process has not been seen to end."""
        return list(self._running.values())

    def start(
        self,
        key: Key,
        execution: str,
        command: Sequence[str],
        *,
        attempt: int,
        environ: Mapping[str, str],
        cwd: Path,
        folder: Path,
    ) -> Replica:
        """Start a replica's process, its streams in ``folder``.

        Raises:
            OSError: the program cannot be started.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "stdout").open("ab") as stdout, (folder / "stderr").open("ab") as stderr:
            process = subprocess.Popen(
                list(command), env={**environ, EXECUTION_MARK: execution}, cwd=cwd, stdin=subprocess.DEVNULL,
                stdout=stdout, stderr=stderr, start_new_session=True,
            )  # fmt: skip
        replica = Replica(key, execution, folder, time.time(), attempt, process)
        self._running[key] = replica
        threading.Thread(target=self._watch, args=(process.pid,), daemon=True).start()
        return replica

    def _watch(self, pid: int) -> None:
        """Wake the job when the process has ended; it is not reaped, so that its id stays its own until then."""
        try:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            log.debug("process %d was reaped elsewhere", pid)
        self.wake()

    def wake(self) -> None:
        """Make :meth:`wait` return; may be called from a signal handler and from any thread."""
        try:
            os.write(self._waker, b".")
        except (BlockingIOError, OSError):
            log.debug("it is awake or closed")

    def wait(self, timeout: float | None) -> None:
        """Return when a process has ended, somebody called :meth:`wake`, or after ``timeout`` seconds."""
        ready, _, _ = select.select([self._woken], [], [], timeout)
        if ready:
            os.read(self._woken, 65536)

    def ended(self) -> list[Replica]:
        """Return the replicas whose process has ended since the last call; nothing of theirs is left."""
        found = []
        for key, replica in list(self._running.items()):
            if not _has_ended(replica.process.pid):
                continue
            del self._running[key]
            if replica._timer is not None:
                replica._timer.cancel()
            signal_group(replica.process.pid, signal.SIGKILL)
            kill_leftovers([replica.execution])
            replica.exit_code = replica.process.wait()
            found.append(replica)
        return found

    def end(self, key: Key, grace: float) -> None:
        """Ask a replica to end; after ``grace`` seconds it and all it started are killed. Returns at once."""
        replica = self._running.get(key)
        if replica is None or replica.ending:
            return
        replica.ending = True
        signal_group(replica.process.pid, signal.SIGTERM)
        replica._timer = threading.Timer(grace, _kill, (replica,))
        replica._timer.daemon = True
        replica._timer.start()

    def close(self) -> None:
        """Kill what still runs."""
        for replica in self._running.values():
            _kill(replica)
        while self._running:
            self.wait(0.2)
            self.ended()
        os.close(self._woken)
        os.close(self._waker)


def _kill(replica: Replica) -> None:
    signal_group(replica.process.pid, signal.SIGKILL)
    for pid in marked([replica.execution]):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:
        return True


def interpreter_first(path: str) -> str:
    """Return a search path on which ``python`` is this interpreter."""
    return os.pathsep.join([str(Path(sys.executable).parent), path])

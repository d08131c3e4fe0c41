"""The guest's room, marks: everything that a step has started, also what left its process group.

Each step leads a session of its own and carries ``JUPYTER_KF_EXECUTION`` in its environment; what it starts inherits
the mark, so that leftovers are found even when nobody is left who knew their process ids.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from typing import Any, Collection, Dict, Iterable, Iterator, List, Optional, Tuple

log = logging.getLogger(__name__)

RUN_MARK = "JUPYTER_KF_RUN"
EXECUTION_MARK = "JUPYTER_KF_EXECUTION"
PAD = "JUPYTER_KF_PAD"
PAD_LENGTH = 192


def signal_group(leader: int, number: int) -> bool:
    """Send a signal to the group that ``leader`` leads; False where nobody is there any more."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS says "not permitted" of a group of zombies
        return False
    return True


def marked(executions: Collection[str]) -> List[int]:
    """Return the process ids of the user's processes that carry the mark of one of these executions."""
    wanted = {("%s=%s" % (EXECUTION_MARK, execution)).encode() for execution in executions}
    if not wanted:
        return []
    own = os.getpid()
    return [pid for pid, words in _environments() if pid != own and not wanted.isdisjoint(words)]


def execution_of(pid: int) -> Optional[str]:
    """Return the execution that a process belongs to by its mark (Linux); None where it has none."""
    start = EXECUTION_MARK.encode() + b"="
    for word in _words(pid):
        if word.startswith(start):
            return word[len(start) :].decode("utf-8", "replace")
    return None


def stands_alone(pid: int) -> bool:
    """Say whether a process that a step has left is a run's or a fork server's own, which outlives the step (Linux).

    Such a process has the mark of its run, or room for marks, but not the mark of an execution. A fork of this very
    process shows this process's environment, and is none.
    """
    words = _words(pid)
    if any(word.startswith(EXECUTION_MARK.encode() + b"=") for word in words):
        return False
    if any(word.startswith(RUN_MARK.encode() + b"=") for word in words):
        return True
    has_room = any(word.startswith(PAD.encode() + b"=") for word in words)
    return has_room and _words(pid, "cmdline") != _words(os.getpid(), "cmdline")


def _words(pid: int, what: str = "environ") -> List[bytes]:
    try:
        with open("/proc/%d/%s" % (pid, what), "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []  # another user's, or gone by now


def _environments() -> Iterator[Tuple[int, Iterable[bytes]]]:
    if not sys.platform.startswith("linux"):
        yield from _environments_by_ps()
        return
    for name in os.listdir("/proc"):
        if name.isdecimal():
            yield int(name), _words(int(name))


def _environments_by_ps() -> Iterator[Tuple[int, Iterable[bytes]]]:
    command = ["ps", "-U", str(os.getuid()), "-wwE", "-o", "pid=,command="]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    for line in answer.stdout.splitlines():
        pid, _, words = line.strip().partition(b" ")
        if pid.isdigit():
            yield int(pid), words.split()


def kill_leftovers(executions: Collection[str]) -> List[int]:
    """Kill every process that still belongs to these executions; return their process ids.

    For recovery after the supervisor, the fork server, or both were killed. Returns when they are gone, or after two
    seconds where the kernel cannot end one (a process in uninterruptible sleep), which is logged.
    """
    killed: Dict[int, None] = {}
    found: List[int] = []
    for patience in (0.0, 0.01, 0.05, 0.2, 0.5, 1.2):
        if patience:
            time.sleep(patience)
        found = [pid for pid in marked(executions) if not is_zombie(pid)]
        if not found:
            return list(killed)
        for pid in found:
            killed[pid] = None
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    log.warning("these processes of ended steps could not be killed: %s", ", ".join(map(str, found)))
    return list(killed)


def is_zombie(pid: int) -> bool:
    """True where the process has ended and only waits to be reaped (or is gone)."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return sys.platform.startswith("linux")


class Pad:
    """Room in this process's environment block, where a forked child can put its marks for others to see.

    ``/proc/PID/environ`` shows the block that a program was started with, whatever ``setenv`` did since; so children
    that are forked and never replaced by another program would show the fork server's. The server is started with a
    variable :data:`PAD` of :data:`PAD_LENGTH` bytes, over which each child writes.
    """

    def __init__(self) -> None:
        getenv: Any = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_void_p
        name = PAD.encode()
        at = getenv(name)
        self._length = 0
        if at and len(os.environ.get(PAD, "")) >= PAD_LENGTH:
            self._address = int(at) - len(name) - 1
            self._length = len(name) + 1 + len(os.environ[PAD])
        os.environ.pop(PAD, None)

    def write(self, marks: Dict[str, str]) -> None:
        """Show these variables to whoever reads this process's environment from outside."""
        text = b"".join(("%s=%s" % mark).encode() + b"\0" for mark in marks.items())
        if self._length and len(text) <= self._length:
            ctypes.memmove(self._address, text.ljust(self._length, b"\0"), self._length)

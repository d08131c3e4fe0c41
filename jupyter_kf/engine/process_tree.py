"""Engine room, process trees: everything a step has started, also what left its process group.

Each step is the leader of a session of its own and carries ``JUPYTER_KF_EXECUTION`` in its environment; what it starts
inherits the mark, so that leftovers are found even when nobody is left who knew their process ids.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)

EXECUTION_MARK = "JUPYTER_KF_EXECUTION"


def signal_group(leader: int, number: int) -> bool:
    """Send a signal to the group that ``leader`` leads; False where nobody is there any more."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS says "not permitted" of a group of zombies
        return False
    return True


def marked(executions: Collection[str]) -> list[int]:
    """Return the process ids of the user's processes that carry the mark of one of these executions."""
    wanted = {f"{EXECUTION_MARK}={execution}".encode() for execution in executions}
    if not wanted:
        return []
    own = os.getpid()
    return [pid for pid, words in _environments() if pid != own and not wanted.isdisjoint(words)]


def _environments() -> Iterator[tuple[int, Iterable[bytes]]]:
    if sys.platform != "linux":
        yield from _environments_by_ps()
        return
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        try:
            text = Path(entry.path, "environ").read_bytes()
        except OSError:
            continue  # another user's, or gone by now
        yield int(entry.name), text.split(b"\0")


def _environments_by_ps() -> Iterator[tuple[int, Iterable[bytes]]]:
    command = ["ps", "-U", str(os.getuid()), "-wwE", "-o", "pid=,command="]
    answer = subprocess.run(command, capture_output=True, check=False)
    for line in answer.stdout.splitlines():
        pid, _, words = line.strip().partition(b" ")
        if pid.isdigit():
            yield int(pid), words.split()


def kill_leftovers(executions: Collection[str]) -> list[int]:
    """Kill every process that still belongs to these executions; return their process ids.

    For recovery after the supervisor, the fork server, or both were killed. Returns when they are gone, or after two
    seconds where the kernel cannot end one (a process in uninterruptible sleep), which is logged.
    """
    killed: dict[int, None] = {}
    for patience in (0.0, 0.01, 0.05, 0.2, 0.5, 1.2):
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
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return sys.platform == "linux"
    return fields[0] in {"Z", "X"}

"""Jobs room: ports of this machine for replicas that must know them before anybody listens.

A port that is merely free may be given to somebody else between the look and the use. So ports are taken from a range
that the system never hands out by itself (outside of ``ip_local_port_range``), and each has a lock file: it is held for
the life of the job by the job's own process, and dies with it. Programs that choose such a number by hand are noticed
by trying to bind it.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
from pathlib import Path
from types import TracebackType

from jupyter_kf.errors import EngineError

_LOWEST, _HIGHEST = 20000, 32000


class Ports:
    """Reserved ports; :meth:`release` or the end of the process gives them back.

    Args:
        folder: where lock files are kept; one for all jobs of the user.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[int, int] = {}

    def reserve(self, count: int) -> list[int]:
        """Return so many ports of the loopback interface that nobody else is given.

        Raises:
            EngineError: KF730 where there are not so many.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        candidates = _candidates()
        random.shuffle(candidates)
        found: list[int] = []
        for port in candidates:
            if len(found) == count:
                return found
            if port not in self._locks and self._take(port):
                found.append(port)
        if len(found) == count:
            return found
        raise EngineError(
            f"There are no {count} free ports for the replicas.", code="KF730", fix="End jobs that are not needed."
        )

    def _take(self, port: int) -> bool:
        lock = os.open(self._folder / f"{port}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        with socket.socket() as probe:
            # as servers do: a connection of a former job that lingers is no reason to pass the port over
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                os.close(lock)
                return False
        self._locks[port] = lock
        return True

    def release(self) -> None:
        """Give all ports back."""
        while self._locks:
            os.close(self._locks.popitem()[1])

    def __enter__(self) -> Ports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _candidates() -> list[int]:
    """Return the ports that the system does not choose for outgoing connections."""
    try:
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except (OSError, ValueError):  # not Linux: it begins at 49152
        low, high = 49152, 65535
    return [port for port in range(_LOWEST, _HIGHEST) if not low <= port <= high]

"""Store room: SQLite, through the standard library.

*Journal.* WAL with ``synchronous=NORMAL``: a kill never loses a commit, a power cut at most those since the last
checkpoint. A durable transaction (a run's end) runs with ``synchronous=FULL``, and the one fsync brings everything
before it to the disk as well. On a network file system WAL's shared memory does not work between machines: there it is
a rollback journal, always FULL, and readers look once a second.

*Waking.* A watcher asks ``PRAGMA data_version`` on a connection of its own: some microseconds every 20 to 50 ms, no
file is read unless somebody wrote.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jupyter_kf.errors import StoreError
from jupyter_kf.store.database import Database, Row, Session, Values, Watcher
from jupyter_kf.store.filesystem import network_type

logger = logging.getLogger(__name__)

BUSY_SECONDS = 60.0
_FORKED: list[sqlite3.Connection] = []  # a parent's connections must not be closed by its child


class SqliteSession(Session):
    """A transaction on one connection."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Values | None = None) -> int:
        """Run one statement; return how many rows it matched."""
        return self._connection.execute(sql, dict(values or {})).rowcount

    def many(self, sql: str, rows: Sequence[Values]) -> None:
        """Run one statement for each of ``rows``."""
        self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Values | None = None) -> list[Row]:
        """Run a query and return all its rows."""
        return self._connection.execute(sql, dict(values or {})).fetchall()


class SqliteDatabase(Database):
    """A database in the file ``path``, made with its folder where it is missing."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.label = str(path)
        self.network = network_type(path.parent)
        self._lock = threading.RLock()
        self._held: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        self._depth = 0
        self._finalizer = weakref.finalize(self, _close_all, self._held, self._pid)

    def connect(self) -> sqlite3.Connection:
        """Open a connection with the settings of this file; the caller closes it."""
        try:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
            )
        except sqlite3.Error as exc:
            raise self._explained(exc) from exc
        try:
            self._prepare(connection)
        except BaseException as exc:
            connection.close()
            if isinstance(exc, sqlite3.Error):
                raise self._explained(exc) from exc
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # SQLite's own knows ASCII only; the servers' know every letter.
        connection.create_function("LOWER", 1, _lower, deterministic=True)
        if self.network:
            connection.execute("PRAGMA synchronous = FULL")
            self._journal(connection, "delete")
            return
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16000")
        self._journal(connection, "wal")

    @staticmethod
    def _journal(connection: sqlite3.Connection, wanted: str) -> None:
        """Switch the journal's mode. SQLite gives up at once, timeout or not, where another process switches, too."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                if connection.execute("PRAGMA journal_mode").fetchone()[0] == wanted:
                    return
                connection.execute(f"PRAGMA journal_mode = {wanted}")
                return
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            _FORKED.extend(self._held)
            self._lock = threading.RLock()
            self._held, self._pid, self._depth = [], os.getpid(), 0
            self._finalizer.detach()
            self._finalizer = weakref.finalize(self, _close_all, self._held, self._pid)
        if not self._held:
            self._held.append(self.connect())
        return self._held[0]

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of the data that does not change while it is open."""
        with self._transaction("BEGIN") as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Session]:
        """A transaction that is alone in writing until it ends."""
        with self._transaction("BEGIN IMMEDIATE", durable=durable) as session:
            yield session

    @contextmanager
    def migrating(self) -> Iterator[Session]:
        """As :meth:`writing`, before there are any tables."""
        with self._transaction("BEGIN IMMEDIATE", durable=True) as session:
            yield session

    @contextmanager
    def _transaction(self, begin: str, *, durable: bool = False) -> Iterator[Session]:
        if self._pid != os.getpid():
            self._connection()
        with self._lock:
            connection = self._connection()
            if self._depth:  # inside another transaction of this thread: part of it
                yield SqliteSession(connection)
                return
            full = durable and not self.network
            self._depth += 1
            try:
                if full:
                    connection.execute("PRAGMA synchronous = FULL")
                connection.execute(begin)
                try:
                    yield SqliteSession(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as exc:
                raise self._explained(exc) from exc
            finally:
                self._depth -= 1
                if full:
                    connection.execute("PRAGMA synchronous = NORMAL")

    def watcher(self) -> Watcher:
        """Return something to wait with; close it."""
        return SqliteWatcher(self.connect(), slow=bool(self.network))

    def retryable(self, error: BaseException) -> bool:
        """A lock that was not given for :data:`BUSY_SECONDS` will not be given now."""
        return False

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        with self._lock:
            if self._pid == os.getpid():
                _close_all(self._held, self._pid)

    def _explained(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        if "locked" in text:
            return StoreError(
                f"The database {self.path} stayed locked for {BUSY_SECONDS:.0f} seconds.",
                code="KF604",
                fix="Find the process that holds it (`fuser` on Linux); a stopped or suspended one keeps its lock.",
            )
        if "not a database" in text or "malformed" in text:
            return StoreError(
                f"{self.path} is not a healthy SQLite database: {text}.",
                code="KF603",
                fix="Move the file away (a new one is made), or restore a copy of it.",
            )
        if "disk is full" in text or "full" in text:
            return StoreError(
                f"The disk that {self.path} lies on is full.", code="KF605", fix="Free some space: `jupyter kf gc`."
            )
        if "readonly" in text:
            return StoreError(
                f"{self.path} cannot be written to.",
                code="KF601",
                fix="Check the rights of the file and its folder, or set JUPYTER_KF_HOME to a folder of your own.",
            )
        return StoreError(
            f"The database {self.path} cannot be used: {text}.",
            code="KF601",
            fix="Check that its folder exists and is yours, or set JUPYTER_KF_HOME to another one.",
        )


class SqliteWatcher(Watcher):
    """Looks at SQLite's change counter."""

    def __init__(self, connection: sqlite3.Connection, *, slow: bool) -> None:
        self._connection = connection
        self._slow = slow
        self._seen = self._version()

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, seconds: float, *, keen: bool = False) -> bool:
        """Return true as soon as something was committed since the last call, false when ``seconds`` are over."""
        deadline = time.monotonic() + seconds
        pause = 1.0 if self._slow else 0.005
        longest = 0.008 if keen else 0.05
        while True:
            version = self._version()
            if version != self._seen:
                self._seen = version
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = pause if self._slow else min(pause * 1.3, longest)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()


def _close_all(connections: list[sqlite3.Connection], pid: int) -> None:
    if os.getpid() == pid:
        for connection in connections:
            connection.close()
        connections.clear()

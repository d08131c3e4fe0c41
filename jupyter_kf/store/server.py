"""Store room: PostgreSQL, MySQL and MariaDB, through SQLAlchemy Core.

*Writers take turns* on one row of ``kf_store``, so cursors grow in the order of the commits. *Waking*: PostgreSQL
notifies at each commit of events; MySQL has no such thing and is asked four times a second. A commit is as durable as
the server's own settings make it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import exc as failures
from sqlalchemy.pool import NullPool

from jupyter_kf.errors import ConfigError, KFError, StoreError
from jupyter_kf.store.database import Database, Row, Session, Values, Watcher

logger = logging.getLogger(__name__)

_CHANNEL = "jupyter_kf"
_ADVISORY_LOCK = 0x6B66_0001
_DRIVERS = {
    "postgresql": ("postgresql", "psycopg", "postgres"),
    "postgres": ("postgresql", "psycopg", "postgres"),
    "mysql": ("mysql", "pymysql", "mysql"),
    "mariadb": ("mysql", "pymysql", "mysql"),
}
_STATEMENTS: dict[str, sqlalchemy.TextClause] = {}


def _clause(sql: str) -> sqlalchemy.TextClause:
    clause = _STATEMENTS.get(sql)
    if clause is None:
        if len(_STATEMENTS) > 1000:
            _STATEMENTS.clear()
        clause = _STATEMENTS[sql] = sqlalchemy.text(sql)
    return clause


class ServerSession(Session):
    """A transaction on a server."""

    def __init__(self, connection: sqlalchemy.Connection, dialect: str) -> None:
        self._connection = connection
        self.dialect = dialect

    def execute(self, sql: str, values: Values | None = None) -> int:
        """Run one statement; return how many rows it matched."""
        return self._connection.execute(_clause(sql), dict(values or {})).rowcount

    def many(self, sql: str, rows: Sequence[Values]) -> None:
        """Run one statement for each of ``rows``."""
        self._connection.execute(_clause(sql), [dict(row) for row in rows])

    def rows(self, sql: str, values: Values | None = None) -> list[Row]:
        """Run a query and return all its rows."""
        return [tuple(row) for row in self._connection.execute(_clause(sql), dict(values or {}))]


class ServerDatabase(Database):
    """A database on a server, by URL."""

    def __init__(self, url: str) -> None:
        parsed, self.dialect = _parsed(url)
        self.label = parsed.render_as_string(hide_password=True)
        self._url = parsed
        self._engine: sqlalchemy.Engine | None = None
        self._pid = os.getpid()
        self._local = threading.local()

    def _pool(self) -> sqlalchemy.Engine:
        if self._engine is not None and self._pid != os.getpid():
            self._engine.dispose(close=False)  # the connections are the parent's
            self._engine, self._local = None, threading.local()
        if self._engine is None:
            self._pid = os.getpid()
            self._engine = sqlalchemy.create_engine(
                self._url, isolation_level="REPEATABLE READ", pool_pre_ping=True, pool_size=2, max_overflow=20
            )
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of the data that does not change while it is open."""
        with self._transaction() as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Session]:
        """A transaction that is alone in writing until it ends. The server decides how durable a commit is."""
        nested = getattr(self._local, "session", None) is not None
        with self._transaction(isolation="READ COMMITTED") as session:
            if not nested:
                session.rows("SELECT value FROM kf_store WHERE name = 'writer' FOR UPDATE")
            yield session
            if not nested and self.dialect == "postgresql":
                session.rows("SELECT pg_notify(:channel, '')", {"channel": _CHANNEL})

    @contextmanager
    def migrating(self) -> Iterator[Session]:
        """Alone with the schema: under a lock of the server that goes with the connection."""
        with self._transaction(isolation="READ COMMITTED") as session:
            if self.dialect == "postgresql":
                session.rows("SELECT pg_advisory_xact_lock(:number)", {"number": _ADVISORY_LOCK})
                yield session
                return
            name = {"name": f"{_CHANNEL}.{self._url.database}"[:64]}
            if session.rows("SELECT GET_LOCK(:name, 60)", name) != [(1,)]:
                raise self._unreachable("another process has been changing its tables for a minute")
            try:
                yield session
            finally:
                session.rows("SELECT RELEASE_LOCK(:name)", name)

    @contextmanager
    def _transaction(self, isolation: Any = None) -> Iterator[Session]:
        outer = getattr(self._local, "session", None)
        if outer is not None and self._pid == os.getpid():
            yield outer
            return
        try:
            with self._pool().connect() as connection:
                if isolation is not None:
                    connection = connection.execution_options(isolation_level=isolation)
                with connection.begin():
                    self._local.session = ServerSession(connection, self.dialect)
                    try:
                        yield self._local.session
                    finally:
                        self._local.session = None
        except failures.SQLAlchemyError as exc:
            raise self._explained(exc) from exc

    def watcher(self) -> Watcher:
        """Return something to wait with; close it."""
        if self.dialect != "postgresql":
            return PollingWatcher()
        try:
            return ListeningWatcher(self._url)
        except failures.SQLAlchemyError as exc:
            raise self._explained(exc) from exc

    def retryable(self, error: BaseException) -> bool:
        """True after a lost connection, a deadlock or a lock that took too long."""
        if not isinstance(error, failures.DBAPIError):
            return False
        if error.connection_invalidated:
            return True
        code = getattr(error.orig, "sqlstate", None) or (getattr(error.orig, "args", None) or (None,))[0]
        return code in {"40001", "40P01", "57P01", "08006", "08003", 1205, 1213, 2006, 2013}

    def close(self) -> None:
        """Close the pool; the next use opens a new one."""
        if self._engine is not None:
            self._engine.dispose(close=self._pid == os.getpid())
            self._engine = None

    def _explained(self, error: failures.SQLAlchemyError) -> KFError:
        original = getattr(error, "orig", None) or error
        return self._unreachable(" ".join(str(original).split())[:300])

    def _unreachable(self, why: str) -> StoreError:
        return StoreError(
            f"The database {self.label} cannot be used: {why}.".replace("..", "."),
            code="KF601",
            fix="Check that the server runs, and host, port, user, password and name in the setting `database`.",
        )


class ListeningWatcher(Watcher):
    """Listens to PostgreSQL's notifications on a connection of its own."""

    def __init__(self, url: sqlalchemy.URL) -> None:
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection = self._engine.connect()
        self._connection.execute(sqlalchemy.text(f"LISTEN {_CHANNEL}"))
        self._raw: Any = self._connection.connection.driver_connection

    def wait(self, seconds: float, *, keen: bool = False) -> bool:
        """Return true as soon as something was committed since the last call, false when ``seconds`` are over."""
        try:
            return any(True for _ in self._raw.notifies(timeout=max(seconds, 0.0), stop_after=1))
        except Exception as exc:
            raise StoreError(
                f"The connection to PostgreSQL was lost: {exc}.", code="KF601", fix="Check that the server runs."
            ) from exc

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._engine.dispose()


class PollingWatcher(Watcher):
    """Knows nothing; makes the reader look four times a second, a keen one twenty times."""

    def wait(self, seconds: float, *, keen: bool = False) -> bool:
        """Sleep a little and say that something may have changed."""
        tick = 0.05 if keen else 0.25
        time.sleep(min(max(seconds, 0.0), tick))
        return seconds > tick

    def close(self) -> None:
        """Hold nothing, give back nothing."""


def _parsed(url: str) -> tuple[sqlalchemy.URL, str]:
    try:
        parsed = sqlalchemy.make_url(url)
    except (failures.ArgumentError, ValueError):
        raise ConfigError(
            "The setting `database` is no URL that can be read.",
            code="KF504",
            fix="For example postgresql://user:password@host:5432/name; write @ : / in a password as %40 %3A %2F.",
        ) from None
    backend = parsed.drivername.partition("+")[0].lower()
    if backend not in _DRIVERS:
        raise ConfigError(
            f"The database {backend!r} is not supported.",
            code="KF504",
            fix="Use SQLite (the default), postgresql://… or mysql://… (MariaDB, too).",
        )
    dialect, driver, extra = _DRIVERS[backend]
    try:
        __import__(driver)
    except ImportError as exc:
        raise ConfigError(
            f"The database {parsed.render_as_string(hide_password=True)} needs the package {driver}: {exc}.",
            code="KF503",
            fix=f'Install it: pip install "jupyter-kf[{extra}]".',
        ) from exc
    parsed = parsed.set(drivername=f"{dialect}+{driver}")
    if dialect == "mysql" and "charset" not in parsed.query:
        parsed = parsed.update_query_dict({"charset": "utf8mb4"})
    return parsed, dialect

"""Store room: what the metadata needs of a database, whichever it is.

Statements are plain SQL with ``:name`` parameters, kept to what SQLite, PostgreSQL, MySQL and MariaDB share; the three
places where they differ (upsert, types, waking a reader) are methods here. SQLite is spoken to through the standard
library, because importing SQLAlchemy costs more CPU time than a whole cached run; the servers are spoken to through
SQLAlchemy Core (:mod:`jupyter_kf.store.server`).
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

Row = tuple[Any, ...]
Values = Mapping[str, Any]

#: How many values go into one ``IN (…)``.
CHUNK = 500


class Session(abc.ABC):
    """One open transaction (or, for reading, one view of the data)."""

    dialect: str

    @abc.abstractmethod
    def execute(self, sql: str, values: Values | None = None) -> int:
        """Run one statement; return how many rows it matched."""

    @abc.abstractmethod
    def many(self, sql: str, rows: Sequence[Values]) -> None:
        """Run one statement for each of ``rows``."""

    @abc.abstractmethod
    def rows(self, sql: str, values: Values | None = None) -> list[Row]:
        """Run a query and return all its rows."""

    def row(self, sql: str, values: Values | None = None) -> Row | None:
        """Run a query and return its first row."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def rows_in(self, sql: str, members: Sequence[Any], values: Values | None = None) -> list[Row]:
        """Run a query whose ``{}`` stands for a list of ``members``, in chunks; no members, no rows."""
        found: list[Row] = []
        for start in range(0, len(members), CHUNK):
            part = {f"m{i}": m for i, m in enumerate(members[start : start + CHUNK])}
            found += self.rows(sql.format(", ".join(f":{m}" for m in part)), {**(values or {}), **part})
        return found

    def insert(
        self, table: str, rows: Sequence[Values], *, key: Sequence[str] = (), update: Sequence[str] = ()
    ) -> None:
        """Insert ``rows`` (all with the same columns).

        With ``key``, a row that exists already keeps its values except those of the columns in ``update``.
        """
        if not rows:
            return
        columns = list(rows[0])
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{c}' for c in columns)})"
        if key and self.dialect == "mysql":
            changed = [f"{c} = VALUES({c})" for c in update] or [f"{key[0]} = {key[0]}"]
            sql += f" ON DUPLICATE KEY UPDATE {', '.join(changed)}"
        elif key:
            changed = [f"{c} = excluded.{c}" for c in update]
            action = f"UPDATE SET {', '.join(changed)}" if changed else "NOTHING"
            sql += f" ON CONFLICT ({', '.join(key)}) DO {action}"
        self.many(sql, rows)

    def put(self, table: str, key: Values, values: Values) -> None:
        """Set ``values`` in the row with this ``key``, which is made where it is missing."""
        where = " AND ".join(f"{c} = :{c}" for c in key)
        changes = ", ".join(f"{c} = :{c}" for c in values)
        if not self.execute(f"UPDATE {table} SET {changes} WHERE {where}", {**key, **values}):
            self.insert(table, [{**key, **values}])


class Watcher(abc.ABC):
    """Waits for other processes' commits."""

    @abc.abstractmethod
    def wait(self, seconds: float, *, keen: bool = False) -> bool:
        """Return true as soon as something was committed since the last call, false when ``seconds`` are over.

        It may be true without a change, never false for long after one. A ``keen`` one looks more often where looking
        is the only way to know.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Give back what it holds."""


class Database(abc.ABC):
    """A place for tables. Safe to be used from several threads, and after a fork."""

    dialect: str
    #: For messages: no password in it.
    label: str

    @contextmanager
    @abc.abstractmethod
    def reading(self) -> Iterator[Session]:
        """A view of the data that does not change while it is open."""
        yield NotImplemented

    @contextmanager
    @abc.abstractmethod
    def writing(self, *, durable: bool = False) -> Iterator[Session]:
        """A transaction that is alone in writing until it ends.

        Args:
            durable: survive a power cut at once; without it the last moments before one may be lost, never the rest.
        """
        yield NotImplemented

    @contextmanager
    @abc.abstractmethod
    def migrating(self) -> Iterator[Session]:
        """As :meth:`writing`, before there are any tables."""
        yield NotImplemented

    @abc.abstractmethod
    def watcher(self) -> Watcher:
        """Return something to wait with; close it."""

    @abc.abstractmethod
    def retryable(self, error: BaseException) -> bool:
        """True where the same transaction may succeed if it is tried once more."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close all connections; the next use opens new ones."""

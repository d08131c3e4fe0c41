"""Store room: which runs are meant: references to one run, and questions for many.

What a filter may say is told in :mod:`jupyter_kf.store.filters`.
"""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_kf.errors import UsageError
from jupyter_kf.model.run import Run, State
from jupyter_kf.store.database import Session
from jupyter_kf.store.filters import COLUMNS, OPTIONAL, TABLES, Filter, Sql, contains, read_field, read_state
from jupyter_kf.store.fold import odd_number, text


@dataclass(frozen=True, slots=True)
class Question:
    """What :meth:`~jupyter_kf.store.metadata.Metadata.runs` was asked."""

    where: str = ""
    sort: str = ""
    limit: int | None = None
    offset: int = 0
    experiment: str | None = None
    notebook: str | None = None
    kind: str | None = None
    states: tuple[State | str, ...] = ()
    search: str = ""
    deleted: bool = False


# one run


def find_run(session: Session, ref: str, *, deleted: bool = False, notebook: str | None = None) -> str:
    """Return the id of the run that ``ref`` means; see :meth:`~jupyter_kf.store.metadata.Metadata.run`.

    Raises:
        UsageError: KF410, KF411.
    """
    wanted = ref.strip()
    # The + keeps SQLite from the index on `deleted`, which nearly every run is in.
    scope = "" if deleted else " AND +deleted = 0"
    values: dict[str, Any] = {}
    inside = scope.replace("+", "")
    if notebook is not None:
        inside, values = scope.replace("+", "") + " AND notebook = :notebook", {"notebook": text(notebook)}
    back = re.fullmatch(r"last(?:[~-](\d{1,6}))?", wanted)
    if back:
        skip = int(back[1] or 0)
        newest = f"SELECT id FROM kf_runs WHERE 1 = 1{inside} ORDER BY created DESC, id DESC LIMIT 1 OFFSET {skip}"
        rows = session.rows(newest, values)
        if rows:
            return str(rows[0][0])
        raise UsageError("There is no run yet.", code="KF410", fix="Start one: `jupyter kf run NOTEBOOK`.")
    tries: list[tuple[str, dict[str, Any], str]] = [
        ("id = :ref", {"ref": wanted}, ""),
        ("name = :ref", {"ref": text(wanted), **values}, inside),
    ]
    short = wanted.lower()
    if re.fullmatch(r"[0-9a-z]{4,20}", short):
        tries.append(("id >= :ref AND id < :end", {"ref": short, "end": short + "~"}, ""))
        tries.append(("id IN (SELECT id FROM kf_runs WHERE id LIKE :end)", {"end": "%" + short}, ""))
    for condition, bound, extra in tries:
        named = condition.startswith("name")
        order = "ORDER BY created DESC, id DESC LIMIT 1" if named else "LIMIT 4"
        rows = session.rows(f"SELECT id FROM kf_runs WHERE {condition}{extra or scope} {order}", bound)
        if len(rows) == 1:
            return str(rows[0][0])
        if rows:
            raise UsageError(
                f"Several runs fit {ref!r}.",
                code="KF411",
                fix="Give more of the id: "
                + ", ".join(sorted(str(row[0]) for row in rows[:3]))
                + (" …" if rows[3:] else "."),
            )
    raise UsageError(f"There is no run {ref!r}.", code="KF410", fix=_nearest_run(session, wanted))


def _nearest_run(session: Session, wanted: str) -> str:
    rows = session.rows("SELECT name FROM kf_runs WHERE deleted = 0 ORDER BY created DESC LIMIT 200")
    near = difflib.get_close_matches(wanted, [str(row[0]) for row in rows], 1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return "Give an id, its beginning or end (four characters or more), a run's name, or `last`: see `jupyter kf runs`."


_RUN = (
    "id, name, kind, experiment, state, notebook, pipeline, engine, note, created, started, finished, snapshot,"
    "environment, error, resumes"
)


def load_runs(session: Session, ids: Sequence[str]) -> list[Run]:
    """Return the runs with these ids, in this order."""
    rows = {row[0]: row for row in session.rows_in(f"SELECT {_RUN} FROM kf_runs WHERE id IN ({{}})", ids)}
    parameters: dict[str, dict[str, Any]] = {run: {} for run in ids}
    tags: dict[str, dict[str, str]] = {run: {} for run in ids}
    metrics: dict[str, dict[str, float]] = {run: {} for run in ids}
    listed = list(rows)
    for run, name, value in session.rows_in(
        "SELECT run, name, value FROM kf_parameters WHERE run IN ({}) ORDER BY run, name", listed
    ):
        parameters[run][name] = json.loads(value)
    for run, name, value in session.rows_in(
        "SELECT run, name, value FROM kf_tags WHERE run IN ({}) ORDER BY run, name", listed
    ):
        tags[run][name] = value
    for run, name, value, odd in session.rows_in(
        "SELECT run, name, value, odd FROM kf_run_metrics WHERE run IN ({}) ORDER BY run, name", listed
    ):
        metrics[run][name] = odd_number(value, odd)
    found = []
    for run in ids:
        row = rows[run]
        found.append(
            Run(
                id=row[0],
                name=row[1],
                kind=row[2],
                experiment=row[3],
                state=State(row[4]),
                notebook=row[5],
                pipeline=row[6],
                engine=row[7],
                parameters=parameters[run],
                tags=tags[run],
                note=row[8],
                created=row[9],
                started=row[10],
                finished=row[11],
                snapshot=row[12],
                environment=row[13],
                error=json.loads(row[14]) if row[14] else None,
                resumes=int(row[15]),
                metrics=metrics[run],
            )
        )
    return found


# many runs


def _condition(asked: Question, sql: Sql, now: float) -> str:
    parts = []
    for column in ("experiment", "notebook", "kind"):
        wanted = getattr(asked, column)
        if wanted is not None:
            parts.append(f"r.{column} = {sql.bind(text(wanted))}")
    if asked.states:
        states = [read_state(str(s)) for s in asked.states]
        sql.rare = not any(State(s).final for s in states)
        parts.append(f"r.state IN ({', '.join(sql.bind(s) for s in states)})")
    for word in asked.search.lower().split():
        parts.append(contains("r.search", word, sql))
    if asked.where.strip():
        parts.append(f"({Filter(asked.where, sql, now).condition()})")
    if not asked.deleted:
        # The index on states, which is what makes a rare state rare, begins with this column.
        parts.append(f"{'r.deleted' if asked.states else sql.free('r.deleted')} = 0")
    return " AND ".join(parts) or "1 = 1"


def count_runs(session: Session, asked: Question) -> int:
    """Return how many runs fit."""
    sql = Sql(session)
    row = session.row(f"SELECT COUNT(*) FROM kf_runs r WHERE {_condition(asked, sql, time.time())}", sql.values)
    return int(row[0]) if row else 0


def select_runs(session: Session, asked: Question) -> list[str]:
    """Return the ids of the runs that fit, in the order asked for."""
    sql = Sql(session)
    where = _condition(asked, sql, time.time())
    keys = [_column_of(key, session) for key in _sort_keys(asked.sort)]
    if not keys or not keys[0].optional or asked.limit is None:
        joins, order = _order(keys, sql, first_optional=True)
        return _ids(session, f"SELECT r.id FROM kf_runs r{joins} WHERE {where} ORDER BY {order}", sql, asked)
    # By something that not every run has: first those that have it, in the order of its index, then the others.
    key = keys[0]
    joins, order = _order(keys, sql, first_optional=False)
    having = where if key.space else f"{where} AND {key.column} IS NOT NULL"
    found = _ids(session, f"SELECT r.id FROM kf_runs r{joins} WHERE {having} ORDER BY {order}", sql, asked)
    missing = asked.limit - len(found)
    if missing <= 0:
        return found
    those = session.row(f"SELECT COUNT(*) FROM kf_runs r{joins} WHERE {having}", sql.values) or (0,)
    skip = max(0, asked.offset - int(those[0]))
    rest = Sql(session, dict(sql.values), sql.rare)
    lacking = f"{key.column} IS NULL"
    if key.space:
        test = f"x.run = r.id AND x.name = {rest.bind(key.name)} AND x.{key.column} IS NOT NULL"
        lacking = f"NOT EXISTS (SELECT 1 FROM {TABLES[key.space]} x WHERE {test})"
    others, order = _order(keys[1:], rest, first_optional=True)
    statement = f"SELECT r.id FROM kf_runs r{others} WHERE {where} AND {lacking} ORDER BY {order}"
    return found + _ids(session, statement, rest, Question(limit=missing, offset=skip))


def _ids(session: Session, statement: str, sql: Sql, asked: Question) -> list[str]:
    if asked.limit is not None:
        statement += f" LIMIT {int(asked.limit)} OFFSET {int(asked.offset)}"
    elif asked.offset:
        statement += f" LIMIT {2**62} OFFSET {int(asked.offset)}"
    return [row[0] for row in session.rows(statement, sql.values)]


@dataclass(frozen=True, slots=True)
class _Key:
    """Something to sort by: a column of the run, or of its row in the table of ``space``."""

    space: str
    name: str
    down: bool
    column: str = ""

    @property
    def optional(self) -> bool:
        return bool(self.space) or self.name in OPTIONAL


def _sort_keys(sort: str) -> list[_Key]:
    keys = []
    for part in filter(None, (p.strip() for p in sort.split(","))):
        space, name = read_field(part.lstrip("+-").strip(), sort, sort.find(part))
        keys.append(_Key(space, name, part.startswith("-")))
    return keys


def _column_of(key: _Key, session: Session) -> _Key:
    """Decide what to compare; a parameter is sorted as a number where it is one in any run, else as text."""
    column = {"": COLUMNS.get(key.name, ""), "metrics": "value", "tags": "words"}.get(key.space, "words")
    if key.space == "params":
        known = "SELECT 1 FROM kf_parameters WHERE name = :name AND number IS NOT NULL LIMIT 1"
        column = "number" if session.row(known, {"name": key.name}) else "words"
    return _Key(key.space, key.name, key.down, column)


def _order(keys: Sequence[_Key], sql: Sql, *, first_optional: bool) -> tuple[str, str]:
    """Return the joins and the ORDER BY list; runs without a value come last, the newest first among equals."""
    joins, order = "", []
    for number, key in enumerate(keys):
        turn = " DESC" if key.down else ""
        optional = key.optional and (first_optional or number > 0)
        column = key.column
        if key.space:
            alias = f"s{number}"
            column = f"{alias}.{column}"
            # CROSS tells SQLite to begin with the runs; elsewhere it would be another kind of join.
            first = " CROSS" if sql.rare and sql.session.dialect == "sqlite" else ""
            joins += f"{' LEFT' if optional else first} JOIN {TABLES[key.space]} {alias} ON {alias}.run = r.id"
            joins += f" AND {alias}.name = {sql.bind(key.name)}" + ("" if optional else f" AND {column} IS NOT NULL")
        order += [f"{column} IS NULL"] if optional else []
        order.append(sql.free(column) + turn)
    if not any(key.name == "created" and not key.space for key in keys):
        order.append(f"{sql.free('r.created')} DESC")
    return joins, ", ".join([*order, "r.id DESC"])

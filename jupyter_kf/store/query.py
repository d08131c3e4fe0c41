"""Store room: which runs are meant: references to one run, and questions for many.

The filter language::

    metrics.acc > 0.9 and tags.team = "a"
    state in (FAILED, CANCELED) and created > 7d
    not (params.model ~ forest) or experiment = "Final"
    metrics.loss is null

*Fields*: ``id name kind experiment state notebook pipeline engine note created started finished seconds resumes``, and
``metrics.NAME``, ``params.NAME``, ``tags.NAME``; a name with blanks or signs goes in backquotes:
``metrics.`f1 (macro)` ``.
*Operators*: ``= != < <= > >=``, ``~`` and ``!~`` (contains, case ignored), ``in (…)``, ``not in (…)``, ``is null``,
``is not null``; ``and or not ( )``. *Values*: numbers, texts (quotes may be left out for one word), ``true false``,
times as ISO 8601 (``2026-01-31``, ``"2026-01-31T08:00"``) or as an age (``90s 30m 12h 7d 2w``: that long ago).
A run that lacks a metric, parameter or tag fits neither ``=`` nor ``!=``.

The text becomes SQL with bound parameters; nothing of it is ever executed.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_kf.errors import UsageError
from jupyter_kf.model.run import Run, State
from jupyter_kf.store.database import Session
from jupyter_kf.store.fold import odd_number, text

_TEXTS = {n: f"r.{n}" for n in ("id", "name", "kind", "experiment", "state", "notebook", "pipeline", "engine", "note")}
_TIMES = {n: f"r.{n}" for n in ("created", "started", "finished")}
_NUMBERS = {n: f"r.{n}" for n in ("seconds", "resumes")}
_COLUMNS = {**_TEXTS, **_TIMES, **_NUMBERS}
_OPTIONAL = frozenset({"started", "finished", "seconds"})
_SPACES = {
    "metrics": "metrics", "metric": "metrics", "params": "params", "param": "params", "parameters": "params",
    "parameter": "params", "tags": "tags", "tag": "tags",
}  # fmt: skip
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null"})
#: Fewer rows than this are few.
_FEW = 2000
_AGES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<op><=|>=|!=|<>|==|!~|=|<|>|~)
    | (?P<sign>[(),])
    | (?P<word>[^\W\d][\w]*\.`[^`]+`|[+-]?[\w.][\w./:+@%\#-]*)
    )""",
    re.VERBOSE,
)


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


@dataclass(slots=True)
class Sql:
    """A condition under construction: :meth:`bind` gives a value a parameter of its own.

    ``rare`` is set where few runs can fit. SQLite has no statistics to see this by; it is then told not to walk through
    all runs in the order of an index (a ``+`` before a column takes its indexes out of the choice).
    """

    session: Session
    values: dict[str, Any] = field(default_factory=dict)
    rare: bool = False

    def bind(self, value: Any) -> str:
        """Return the placeholder of ``value``."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def having(self, table: str, test: str, *, all_must: bool) -> str:
        """Return the condition that a row of the run in ``table`` fits ``test``.

        Few such rows are collected first; many are looked up run by run, so that a list is full after a few looks.
        """
        names = set(re.findall(r":(v\d+)", test))
        values = {n: v for n, v in self.values.items() if n in names}
        probe = f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {test} LIMIT {_FEW}) few"
        found = self.session.row(probe, values)
        if found is not None and found[0] < _FEW:
            self.rare = self.rare or all_must
            return f"r.id IN (SELECT run FROM {table} WHERE {test})"
        return f"EXISTS (SELECT 1 FROM {table} x WHERE x.run = r.id AND {test})"

    def free(self, column: str) -> str:
        """Return the column, for SQLite without its indexes where few runs fit."""
        return f"+{column}" if self.rare and self.session.dialect == "sqlite" else column


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


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
        states = [_state(str(s)) for s in asked.states]
        sql.rare = not any(State(s).final for s in states)
        parts.append(f"r.state IN ({', '.join(sql.bind(s) for s in states)})")
    for word in asked.search.lower().split():
        parts.append(_contains("r.search", word, sql))
    if asked.where.strip():
        parts.append(f"({_Parser(asked.where, sql, now).condition()})")
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
        lacking = f"NOT EXISTS (SELECT 1 FROM {_TABLES[key.space]} x WHERE {test})"
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
        return bool(self.space) or self.name in _OPTIONAL


_TABLES = {"metrics": "kf_run_metrics", "params": "kf_parameters", "tags": "kf_tags"}


def _sort_keys(sort: str) -> list[_Key]:
    keys = []
    for part in filter(None, (p.strip() for p in sort.split(","))):
        space, name = _field(part.lstrip("+-").strip(), sort, sort.find(part))
        keys.append(_Key(space, name, part.startswith("-")))
    return keys


def _column_of(key: _Key, session: Session) -> _Key:
    """Decide what to compare; a parameter is sorted as a number where it is one in any run, else as text."""
    column = {"": _COLUMNS.get(key.name, ""), "metrics": "value", "tags": "words"}.get(key.space, "words")
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
            joins += f"{' LEFT' if optional else first} JOIN {_TABLES[key.space]} {alias} ON {alias}.run = r.id"
            joins += f" AND {alias}.name = {sql.bind(key.name)}" + ("" if optional else f" AND {column} IS NOT NULL")
        order += [f"{column} IS NULL"] if optional else []
        order.append(sql.free(column) + turn)
    if not any(key.name == "created" and not key.space for key in keys):
        order.append(f"{sql.free('r.created')} DESC")
    return joins, ", ".join([*order, "r.id DESC"])


# fields and values


def _field(word: str, source: str, at: int) -> tuple[str, str]:
    """Return ``(space, name)``; ``space`` is empty for a column of the run itself."""
    head, dot, rest = word.partition(".")
    if dot and head.lower() in _SPACES and rest.strip("`"):
        return _SPACES[head.lower()], text(rest.strip("`"))
    lower = word.lower()
    aliases = {"duration": "seconds", "status": "state", "exp": "experiment", "time": "created"}
    lower = aliases.get(lower, lower)
    if lower in _COLUMNS:
        return "", lower
    known = [*_COLUMNS, "metrics.NAME", "params.NAME", "tags.NAME"]
    near = difflib.get_close_matches(head.lower() if dot else lower, [*_COLUMNS, "metrics", "params", "tags"], 1, 0.5)
    hint = ""
    if near:
        guess = near[0] + (f".{rest or word}" if near[0] in _SPACES else "")
        hint = f"Did you mean {guess!r}? "
    fix = f"{hint}Fields: {', '.join(known)}."
    raise _wrong(f"There is no field {word!r} to filter or sort runs by", source, at, fix, "KF413")


def _wrong(message: str, source: str, at: int, fix: str, code: str = "KF412") -> UsageError:
    return UsageError(
        f"{message} (position {at + 1}).",
        code=code,
        fix=fix,
        quote=f"{source}\n    {' ' * at}^",
        details={"position": at},
    )


def _state(word: str, source: str = "", at: int = 0) -> str:
    upper = word.upper()
    upper = {"CANCELLED": "CANCELED", "CANCELLING": "CANCELING", "SUCCESS": "SUCCEEDED"}.get(upper, upper)
    if upper in State.__members__:
        return upper
    near = difflib.get_close_matches(upper, list(State.__members__), 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise _wrong(f"{word!r} is no state", source or word, at, f"{hint}States: {', '.join(State.__members__)}.")


def _contains(column: str, word: str, sql: Sql) -> str:
    escaped = re.sub(r"([!%_])", r"!\1", word.lower())
    # SQLite ignores the case of ASCII letters in LIKE by itself.
    as_is = column == "r.search" or (sql.session.dialect == "sqlite" and word.isascii())
    lowered = column if as_is else f"LOWER({column})"
    return f"{lowered} LIKE {sql.bind(f'%{escaped}%')} ESCAPE '!'"


def _numeric(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _moment(word: str, now: float) -> float | None:
    """Return seconds since the epoch for an age (``7d``), an ISO 8601 time (local where it has no zone) or a number."""
    age = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", word)
    if age:
        return now - float(age[1]) * _AGES[age[2]]
    if re.fullmatch(r"\d{9,}(?:\.\d*)?", word):
        return float(word)
    try:
        return datetime.fromisoformat(word).timestamp()
    except ValueError:
        return None


class _Parser:
    """Recursive descent over the filter's tokens, straight to SQL."""

    def __init__(self, source: str, sql: Sql, now: float) -> None:
        self.source, self.sql, self.now = source, sql, now
        self.tokens = self._read()
        self.place = 0
        self.depth = 0
        words = {t.text.lower() for t in self.tokens if t.kind == "word"}
        self.all_must = not words & {"or", "not", "in"}

    def _read(self) -> list[_Token]:
        tokens, at = [], 0
        end = len(self.source.rstrip())
        while at < end:
            match = _TOKEN.match(self.source, at)
            if match is None:
                at += len(self.source[at:]) - len(self.source[at:].lstrip())
                sign = self.source[at]
                fix = "Close the quote." if sign in "\"'" else "Put names and texts with such signs in quotes."
                raise _wrong(f"The filter cannot be read at {sign!r}", self.source, at, fix)
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        return [*tokens, _Token("end", "", end)]

    def condition(self) -> str:
        made = self._or()
        token = self._peek()
        if token.kind != "end":
            raise self._expected("`and`, `or` or the end", token)
        return made

    def _peek(self) -> _Token:
        return self.tokens[self.place]

    def _next(self) -> _Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def _word(self, *words: str) -> bool:
        token = self._peek()
        if token.kind == "word" and token.text.lower() in words:
            self.place += 1
            return True
        return False

    def _expected(self, what: str, token: _Token) -> UsageError:
        found = "the end" if token.kind == "end" else repr(token.text)
        fix = 'For example: metrics.acc > 0.9 and tags.team = "a" and state = FAILED'
        return _wrong(f"The filter needs {what} where it has {found}", self.source, token.at, fix)

    def _or(self) -> str:
        parts = [self._and()]
        while self._word("or"):
            parts.append(self._and())
        return " OR ".join(parts) if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _and(self) -> str:
        parts = [self._not()]
        while self._word("and"):
            parts.append(self._not())
        return " AND ".join(parts)

    def _not(self) -> str:
        self.depth += 1
        try:
            if self.depth > 100:
                raise _wrong("The filter is nested too deeply", self.source, self._peek().at, "Write it simpler.")
            if self._word("not"):
                return f"NOT ({self._not()})"
            if self._peek() == _Token("sign", "(", self._peek().at):
                self._next()
                inner = self._or()
                if self._next().text != ")":
                    raise self._expected("a closing parenthesis", self.tokens[self.place - 1])
                return f"({inner})"
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> str:
        token = self._next()
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            raise self._expected("a field", token)
        space, name = _field(token.text, self.source, token.at)
        if self._word("is"):
            wanted = bool(self._word("not"))
            if not self._word("null"):
                raise self._expected("`null` or `not null`", self._peek())
            return self._present(space, name) if wanted else f"NOT ({self._present(space, name)})"
        if self._word("not"):
            if not self._word("in"):
                raise self._expected("`in`", self._peek())
            return self._among(space, name, inside=False)
        if self._word("in"):
            return self._among(space, name, inside=True)
        op = self._next()
        if op.kind != "op":
            raise self._expected("a comparison such as = or >", op)
        sign = {"==": "=", "<>": "!="}.get(op.text, op.text)
        return self._compare(space, name, sign, self._value())

    def _value(self) -> _Token:
        token = self._next()
        if token.kind not in {"word", "text"}:
            raise self._expected("a value", token)
        return token

    def _among(self, space: str, name: str, *, inside: bool) -> str:
        if self._next().text != "(":
            raise self._expected("an opening parenthesis", self.tokens[self.place - 1])
        values = [self._value()]
        while self._peek().text == ",":
            self._next()
            values.append(self._value())
        if self._next().text != ")":
            raise self._expected("a comma or a closing parenthesis", self.tokens[self.place - 1])
        sign = "=" if inside else "!="
        parts = [self._compare(space, name, sign, value) for value in values]
        return f"({(' OR ' if inside else ' AND ').join(parts)})"

    def _present(self, space: str, name: str) -> str:
        if not space:
            column = _COLUMNS[name]
            return f"({column} IS NOT NULL AND {column} <> '')" if name in _TEXTS else f"{column} IS NOT NULL"
        return self._having(space, f"name = {self.sql.bind(name)}")

    def _having(self, space: str, test: str) -> str:
        return self.sql.having(_TABLES[space], test, all_must=self.all_must)

    def _compare(self, space: str, name: str, sign: str, value: _Token) -> str:
        literal = _unquoted(value)
        if not space:
            return self._column(name, sign, value, literal)
        test: str
        amount = _numeric(literal) if value.kind == "word" else None
        if sign in {"~", "!~"}:
            if space == "metrics":
                raise _wrong("A metric is a number; it contains no text", self.source, value.at, "Use = < > and so on.")
            test = ("NOT " if sign == "!~" else "") + _contains("words", literal, self.sql)
        elif space == "metrics":
            test = self._metric(sign, value, amount)
        elif space == "params" and amount is not None:
            test = f"number {sign} {self.sql.bind(amount)}"
        else:
            low = literal.lower()
            literal = low if value.kind == "word" and low in {"true", "false", "null"} else literal
            test = f"words {sign} {self.sql.bind(text(literal))}"
        return self._having(space, f"name = {self.sql.bind(name)} AND {test}")

    def _metric(self, sign: str, value: _Token, amount: float | None) -> str:
        if amount is None:
            fix = "Compare metrics with numbers, without quotes."
            raise _wrong(f"{value.text} is no number", self.source, value.at, fix)
        if math.isfinite(amount):
            return f"value {sign} {self.sql.bind(amount)}"
        odd = "nan" if math.isnan(amount) else "inf" if amount > 0 else "-inf"
        if sign in {"=", "!="}:
            return f"odd {sign} {self.sql.bind(odd)}"
        fix = "Infinity and NaN can be compared by = and != only."
        raise _wrong(f"{sign} {value.text} says nothing", self.source, value.at, fix)

    def _column(self, name: str, sign: str, value: _Token, literal: str) -> str:
        column = _COLUMNS[name]
        if name in _TEXTS:
            if sign in {"~", "!~"}:
                return ("NOT " if sign == "!~" else "") + _contains(column, literal, self.sql)
            wanted = _state(literal, self.source, value.at) if name == "state" else text(literal, None)
            return f"{column} {sign} {self.sql.bind(wanted)}"
        read: Callable[[str], float | None] = _numeric
        if name in _TIMES:
            read = lambda word: _moment(word, self.now)  # noqa: E731
        amount = read(literal)
        if amount is None or sign in {"~", "!~"}:
            wants = "a number"
            if name in _TIMES:
                wants = "a time: 2026-01-31, an ISO 8601 text in quotes, or an age such as 7d"
            raise _wrong(f"{name} {sign} {value.text} cannot be compared", self.source, value.at, f"{name} is {wants}.")
        return f"({column} IS NOT NULL AND {column} {sign} {self.sql.bind(amount)})"


def _unquoted(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)

"""Store room: the language that runs are filtered with, made into SQL.

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
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_kf.errors import UsageError
from jupyter_kf.model.run import State
from jupyter_kf.store.database import Session
from jupyter_kf.store.fold import text

_TEXTS = {n: f"r.{n}" for n in ("id", "name", "kind", "experiment", "state", "notebook", "pipeline", "engine", "note")}
_TIMES = {n: f"r.{n}" for n in ("created", "started", "finished")}
_NUMBERS = {n: f"r.{n}" for n in ("seconds", "resumes")}
COLUMNS = {**_TEXTS, **_TIMES, **_NUMBERS}
OPTIONAL = frozenset({"started", "finished", "seconds"})
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

TABLES = {"metrics": "kf_run_metrics", "params": "kf_parameters", "tags": "kf_tags"}


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


# fields and values


def read_field(word: str, source: str, at: int) -> tuple[str, str]:
    """Return ``(space, name)``; ``space`` is empty for a column of the run itself."""
    head, dot, rest = word.partition(".")
    if dot and head.lower() in _SPACES and rest.strip("`"):
        return _SPACES[head.lower()], text(rest.strip("`"))
    lower = word.lower()
    aliases = {"duration": "seconds", "status": "state", "exp": "experiment", "time": "created"}
    lower = aliases.get(lower, lower)
    if lower in COLUMNS:
        return "", lower
    known = [*COLUMNS, "metrics.NAME", "params.NAME", "tags.NAME"]
    near = difflib.get_close_matches(head.lower() if dot else lower, [*COLUMNS, "metrics", "params", "tags"], 1, 0.5)
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


def read_state(word: str, source: str = "", at: int = 0) -> str:
    """Return a state's name, however it was written.

    Raises:
        UsageError: KF412.
    """
    upper = word.upper()
    upper = {"CANCELLED": "CANCELED", "CANCELLING": "CANCELING", "SUCCESS": "SUCCEEDED"}.get(upper, upper)
    if upper in State.__members__:
        return upper
    near = difflib.get_close_matches(upper, list(State.__members__), 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise _wrong(f"{word!r} is no state", source or word, at, f"{hint}States: {', '.join(State.__members__)}.")


def contains(column: str, word: str, sql: Sql) -> str:
    """Return the condition that ``column`` contains ``word``; upper and lower case are the same."""
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


class Filter:
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
        """Return the whole filter as an SQL condition over ``kf_runs r``.

        Raises:
            UsageError: KF412, KF413.
        """
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
        space, name = read_field(token.text, self.source, token.at)
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
            column = COLUMNS[name]
            return f"({column} IS NOT NULL AND {column} <> '')" if name in _TEXTS else f"{column} IS NOT NULL"
        return self._having(space, f"name = {self.sql.bind(name)}")

    def _having(self, space: str, test: str) -> str:
        return self.sql.having(TABLES[space], test, all_must=self.all_must)

    def _compare(self, space: str, name: str, sign: str, value: _Token) -> str:
        literal = _unquoted(value)
        if not space:
            return self._column(name, sign, value, literal)
        test: str
        amount = _numeric(literal) if value.kind == "word" else None
        if sign in {"~", "!~"}:
            if space == "metrics":
                raise _wrong("A metric is a number; it contains no text", self.source, value.at, "Use = < > and so on.")
            test = ("NOT " if sign == "!~" else "") + contains("words", literal, self.sql)
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
        column = COLUMNS[name]
        if name in _TEXTS:
            if sign in {"~", "!~"}:
                return ("NOT " if sign == "!~" else "") + contains(column, literal, self.sql)
            wanted = read_state(literal, self.source, value.at) if name == "state" else text(literal, None)
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

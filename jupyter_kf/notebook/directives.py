"""Notebook room: the grammar of ``%%kubeflow`` lines and of cell tags, Kale's included. Pure; the magics use it, too.

A directive is the first non-blank line of a cell, ``%%kubeflow VERB …`` or, as a comment that needs no package,
``# %%kubeflow VERB …``. What is wrong with a line never raises: it is listed in :attr:`Directive.problems`.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_kf.model.pipeline import StepOptions
from jupyter_kf.notebook.rewriting import one_word, renamed_option, replaced_word, without_option, without_words

#: Verbs that mark a cell, with one line of help each.
VERBS: Mapping[str, str] = {
    "step": "the cell belongs to step NAME; several cells may",
    "params": "the cell's assignments are the pipeline's parameters",
    "setup": "replayed first in every step that needs what the cell makes",
    "skip": "the cell is never part of a pipeline",
}
#: Verbs that are kept free for features to come.
RESERVED_VERBS = frozenset(
    {"schedule", "tune", "serve", "compile", "tfjob", "pytorchjob", "jaxjob", "xgboostjob", "mpijob", "job"}
)
#: Options of ``step``, with one line of help each.
STEP_OPTIONS: Mapping[str, str] = {
    "--after": "STEP[,STEP…]  run after these steps, even if no value is taken from them",
    "--image": "IMAGE  container image, for engines that use one",
    "--packages": "PKG[,PKG…]  packages the step needs",
    "--cpu": "CORES  for example 2, 0.5 or 500m",
    "--memory": "SIZE  for example 512M or 4Gi",
    "--gpu": "COUNT  number of GPUs",
    "--accelerator": "NAME  kind of GPU, for engines that can choose",
    "--env": "NAME=VALUE  environment variable; may be repeated",
    "--secret": "NAME  environment variable passed on, never stored or shown",
    "--retries": "COUNT  further attempts after a failure",
    "--timeout": "TIME  seconds, or 90s, 10m, 2h, 1d",
    "--no-cache": "always run, never take the result of an earlier run",
    "--in": "NAME[,NAME…]  names the step reads that its text does not show",
    "--out": "NAME[,NAME…]  names the step makes that its text does not show",
    "--on": "ENGINE  where this cell runs when it is executed in the kernel",
}
#: Options that are kept free for features to come.
RESERVED_OPTIONS = frozenset({"--when", "--foreach"})
#: Tags that mean the same as a directive; ``step:NAME`` besides.
TAGS = frozenset({"params", "setup", "skip"})

_LINE = re.compile(r"^(?:#[ \t]*)?%%kubeflow(?:[ \t]+(?P<rest>.*?))?[ \t]*$")
_NAME = re.compile(r"\w[\w.-]*")
_FLAGS = frozenset({"--no-cache"})
_KALE_ONLY = re.compile(r"(?:prev|block):|(?:imports|functions|pipeline-parameters|pipeline-metrics)$")
_KALE_ROLES = {
    "imports": "imports",
    "functions": "functions",
    "pipeline-parameters": "params",
    "pipeline-metrics": "metrics",
    "skip": "skip",
}
_KALE_IDLE = frozenset({"annotation", "label", "report", "notebook"})
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a directive or tag; ``code`` as in ``docs/diagnostics.md``.

    ``replace`` is what would be right after ``%%kubeflow``, where that is plain.
    """

    code: str
    message: str
    fix: str
    severity: str = "error"
    replace: str | None = None


@dataclass(frozen=True, slots=True)
class Directive:
    """What a cell is marked as.

    ``verb`` is one of :data:`VERBS`, in Kale's dialect also ``imports``, ``functions`` or ``metrics``, or empty where
    the line cannot be understood; ``given`` names the options that were written; ``line`` counts from 1.
    """

    verb: str
    name: str = ""
    options: StepOptions = field(default_factory=StepOptions)
    on: str | None = None
    given: frozenset[str] = frozenset()
    line: int = 1
    text: str = ""
    problems: tuple[Problem, ...] = ()
    by_tag: bool = False


@dataclass(slots=True)
class _Reading:
    values: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    on: str | None = None


def directive_line(source: str) -> tuple[int, str] | None:
    """Return the directive's line (from 1) and text after ``%%kubeflow``, or ``None`` where the cell has none."""
    for number, line in enumerate(source.split("\n"), 1):
        if not line.strip():
            continue
        match = _LINE.match(line.rstrip())
        return (number, match["rest"] or "") if match else None
    return None


def misplaced_directive(source: str) -> int | None:
    """Return the line (from 1) of a directive that does not stand first in its cell, where it has no effect."""
    for number, line in enumerate(source.split("\n"), 1):
        match = _LINE.match(line.rstrip()) if "%%kubeflow" in line else None
        verb = (match["rest"] or "").partition(" ")[0] if match else ""
        if match and (verb in VERBS or verb in RESERVED_VERBS):
            return number
    return None


def without_directive(source: str) -> str:
    """Return the cell's text with the directive's line emptied, so that line numbers stay."""
    found = directive_line(source)
    if found is None:
        return source
    lines = source.split("\n")
    lines[found[0] - 1] = ""
    return "\n".join(lines)


def parse_directive(source: str) -> Directive | None:
    """Read the directive of a cell's text, ``None`` where the first non-blank line is none."""
    found = directive_line(source)
    if found is None:
        return None
    number, text = found
    return replace(_parse(text), line=number, text=text)


def _parse(text: str) -> Directive:
    try:
        words = shlex.split(text)
    except ValueError as exc:
        return Directive("", problems=(Problem("KF107", f"The directive cannot be read: {exc}.", "Close the quote."),))
    if not words:
        choice = ", ".join(VERBS)
        problem = Problem("KF107", "`%%kubeflow` does not say what to do.", f"Add one of: {choice}.")
        return Directive("", problems=(problem,))
    verb, rest = words[0], words[1:]
    if verb in RESERVED_VERBS:
        fix = "Take the line away, or mark the cell `%%kubeflow skip` until then."
        problem = Problem("KF180", f"`%%kubeflow {verb}` is not there yet.", fix, replace="skip")
        return Directive("skip", problems=(problem,))
    if verb not in VERBS:
        near = nearest(verb, VERBS)
        return Directive(
            "",
            problems=(
                Problem(
                    "KF107",
                    f"There is no directive `%%kubeflow {verb}`.",
                    f"Did you mean `%%kubeflow {near}`?" if near else f"One of: {', '.join(VERBS)}.",
                    replace=replaced_word(text, 0, near) if near else None,
                ),
            ),
        )
    reading = _options(rest, text)
    if verb == "step":
        return _step(reading, text)
    if reading.given or reading.words:
        extra = " ".join(sorted(reading.given) + reading.words)
        reading.problems.append(
            Problem(
                "KF108",
                f"`%%kubeflow {verb}` takes nothing further, but has `{extra}`.",
                f"Take `{extra}` away.",
                replace=verb,
            )
        )
    return Directive(verb, problems=tuple(reading.problems))


def _step(reading: _Reading, text: str) -> Directive:
    name, problems = (reading.words or [""])[0], reading.problems
    spelled = shlex.split(text)
    leading = spelled[1:2] == reading.words[:1]
    if not name:
        problems.append(Problem("KF110", "The step has no name.", "Write `%%kubeflow step NAME`."))
    elif not _NAME.fullmatch(name):
        better = re.sub(r"[^\w.-]+", "_", name).strip("_.-") or "step"
        problems.append(
            Problem(
                "KF110",
                f"{name!r} cannot be a step's name.",
                f"Use letters, digits, `_`, `-`, `.`: `{better}`.",
                replace=replaced_word(text, 1, better) if leading and len(reading.words) == 1 else None,
            )
        )
        name = better
    if len(reading.words) > 1:
        problems.append(
            Problem(
                "KF110",
                f"After the step's name there is `{' '.join(reading.words[1:])}`.",
                "A name is one word; options begin with `--`, values with spaces need quotes.",
                replace=one_word(text, 1) if _joined(spelled) else None,
            )
        )
    options, verb = StepOptions(**reading.values), "step" if name else ""
    return Directive(verb, name, options, reading.on, frozenset(reading.given), 1, "", tuple(problems))


def _joined(words: list[str]) -> bool:
    """True where the words after the verb, up to the first option, would be one good name if they were joined."""
    end = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    return end > 2 and all(_NAME.fullmatch(word) for word in words[1:end])


def _options(words: list[str], text: str) -> _Reading:
    reading = _Reading()
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("--") or word == "--":
            reading.words.append(word)
            continue
        option, equals, value = word.partition("=")
        if option in RESERVED_OPTIONS:
            better = without_option(text, option, takes_value=True)
            reading.problems.append(
                Problem("KF181", f"Option `{option}` is not there yet.", f"Take `{option}` away.", replace=better)
            )
        elif option not in STEP_OPTIONS:
            reading.problems.append(_unknown_option(option, text))
        if option in _FLAGS:
            reading.given.add(option)
            reading.values["cache"] = False
            if equals:
                better = f"{without_words(text, [option])} {option}"
                reading.problems.append(
                    Problem("KF109", f"`{option}` takes no value.", f"Write `{option}` alone.", replace=better)
                )
            continue
        if not equals:
            if position >= len(words) or words[position].startswith("--"):
                if option in STEP_OPTIONS:
                    reading.problems.append(
                        Problem("KF109", f"`{option}` has no value.", f"{option} {STEP_OPTIONS[option]}.")
                    )
                continue
            value = words[position]
            position += 1
        if option in STEP_OPTIONS:
            _take(reading, option, value)
    return reading


def _unknown_option(option: str, text: str) -> Problem:
    near = nearest(option, STEP_OPTIONS)
    return Problem(
        "KF108",
        f"There is no option `{option}`.",
        f"Did you mean `{near}`?" if near else f"One of: {', '.join(STEP_OPTIONS)}.",
        replace=renamed_option(text, option, near) if near else None,
    )


def _take(reading: _Reading, option: str, value: str) -> None:
    values = reading.values
    try:
        if option in _LISTS:
            key = _LISTS[option]
            values[key] = (*values.get(key, ()), *(v.strip() for v in value.split(",") if v.strip()))
        elif option == "--env":
            key, equals, text = value.partition("=")
            if not equals or not re.fullmatch(r"[A-Za-z_]\w*", key):
                raise ValueError("write NAME=VALUE")
            values["env"] = {**values.get("env", {}), key: text}
        elif option == "--on":
            reading.on = value
        else:
            key, convert = _SINGLE[option]
            values[key] = convert(value)
    except ValueError as exc:
        reading.problems.append(
            Problem("KF109", f"`{option}` cannot be {value!r}: {exc}.", f"{option} {STEP_OPTIONS[option]}.")
        )
        return
    reading.given.add(option)


def parse_memory(text: str) -> int:
    """Return bytes of ``512M``, ``4Gi``, ``1.5GB`` or a plain number; raises :class:`ValueError`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([kKmMgGtTpP]?)(i?)[bB]?\s*", text)
    if not match or (match[3] and not match[2]):
        raise ValueError("not a size in bytes")
    table = _BINARY if match[3] else _UNITS
    size = int(float(match[1]) * table[match[2].lower()])
    if size <= 0:
        raise ValueError("it must be more than nothing")
    return size


def parse_cores(text: str) -> float:
    """Return cores of ``2``, ``0.5`` or ``500m`` (thousandths); raises :class:`ValueError`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)(m?)\s*", text)
    if not match:
        raise ValueError("not a number of cores")
    cores = float(match[1]) / (1000 if match[2] else 1)
    if cores <= 0:
        raise ValueError("it must be more than nothing")
    return cores


def parse_seconds(text: str) -> float:
    """Return seconds of ``90``, ``90s``, ``10m``, ``2h``, ``1d`` or ``1h30m``; raises :class:`ValueError`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(a + b for a, b in parts) != text.strip():
        raise ValueError("not a length of time")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        raise ValueError("it must be more than nothing")
    return seconds


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII):
        raise ValueError("not a whole number")
    return int(text)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like ``word``, if any is like it at all."""
    found = difflib.get_close_matches(word.lower(), list(choices), 1, 0.6)
    return found[0] if found else None


_LISTS = {"--after": "after", "--packages": "packages", "--secret": "secrets", "--in": "inputs", "--out": "outputs"}
_SINGLE: Mapping[str, tuple[str, Any]] = {
    "--image": ("image", str),
    "--cpu": ("cpu", parse_cores),
    "--memory": ("memory", parse_memory),
    "--gpu": ("gpu", _count),
    "--accelerator": ("accelerator", str),
    "--retries": ("retries", _count),
    "--timeout": ("timeout", parse_seconds),
}


def is_kale_tag(tag: str) -> bool:
    """True for a tag that only Kale has."""
    return bool(_KALE_ONLY.match(tag))


def parse_tags(tags: Iterable[str]) -> Directive | None:
    """Read the tags of a cell in the Kubeflow dialect; tags of other tools are nobody's business here."""
    verbs: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for tag in tags:
        if tag in TAGS:
            verbs.append((tag, ""))
        elif tag.startswith("step:"):
            name = tag[5:].strip()
            if _NAME.fullmatch(name):
                verbs.append(("step", name))
            else:
                problems.append(Problem("KF110", f"Tag {tag!r} names no step.", "Write `step:NAME`, NAME one word."))
        else:
            problem = _near_tag(tag)
            if problem:
                problems.append(problem)
    if not verbs and not problems:
        return None
    if len(set(verbs)) > 1:
        shown = ", ".join(sorted({f"step:{n}" if v == "step" else v for v, n in verbs}))
        problems.append(
            Problem("KF111", f"The cell has tags that contradict each other: {shown}.", "Keep one of them.")
        )
    verb, name = verbs[0] if verbs else ("", "")
    return Directive(verb, name, problems=tuple(problems), by_tag=True)


def _near_tag(tag: str) -> Problem | None:
    """Judge a tag that is not ours: a slip of one that is gets a word, any other is left alone."""
    head, colon, tail = tag.partition(":")
    near: str | None = None
    if colon and tail and difflib.get_close_matches(head.strip().lower(), ["step"], 1, 0.7):
        near = f"step:{tail.strip()}"
    elif not colon and tag.lower() != "parameters":
        found = difflib.get_close_matches(tag.lower(), sorted(TAGS), 1, 0.8)
        near = found[0] if found else None
    if near is None or near == tag:
        return None
    return Problem("KF112", f"Tag {tag!r} is not known.", f"Did you mean {near!r}?", "warning")


def parse_kale_tags(tags: Iterable[str]) -> Directive | None:
    """Read the tags of a cell as Kale does: role, ``prev:``, ``image:``, ``limit:``, ``cache:``, ``secret:``.

    A cell with options but without a role belongs to the step above it: its verb is empty.
    """
    roles: list[tuple[str, str]] = []
    reading = _Reading()
    touched = False
    for tag in tags:
        head, colon, tail = tag.partition(":")
        if tag in _KALE_ROLES:
            roles.append((_KALE_ROLES[tag], ""))
        elif colon and head in {"step", "block"}:
            touched = True
            if tail.strip():
                roles.append(("step", tail.strip()))
        elif colon and head in _KALE_TAGS:
            touched = True
            _KALE_TAGS[head](reading, tail)
        elif colon and head in _KALE_IDLE:
            touched = True
            reading.problems.append(
                Problem("KF165", f"Kale's tag {tag!r} has no effect here.", "Keep it or take it away.", "info")
            )
        else:
            near = nearest(head, [*_KALE_ROLES, *_KALE_TAGS, "step"])
            if near:
                fix = f"Did you mean {near + colon + tail!r}?"
                reading.problems.append(Problem("KF112", f"Kale has no tag {tag!r}.", fix, "warning"))
    for role, name in roles:
        if role == "step" and not _NAME.fullmatch(name):
            reading.problems.append(Problem("KF110", f"{name!r} cannot be a step's name.", "Use one word."))
            return Directive("", problems=tuple(reading.problems), by_tag=True)
    if len(set(roles)) > 1:
        shown = ", ".join(sorted({f"step:{n}" if v == "step" else v for v, n in roles}))
        reading.problems.append(
            Problem("KF111", f"The cell has tags that contradict each other: {shown}.", "Keep one of them.")
        )
    if not roles and not touched and not reading.problems:
        return None
    verb, name = roles[0] if roles else ("", "")
    options = StepOptions(**reading.values)
    return Directive(verb, name, options, None, frozenset(reading.given), 1, "", tuple(reading.problems), True)


def _kale_limit(reading: _Reading, tail: str) -> None:
    kind, _, value = tail.rpartition(":")
    if kind in {"cpu", "memory"}:
        _take(reading, f"--{kind}", value)
    elif kind.endswith("/gpu"):
        _take(reading, "--gpu", value)
    else:
        fix = "Use `limit:cpu:`, `limit:memory:` or `limit:nvidia.com/gpu:`."
        reading.problems.append(Problem("KF109", f"No limit {kind!r} is known.", fix, "warning"))


def _kale_cache(reading: _Reading, tail: str) -> None:
    if tail in {"disabled", "false"}:
        reading.values["cache"] = False
        reading.given.add("--no-cache")
    elif tail not in {"enabled", "true"}:
        reading.problems.append(Problem("KF109", f"`cache:` cannot be {tail!r}.", "Write `enabled` or `disabled`."))


def _kale_secret(reading: _Reading, tail: str) -> None:
    _take(reading, "--secret", tail.rpartition(":")[2])


_KALE_TAGS: Mapping[str, Any] = {
    "prev": lambda reading, tail: _take(reading, "--after", tail),
    "image": lambda reading, tail: _take(reading, "--image", tail),
    "limit": _kale_limit,
    "cache": _kale_cache,
    "secret": _kale_secret,
}

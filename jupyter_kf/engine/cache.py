"""Engine room: what makes two executions the same, and why a step was or was not taken from the cache.

The key covers what goes into a step; what it read and wrote beside that (files, local modules) was recorded by its
first execution and is looked at again before that execution is taken for this one.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_kf.model.pipeline import Fragment, Pipeline, Step
from jupyter_kf.model.run import Execution
from jupyter_kf.runtime import watch

#: Changes when stored values are written in another way, or steps run in another way, so that old ones do not fit.
CODEC_VERSION = 1

HIT = "cached: same code, inputs and environment"
OFF = "not cached: --no-cache"
UNTRUSTED = "not cached: others can write to the store, and it is not trusted (setting 'trust')"

_DIRECTIVE = re.compile(r"^(?:#\s*)?%%kubeflow\b.*$")


@dataclass(frozen=True, slots=True)
class Key:
    """``digest`` is the key, ``parts`` the short digests it was made of by what they are, for explanations."""

    digest: str
    parts: Mapping[str, str]


def step_key(
    step: Step,
    fragments: Iterable[Fragment],
    *,
    inputs: Mapping[str, str],
    parameters: Mapping[str, Any],
    fingerprint: str,
    folder: str,
    kernel_env: Mapping[str, str] | None = None,
) -> Key:
    """Return the key of a step that is given ``inputs`` (name → digest, empty for a name that must be absent).

    ``fragments`` are those that the step replays or may replay; ``parameters`` those it can see. ``folder`` is the one
    it runs in: a relative path means another file elsewhere.
    """
    parts = {
        "code": _digest([[normalised(c.source) for c in step.cells], list(step.future), list(step.options.outputs)])
    }
    for fragment in fragments:
        label = f"definition {fragment.names[0]}" if len(fragment.names) == 1 else f"cell {fragment.cell_index}"
        parts[label] = _digest([parts.get(label, ""), normalised(fragment.source), list(fragment.future)])
    parts |= {f"input {name}": digest for name, digest in inputs.items()}
    parts |= {f"parameter {name}": _digest(value) for name, value in parameters.items()}
    parts |= {f"--env {name}": _digest(value) for name, value in step.options.env.items()}
    parts["step"] = step.name  # two steps with the same text may draw different random numbers
    parts["folder"] = _digest(folder)
    parts["environment"] = _digest([fingerprint, dict(kernel_env or {}), CODEC_VERSION])
    return Key(_digest(parts, 64), parts)


def fragments_of(step: Step, pipeline: Pipeline, definitions: Iterable[str] = ()) -> tuple[Fragment, ...]:
    """Return the fragments that a step replays, and those that its inputs refer to, with all they need in turn."""
    by_id = {f.id: f for f in pipeline.fragments}
    makers: dict[str, list[Fragment]] = {}
    for fragment in pipeline.fragments:
        for name in fragment.names:
            makers.setdefault(name, []).append(fragment)
    todo = [by_id[i] for i in (*step.replay, *definitions) if i in by_id]
    found: dict[str, Fragment] = {}
    while todo:
        fragment = todo.pop()
        if fragment.id not in found:
            found[fragment.id] = fragment
            todo += [f for name in (*fragment.needs, *fragment.late) for f in makers.get(name, ())]
    return tuple(f for f in pipeline.fragments if f.id in found)


@lru_cache(maxsize=4096)
def normalised(source: str) -> str:
    """Return source text without what cannot matter: the directive line, comments, formatting.

    Text that is not plain Python (shell lines, magics) keeps everything but white space at the ends of lines. A
    semicolon at the end keeps the last expression from being shown, so it is not formatting.
    """
    lines = source.splitlines()
    if lines and _DIRECTIVE.match(lines[0].strip()):
        lines = lines[1:]
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    try:
        plain = ast.unparse(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError):
        return text
    return f"{plain};" if ";" in text and _quiet(text) else plain


def _quiet(text: str) -> bool:
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT, tokenize.INDENT}
    try:
        words = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in skipped]
    except (tokenize.TokenError, SyntaxError):
        return False
    return bool(words) and words[-1].string == ";"


class Files:
    """States of files, each read once per state (size and time of change) however many steps ask."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int, str], bool] = {}

    def same(self, path: str, recorded: str) -> bool | None:
        """True where the file is what a report recorded of it, either kind of stamp; ``None`` where it is gone."""
        try:
            state = Path(path).stat()
        except OSError:
            return None
        mark = (path, state.st_size, state.st_mtime_ns, recorded)
        if mark not in self._known:
            self._known[mark] = watch.same(path, recorded)
        return self._known[mark]

    def changed(self, report: Mapping[str, Any]) -> str:
        """Say which file that an execution read or wrote is not as it was; an empty text where all are."""
        for kind in ("modules", "files_read", "files_written"):
            for path, recorded in (report.get(kind) or {}).items():
                same = self.same(path, recorded)
                if not same:
                    what = "module" if kind == "modules" else "file"
                    return f"{what} {Path(path).name} {'is gone' if same is None else 'changed'}"
        return ""


def refusal(found: Execution | None, step: Step, files: Files) -> str:
    """Say why an execution with the same key cannot stand for this one; an empty text where it can."""
    if found is None or not found.report:
        return "first run"
    report = found.report
    changed = files.changed(report)
    if changed:
        return changed
    seen = set(report.get("live") or report.get("names") or ())
    unseen = sorted(set(step.live) - seen)
    if unseen:
        return f"later steps now use {', '.join(unseen)}"
    lost = [n for n in step.wanted if (report.get("names") or {}).get(n, {}).get("state") == "unstorable"]
    return f"{lost[0]} could not be stored" if lost else ""


def hit_reason(report: Mapping[str, Any]) -> str:
    """Say that a step was taken from the cache, with what speaks against it."""
    seen = [what for what in ("network", "clock") if what in (report.get("impure") or ())]
    return f"{HIT} (it used the {' and the '.join(seen)} when it ran; --no-cache runs it each time)" if seen else HIT


def miss_reason(key: Key, before: Mapping[str, str] | None) -> str:
    """Say what differs from the last execution of the step, whose key had the parts ``before``."""
    if not before:
        return "not cached: first run"
    differing = [p for p in {**before, **key.parts} if before.get(p) != key.parts.get(p)]
    if not differing:
        return "not cached: its result is not kept any more"
    order = ("code", "definition", "cell", "parameter", "--env", "environment", "folder", "step", "input")
    differing.sort(key=lambda p: order.index(p.split(" ", 1)[0]))
    told = [
        f"the {p} changed" if p in {"code", "environment", "folder"} else f"{p} {_how(p, key.parts, before)}"
        for p in differing
    ]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return f"not cached: {', '.join(told[:3])}{more}"


def _how(part: str, now: Mapping[str, str], before: Mapping[str, str]) -> str:
    return "changed" if part in now and part in before else "is new" if part in now else "is not given any more"


def _digest(data: Any, length: int = 32) -> str:
    text = json.dumps(data, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]

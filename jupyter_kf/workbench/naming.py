"""Workbench room: what users name, found: notebooks, engines, states; and the error that says what was not."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_kf.config import Settings
from jupyter_kf.errors import ConfigError, UsageError
from jupyter_kf.model.run import Run, State
from jupyter_kf.workbench.views import CheckView, RunRefused

if TYPE_CHECKING:
    from jupyter_kf.engine.base import Engine
    from jupyter_kf.store import Store


def existing(notebook: str | Path) -> Path:
    """Return the notebook's absolute path.

    Raises:
        UsageError: KF404 where there is no such file, with the nearest name in its folder.
    """
    path = Path(notebook).expanduser().absolute()
    if path.is_file():
        return path
    names = sorted(p.name for p in path.parent.glob("*.ipynb")) if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names, 1, 0.4) or difflib.get_close_matches(
        path.name + ".ipynb", names, 1
    )
    fix = f"Did you mean {near[0]!r}?" if near else "Give the path of a notebook (.ipynb)."
    what = "is a folder" if path.is_dir() else "does not exist"
    raise UsageError(f"{str(notebook)!r} {what}.", code="KF404", fix=fix)


def refused(check: CheckView, what: str) -> RunRefused:
    """Return the error for a notebook with findings that are errors: it quotes the first, and holds all."""
    errors = [d for d in check.diagnostics if d.severity == "error"]
    if not errors:
        return RunRefused(
            f"{Path(check.notebook).name} has no steps that could be {what}.",
            check,
            fix="Mark a cell with `%%kubeflow step NAME` on its first line.",
        )
    first = errors[0]
    more = f" ({len(errors) - 1} more like this)" if len(errors) > 1 else ""
    lines = check.sources.get(first.cell or "", "").split("\n")
    quote = lines[first.line - 1].strip() if first.line and first.line <= len(lines) else ""
    return RunRefused(
        first.message + more,
        check,
        fix=first.fix,
        code=first.code,
        cell=first.cell,
        cell_index=first.cell_index,
        line=first.line,
        quote=quote,
    )


def load_engine(settings: Settings, store: Store) -> Engine:
    """Return the engine that the settings name; raises ConfigError KF500 where there is none so called."""
    if settings.engine == "local":
        from jupyter_kf.engine.local import LocalEngine

        return LocalEngine(settings, store)
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group="jupyter_kf.engines")}
    if settings.engine not in found:
        near = difflib.get_close_matches(settings.engine, found, 1)
        raise ConfigError(
            f"There is no engine {settings.engine!r}.",
            fix=f"Did you mean {near[0]!r}?" if near else f"The engines are: {', '.join(sorted(found))}.",
        )
    engine: Engine = found[settings.engine].load()(settings, store)
    return engine


def like_path(subject: str | Path) -> bool:
    """True for what can only be meant as a notebook, not as a run."""
    return isinstance(subject, Path) or subject.endswith(".ipynb") or "/" in subject or Path(subject).is_file()


def state_named(word: str) -> State:
    """Return the state of this name, in any case; raises UsageError KF405 with the nearest one."""
    try:
        return State(word.strip().upper())
    except ValueError:
        near = difflib.get_close_matches(word.strip().upper(), list(State), 1)
        fix = f"Did you mean {near[0]}?" if near else f"States are: {', '.join(State)}."
        raise UsageError(f"There is no state {word!r}.", code="KF405", fix=fix) from None


def named_metrics(filter_: str, sort: str, runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the metrics to show: those asked about first, then those that most runs have."""
    counts: dict[str, int] = {}
    for run in runs:
        for name in run.metrics:
            counts[name] = counts.get(name, 0) + 1
    text = f"{filter_} {sort}"
    return tuple(sorted(counts, key=lambda n: (f"metrics.{n}" not in text, -counts[n], n)))


def no_such_name(name: str, step: str, names: Sequence[str]) -> UsageError:
    """Return the error for a value that a step does not have."""
    near = difflib.get_close_matches(name, names, 1)
    fix = f"Did you mean {near[0]!r}?" if near else f"There is: {', '.join(names) or 'nothing'}."
    return UsageError(f"Step {step!r} has no value {name!r}.", code="KF423", fix=fix)

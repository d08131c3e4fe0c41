"""Workbench room: what users name, found: notebooks, engines, states; and the error that says what was not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_kf.config import Settings
from jupyter_kf.errors import ConfigError, UsageError
from jupyter_kf.model.pipeline import Step
from jupyter_kf.model.run import Run, State
from jupyter_kf.workbench.reading import pipeline_of
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


_LAST = re.compile(r"\s*last(?:[~-](\d{1,6}))?\s*")
#: How far back a run with a certain step is looked for.
_SEARCHED = 200


def last_with_step(settings: Settings, store: Store, ref: str, step: str) -> str:
    """Return the id of the newest run that has ``step`` where ``ref`` is ``last`` (``last~1``: the one before it).

    Any other reference is returned as it is; so is ``last`` where none of the newest runs has the step.
    """
    found = _LAST.fullmatch(ref)
    if not found or not step:
        return ref

    def has_step(run: Run) -> bool:
        pipeline = pipeline_of(settings, store, run)
        steps = pipeline.steps if pipeline else store.metadata.executions(run.id)
        return step in {s.name if isinstance(s, Step) else s.step for s in steps}

    return _nth(store.metadata.runs(limit=_SEARCHED), int(found[1] or 0), has_step) or ref


def last_of_notebook(store: Store, ref: str) -> str:
    """Return the id of the newest run of a notebook, as pipeline or whole, where ``ref`` is ``last`` (or ``last~1``).

    Single cells and sessions are passed over, unless there is nothing else. Any other reference is returned as it is.

    Raises:
        UsageError: KF410 where there are fewer such runs.
    """
    found = _LAST.fullmatch(ref)
    if not found:
        return ref
    back = int(found[1] or 0)
    runs = [run for kind in ("pipeline", "notebook") for run in store.metadata.runs(kind=kind, limit=back + 1)]
    runs.sort(key=lambda run: (run.created, run.id), reverse=True)
    if not runs:
        return ref
    wanted = _nth(runs, back, lambda run: True)
    if wanted is None:
        only = "is only one" if len(runs) == 1 else f"are only {len(runs)}"
        fix = "Start another: `jupyter kf run NOTEBOOK`."
        raise UsageError(f"There is no run {ref.strip()!r}: there {only} of a notebook.", code="KF410", fix=fix)
    return wanted


def _nth(runs: Sequence[Run], back: int, fits: Callable[[Run], bool]) -> str | None:
    for run in runs:
        if fits(run):
            if not back:
                return run.id
            back -= 1
    return None


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

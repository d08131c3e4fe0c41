"""Workbench room: in what two runs differ."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_kf.model.run import Run
from jupyter_kf.workbench.views import Compared, Comparison, ComparisonTable, Difference, RunView

if TYPE_CHECKING:
    from jupyter_kf.store import Store

_FACTS = ("python", "implementation", "system", "machine", "libc", "executable", "kernel")


def compare_runs(store: Store, a: RunView, b: RunView) -> Comparison:
    """Return what differs between two runs; parameters and metrics are listed whole, equal ones included."""
    return Comparison(
        a.run,
        b.run,
        parameters=_side_by_side(a.parameters, b.parameters),
        metrics=_side_by_side(a.metrics, b.metrics),
        steps=_steps(a, b),
        code=_code(a, b),
        environment=_environment(store, a.run, b.run),
        curves=_both(curves_of(store, a.run), curves_of(store, b.run)),
    )


def curves_of(store: Store, run: Run) -> dict[str, list[tuple[float, float]]]:
    """Return the (x, y) points of each metric of a run; x is the ``step=`` that was given, else a count."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for point in store.metadata.metrics(run.id):
        curve = curves.setdefault(point.name, [])
        curve.append((float(len(curve)) if point.at is None else point.at, point.value))
    return curves


def _both(
    a: Mapping[str, list[tuple[float, float]]], b: Mapping[str, list[tuple[float, float]]]
) -> dict[str, tuple[list[tuple[float, float]], list[tuple[float, float]]]]:
    both = {name: (a.get(name, []), b.get(name, [])) for name in dict.fromkeys([*a, *b])}
    return {name: pair for name, pair in both.items() if max(map(len, pair)) > 1}


def _side_by_side(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(Difference(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b]))


def _steps(a: RunView, b: RunView) -> tuple[Difference, ...]:
    left, right = a.latest(), b.latest()

    def said(side: Mapping[str, Any], name: str) -> dict[str, Any] | None:
        found = side.get(name)
        return {"state": str(found.state), "cached": found.cached, "seconds": found.seconds} if found else None

    return tuple(Difference(name, said(left, name), said(right, name)) for name in dict.fromkeys([*left, *right]))


def _sources(view: RunView) -> dict[str, str]:
    if view.pipeline is None:
        return {}
    sources = {step.name: "\n".join(cell.source for cell in step.cells) for step in view.pipeline.steps}
    shared = "\n".join(
        f.source for f in view.pipeline.fragments if f.kind in {"definition", "setup", "import", "literal"}
    )
    return {**sources, "(shared definitions)": shared} if shared else sources


def _code(a: RunView, b: RunView) -> dict[str, str]:
    left, right = _sources(a), _sources(b)
    changed = {}
    for name in dict.fromkeys([*left, *right]):
        before, after = left.get(name, ""), right.get(name, "")
        if before != after:
            lines = difflib.unified_diff(
                before.splitlines(), after.splitlines(), f"{a.id} {name}", f"{b.id} {name}", lineterm=""
            )
            changed[name] = "\n".join(lines)
    return changed


def _environment(store: Store, a: Run, b: Run) -> tuple[Difference, ...]:
    if a.environment == b.environment:
        return ()
    left, right = environment_of(store, a), environment_of(store, b)
    found = [Difference(k, left.get(k), right.get(k)) for k in _FACTS if left.get(k) != right.get(k)]
    packages, others = left.get("packages") or {}, right.get("packages") or {}
    for name in sorted({*packages, *others}):
        if packages.get(name) != others.get(name):
            found.append(Difference(name, packages.get(name), others.get(name)))
    git, other = left.get("git") or {}, right.get("git") or {}
    for key in dict.fromkeys([*git, *other]):
        if git.get(key) != other.get(key):
            found.append(Difference(f"git {key}", git.get(key), other.get(key)))
    return tuple(found)


def environment_of(store: Store, run: Run) -> dict[str, Any]:
    """Return what was written down about the environment of a run, empty where that is gone."""
    if not run.environment or not store.artifacts.has(run.environment):
        return {}
    record = json.loads(store.artifacts.path(run.environment).read_text("utf-8"))
    return record if isinstance(record, dict) else {}


def compare_many(store: Store, views: Sequence[RunView]) -> ComparisonTable:
    """Return two or more runs side by side, in the order given; code and environment against the first."""
    runs = [view.run for view in views]
    latest = [view.latest() for view in views]

    def said(execution: Any) -> dict[str, Any] | None:
        return {"state": str(execution.state), "cached": execution.cached, "seconds": execution.seconds}

    steps = [{name: said(execution) for name, execution in side.items()} for side in latest]
    states = [{name: (e.state, e.cached) for name, e in side.items()} for side in latest]
    return ComparisonTable(
        tuple(views),
        parameters=_rows([run.parameters for run in runs]),
        metrics=_rows([run.metrics for run in runs]),
        steps=_rows(steps, states),
        code=tuple((view.id, step, diff) for view in views[1:] for step, diff in _code(views[0], view).items()),
        environment=_rows([_flat(environment_of(store, run)) for run in runs]),
    )


def _rows(sides: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]] | None = None) -> tuple[Compared, ...]:
    """Return a row for each name that a side has; ``told`` decides which differ, where it is not the values."""
    names = dict.fromkeys(name for side in sides for name in side)

    def differs(name: str) -> bool:
        texts = {repr(side.get(name)) for side in told or sides}
        return len(texts) > 1

    return tuple(Compared(name, tuple(side.get(name) for side in sides), differs(name)) for name in names)


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: environment.get(name) for name in _FACTS if environment.get(name) is not None}
    git = {f"git {name}": value for name, value in (environment.get("git") or {}).items()}
    return {**facts, **git, **dict(sorted((environment.get("packages") or {}).items()))}

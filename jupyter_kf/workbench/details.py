"""Workbench room: what lies behind a run: its source, curves, attempts of steps with their values, stored bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import KFError, UsageError
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.change import Progress
from jupyter_kf.model.lineage import MetricPoint
from jupyter_kf.model.pipeline import IMPLICIT_NAMES, Cell, Fragment
from jupyter_kf.model.run import Execution
from jupyter_kf.workbench.comparing import compare_many, environment_of
from jupyter_kf.workbench.previews import Preview, preview_artifact
from jupyter_kf.workbench.views import ArtifactEntry, ComparisonTable

if TYPE_CHECKING:
    from jupyter_kf.workbench.bench import Workbench

#: Bytes of outputs that are read at a time.
OUTPUTS = 8 << 20


@dataclass(frozen=True, slots=True)
class RunSource:
    """The cells of each step as they were when the run was made, and the fragments with the steps that replay them."""

    steps: Mapping[str, Sequence[Cell]]
    fragments: tuple[tuple[Fragment, tuple[str, ...]], ...] = ()


def run_source(bench: Workbench, run: str) -> RunSource:
    """Return a run's source; empty where the snapshot of its notebook is gone."""
    view = bench.overview(run).view
    if view.pipeline is not None:
        replayed = {
            f.id: tuple(step.name for step in view.pipeline.steps if f.id in step.replay)
            for f in view.pipeline.fragments
        }
        return RunSource(
            {step.name: step.cells for step in view.pipeline.steps},
            tuple((f, replayed[f.id]) for f in view.pipeline.fragments if replayed[f.id]),
        )
    from jupyter_kf.notebook.document import read_document

    try:
        document = read_document(run_notebook(bench, view.id).read_bytes())
    except KFError:  # no notebook of a script's run, or it was collected
        return RunSource({})
    cells = tuple(Cell(c.id, c.index, c.source) for c in document.code)
    return RunSource(dict.fromkeys((e.step for e in view.executions), cells))


def run_notebook(bench: Workbench, run: str, *, executed: bool = False) -> Path:
    """Return a file with the notebook as it was run, or with ``executed`` a whole notebook's executed copy.

    Raises:
        UsageError: KF443 where the run has none. StoreError: KF611 where it was collected.
    """
    found = bench.find(run)
    digest = found.snapshot
    if executed:
        graph = bench.store.metadata.lineage_of_run(found.id)
        kept = {a.digest for a in graph.artifacts if a.kind == "notebook"} - {digest}
        digest = next((use.digest for use in reversed(graph.uses) if use.digest in kept), "")
    if not digest:
        what = "executed notebook" if executed else "notebook"
        raise UsageError(
            f"Run {found.name} of kind {found.kind} has no {what}.",
            code="KF443",
            fix="Whole notebooks have an executed copy once they are over." if executed else "It was no notebook's.",
        )
    return bench.store.artifacts.path(digest)


def run_environment(bench: Workbench, run: str) -> dict[str, Any]:
    """Return what was written down about the environment of a run, empty where that is gone."""
    return environment_of(bench.store, bench.find(run))


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of a step over time; ``count`` points were logged, ``points`` are those to draw."""

    name: str
    step: str
    count: int
    points: tuple[MetricPoint, ...]


def curves(bench: Workbench, run: str, *, name: str = "", step: str = "", points: int = 1000) -> list[Curve]:
    """Return the curves of a run, those of a step's last attempt that logged anything; long ones thinned.

    Thinning keeps the lowest and the highest of neighbouring points, so that no peak is lost.
    """
    found = bench.store.metadata.metrics(bench.find(run).id, name or None, step or None)
    last = {point.step: point.execution for point in found}
    groups: dict[tuple[str, str], list[MetricPoint]] = {}
    for point in found:
        if point.execution == last[point.step]:
            groups.setdefault((point.name, point.step), []).append(point)
    return [Curve(n, s, len(group), tuple(thinned(group, points))) for (n, s), group in groups.items()]


def thinned(points: Sequence[MetricPoint], most: int) -> list[MetricPoint]:
    """Return at most ``most`` of the points, in their order: the first, the last, and the extremes between."""
    if len(points) <= most:
        return list(points)
    inner = points[1:-1]
    bins = max(1, (most - 2) // 2)
    kept: list[MetricPoint] = [points[0]]
    if most >= 4:
        for number in range(bins):
            part = inner[number * len(inner) // bins : (number + 1) * len(inner) // bins]
            numbers = [i for i, point in enumerate(part) if not math.isnan(point.value)]
            if not numbers:
                kept += part[:1]
                continue
            low = min(numbers, key=lambda i: part[i].value)
            high = max(numbers, key=lambda i: part[i].value)
            kept += [part[i] for i in sorted({low, high})]
    return [*kept, points[-1]]


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value that a step was given or made. ``digest`` is empty and ``size`` ``None`` for a parameter."""

    name: str
    type: str
    preview: str
    digest: str = ""
    size: int | None = None
    producer: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionDetails:
    """An attempt of a step with its values. ``attempts``: all of its step. ``usage`` is what the guest measured."""

    execution: Execution
    attempts: tuple[Execution, ...]
    inputs: tuple[NamedValue, ...]
    outputs: tuple[NamedValue, ...]
    logged: tuple[ArtifactEntry, ...]
    usage: Mapping[str, Any] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()


def find_execution(bench: Workbench, run: str, execution: str) -> Execution:
    """Return an execution of a run; raises UsageError KF416 where the run has none with this id."""
    found = bench.store.metadata.execution(execution)
    if found.run != bench.find(run).id:
        raise UsageError(f"Run {run} has no execution {execution!r}.", code="KF416", fix="Look at the run again.")
    return found


def execution_details(bench: Workbench, run: str, execution: str) -> ExecutionDetails:
    """Return one attempt of a step with all that belongs to it.

    Raises:
        UsageError: KF410, KF416 where there is no such run or execution.
    """
    view = bench.overview(run).view
    found = find_execution(bench, view.id, execution)
    metadata = bench.store.metadata
    graph = metadata.lineage_of_run(view.id)
    known = {artifact.digest: artifact for artifact in graph.artifacts}
    gone = frozenset(metadata.collected([a.digest for a in graph.artifacts]))
    step = next((s for s in view.pipeline.steps if s.name == found.step), None) if view.pipeline else None
    given = {n: v for n, v in view.run.parameters.items() if step and n in step.needs and n not in found.inputs}
    producers = {i.name: i.producer for i in step.inputs} if step else {}
    report = found.report or {}
    missing = {n: said for n, said in (report.get("names") or {}).items() if said.get("state") == "unstorable"}
    outputs = [*_values(found.outputs, known, gone, {})]
    outputs += [
        NamedValue(name, str(said.get("type", "")), f"cannot be stored: {said.get('why', '')}", gone=True)
        for name, said in missing.items()
    ]
    return ExecutionDetails(
        found,
        tuple(e for e in view.executions if e.step == found.step),
        (*(NamedValue(n, type(v).__name__, repr(v)[:120]) for n, v in given.items()),
         *_values(found.inputs, known, gone, producers)),
        tuple(outputs),
        tuple(
            ArtifactEntry(use.step, use.name, known[use.digest])
            for use in graph.uses
            if use.role == "logged" and use.execution == found.id and use.digest in known
        ),
        {**(report.get("usage") or {}), **_asked(step)},
        tuple(report.get("files_read") or ()),
        tuple(report.get("files_written") or ()),
        gone,
    )  # fmt: skip


def _values(
    named: Mapping[str, str], known: Mapping[str, Artifact], gone: frozenset[str], producers: Mapping[str, str]
) -> Iterator[NamedValue]:
    for name, digest in named.items():
        if name in IMPLICIT_NAMES:
            continue
        artifact = known.get(digest)
        previews = artifact.meta.get("preview") if artifact else None
        yield NamedValue(
            name,
            artifact.types.get(name, "") if artifact else "",
            str(previews.get(name, "")) if isinstance(previews, Mapping) else "",
            digest,
            artifact.size if artifact else None,
            producers.get(name),
            digest in gone or artifact is None,
        )


def _asked(step: Any) -> dict[str, Any]:
    if step is None:
        return {}
    return {"cpu": step.options.cpu, "memory": step.options.memory, "gpu": step.options.gpu}


def read_outputs(execution: Execution, after: int) -> tuple[list[Any], int, bool]:
    """Return what an execution displayed after an offset, the offset to go on from, and whether more is there already.

    The records are those of the guest's log (:mod:`jupyter_kf.runtime.capture`).
    """
    path = Path(execution.folder) / "outputs.jsonl"
    if not execution.folder or not path.is_file():
        return [], after, False
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(min(after, size))
        found: list[Any] = []
        at = stream.tell()
        for line in stream:
            if not line.endswith(b"\n") or (found and at - after > OUTPUTS):
                break
            at += len(line)
            found.append(json.loads(line))
    return found, at, at < size and bool(found)


def artifact_preview(bench: Workbench, digest: str, name: str = "") -> Preview:
    """Return a look at an artifact; see :func:`~jupyter_kf.workbench.previews.preview_artifact`."""
    return preview_artifact(bench.store, bench.store.metadata.artifact(digest), name)


def compare_with_progress(bench: Workbench, runs: Sequence[str]) -> tuple[ComparisonTable, Mapping[str, Progress]]:
    """Return two or more runs side by side, and how far each is."""
    views = [bench.overview(run).view for run in runs]
    return compare_many(bench.store, views), bench.store.metadata.progress([view.run for view in views])

"""Server room, answers: what the workbench says, in the words of ``openapi.yaml``. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.change import Changes, Progress
from jupyter_kf.model.lineage import Lineage, LineageGraph
from jupyter_kf.model.pipeline import IMPLICIT_NAMES, Pipeline, Step, StepOptions
from jupyter_kf.model.run import Execution, Run, iso
from jupyter_kf.workbench.details import Curve, ExecutionDetails, RunSource
from jupyter_kf.workbench.views import ArtifactEntry, CheckView, ComparisonTable, RunOverview, RunPage, superseded

#: From a notebook's absolute path to the contents API's, ``None`` where it has none.
Shown = Callable[[str], str | None]


def encoded(data: Any) -> str:
    """Return JSON text; NaN and infinities, which JSON does not have, are told as text."""
    try:
        return json.dumps(data, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(plain(data), allow_nan=False, separators=(",", ":"))


def plain(data: Any) -> Any:
    """Return the data with ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` instead of those numbers."""
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if math.isnan(data) else "Infinity" if data > 0 else "-Infinity"
    if isinstance(data, Mapping):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    return data


def run_answer(run: Run, progress: Progress, shown: Shown) -> dict[str, Any]:
    """Return the schema ``Run``."""
    return {
        **run.to_dict(),
        "path": shown(run.notebook),
        "metrics": plain(dict(run.metrics)),
        "progress": progress.to_dict(),
        "resumes": run.resumes,
    }


def execution_answer(execution: Execution, cells: tuple[int, int] | None = None) -> dict[str, Any]:
    """Return the schema ``Execution``."""
    answer = execution.to_dict()
    del answer["inputs"], answer["outputs"]
    return {
        **answer,
        "run": execution.run,
        "metrics": plain(answer["metrics"]),
        "superseded": superseded(execution),
        "progress": {"done": cells[0], "total": cells[1]} if cells else None,
    }


def page_answer(page: RunPage, shown: Shown) -> dict[str, Any]:
    """Return the schema ``RunPage``."""
    return {
        "runs": [run_answer(run, page.progress[run.id], shown) for run in page.runs],
        "total": page.total,
        "offset": page.offset,
        "limit": page.limit,
        "cursor": page.cursor,
    }


def overview_answer(overview: RunOverview, shown: Shown) -> dict[str, Any]:
    """Return the schema ``RunDetail``."""
    view = overview.view
    return {
        "run": run_answer(view.run, overview.progress, shown),
        "pipeline": pipeline_answer(view.pipeline) if view.pipeline else None,
        "executions": [execution_answer(e, overview.cells.get(e.id)) for e in view.executions],
        "diagnostics": [d.to_dict() for d in view.diagnostics],
        "cursor": overview.cursor,
    }


def changes_answer(changes: Changes, shown: Shown) -> dict[str, Any]:
    """Return the schema ``Changes``."""
    return {
        "after": changes.after,
        "cursor": changes.cursor,
        "runs": [run_answer(run, changes.progress[run.id], shown) for run in changes.runs],
        "executions": [execution_answer(e, changes.cells.get(e.id)) for e in changes.executions],
        "deleted": list(changes.deleted),
        "reset": changes.reset,
    }


def pipeline_answer(pipeline: Pipeline) -> dict[str, Any]:
    """Return the schema ``Pipeline``."""
    return {
        "name": pipeline.name,
        "parameters": [{"name": p.name, "type": p.type, "default": p.default} for p in pipeline.parameters],
        "steps": [_step(step) for step in pipeline.steps],
        "edges": [
            {
                "source": before,
                "target": step.name,
                "names": [i.name for i in step.inputs if i.producer == before and i.name not in IMPLICIT_NAMES],
            }
            for step in pipeline.steps
            for before in step.after
        ],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "cells": [cell.id for cell in step.cells],
        "cell_indexes": [cell.index for cell in step.cells],
        "inputs": [{"name": i.name, "producer": i.producer} for i in step.inputs if i.name not in IMPLICIT_NAMES],
        "outputs": [name for name in step.outputs if name not in IMPLICIT_NAMES],
        "after": list(step.after),
        "options": _options(step.options),
    }


def _options(options: StepOptions) -> dict[str, Any]:
    nothing = StepOptions()
    given = {f.name: getattr(options, f.name) for f in fields(options)}
    return {
        name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
        for name, value in given.items()
        if value != getattr(nothing, name)
    }


def check_answer(check: CheckView) -> dict[str, Any]:
    """Return the schema ``Check``."""
    pipeline = pipeline_answer(check.pipeline) if check.pipeline else None
    if check.whole and pipeline is not None:
        pipeline["parameters"] = [dict(p) for p in check.parameters]
    return {
        "pipeline": pipeline,
        "dialect": check.dialect,
        "whole": check.whole,
        "diagnostics": [d.to_dict() for d in check.diagnostics],
        "cells": [{"id": m.id, "index": m.index, "role": m.role, "step": m.step or None} for m in check.marks],
    }


def comparison_answer(table: ComparisonTable, progress: Mapping[str, Progress], shown: Shown) -> dict[str, Any]:
    """Return the schema ``Comparison``."""
    return {
        "runs": [run_answer(view.run, progress[view.id], shown) for view in table.views],
        "parameters": [c.to_dict() for c in table.parameters],
        "metrics": [plain(c.to_dict()) for c in table.metrics],
        "steps": [c.to_dict() for c in table.steps],
        "code": [{"run": run, "step": step, "diff": diff} for run, step, diff in table.code],
        "environment": [c.to_dict() for c in table.environment],
    }


def source_answer(source: RunSource) -> dict[str, Any]:
    """Return the schema ``Source``."""
    return {
        "steps": [
            {"name": name, "cells": [{"id": c.id, "index": c.index, "source": c.source} for c in cells]}
            for name, cells in source.steps.items()
        ],
        "fragments": [
            {
                "kind": f.kind,
                "names": list(f.names),
                "source": f.source,
                "cell": f.cell,
                "line": f.line,
                "steps": list(steps),
            }
            for f, steps in source.fragments
        ],
    }


def curves_answer(curves: Sequence[Curve]) -> dict[str, Any]:
    """Return the schema ``Metrics``."""
    return {
        "curves": [
            {
                "name": curve.name,
                "step": curve.step,
                "count": curve.count,
                "points": [{"value": plain(p.value), "at": p.at, "time": iso(p.time)} for p in curve.points],
            }
            for curve in curves
        ]
    }


def artifact_answer(artifact: Artifact, gone: Collection[str]) -> dict[str, Any]:
    """Return the schema ``Artifact``."""
    return {
        "digest": artifact.digest,
        "size": artifact.size,
        "kind": artifact.kind,
        "names": [name for name in artifact.names if name not in IMPLICIT_NAMES],
        "types": {name: kind for name, kind in artifact.types.items() if name not in IMPLICIT_NAMES},
        "created": iso(artifact.created),
        "gone": artifact.digest in gone,
        "meta": {name: value for name, value in artifact.meta.items() if name != "look"},
    }


def entry_answer(entry: ArtifactEntry, gone: Collection[str]) -> dict[str, Any]:
    """Return the schema ``ArtifactEntry``."""
    return {"step": entry.step, "name": entry.name, "artifact": artifact_answer(entry.artifact, gone)}


def lineage_answer(lineage: Lineage, gone: Collection[str]) -> dict[str, Any]:
    """Return the schema ``Lineage``."""
    return {
        "artifact": artifact_answer(lineage.artifact, gone),
        "made_by": [use.to_dict() for use in lineage.made_by],
        "used_by": [use.to_dict() for use in lineage.used_by],
    }


def graph_answer(graph: LineageGraph, gone: Collection[str]) -> dict[str, Any]:
    """Return the schema ``LineageGraph``."""
    return {
        "run": graph.run,
        "artifacts": [artifact_answer(artifact, gone) for artifact in graph.artifacts],
        "uses": [use.to_dict() for use in graph.uses],
    }


def details_answer(details: ExecutionDetails) -> dict[str, Any]:
    """Return the schema ``ExecutionDetail``."""
    usage = details.usage
    return {
        "execution": execution_answer(details.execution),
        "attempts": [execution_answer(e) for e in details.attempts],
        "inputs": [asdict(value) for value in details.inputs],
        "outputs": [asdict(value) for value in details.outputs],
        "logged": [entry_answer(entry, details.gone) for entry in details.logged],
        "usage": {
            "cpu_seconds": usage.get("cpu_seconds"),
            "memory_peak": usage.get("memory_peak"),
            "cpu": usage.get("cpu"),
            "memory": usage.get("memory"),
            "gpu": usage.get("gpu") or 0,
            "gpus": list(usage.get("gpus") or ()),
        },
        "files": {"read": list(details.read), "written": list(details.written)},
    }


def outputs_answer(records: Sequence[Mapping[str, Any]], after: int, more: bool) -> dict[str, Any]:
    """Return the schema ``Outputs``."""
    outputs = [{"cell": r.get("cell") or "", "time": iso(r.get("time")), "output": r["output"]} for r in records]
    return {"outputs": outputs, "next": after, "more": more}

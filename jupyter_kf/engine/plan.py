"""Engine room: what a run is to do, written into its folder before it starts and read by the process that runs it."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from jupyter_kf.engine.base import SUPERVISOR
from jupyter_kf.errors import EngineError, UsageError
from jupyter_kf.model.pipeline import Pipeline, pipeline_from_dict

NAME = "plan.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A run on paper. ``cwd``: folder of the notebook, where steps run. ``targets``: the steps that may run
    (``None``: all); values of the others come from ``base_run``. ``edited``: the notebook changed since executions of
    this run were committed, so they count only where their key is the same. ``details`` are those of the request.
    """  # fmt: skip

    run: str
    notebook: str
    cwd: str
    pipeline: Pipeline | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "pipeline"
    program: str = SUPERVISOR
    python: str = ""
    kernel: str = ""
    kernel_env: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    snapshot: str = ""
    environment: str = ""
    cache: bool = True
    in_order: bool = False
    targets: tuple[str, ...] | None = None
    base_run: str = ""
    edited: bool = False
    secrets: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the plan into the run's folder, whole or not at all."""
        data: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        data |= {"version": _VERSION, "pipeline": self.pipeline.to_dict() if self.pipeline else None}
        draft = folder / f"{NAME}.{os.getpid()}"
        draft.write_text(json.dumps(data, default=dict), "utf-8")
        draft.replace(folder / NAME)


def read_plan(folder: Path) -> Plan:
    """Read the plan in a run's folder.

    Raises:
        EngineError: KF705 where there is none that can be read.
    """
    try:
        data = json.loads((folder / NAME).read_text("utf-8"))
        known = {f.name for f in fields(Plan)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
        plan = Plan(**values)
        return replace(plan, pipeline=pipeline_from_dict(data["pipeline"])) if data["pipeline"] else plan
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise EngineError(
            f"The plan of the run in {folder} cannot be read: {exc}",
            code="KF705",
            fix="Run the notebook again.",
        ) from exc


def select_steps(
    pipeline: Pipeline, *, only: Collection[str] = (), from_: str = "", until: str = ""
) -> tuple[str, ...] | None:
    """Return the steps that may run, in notebook order; ``None`` where nothing is left out.

    ``until`` keeps a step and what it depends on, ``from_`` a step and what depends on it, ``only`` just those named.

    Raises:
        UsageError: KF450 for a step that is not there.
    """
    names = [s.name for s in pipeline.steps]
    for name in (*only, *((from_,) if from_ else ()), *((until,) if until else ())):
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            raise UsageError(
                f"The pipeline has no step {name!r}.",
                code="KF450",
                fix=f"Did you mean {near[0]!r}?" if near else f"The steps are: {', '.join(names)}.",
            )
    if not (only or from_ or until):
        return None
    kept = set(only) if only else set(names)
    if until:
        kept &= {until, *ancestors(pipeline, [until])}
    if from_:
        kept &= {name for name in names if name == from_ or from_ in ancestors(pipeline, [name])}
    if not kept:
        raise UsageError(
            f"No step lies between {from_!r} and {until!r}.", code="KF450", fix="Give --from a step before --until."
        )
    return tuple(n for n in names if n in kept)


def ancestors(pipeline: Pipeline, names: Iterable[str]) -> set[str]:
    """Return every step that one of ``names`` depends on, as far as the text tells."""
    direct = {s.name: s.after for s in pipeline.steps}
    found: set[str] = set()
    todo = [a for name in names for a in direct[name]]
    while todo:
        name = todo.pop()
        if name not in found and name in direct:
            found.add(name)
            todo += direct[name]
    return found


def check_base(pipeline: Pipeline, targets: Collection[str], done: Collection[str], base_run: str) -> None:
    """Refuse a part of a pipeline whose inputs no earlier run has.

    Raises:
        UsageError: KF451, naming the step that has no result.
    """
    lacking = [s for s in pipeline.steps if s.name in ancestors(pipeline, targets) - set(targets) - set(done)]
    if not lacking:
        return
    name = lacking[0].name
    whose = f"Run {base_run}" if base_run else "No successful run of this notebook"
    raise UsageError(
        f"{whose} has {'no' if base_run else 'a'} result of step {name!r}, which {', '.join(sorted(targets))} "
        f"{'depends' if len(targets) == 1 else 'depend'} on.",
        code="KF451",
        fix=f"Run the whole notebook once, or up to there with --until {name}.",
    )

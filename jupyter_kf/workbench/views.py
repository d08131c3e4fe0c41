"""Workbench room: what the verbs answer. Frozen; ``to_dict`` is the JSON of ``--json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_kf.errors import NotebookError
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.change import Progress
from jupyter_kf.model.pipeline import Diagnostic, Pipeline
from jupyter_kf.model.run import Execution, Experiment, Run, State, iso

#: Bytes of a stream that ``run --json`` carries.
STREAM_TAIL = 64 * 1024


@dataclass(frozen=True, slots=True)
class CellMark:
    """A marked cell. ``role`` is ``step``, ``params``, ``setup``, ``skip`` or ``metrics`` (Kale's)."""

    id: str
    index: int
    role: str
    step: str = ""


@dataclass(frozen=True, repr=False)
class CheckView:
    """What ``check`` found.

    ``sources`` maps cell ids to their text, for quoting the line a finding is about; ``marks`` says what each marked
    cell is.
    """

    notebook: str
    pipeline: Pipeline | None
    diagnostics: tuple[Diagnostic, ...]
    dialect: str = "kubeflow"
    whole: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[Mapping[str, Any], ...] = ()
    replaced: tuple[str, ...] = ()
    marks: tuple[CellMark, ...] = ()

    def __repr__(self) -> str:
        steps = len(self.pipeline.steps) if self.pipeline else 0
        return f"<CheckView {Path(self.notebook).name}: {steps} steps, {len(self.diagnostics)} findings>"

    @property
    def ok(self) -> bool:
        """True where no finding is an error."""
        return not any(d.severity == "error" for d in self.diagnostics)

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``check --json``."""
        pipeline = self.pipeline.summary() if self.pipeline else None
        if self.whole:
            name = Path(self.notebook).stem
            pipeline = {"name": name, "parameters": [dict(p) for p in self.parameters], "steps": []}
        return {
            "pipeline": pipeline,
            "dialect": self.dialect,
            "whole": self.whole,
            "diagnostics": [d.to_dict() for d in self.diagnostics],
        }


class RunRefused(NotebookError):
    """A notebook whose findings include an error is not run. ``check`` holds all findings."""

    code = "KF114"

    def __init__(self, message: str, check: CheckView | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.check = check


@dataclass(frozen=True, repr=False)
class RunView:
    """A run with its executions, in the order of the pipeline's steps, attempts one after another."""

    run: Run
    executions: tuple[Execution, ...] = ()
    pipeline: Pipeline | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    replaced: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<RunView {self.run.name} {self.run.id} {self.run.state}>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name

    @property
    def state(self) -> State:
        """The run's state."""
        return self.run.state

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last value of each metric."""
        return self.run.metrics

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters' values."""
        return self.run.parameters

    def execution(self, step: str) -> Execution | None:
        """Return the step's last execution, ``None`` where it never began."""
        return self.latest().get(step)

    def latest(self) -> dict[str, Execution]:
        """Return the last execution of each step."""
        return {execution.step: execution for execution in self.executions if not superseded(execution)}

    @property
    def exit_code(self) -> int:
        """0 succeeded or still under way, 130 cancelled, 1 anything else."""
        if self.run.state in {State.CANCELED, State.CANCELING}:
            return 130
        return 1 if self.run.state in {State.FAILED, State.INTERRUPTED} else 0

    def to_dict(self, *, streams: bool = True) -> dict[str, Any]:
        """Return the document of ``run --json``: the run, its executions with the ends of their streams."""
        kept = [e for e in self.executions if not superseded(e)]
        return {
            "run": self.run.to_dict(),
            "executions": [_with_streams(e) if streams else e.to_dict() for e in kept],
            "superseded": [e.to_dict() for e in self.executions if superseded(e)],
            "diagnostics": [d.to_dict() for d in self.diagnostics],
        }


def superseded(execution: Execution) -> bool:
    """True where a later change of an input made the execution void; its step ran again."""
    return execution.reason.startswith("superseded:")


def _with_streams(execution: Execution) -> dict[str, Any]:
    streams = {name: read_stream(execution, name, STREAM_TAIL) for name in ("stdout", "stderr")}
    return {**execution.to_dict(), **streams}


def read_stream(execution: Execution, name: str, tail: int | None = None) -> str:
    """Return what an execution wrote to ``stdout`` or ``stderr``; with ``tail`` at most its last bytes."""
    if not execution.folder:
        return ""
    path = Path(execution.folder) / name
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        if tail is not None:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - tail))
        data = stream.read()
    if tail is not None:
        while data and data[0] & 0xC0 == 0x80:  # the cut may have gone through a character
            data = data[1:]
    return data.decode("utf-8", "replace")


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ; ``None`` where a side has no such thing."""

    name: str
    a: Any
    b: Any

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"name": self.name, "a": self.a, "b": self.b}


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side. ``code`` maps steps to unified diffs; ``environment`` lists packages that differ.

    ``curves`` maps metrics that were logged more than once to the (x, y) points of both runs, for drawing.
    """

    a: Run
    b: Run
    parameters: tuple[Difference, ...]
    metrics: tuple[Difference, ...]
    steps: tuple[Difference, ...]
    code: Mapping[str, str]
    environment: tuple[Difference, ...]
    curves: Mapping[str, tuple[Sequence[tuple[float, float]], Sequence[tuple[float, float]]]] = field(
        default_factory=dict
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``compare --json``."""
        return {
            "a": self.a.to_dict(),
            "b": self.b.to_dict(),
            "parameters": [d.to_dict() for d in self.parameters],
            "metrics": [d.to_dict() for d in self.metrics],
            "steps": [d.to_dict() for d in self.steps],
            "code": dict(self.code),
            "environment": [d.to_dict() for d in self.environment],
        }


@dataclass(frozen=True)
class Compared:
    """One thing of several runs: a value for each, ``None`` where a run has no such thing."""

    name: str
    values: tuple[Any, ...]
    differs: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"name": self.name, "values": list(self.values), "differs": self.differs}


@dataclass(frozen=True)
class ComparisonTable:
    """Two or more runs side by side. ``code`` holds ``(run, step, unified diff)`` against the first of them."""

    views: tuple[RunView, ...]
    parameters: tuple[Compared, ...]
    metrics: tuple[Compared, ...]
    steps: tuple[Compared, ...]
    code: tuple[tuple[str, str, str], ...]
    environment: tuple[Compared, ...]


@dataclass(frozen=True)
class RunList:
    """The answer of ``runs``: a page of runs, newest first unless sorted otherwise."""

    runs: tuple[Run, ...]
    metrics: tuple[str, ...] = ()

    def __iter__(self) -> Any:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: int) -> Run:
        return self.runs[index]

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``runs --json``."""
        return {"runs": [run.to_dict() for run in self.runs]}


@dataclass(frozen=True)
class RunPage:
    """A page of runs with how far each is. ``total`` counts all that fit; ``cursor``: the log at that moment."""

    runs: tuple[Run, ...]
    progress: Mapping[str, Progress]
    total: int
    offset: int
    limit: int
    cursor: int


@dataclass(frozen=True)
class RunOverview:
    """A run as it is now, without what its executions were given and made.

    ``cells`` says how many cells are done of how many, by execution, for a whole notebook; ``cursor``: the log at that
    moment.
    """

    view: RunView
    progress: Progress
    cells: Mapping[str, tuple[int, int]]
    cursor: int


@dataclass(frozen=True)
class ExperimentList:
    """The answer of ``experiments``."""

    experiments: tuple[Experiment, ...]

    def __iter__(self) -> Any:
        return iter(self.experiments)

    def __len__(self) -> int:
        return len(self.experiments)

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``experiments --json``."""
        return {
            "experiments": [
                {
                    "name": e.name,
                    "description": e.description,
                    "runs": e.runs,
                    "created": iso(e.created),
                    "last_run": iso(e.last_run),
                }
                for e in self.experiments
            ]
        }


@dataclass(frozen=True)
class ArtifactEntry:
    """An artifact as a run's step made it, under the name it has there."""

    step: str
    name: str
    artifact: Artifact

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"step": self.step, "name": self.name, **self.artifact.to_dict()}


@dataclass(frozen=True)
class ArtifactList:
    """The answer of ``artifacts``."""

    run: Run
    entries: tuple[ArtifactEntry, ...]

    def __iter__(self) -> Any:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``artifacts --json``."""
        return {"run": self.run.id, "artifacts": [entry.to_dict() for entry in self.entries]}


@dataclass(frozen=True)
class Values:
    """The answer of ``get``: variables of a step, by name. ``missing`` maps names that could not be had to reasons."""

    run: str
    step: str
    values: Mapping[str, Any]
    types: Mapping[str, str] = field(default_factory=dict)
    previews: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    inputs: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``get --json``: names with types and previews, not the values."""
        names = list(self.types) or list(self.values)
        return {
            "run": self.run,
            "step": self.step,
            "inputs": self.inputs,
            "values": [{"name": n, "type": self.types.get(n, ""), "preview": self.previews.get(n, "")} for n in names],
            "missing": dict(self.missing),
        }


@dataclass(frozen=True)
class Finding:
    """One line of ``doctor``. ``state`` is ``ok``, ``note`` (works, but) or ``bad``."""

    topic: str
    state: str
    message: str
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"topic": self.topic, "state": self.state, "message": self.message, "fix": self.fix}


@dataclass(frozen=True)
class DoctorView:
    """The answer of ``doctor``."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True where nothing is in the way of running a pipeline."""
        return all(f.state != "bad" for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``doctor --json``."""
        return {"ok": self.ok, "findings": [f.to_dict() for f in self.findings]}


@dataclass(frozen=True, repr=False)
class GraphView:
    """A pipeline to be drawn, with the states of a run's steps where it is a run's."""

    pipeline: Pipeline
    run: Run | None = None
    executions: Mapping[str, Execution] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<GraphView {self.pipeline.name}: {len(self.pipeline.steps)} steps>"

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``graph --json``."""
        edges = [[before, step.name] for step in self.pipeline.steps for before in step.after]
        return {
            "pipeline": self.pipeline.summary(),
            "edges": edges,
            "run": self.run.id if self.run else None,
            "states": {name: str(execution.state) for name, execution in self.executions.items()},
        }


@dataclass(frozen=True)
class Done:
    """The answer of verbs that only do something: one sentence, and the facts behind it."""

    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts with the sentence."""
        return {"message": self.message, **self.facts}

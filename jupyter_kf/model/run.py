"""Words for one *go* of a pipeline: runs, executions, their states, and experiments.

Times are seconds since the epoch (float, UTC) inside and ISO 8601 text with ``Z`` in JSON.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


class State(enum.StrEnum):
    """States of runs and executions: those of KFP v2, and INTERRUPTED for a run whose supervisor is gone."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    PAUSED = "PAUSED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def final(self) -> bool:
        """True where nothing follows unless somebody resumes the run."""
        return self in _FINAL


_FINAL = frozenset({State.SUCCEEDED, State.SKIPPED, State.FAILED, State.CANCELED, State.INTERRUPTED})


def iso(moment: float | None) -> str | None:
    """Return seconds since the epoch as ISO 8601 text in UTC with milliseconds, ``None`` as ``None``."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Run:
    """One go. ``kind``: ``pipeline``, ``notebook`` (papermill), ``job`` (training), ``cell`` (``--on local``) or
    ``session`` (loose logs).

    ``notebook`` is the absolute path; ``snapshot`` the digest of the notebook as it was; ``environment`` the digest
    of the captured environment; ``resumes`` how often it was resumed; ``error`` an error's ``to_dict()``.
    """

    id: str
    name: str
    kind: str = "pipeline"
    experiment: str = "Default"
    state: State = State.PENDING
    notebook: str = ""
    pipeline: str = ""
    engine: str = "local"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    snapshot: str = ""
    environment: str = ""
    error: Mapping[str, Any] | None = None
    resumes: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the ``run`` object of ``--json``."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "experiment": self.experiment,
            "state": str(self.state),
            "notebook": self.notebook,
            "pipeline": self.pipeline,
            "engine": self.engine,
            "parameters": dict(self.parameters),
            "tags": dict(self.tags),
            "note": self.note,
            "created": iso(self.created),
            "started": iso(self.started),
            "finished": iso(self.finished),
            "error": dict(self.error) if self.error else None,
            "metrics": dict(self.metrics),
        }


@dataclass(frozen=True, slots=True)
class Execution:
    """One attempt of a step. ``reason`` says why it was or was not taken from the cache, or what it waits for.

    ``inputs`` and ``outputs`` map names to artifact digests. ``report`` is what the guest said at its end
    (``docs/design/0001-data-flow.md``); the scheduler needs it to go on after a crash. ``folder`` holds streams.
    """

    id: str
    run: str
    step: str
    attempt: int = 1
    state: State = State.PENDING
    cached: bool = False
    cache_key: str = ""
    reason: str = ""
    started: float | None = None
    finished: float | None = None
    seconds: float | None = None
    folder: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the object of ``executions`` in ``--json``, without the streams, which live in files."""
        return {
            "id": self.id,
            "step": self.step,
            "attempt": self.attempt,
            "state": str(self.state),
            "cached": self.cached,
            "reason": self.reason,
            "started": iso(self.started),
            "finished": iso(self.finished),
            "seconds": self.seconds,
            "inputs": dict(self.inputs),
            "outputs": dict(self.outputs),
            "metrics": dict(self.metrics),
            "error": dict(self.error) if self.error else None,
        }


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named group of runs."""

    name: str
    description: str = ""
    created: float = 0.0
    runs: int = 0
    last_run: float | None = None

"""Words for where a value came from and where it went, and for one logged point of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.run import State, iso


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One logged value. ``at`` is the ``step=`` the user gave (an epoch, an iteration), ``step`` the pipeline's."""

    name: str
    value: float
    at: float | None
    time: float
    step: str = ""
    execution: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"name": self.name, "value": self.value, "at": self.at, "time": iso(self.time), "step": self.step}


@dataclass(frozen=True, slots=True)
class Use:
    """An execution that made or used an artifact under ``name``.

    ``role``: ``input``, ``output``, ``logged``, ``snapshot`` or ``environment``; the last two belong to the run as a
    whole and have no execution. ``snapshot`` is the digest of the notebook that the run was made from: together with
    ``step`` it leads to the cells.
    """

    role: str
    name: str
    digest: str
    run: str
    run_name: str = ""
    execution: str = ""
    step: str = ""
    state: State | None = None
    cached: bool = False
    snapshot: str = ""
    time: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "role": self.role,
            "name": self.name,
            "digest": self.digest,
            "run": self.run,
            "run_name": self.run_name,
            "execution": self.execution,
            "step": self.step,
            "state": str(self.state) if self.state else None,
            "cached": self.cached,
            "snapshot": self.snapshot,
            "time": iso(self.time),
        }


@dataclass(frozen=True, slots=True)
class Lineage:
    """What made ``artifact`` (the execution that ran first, then those that took it from the cache), what used it."""

    artifact: Artifact
    made_by: tuple[Use, ...] = ()
    used_by: tuple[Use, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "artifact": self.artifact.to_dict(),
            "made_by": [u.to_dict() for u in self.made_by],
            "used_by": [u.to_dict() for u in self.used_by],
        }


@dataclass(frozen=True, slots=True)
class LineageGraph:
    """All artifacts of a run and which of its executions made and used them."""

    run: str
    artifacts: tuple[Artifact, ...] = ()
    uses: tuple[Use, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "run": self.run,
            "artifacts": [a.to_dict() for a in self.artifacts],
            "uses": [u.to_dict() for u in self.uses],
        }

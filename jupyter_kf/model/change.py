"""Words for how far a run is, and for what changed in the log since somebody looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_kf.model.run import Execution, Run


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in steps (a whole notebook: in cells). ``done`` counts successes, ``cached`` those of them that
    were taken from the cache; ``failed_step`` is the first that failed.
    """

    done: int = 0
    total: int = 0
    failed: int = 0
    running: int = 0
    cached: int = 0
    failed_step: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "done": self.done,
            "total": self.total,
            "failed": self.failed,
            "running": self.running,
            "cached": self.cached,
            "failed_step": self.failed_step,
        }


@dataclass(frozen=True, slots=True)
class Touch:
    """An event without what it says: that something of this run, maybe of this execution, changed."""

    cursor: int
    kind: str
    run: str
    execution: str
    time: float


@dataclass(frozen=True, slots=True)
class Changes:
    """Whole runs and executions as they are now, of all that changed after the cursor ``after`` up to ``cursor``.

    ``progress`` has an entry for each of ``runs``; ``cells`` says of executions of whole notebooks how many cells are
    done of how many. ``deleted`` are ids of runs. ``reset``: too much changed to be told.
    """

    after: int
    cursor: int
    runs: tuple[Run, ...] = ()
    progress: Mapping[str, Progress] = field(default_factory=dict)
    executions: tuple[Execution, ...] = ()
    cells: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    reset: bool = False

"""Server room, metrics: what the server's ``/metrics`` says of runs. Counted since the server began."""

from __future__ import annotations

from functools import cache
from typing import Any

from jupyter_kf.model.change import Changes

#: Finished things that were counted lately: a later change of one of them (a note, a tag) is not another end.
_REMEMBERED = 20_000
_counted: dict[tuple[str, object], None] = {}


@cache
def _instruments() -> tuple[Any, Any, Any]:
    from prometheus_client import Counter, Histogram

    runs = Counter("jupyter_kf_runs_finished", "runs that came to an end", ["kind", "state"])
    executions = Counter("jupyter_kf_executions_finished", "attempts of steps that came to an end", ["state", "cached"])
    seconds = Histogram(
        "jupyter_kf_execution_seconds",
        "how long attempts of steps took that were not taken from the cache",
        ["state"],
        buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 43200),
    )
    return runs, executions, seconds


def observe(changes: Changes) -> None:
    """Count what came to an end. Called in one thread only."""
    runs, executions, seconds = _instruments()
    for run in changes.runs:
        if run.state.final and _first(run.id, run.finished):
            runs.labels(run.kind, str(run.state)).inc()
    for execution in changes.executions:
        if execution.state.final and _first(execution.id, None):
            executions.labels(str(execution.state), str(execution.cached).lower()).inc()
            if execution.seconds is not None and not execution.cached:
                seconds.labels(str(execution.state)).observe(execution.seconds)


def _first(name: str, moment: object) -> bool:
    key = (name, moment)
    if key in _counted:
        return False
    _counted[key] = None
    while len(_counted) > _REMEMBERED:
        del _counted[next(iter(_counted))]
    return True

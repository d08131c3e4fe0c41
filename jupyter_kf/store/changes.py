"""Store room: how far runs are, and what changed after a cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jupyter_kf.model.change import Changes, Progress, Touch
from jupyter_kf.model.run import Run, State
from jupyter_kf.store import history, query
from jupyter_kf.store.database import Session

_ENDS = frozenset({"run.finished", "run.interrupted"})


def touched(session: Session, after: int, limit: int) -> list[Touch]:
    """Return at most ``limit`` events after the cursor, without their data."""
    rows = session.rows(
        f"SELECT seq, kind, run, execution, time FROM kf_events WHERE seq > :after ORDER BY seq LIMIT {int(limit)}",
        {"after": after},
    )
    return [Touch(int(seq), kind, run, execution, moment) for seq, kind, run, execution, moment in rows]


def folded(session: Session, after: int, touches: Sequence[Touch]) -> Changes:
    """Return what the touched runs and executions are now."""
    cursor = touches[-1].cursor if touches else after
    named = list(dict.fromkeys(t.run for t in touches))
    kept = {row[0] for row in session.rows_in("SELECT id FROM kf_runs WHERE deleted = 0 AND id IN ({})", named)}
    runs = query.load_runs(session, [run for run in named if run in kept])
    ids = dict.fromkeys(t.execution for t in touches if t.execution and t.run in kept)
    for touch in touches:
        if touch.kind in _ENDS and touch.run in kept:  # the end of a run ends what was under way
            rows = session.rows(
                "SELECT id FROM kf_executions WHERE run = :run AND finished >= :now",
                {"run": touch.run, "now": touch.time},
            )
            ids.update(dict.fromkeys(row[0] for row in rows))
    executions = history.executions_in(session, list(ids))
    return Changes(
        after,
        cursor,
        tuple(runs),
        progress(session, runs),
        tuple(executions),
        cells(session, [run.id for run in runs if run.kind == "notebook"]),
        tuple(run for run in named if run not in kept),
    )


def progress(session: Session, runs: Sequence[Run]) -> dict[str, Progress]:
    """Return how far each of ``runs`` is."""
    steps: dict[str, dict[str, tuple[str, bool]]] = {run.id: {} for run in runs}
    rows = session.rows_in(
        "SELECT run, step, state, cached, reason FROM kf_executions WHERE run IN ({}) ORDER BY run, place", list(steps)
    )
    for run, step, state, cached, reason in rows:
        if reason.startswith("superseded:"):
            steps[run].pop(step, None)
        else:
            steps[run][step] = (state, bool(cached))
    planned = _planned(session, runs)
    found = {}
    for run in runs:
        own = steps[run.id]
        states = [state for state, _ in own.values()]
        found[run.id] = Progress(
            done=sum(s in {State.SUCCEEDED, State.SKIPPED} for s in states),
            total=max(len(own), planned.get(run.id, 0)),
            failed=states.count(State.FAILED),
            running=states.count(State.RUNNING),
            cached=sum(cached and state == State.SUCCEEDED for state, cached in own.values()),
            failed_step=next((step for step, (state, _) in own.items() if state == State.FAILED), None),
        )
    for run in runs:
        if run.kind == "notebook" and (told := _cells_of(session, run.id)) is not None:
            _, done, total = told
            now = found[run.id]
            found[run.id] = Progress(done, total, now.failed, now.running, 0, now.failed_step)
    return found


def _planned(session: Session, runs: Sequence[Run]) -> dict[str, int]:
    """Return how many steps each run set out to do, as its newest plan said."""
    first = session.rows_in(
        "SELECT r.id, (SELECT MIN(e.seq) FROM kf_events e WHERE e.run = r.id) FROM kf_runs r WHERE r.id IN ({})",
        [run.id for run in runs],
    )
    told = session.rows_in(
        "SELECT run, data FROM kf_events WHERE seq IN ({})", [seq for _, seq in first if seq is not None]
    )
    for run in runs:
        if run.resumes:
            told += session.rows(
                "SELECT run, data FROM kf_events WHERE run = :run AND kind = 'run.resumed' ORDER BY seq",
                {"run": run.id},
            )
    planned = {}
    for run_id, data in told:
        count = json.loads(data).get("steps")
        if isinstance(count, int):
            planned[run_id] = count
    return planned


def cells(session: Session, runs: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return of the newest execution of each whole notebook how many cells are done, and of how many."""
    found = {}
    for run in runs:
        told = _cells_of(session, run)
        if told is not None:
            execution, done, total = told
            found[execution] = (done, total)
    return found


def _cells_of(session: Session, run: str) -> tuple[str, int, int] | None:
    row = session.row(
        "SELECT execution, data FROM kf_events WHERE run = :run AND kind = 'execution.progress'"
        " ORDER BY seq DESC LIMIT 1",
        {"run": run},
    )
    if row is None:
        return None
    data: dict[str, Any] = json.loads(row[1])
    return row[0], int(data.get("done") or 0), int(data.get("total") or 0)

"""Store room: executions and artifacts read from the tables, and the questions of lineage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_kf.errors import UsageError
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.lineage import Lineage, LineageGraph, Use
from jupyter_kf.model.run import Execution, State
from jupyter_kf.store.database import Row, Session
from jupyter_kf.store.fold import odd_number

_EXECUTION = (
    "id, run, step, attempt, state, cached, cache_key, reason, started, finished, seconds, folder, inputs, outputs,"
    "error, report"
)
_ARTIFACT = "digest, size, kind, names, types, late, created, meta"
_USE = (
    "SELECT l.role, l.name, l.digest, l.run, r.name, l.execution, COALESCE(e.step, ''), e.state, e.cached, r.snapshot,"
    " COALESCE(e.started, r.created) FROM kf_lineage l JOIN kf_runs r ON r.id = l.run"
    " LEFT JOIN kf_executions e ON e.id = l.execution"
)


_BRIEF = _EXECUTION.replace("inputs, outputs,error, report", "NULL, NULL, error, NULL")


def executions(session: Session, where: str, values: Mapping[str, Any]) -> list[Execution]:
    """Return executions by an SQL condition (ordering and limit included) over ``kf_executions``."""
    return _with_metrics(session, session.rows(f"SELECT {_EXECUTION} FROM kf_executions WHERE {where}", values))


def executions_in(session: Session, ids: Sequence[str]) -> list[Execution]:
    """Return the executions with these ids, without their inputs, outputs and reports, in the order they began."""
    rows = session.rows_in(f"SELECT {_BRIEF} FROM kf_executions WHERE id IN ({{}}) ORDER BY place, id", ids)
    return _with_metrics(session, rows)


def brief_executions(session: Session, run: str) -> list[Execution]:
    """Return the executions of a run as :func:`executions_in` does."""
    rows = session.rows(f"SELECT {_BRIEF} FROM kf_executions WHERE run = :run ORDER BY place, id", {"run": run})
    return _with_metrics(session, rows)


def _with_metrics(session: Session, rows: Sequence[Row]) -> list[Execution]:
    metrics: dict[str, dict[str, float]] = {row[0]: {} for row in rows}
    points = session.rows_in(
        "SELECT execution, name, value, odd FROM kf_metrics WHERE execution IN ({}) ORDER BY name", list(metrics)
    )
    for execution, name, value, odd in points:
        metrics[execution][name] = odd_number(value, odd)
    return [_made_execution(row, metrics[row[0]]) for row in rows]


def _made_execution(row: Row, metrics: Mapping[str, float]) -> Execution:
    return Execution(
        id=row[0],
        run=row[1],
        step=row[2],
        attempt=int(row[3]),
        state=State(row[4]),
        cached=bool(row[5]),
        cache_key=row[6],
        reason=row[7],
        started=row[8],
        finished=row[9],
        seconds=row[10],
        folder=row[11],
        inputs=json.loads(row[12]) if row[12] else {},
        outputs=json.loads(row[13]) if row[13] else {},
        error=json.loads(row[14]) if row[14] else None,
        report=json.loads(row[15]) if row[15] else None,
        metrics=metrics,
    )


def made_artifact(row: Row) -> Artifact:
    """Build an artifact from a row of ``kf_artifacts``."""
    digest, size, kind, names, types, late, created, meta = row
    return Artifact(
        digest,
        int(size),
        kind,
        tuple(json.loads(names)),
        json.loads(types),
        tuple(json.loads(late)),
        created,
        json.loads(meta),
    )


def artifact(session: Session, ref: str) -> Artifact:
    """Return the artifact with this digest or beginning of one.

    Raises:
        UsageError: KF417, KF411.
    """
    wanted = ref.strip().lower()
    rows = session.rows(f"SELECT {_ARTIFACT} FROM kf_artifacts WHERE digest = :d", {"d": wanted})
    if not rows and len(wanted) >= 6:
        rows = session.rows(
            f"SELECT {_ARTIFACT} FROM kf_artifacts WHERE digest >= :d AND digest < :e ORDER BY digest LIMIT 3",
            {"d": wanted, "e": wanted + "g"},
        )
    if not rows:
        raise UsageError(
            f"There is no artifact {ref!r}.",
            code="KF417",
            fix="Give its digest or at least the first six characters of it: `jupyter kf artifacts RUN` lists them.",
        )
    if len(rows) > 1:
        raise UsageError(
            f"Several artifacts begin with {ref!r}.",
            code="KF411",
            fix="Give more characters: " + ", ".join(row[0][: len(wanted) + 6] for row in rows) + " …",
        )
    return made_artifact(rows[0])


def lineage(session: Session, ref: str) -> Lineage:
    """Return what made the artifact and what used it."""
    found = artifact(session, ref)
    rows = session.rows(f"{_USE} WHERE l.digest = :digest ORDER BY 11, l.execution, l.name", {"digest": found.digest})
    uses = [_made_use(row) for row in rows]
    made = [u for u in uses if u.role != "input"]
    return Lineage(
        found,
        tuple(sorted(made, key=lambda u: u.cached)),
        tuple(u for u in uses if u.role == "input"),
    )


def lineage_of_run(session: Session, run: str) -> LineageGraph:
    """Return the artifacts of a run and how its executions are tied by them."""
    rows = session.rows(f"{_USE} WHERE l.run = :run ORDER BY 11, l.execution, l.role, l.name", {"run": run})
    digests = sorted({row[2] for row in rows})
    found = session.rows_in(f"SELECT {_ARTIFACT} FROM kf_artifacts WHERE digest IN ({{}}) ORDER BY digest", digests)
    return LineageGraph(run, tuple(made_artifact(row) for row in found), tuple(_made_use(row) for row in rows))


def made_by(session: Session, execution: Execution) -> dict[str, tuple[int, bool]]:
    """Return the digests of what an execution made, each with its size (0: unknown) and whether it was collected."""
    rows = session.rows(
        "SELECT l.digest, COALESCE(a.size, 0), u.gone FROM kf_lineage l LEFT JOIN kf_artifacts a ON a.digest = l.digest"
        " LEFT JOIN kf_usage u ON u.digest = l.digest WHERE l.run = :run AND l.execution = :execution"
        " AND l.role <> 'input'",
        {"run": execution.run, "execution": execution.id},
    )
    return {digest: (int(size), gone is not None) for digest, size, gone in rows}


def needed(session: Session, runs: Sequence[str]) -> set[str]:
    """Return the digests of everything that belongs to ``runs``."""
    return {row[0] for row in session.rows_in("SELECT DISTINCT digest FROM kf_lineage WHERE run IN ({})", runs)}


def _made_use(row: Row) -> Use:
    role, name, digest, run, run_name, execution, step, state, cached, snapshot, moment = row
    return Use(
        role,
        name,
        digest,
        run,
        run_name,
        execution,
        step,
        State(state) if state else None,
        bool(cached),
        snapshot,
        moment,
    )

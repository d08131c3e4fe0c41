"""Store room: how each kind of event changes the tables.

One function a kind, driven by :func:`fold`. They read nothing but the event and the tables, no clock and no files, so
that the same log always makes the same tables. Events may come late or twice (an interrupted run that was alive after
all, a cancel after the end): a final state is left only by ``run.resumed`` and by the true end of the run.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jupyter_kf.model.event import Event
from jupyter_kf.model.run import State
from jupyter_kf.store.database import Session
from jupyter_kf.store.schema import SEARCHED, SHORT

logger = logging.getLogger(__name__)

_LIVE = "('PENDING', 'RUNNING', 'CANCELING', 'PAUSED')"
_ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def fold(session: Session, events: Iterable[Event]) -> None:
    """Bring the tables up to date with ``events``, which have their cursors and come in their order."""
    for event in events:
        change = _CHANGES.get(event.kind)
        if change is None:  # written by a newer version
            logger.warning("Event %s of kind %r is unknown to this version; left out.", event.cursor, event.kind)
            continue
        change(session, event)


def plain(value: Any) -> str:
    """Return JSON text, ASCII only: no database can stumble over a character."""
    return json.dumps(value, separators=(",", ":"), default=str)


def text(value: Any, limit: int | None = SHORT) -> str:
    """Return a text that every database takes: no NUL, no half of a surrogate pair, at most ``limit`` characters."""
    clean = ("" if value is None else str(value)).replace("\0", "\ufffd")
    clean = clean.encode("utf-8", "replace").decode()
    return clean if limit is None else clean[:limit]


def number(value: Any) -> tuple[float | None, str]:
    """Return ``(value, odd)``: infinities and NaN, which not every database stores, are told by ``odd``."""
    value = float(value)
    if math.isfinite(value):
        return value, ""
    return None, "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def odd_number(value: float | None, odd: str) -> float:
    """Undo :func:`number`."""
    return _ODD[odd] if odd else float(value or 0.0)


def words(value: Any) -> str:
    """Return what a parameter or tag is compared with: text as it is, anything else as JSON."""
    return text(value if isinstance(value, str) else plain(value))


# runs


def _submitted(session: Session, event: Event) -> None:
    data = event.data
    experiment = text(data.get("experiment") or "Default")
    session.insert("kf_experiments", [{"name": experiment, "description": "", "created": event.time}], key=("name",))
    session.put(
        "kf_runs",
        {"id": event.run},
        {
            "name": text(data.get("name")),
            "kind": text(data.get("kind") or "pipeline", 64),
            "experiment": experiment,
            "state": State.PENDING.value,
            "notebook": text(data.get("notebook")),
            "pipeline": text(data.get("pipeline")),
            "engine": text(data.get("engine") or "local"),
            "note": text(data.get("note"), None),
            "created": event.time,
            "started": None,
            "finished": None,
            "seconds": None,
            "snapshot": text(data.get("snapshot"), 64),
            "environment": text(data.get("environment"), 64),
            "error": None,
            "resumes": 0,
            "deleted": 0,
            "search": "",
        },
    )
    _parameters(session, event.run, data.get("parameters") or {})
    _tags(session, event.run, data.get("tags") or {})
    _whole(session, event, "snapshot", "notebook")
    _whole(session, event, "environment", "environment")
    _searchable(session, event.run)


def _whole(session: Session, event: Event, role: str, kind: str) -> None:
    """Note an artifact that belongs to the run as a whole, of which the event knows the digest alone."""
    digest = event.data.get(role)
    if digest:
        _artifacts(session, event, [{"digest": digest, "kind": kind}])
        _links(session, event, role, {"": digest})


def _searchable(session: Session, run: str) -> None:
    row = session.row("SELECT name, experiment, notebook, pipeline, note FROM kf_runs WHERE id = :run", {"run": run})
    if row is None:
        return
    tags = session.rows("SELECT name, words FROM kf_tags WHERE run = :run ORDER BY name", {"run": run})
    name, experiment, notebook, pipeline, note = row
    parts = [run, name, experiment, *(f"{n}={w}" for n, w in tags), note, notebook.rpartition("/")[2], pipeline]
    searched = text("\n".join(parts).lower(), SEARCHED)
    session.execute("UPDATE kf_runs SET search = :search WHERE id = :run", {"search": searched, "run": run})


def _run_state(session: Session, event: Event, state: State, only: str = "", **values: Any) -> bool:
    changes = {"state": state.value, **values}
    assigned = ", ".join(f"{c} = :{c}" for c in changes)
    where = f" AND state IN {only}" if only else ""
    return bool(session.execute(f"UPDATE kf_runs SET {assigned} WHERE id = :run{where}", {**changes, "run": event.run}))


def _started(session: Session, event: Event) -> None:
    # A cancel that came first stays visible; a resumed run keeps the time of its first start.
    session.execute(
        "UPDATE kf_runs SET state = CASE WHEN state = 'CANCELING' THEN state ELSE 'RUNNING' END, "
        "started = COALESCE(started, :now) WHERE id = :run AND state IN ('PENDING', 'RUNNING', 'CANCELING', 'PAUSED', "
        "'INTERRUPTED')",
        {"now": event.time, "run": event.run},
    )


def _canceling(session: Session, event: Event) -> None:
    _run_state(session, event, State.CANCELING, "('PENDING', 'RUNNING', 'PAUSED')")


def _finished(session: Session, event: Event) -> None:
    error = event.data.get("error")
    state = State(event.data.get("state", State.SUCCEEDED))
    _run_state(session, event, state, finished=event.time, error=plain(error) if error else None)
    _time_taken(session, event)
    _abandon(session, event, State.CANCELED)


def _time_taken(session: Session, event: Event) -> None:
    session.execute("UPDATE kf_runs SET seconds = finished - started WHERE id = :run", {"run": event.run})


def _interrupted(session: Session, event: Event) -> None:
    if _run_state(session, event, State.INTERRUPTED, _LIVE, finished=event.time):
        _time_taken(session, event)
        _abandon(session, event, State.INTERRUPTED)


def _abandon(session: Session, event: Event, state: State) -> None:
    session.execute(
        f"UPDATE kf_executions SET state = :state, finished = :now WHERE run = :run AND state IN {_LIVE}",
        {"state": state.value, "now": event.time, "run": event.run},
    )


def _resumed(session: Session, event: Event) -> None:
    session.execute(
        "UPDATE kf_runs SET state = 'PENDING', finished = NULL, seconds = NULL, error = NULL, resumes = resumes + 1"
        " WHERE id = :run",
        {"run": event.run},
    )
    _parameters(session, event.run, event.data.get("parameters") or {})
    snapshot = event.data.get("snapshot")
    if snapshot:
        session.execute(
            "UPDATE kf_runs SET snapshot = :snapshot WHERE id = :run",
            {"snapshot": text(snapshot, 64), "run": event.run},
        )
        _whole(session, event, "snapshot", "notebook")


def _tagged(session: Session, event: Event) -> None:
    _tags(session, event.run, event.data.get("tags") or {})
    _searchable(session, event.run)


def _noted(session: Session, event: Event) -> None:
    note = text(event.data.get("note"), None)
    session.execute("UPDATE kf_runs SET note = :note WHERE id = :run", {"note": note, "run": event.run})
    _searchable(session, event.run)


def _parameter(session: Session, event: Event) -> None:
    _parameters(session, event.run, {event.data["name"]: event.data.get("value")})


def _deleted(session: Session, event: Event) -> None:
    session.execute("UPDATE kf_runs SET deleted = 1 WHERE id = :run", {"run": event.run})


def _parameters(session: Session, run: str, values: Mapping[str, Any]) -> None:
    rows = []
    for name, value in values.items():
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        amount = _bounded(value) if numeric else None
        rows.append({"run": run, "name": text(name), "value": plain(value), "number": amount, "words": words(value)})
    session.insert("kf_parameters", rows, key=("run", "name"), update=("value", "number", "words"))


def _bounded(value: float) -> float | None:
    try:
        return number(value)[0]
    except OverflowError:  # an integer beyond any float
        return None


def _tags(session: Session, run: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is None:
            session.execute("DELETE FROM kf_tags WHERE run = :run AND name = :name", {"run": run, "name": text(name)})
        else:
            row = {"run": run, "name": text(name), "value": text(value, None), "words": text(value)}
            session.insert("kf_tags", [row], key=("run", "name"), update=("value", "words"))


# executions


def _execution(session: Session, event: Event, values: dict[str, Any]) -> None:
    """Set ``values`` in the row of the event's execution, which is made where it is missing."""
    sets = ", ".join(f"{c} = :{c}" for c in values)
    if session.execute(f"UPDATE kf_executions SET {sets} WHERE id = :id", {**values, "id": event.execution}):
        return
    fresh = {
        "id": event.execution,
        "run": event.run,
        "step": text(event.step),
        "attempt": 1,
        "state": State.PENDING.value,
        "cached": 0,
        "cache_key": "",
        "reason": "",
        "started": None,
        "finished": None,
        "seconds": None,
        "folder": "",
        "inputs": "{}",
        "outputs": "{}",
        "error": None,
        "report": None,
        "superseded": "",
        "place": event.cursor,
    }
    session.insert("kf_executions", [{**fresh, **values}])


def _described(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that an execution's event speaks of."""
    values: dict[str, Any] = {}
    if data.get("attempt"):
        values["attempt"] = int(data["attempt"])
    if data.get("cache_key"):
        values["cache_key"] = text(data["cache_key"])
    if data.get("reason") is not None:
        values["reason"] = text(data["reason"], None)
    if data.get("folder"):
        values["folder"] = text(data["folder"], None)
    if data.get("inputs") is not None:
        values["inputs"] = plain(data["inputs"])
    return values


def _waiting(session: Session, event: Event) -> None:
    if event.execution:
        _execution(session, event, {**_described(event.data), "state": State.PENDING.value})


def _execution_started(session: Session, event: Event) -> None:
    values = {**_described(event.data), "state": State.RUNNING.value, "started": event.time}
    _execution(session, event, values)
    _links(session, event, "input", event.data.get("inputs") or {})


def _progress(session: Session, event: Event) -> None:
    """Progress is read from the log."""


def _execution_finished(session: Session, event: Event) -> None:
    data = event.data
    seconds = data.get("seconds")
    outputs = data.get("outputs") or {}
    _execution(
        session,
        event,
        {
            **_described(data),
            "state": State(data.get("state", State.SUCCEEDED)).value,
            "cached": int(bool(data.get("cached"))),
            "finished": event.time,
            "seconds": None if seconds is None else float(seconds),
            "outputs": plain(outputs),
            "error": plain(data["error"]) if data.get("error") else None,
            "report": plain(data["report"]) if data.get("report") else None,
        },
    )
    session.execute(
        "UPDATE kf_executions SET started = :started WHERE id = :id AND started IS NULL",
        {"started": event.time - float(seconds or 0.0), "id": event.execution},
    )
    report = data.get("report") or {}
    artifacts = [*(data.get("artifacts") or ()), *(report.get("artifacts") or ())]
    _artifacts(session, event, artifacts)
    _links(session, event, "input", data.get("inputs") or {})
    _links(session, event, "output", outputs)
    named = set(outputs.values())
    for artifact in artifacts:
        if artifact["digest"] not in named:
            names = artifact.get("names") or ("",)
            _links(session, event, "output", dict.fromkeys(names, artifact["digest"]))
    _reported_metrics(session, event, report.get("metrics") or {})


def _reported_metrics(session: Session, event: Event, metrics: Mapping[str, Any]) -> None:
    """Add the metrics of a report that were not logged as points (those of a cached execution, above all)."""
    if not metrics:
        return
    known = session.rows("SELECT name FROM kf_metrics WHERE execution = :id", {"id": event.execution})
    missing = {text(n): v for n, v in metrics.items()}
    for (name,) in known:
        missing.pop(name, None)
    _points(session, event, [[name, value, None, event.time] for name, value in missing.items()])


def _superseded(session: Session, event: Event) -> None:
    by = text(event.data.get("by")) or "?"
    session.execute(
        "UPDATE kf_executions SET state = 'CANCELED', finished = COALESCE(finished, :now), superseded = :by,"
        " reason = :reason WHERE id = :id",
        {"now": event.time, "by": by, "reason": f"superseded: {by} changed one of its inputs", "id": event.execution},
    )
    gone = session.rows("SELECT name FROM kf_metrics WHERE execution = :id", {"id": event.execution})
    for table in ("kf_points", "kf_metrics"):
        session.execute(f"DELETE FROM {table} WHERE execution = :id", {"id": event.execution})
    for (name,) in gone:
        key = {"run": event.run, "name": name}
        session.execute("DELETE FROM kf_run_metrics WHERE run = :run AND name = :name", key)
        last = session.row(
            "SELECT value, odd FROM kf_metrics WHERE run = :run AND name = :name"
            " ORDER BY seq DESC, execution DESC LIMIT 1",
            key,
        )
        if last is not None:
            session.insert("kf_run_metrics", [{**key, "value": last[0], "odd": last[1]}])


# metrics and artifacts


def _metrics(session: Session, event: Event) -> None:
    _points(session, event, event.data.get("points") or [])


def _points(session: Session, event: Event, points: Sequence[Sequence[Any]]) -> None:
    rows: list[dict[str, Any]] = []
    last: dict[str, tuple[float | None, str]] = {}
    for place, (name, value, at, moment) in enumerate(points):
        amount, odd = number(value)
        short = text(name)
        last[short] = (amount, odd)
        rows.append(
            {
                "seq": event.cursor,
                "place": place,
                "run": event.run,
                "execution": event.execution,
                "step": text(event.step),
                "name": short,
                "value": amount,
                "odd": odd,
                "at": None if at is None else float(at),
                "time": float(moment),
            }
        )
    session.insert("kf_points", rows)
    current = [{"run": event.run, "name": n, "value": v, "odd": o} for n, (v, o) in last.items()]
    session.insert("kf_run_metrics", current, key=("run", "name"), update=("value", "odd"))
    own = [{**row, "execution": event.execution, "seq": event.cursor} for row in current]
    session.insert("kf_metrics", own, key=("run", "execution", "name"), update=("value", "odd", "seq"))


def _job_changed(session: Session, event: Event) -> None:
    """Of a job's conditions the run's state follows one: suspended is paused. The rest is read from the log."""
    conditions = event.data["status"]["conditions"]
    paused = any(c["type"] == "Suspended" and c["status"] for c in conditions)
    _run_state(session, event, State.PAUSED if paused else State.RUNNING, "('RUNNING', 'PAUSED')")


def _logged(session: Session, event: Event) -> None:
    artifact = event.data["artifact"]
    _artifacts(session, event, [artifact])
    _links(session, event, "logged", {str(event.data.get("name") or ""): artifact["digest"]})


def _artifacts(session: Session, event: Event, artifacts: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        {
            "digest": a["digest"],
            "size": int(a.get("size") or 0),
            "kind": text(a.get("kind") or "bundle", 64),
            "names": plain(list(a.get("names") or ())),
            "types": plain(dict(a.get("types") or {})),
            "late": plain(list(a.get("late") or ())),
            "created": float(a.get("created") or event.time),
            "meta": plain({k: v for k, v in {**a, **(a.get("meta") or {})}.items() if k not in _OWN}),
        }
        for a in artifacts
    ]
    session.insert("kf_artifacts", rows, key=("digest",))


_OWN = frozenset({"digest", "size", "kind", "names", "types", "late", "created", "meta"})


def _links(session: Session, event: Event, role: str, named: Mapping[str, str | None]) -> None:
    rows = [
        {"run": event.run, "execution": event.execution, "role": role, "name": text(name), "digest": text(digest, 64)}
        for name, digest in named.items()
        if digest
    ]
    session.insert("kf_lineage", rows, key=("run", "execution", "role", "name", "digest"))


_CHANGES: dict[str, Callable[[Session, Event], None]] = {
    "run.submitted": _submitted,
    "run.started": _started,
    "run.canceling": _canceling,
    "run.finished": _finished,
    "run.interrupted": _interrupted,
    "run.resumed": _resumed,
    "run.tagged": _tagged,
    "run.noted": _noted,
    "run.parameter": _parameter,
    "run.deleted": _deleted,
    "execution.waiting": _waiting,
    "execution.started": _execution_started,
    "execution.progress": _progress,
    "execution.finished": _execution_finished,
    "execution.superseded": _superseded,
    "metrics.logged": _metrics,
    "artifact.logged": _logged,
    "job.changed": _job_changed,
}

"""Store room: the event log and the tables that are its fold; every question about runs is answered here.

Writing: :meth:`Metadata.append` stores events and folds them in one transaction. Each event gets an id before the
first attempt, and an id is stored once: an append that is tried again after a lost connection, whose commit may or may
not have happened, cannot double anything. Writers take turns on every back end, so that cursors grow in the order of
the commits and a reader that asks for "everything after" misses nothing.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_kf.errors import StoreError, UsageError
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.change import Changes, Progress, Touch
from jupyter_kf.model.event import KINDS, Event
from jupyter_kf.model.lineage import Lineage, LineageGraph, MetricPoint
from jupyter_kf.model.names import new_id
from jupyter_kf.model.run import Execution, Experiment, Run, State
from jupyter_kf.store import changes, history, query
from jupyter_kf.store.artifacts import Artifacts
from jupyter_kf.store.database import Database, Row, Session
from jupyter_kf.store.fold import fold, odd_number, plain, text
from jupyter_kf.store.schema import FOLDED

logger = logging.getLogger(__name__)

#: Kinds after which nothing may be lost, not even by a power cut.
_DURABLE = frozenset({"run.finished", "run.deleted"})
_ATTEMPTS = 4
_EVENT_COLUMNS = "seq, kind, run, step, execution, time, version, data"
_ARTIFACT_COLUMNS = "digest, size, kind, names, types, late, created, meta"


class Metadata:
    """Runs, executions, artifacts, metrics and the log they come from. Any number of processes may use it at once."""

    def __init__(self, database: Database, artifacts: Artifacts) -> None:
        self._database = database
        self._artifacts = artifacts

    @property
    def dialect(self) -> str:
        """``sqlite``, ``postgresql`` or ``mysql`` (MariaDB, too)."""
        return self._database.dialect

    @property
    def label(self) -> str:
        """The database for messages: a path, or a URL without its password."""
        return self._database.label

    # writing

    def append(self, events: Sequence[Event], *, ids: Sequence[str] | None = None) -> list[int]:
        """Store ``events`` and bring the tables up to date, all or nothing.

        Args:
            events: their ``cursor`` is ignored.
            ids: one unique id an event, for a caller that may repeat itself after a crash: an event whose id is in
                the log is not stored again.

        Returns:
            The cursors, in the order of ``events``.

        Raises:
            StoreError: KF606 for an event that is none; KF60x where the database is away, full or locked.
        """
        if not events:
            return []
        rows = [_event_row(event) for event in events]
        given = ids is not None
        for row, key in zip(rows, ids if ids is not None else [new_id() for _ in events], strict=True):
            row["id"] = key
        durable = any(event.kind in _DURABLE for event in events)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._append(events, rows, check=given or attempt > 1, durable=durable)
            except StoreError as exc:
                if attempt == _ATTEMPTS or not self._database.retryable(exc.__cause__ or exc):
                    raise
                logger.warning("Append failed, trying again: %s", exc.message)
                time.sleep(0.05 * 4**attempt)
        raise AssertionError("unreachable")

    def _append(
        self, events: Sequence[Event], rows: Sequence[dict[str, Any]], *, check: bool, durable: bool
    ) -> list[int]:
        with self._database.writing(durable=durable) as session:
            known: dict[str, int] = {}
            if check:
                ids = [row["id"] for row in rows]
                found = session.rows_in("SELECT id, seq FROM kf_events WHERE id IN ({})", ids)
                known = {key: int(seq) for key, seq in found}
            last = (session.row("SELECT MAX(seq) FROM kf_events") or (0,))[0] or 0
            cursors, fresh, folded = [], [], []
            for event, row in zip(events, rows, strict=True):
                if row["id"] not in known:
                    last += 1
                    known[row["id"]] = last
                    fresh.append({"seq": last, **row})
                    folded.append(replace(event, cursor=last))
                cursors.append(known[row["id"]])
            session.insert("kf_events", fresh)
            try:
                fold(session, folded)
            except (KeyError, TypeError, ValueError, AttributeError) as exc:
                raise _malformed(f"{type(exc).__name__}: {exc}") from exc
            _use(session, folded)
        return cursors

    def rebuild(self) -> int:
        """Make all tables anew from the log; return how many events there were."""
        count = 0
        with self._database.writing(durable=True) as session:
            for table in FOLDED:
                session.execute(f"DELETE FROM {table.name}")
            after = 0
            while True:
                rows = session.rows(
                    f"SELECT {_EVENT_COLUMNS} FROM kf_events WHERE seq > :after ORDER BY seq LIMIT 1000",
                    {"after": after},
                )
                if not rows:
                    return count
                events = [_event(row) for row in rows]
                fold(session, events)
                after = events[-1].cursor
                count += len(events)

    def delete(self, ref: str) -> Run:
        """Hide a run; garbage collection then frees what only it needed.

        Raises:
            UsageError: KF410, KF411 where there is no such run; KF415 where it is still going.
        """
        run = self.run(ref)
        if not run.state.final:
            raise UsageError(
                f"Run {run.name} ({run.id}) is {run.state}.", code="KF415", fix="Cancel it first, then delete it."
            )
        self.append([Event("run.deleted", run.id, time.time())])
        return run

    # runs

    def run(self, ref: str, *, deleted: bool = False, notebook: str | None = None) -> Run:
        """Return one run: by id, by the beginning or the end of one, by exact name (the newest so called), or ``last``.

        Args:
            ref: what the user typed.
            deleted: find deleted runs, too.
            notebook: absolute path: what ``last`` and names are looked for in.

        Raises:
            UsageError: KF410 where there is none, KF411 where an abbreviation fits several.
        """
        with self._database.reading() as session:
            found = query.find_run(session, ref, deleted=deleted, notebook=notebook)
            return query.load_runs(session, [found])[0]

    def runs(
        self,
        where: str = "",
        sort: str = "",
        limit: int | None = 100,
        offset: int = 0,
        *,
        experiment: str | None = None,
        notebook: str | None = None,
        kind: str | None = None,
        states: Sequence[State | str] = (),
        search: str = "",
        deleted: bool = False,
    ) -> list[Run]:
        """Return runs, newest first unless ``sort`` says otherwise.

        Args:
            where: a filter such as ``metrics.acc > 0.9 and tags.team = "a"`` (:mod:`jupyter_kf.store.filters`).
            sort: comma-separated fields, ``-`` before one for descending: ``-metrics.acc,created``. Runs without the
                field come last.
            limit: at most so many; ``None`` for all.
            offset: leave out so many at the beginning.
            experiment: only of this experiment.
            notebook: only of the notebook with this absolute path.
            kind: only ``pipeline``, ``notebook``, ``cell`` or ``session``.
            states: only in one of these states.
            search: words that all occur in name, experiment, notebook, tags, note or id; case does not matter.
            deleted: with the deleted ones.

        Raises:
            UsageError: KF412 for a filter that cannot be read, KF413 for an unknown field; with position and the
                nearest right word.
        """
        asked = query.Question(where, sort, limit, offset, experiment, notebook, kind, tuple(states), search, deleted)
        with self._database.reading() as session:
            return query.load_runs(session, query.select_runs(session, asked))

    def count_runs(
        self,
        where: str = "",
        *,
        experiment: str | None = None,
        notebook: str | None = None,
        kind: str | None = None,
        states: Sequence[State | str] = (),
        search: str = "",
        deleted: bool = False,
    ) -> int:
        """Return how many runs :meth:`runs` would list without a limit."""
        asked = query.Question(where, "", None, 0, experiment, notebook, kind, tuple(states), search, deleted)
        with self._database.reading() as session:
            return query.count_runs(session, asked)

    def experiments(self) -> list[Experiment]:
        """Return all experiments that have runs, the one used last first."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT e.name, e.description, e.created, c.many, c.latest FROM kf_experiments e JOIN ("
                "SELECT experiment, COUNT(*) AS many, MAX(created) AS latest FROM kf_runs WHERE deleted = 0 "
                "GROUP BY experiment) c ON c.experiment = e.name ORDER BY c.latest DESC, e.name"
            )
        return [Experiment(name, about, created, int(many), last) for name, about, created, many, last in rows]

    # executions, metrics

    def cached(self, key: str) -> Execution | None:
        """Return the newest successful execution with this cache key whose artifacts are all still there.

        Not one of a deleted run: its folder, with what it printed, is gone.

        What it made is marked as used in the transaction that finds it: a garbage collection at the same moment either
        sees the mark, or it came first, and then this answers ``None``.
        """
        if not key:
            return None
        where = (
            "cache_key = :key AND state = 'SUCCEEDED' AND run NOT IN (SELECT id FROM kf_runs WHERE deleted = 1) "
            "ORDER BY place DESC LIMIT 5"
        )
        candidates = []
        with self._database.writing() as session:
            for execution in history.executions(session, where, {"key": text(key)}):
                made = history.made_by(session, execution)
                if not any(gone for _, gone in made.values()):
                    _mark_used(session, made)
                    candidates.append((execution, made))
        for execution, made in candidates:
            if all(self._artifacts.whole(digest, size) for digest, (size, _) in made.items()):
                return execution
        return None

    def executions(self, run: str, *, current: bool = False, brief: bool = False) -> list[Execution]:
        """Return the executions of the run with this full id, in the order they began.

        Args:
            run: a run's id.
            current: leave out superseded ones and all attempts of a step but the newest.
            brief: without their inputs, outputs and reports, which may be long.
        """
        with self._database.reading() as session:
            if brief:
                found = history.brief_executions(session, run)
            else:
                found = history.executions(session, "run = :run ORDER BY place, id", {"run": run})
        if not current:
            return found
        newest = {e.step: e for e in found if not e.reason.startswith("superseded:")}
        return [e for e in found if newest.get(e.step) is e]

    def execution(self, ref: str) -> Execution:
        """Return one execution by its id.

        Raises:
            UsageError: KF416 where there is none.
        """
        with self._database.reading() as session:
            found = history.executions(session, "id = :id", {"id": ref})
        if not found:
            raise UsageError(f"There is no execution {ref!r}.", code="KF416", fix="`jupyter kf show RUN` lists them.")
        return found[0]

    def metrics(self, run: str, name: str | None = None, step: str | None = None) -> list[MetricPoint]:
        """Return the logged points of a run, oldest first; only those called ``name``, only those of ``step``."""
        sql = "SELECT name, value, odd, at, time, step, execution FROM kf_points WHERE run = :run"
        values: dict[str, Any] = {"run": run}
        for column, wanted in (("name", name), ("step", step)):
            if wanted is not None:
                sql += f" AND {column} = :{column}"
                values[column] = text(wanted)
        with self._database.reading() as session:
            rows = session.rows(sql + " ORDER BY seq, place", values)
        return [MetricPoint(n, odd_number(v, odd), at, moment, s, e) for n, v, odd, at, moment, s, e in rows]

    # artifacts

    def artifact(self, ref: str) -> Artifact:
        """Return what is known of an artifact, by its digest or a unique beginning of it (six characters or more).

        Raises:
            UsageError: KF417 where there is none, KF411 where several begin so.
        """
        with self._database.reading() as session:
            return history.artifact(session, ref)

    def artifacts(self, run: str | None = None) -> list[Artifact]:
        """Return all artifacts of a run (inputs, outputs, logged files, its notebook), or all there are."""
        sql = f"SELECT {_ARTIFACT_COLUMNS} FROM kf_artifacts"
        values = {}
        if run is not None:
            sql += " WHERE digest IN (SELECT digest FROM kf_lineage WHERE run = :run)"
            values["run"] = run
        with self._database.reading() as session:
            return [history.made_artifact(row) for row in session.rows(sql + " ORDER BY created, digest", values)]

    def collected(self, digests: Sequence[str]) -> set[str]:
        """Return those of ``digests`` whose bytes were garbage collected."""
        with self._database.reading() as session:
            rows = session.rows_in("SELECT digest FROM kf_usage WHERE gone IS NOT NULL AND digest IN ({})", digests)
        return {row[0] for row in rows}

    def lineage(self, ref: str) -> Lineage:
        """Return what made an artifact and what used it; ``ref`` as in :meth:`artifact`."""
        with self._database.reading() as session:
            return history.lineage(session, ref)

    def lineage_of_run(self, run: str) -> LineageGraph:
        """Return the graph of a run's artifacts and executions."""
        with self._database.reading() as session:
            return history.lineage_of_run(session, run)

    # events

    def events(self, after: int = 0, run: str | None = None, limit: int | None = 1000) -> list[Event]:
        """Return events with a cursor above ``after``, oldest first."""
        where = "seq > :after"
        values: dict[str, Any] = {"after": after}
        if run is not None:
            where += " AND run = :run"
            values["run"] = run
        sql = f"SELECT {_EVENT_COLUMNS} FROM kf_events WHERE {where} ORDER BY seq"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        with self._database.reading() as session:
            return [_event(row) for row in session.rows(sql, values)]

    def touched(self, after: int, limit: int = 5000) -> list[Touch]:
        """Return what events after the cursor are about, oldest first, without what they say."""
        with self._database.reading() as session:
            return changes.touched(session, after, limit)

    def changes(self, after: int, touches: Sequence[Touch] | None = None, *, limit: int = 5000) -> Changes:
        """Return what changed after the cursor, folded: whole runs and executions as they are now.

        Args:
            after: a cursor.
            touches: what :meth:`touched` said of it, where that was asked already.
            limit: above so many events the answer is ``reset`` with the newest cursor.
        """
        with self._database.reading() as session:
            found = changes.touched(session, after, limit + 1) if touches is None else touches
            if len(found) > limit:
                row = session.row("SELECT MAX(seq) FROM kf_events")
                return Changes(after, int(row[0]) if row else after, reset=True)
            return changes.folded(session, after, found)

    def progress(self, runs: Sequence[Run]) -> dict[str, Progress]:
        """Return how far each of these runs is, by id."""
        with self._database.reading() as session:
            return changes.progress(session, runs)

    def cells_done(self, runs: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return how many cells are done of how many, by execution, for the newest one of each whole notebook."""
        with self._database.reading() as session:
            return changes.cells(session, runs)

    def cursor(self) -> int:
        """Return the cursor of the newest event, 0 in an empty log."""
        with self._database.reading() as session:
            row = session.row("SELECT MAX(seq) FROM kf_events")
        return int(row[0] or 0) if row else 0

    def wait(self, after: int, run: str | None = None, timeout: float = 10.0) -> list[Event]:
        """Return the events after the cursor as soon as there are any; none after ``timeout`` seconds."""
        for batch in self._batches(after, run, timeout, timeout):
            return batch
        return []

    def follow(
        self,
        after: int = 0,
        run: str | None = None,
        *,
        timeout: float | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Event]:
        """Yield events after the cursor, then those to come, as they are committed.

        Args:
            after: a cursor.
            run: only this run's events.
            timeout: end after so many seconds without an event.
            stop: asked about ten times a second while nothing happens; true ends.
        """
        for batch in self._batches(after, run, 0.1 if stop else 3600.0, timeout):
            yield from batch
            if not batch and stop is not None and stop():
                return

    def _batches(self, after: int, run: str | None, tick: float, timeout: float | None) -> Iterator[list[Event]]:
        watcher = self._database.watcher()
        try:
            last = time.monotonic()
            while True:
                batch = self.events(after, run)
                if batch:
                    after = batch[-1].cursor
                    yield batch
                    last = time.monotonic()
                    continue
                if timeout is not None and time.monotonic() - last >= timeout:
                    return
                left = tick if timeout is None else min(tick, timeout - (time.monotonic() - last))
                if not watcher.wait(max(left, 0.0)) and (timeout is None or time.monotonic() - last < timeout):
                    yield []
        finally:
            watcher.close()


def _event_row(event: Event) -> dict[str, Any]:
    if event.kind not in KINDS or not event.run:
        raise _malformed(f"kind {event.kind!r}, run {event.run!r}")
    return {
        "id": "",
        "kind": event.kind,
        "run": event.run,
        "step": text(event.step),
        "execution": event.execution,
        "time": float(event.time),
        "version": event.version,
        "data": plain(dict(event.data)),
    }


def _malformed(why: str) -> StoreError:
    return StoreError(
        f"An event cannot be stored ({why}).",
        code="KF606",
        fix="This is a mistake in jupyter_kf or in a plug-in: please report it.",
    )


def _event(row: Row) -> Event:
    seq, kind, run, step, execution, moment, version, data = row
    return Event(kind, run, moment, step, execution, json.loads(data), int(seq), int(version))


def _use(session: Session, events: Sequence[Event]) -> None:
    """Tell garbage collection that these artifacts were named just now."""
    digests: dict[str, None] = {}
    for event in events:
        if event.kind in {"execution.started", "execution.finished", "artifact.logged", "run.submitted", "run.resumed"}:
            for digest in _named_digests(event.data):
                digests[digest] = None
    _mark_used(session, digests)


def _mark_used(session: Session, digests: Iterable[str]) -> None:
    now = time.time()
    rows = [{"digest": digest, "used": now, "gone": None} for digest in sorted(digests)]
    session.insert("kf_usage", rows, key=("digest",), update=("used", "gone"))


def _named_digests(data: Mapping[str, Any]) -> Iterator[str]:
    for part in ("inputs", "outputs"):
        yield from (data.get(part) or {}).values()
    for part in ("snapshot", "environment"):
        if data.get(part):
            yield data[part]
    listed = [*(data.get("artifacts") or ()), *((data.get("report") or {}).get("artifacts") or ())]
    if data.get("artifact"):
        listed.append(data["artifact"])
    yield from (a["digest"] for a in listed)

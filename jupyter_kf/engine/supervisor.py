"""Engine room, the hands: the process that looks after one run of a pipeline, from its first step to its last.

One thread around one selector. Facts (a report, a death, a timeout, a signal) go to the pure
:class:`~jupyter_kf.engine.scheduler.Scheduler`, whose instructions are carried out here. What happened is committed
before anything that follows from it is started: outputs on disk, then metadata and event in one transaction.

``python -m jupyter_kf.engine.supervisor RUN_FOLDER``; see :mod:`jupyter_kf.engine.detached` for how it is started.
SIGTERM asks it to cancel the run, a second one to do so at once. SIGHUP and SIGINT are ignored.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.engine import attempts, scheduler
from jupyter_kf.engine.attempts import Attempt
from jupyter_kf.engine.cache import OFF, UNTRUSTED, Files, Key, fragments_of, hit_reason, miss_reason, refusal, step_key
from jupyter_kf.engine.detached import Detached, run_program
from jupyter_kf.engine.records import Records
from jupyter_kf.engine.slots import Slots, Wait, demand_of, discover
from jupyter_kf.errors import EngineError, KFError
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.model.pipeline import Fragment, Step
from jupyter_kf.model.run import Execution, State

if TYPE_CHECKING:
    from jupyter_kf.engine.process import Launcher, ProcessEvent
    from jupyter_kf.store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks at what steps record, and at slots that other runs hold.
_TICK = 0.2
#: Seconds a step waits before its waiting is an event, and between two such events.
_SAY_AFTER = 0.5
_SAY_AGAIN = 2.0
_BATCH = 200
#: How often a step is started again that was lost with its fork server.
_LOST_LIMIT = 2
#: Seconds that half written artifacts of other machines are left alone.
DRAFTS_KEPT = 86400.0


class Supervisor:
    """Runs the pipeline of one plan. ``store`` is open; the caller holds the run's lock."""

    def __init__(self, detached: Detached, store: Store) -> None:
        plan = detached.plan
        if plan.pipeline is None:
            raise EngineError("The run has no pipeline.", code="KF705", fix="Run the notebook again.")
        self._detached = detached
        self._plan = plan
        self._settings = detached.settings
        self._store = store
        self._run = plan.run
        self._steps: dict[str, Step] = {s.name: s for s in plan.pipeline.steps}
        self._pipeline = plan.pipeline
        self._capacity = discover(self._settings)
        self._slots = Slots(self._settings.home, self._capacity, self._run)
        self._files = Files()
        self._pending: list[Event] = []
        self._queued: list[Attempt] = []
        self._may_start = False
        self._running: dict[str, Attempt] = {}
        self._current: dict[str, str] = {}
        self._offset: dict[str, int] = {}
        self._own: dict[str, Execution] = {}
        self._before: dict[str, Mapping[str, str]] = {}
        self._canceled: set[str] = set()
        self._lost: Counter[str] = Counter()
        self._canceling = False
        self._died = False
        self._artifacts: dict[str, Mapping[str, Any]] = {}
        self._finish: scheduler.Finish | None = None
        self._launcher: Launcher | None = None
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._looked = time.monotonic()
        self._restored, observed = self._what_is_done()
        self._scheduler = scheduler.Scheduler(
            plan.pipeline, targets=plan.targets, in_order=plan.in_order, observed=observed
        )

    # -- the loop ------------------------------------------------------------------------------
    def run(self) -> None:
        """Run until nothing is left to do; every process of the run has ended then."""
        heard = self._hear_signals()
        try:
            self._say("run.started", pid=os.getpid())
            for fact in self._restored:
                self._tell(fact)
            self._commit()
            self._signals += self._store.metadata.run(self._run).state is State.CANCELING
            self._detached.ready()
            self._carry_out(self._scheduler.handle(scheduler.Begin()))
            while self._finish is None:
                self._start_queued()
                for ready, _ in self._selector.select(self._patience()):
                    if ready.fd == heard:
                        os.read(heard, 64)
                    elif self._launcher:
                        for event in self._launcher.events():
                            self._hear(event)
                if self._signals:
                    self._cancel()
                self._keep_time()
            self._close()  # before the end is told: whoever hears of it may resume or delete the run
            self._end(self._finish)
        finally:
            self._close()
            self._selector.close()
            os.close(heard)

    def _hear_signals(self) -> int:
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        self._selector.register(heard, selectors.EVENT_READ)

        def hear(number: int, frame: object) -> None:
            self._signals += 1

        signal.signal(signal.SIGTERM, hear)
        return heard

    def _patience(self) -> float | None:
        if self._finish is not None:
            return 0.0
        moments = [a.deadline for a in self._running.values() if a.deadline is not None and not a.ending]
        wait = min((m - time.monotonic() for m in moments), default=3600.0)
        return max(0.0, min(wait, _TICK)) if self._running or self._queued else max(0.0, wait)

    def _keep_time(self) -> None:
        now = time.monotonic()
        for attempt in list(self._running.values()):
            if attempt.deadline is not None and now >= attempt.deadline and not attempt.ending:
                self._kill(attempt, "timeout", self._settings.grace)
        if now - self._looked >= _TICK:
            self._looked = now
            self._may_start = True  # another run may have given something back
            for attempt in self._running.values():
                if attempt.running and attempt.ending != "superseded":
                    self._pending += attempt.records.events()
            self._commit()

    def _say(self, kind: str, /, **data: Any) -> None:
        self._pending.append(Event(kind, self._run, time.time(), data=data))

    def _commit(self) -> None:
        if self._pending:
            events, self._pending = self._pending, []
            self._store.metadata.append(events)

    def _end(self, finish: scheduler.Finish) -> None:
        self._say("run.finished", state=str(finish.state), error=dict(finish.error) if finish.error else None)
        self._commit()
        log.info("the run is %s", finish.state)

    def _close(self) -> None:
        if self._launcher:
            self._selector.unregister(self._launcher.fileno())
            self._launcher.close()
            self._launcher = None
        self._slots.close()
        if self._died:  # what a killed process was writing is of no use to anybody
            self._store.artifacts.sweep(time.time() - DRAFTS_KEPT)

    # -- what was done before ------------------------------------------------------------------
    def _what_is_done(self) -> tuple[list[scheduler.Restored], dict[str, set[str]]]:
        """Read what this run, or the run it takes values from, has committed."""
        done: list[scheduler.Restored] = []
        mine = self._store.metadata.executions(self._run)
        self._died = bool(mine)  # an earlier process of this run did, perhaps with its steps
        observed = self._observed(mine)
        self._read_earlier(observed)
        for execution in mine:
            self._offset[execution.step] = max(self._offset.get(execution.step, 0), execution.attempt)
        valid = {e.step: e for e in mine if _stands(e) and e.step in self._steps}
        if self._plan.edited:
            self._own = {e.cache_key: e for e in valid.values() if e.cache_key}
        else:
            for step, execution in valid.items():
                report = execution.report or {}
                done.append(scheduler.Restored(step, report, 0, None if report.get("from_run") else execution.inputs))
                self._current[step] = execution.id
        if self._plan.base_run and self._plan.targets is not None:
            done += self._take_over({r.step for r in done}, observed)
        return done, observed

    def _take_over(self, have: set[str], observed: dict[str, set[str]]) -> list[scheduler.Restored]:
        """Take the steps before the targets from the base run, as executions of this one."""
        targets = set(self._plan.targets or ())
        names = [s.name for s in self._pipeline.steps]
        last = max((i for i, n in enumerate(names) if n in targets), default=-1)
        base = self._store.metadata.executions(self._plan.base_run)
        for step, changed in self._observed(base).items():
            observed.setdefault(step, set()).update(changed)
        taken = []
        for execution in {e.step: e for e in base if _stands(e)}.values():
            if execution.step in targets | have or execution.step not in names[: last + 1]:
                continue
            report = {**(execution.report or {}), "from_run": self._plan.base_run}
            launch = scheduler.Launch(execution.step, 0)
            attempt = self._attempt(launch, Key(execution.cache_key, report.get("key") or {}), "")
            if execution.folder:
                attempts.share_files(Path(execution.folder), attempt.folder)
            attempt.report = report
            reason = f"taken from run {self._plan.base_run}"
            self._pending.append(attempt.finished_event(self._run, State.SUCCEEDED, cached=True, reason=reason))
            taken.append(scheduler.Restored(execution.step, report, 0, None))
        return taken

    def _observed(self, executions: Iterable[Execution]) -> dict[str, set[str]]:
        seen: dict[str, set[str]] = {}
        for execution in executions:
            step = self._steps.get(execution.step)
            if step and execution.report:
                stored = attempts.outputs_of(execution.report)
                seen.setdefault(step.name, set()).update((stored.keys() & execution.inputs.keys()) - set(step.binds))
        return seen

    def _read_earlier(self, observed: dict[str, set[str]]) -> None:
        """Learn from the notebook's last runs: what their steps changed in place, and what their keys were made of."""
        runs = self._store.metadata.runs(notebook=self._plan.notebook, kind=self._plan.kind, limit=3)
        for run in reversed(runs):
            executions = self._store.metadata.executions(run.id)
            for step, changed in self._observed(executions).items():
                observed.setdefault(step, set()).update(changed)
            self._before |= {e.step: e.report["key"] for e in executions if e.report and e.report.get("key")}

    # -- carrying out --------------------------------------------------------------------------
    def _carry_out(self, instructions: Iterable[scheduler.Instruction]) -> None:
        todo = deque(instructions)
        while todo:
            match todo.popleft():
                case scheduler.Launch() as launch:
                    todo.extend(self._consider(launch))
                case scheduler.Supersede(step, by, names, running):
                    self._supersede(step, by, names, running)
                case scheduler.Skip(step, because):
                    self._skip(step, because)
                case scheduler.Finish() as finish:
                    self._finish = finish
            if len(self._pending) >= _BATCH:
                self._commit()

    def _consider(self, launch: scheduler.Launch) -> list[scheduler.Instruction]:
        """Take an attempt from the cache, or put it into the queue."""
        step = self._steps[launch.step]
        key = self._key(step, launch)
        found, reason = self._look_up(step, key)
        again = f" (attempt {launch.attempt})" if launch.attempt > 1 else ""
        attempt = self._attempt(launch, key, reason + again)
        if found is None:
            self._queued.append(attempt)
            self._may_start = True
            return []
        if found.folder:
            attempts.share_files(Path(found.folder), attempt.folder)
        attempt.report = dict(found.report or {})
        self._pending += attempt.records.events()
        self._pending.append(attempt.finished_event(self._run, State.SUCCEEDED, cached=True))
        return self._tell(scheduler.Finished(step.name, attempt.report, launch.attempt))

    def _attempt(self, launch: scheduler.Launch, key: Key, reason: str) -> Attempt:
        step = self._steps[launch.step]
        execution = new_id()
        folder = self._detached.folder / execution
        records = Records(self._run, step.name, execution, folder, self._store.artifacts)
        number = self._offset.get(step.name, 0) + launch.attempt
        self._current[step.name] = execution
        demand = demand_of(step.options, self._capacity)
        return Attempt(step, launch, execution, max(number, 1), folder, key, reason, demand, records)

    def _key(self, step: Step, launch: scheduler.Launch) -> Key:
        fragments = self._fragments(step, launch)
        return step_key(
            step,
            fragments,
            inputs=launch.values,
            parameters=self._parameters(step, launch, fragments),
            fingerprint=self._plan.fingerprint,
            folder=self._plan.cwd,
            kernel_env=self._plan.kernel_env,
        )

    def _tell(self, fact: scheduler.Restored | scheduler.Finished) -> list[scheduler.Instruction]:
        for artifact in fact.report.get("artifacts") or ():
            self._artifacts[artifact["digest"]] = artifact
        return self._scheduler.handle(fact)

    def _artifacts_given(self, launch: scheduler.Launch) -> list[Mapping[str, Any]]:
        return [self._artifacts[b.digest] for b in launch.inputs if b.digest in self._artifacts]

    def _fragments(self, step: Step, launch: scheduler.Launch) -> tuple[Fragment, ...]:
        definitions = [d for a in self._artifacts_given(launch) for d in a.get("definitions") or ()]
        return fragments_of(step, self._pipeline, definitions)

    def _parameters(self, step: Step, launch: scheduler.Launch, fragments: Iterable[Fragment]) -> dict[str, Any]:
        """The parameters that the step can see: those it, its definitions or functions in its inputs may read."""
        seen = {*step.needs, *(n for f in fragments for n in (*f.needs, *f.late))}
        seen |= {n for a in self._artifacts_given(launch) for n in a.get("late") or ()}
        return {n: v for n, v in self._plan.parameters.items() if n in seen and n not in launch.values}

    def _look_up(self, step: Step, key: Key) -> tuple[Execution | None, str]:
        own = self._own.get(key.digest)
        if own is not None and not refusal(own, step, self._files):
            return own, "kept: same code, inputs and environment as before the edit"
        if not self._plan.cache or not step.options.cache:
            return None, OFF
        if not self._store.trusted:
            return None, UNTRUSTED
        found = self._store.metadata.cached(key.digest)
        why = refusal(found, step, self._files)
        if found is not None and not why:
            return found, hit_reason(found.report or {})
        return None, f"not cached: {why}" if found else miss_reason(key, self._before.get(step.name))

    def _supersede(self, step: str, by: str, names: tuple[str, ...], running: bool) -> None:
        execution = self._current[step]
        told = {"by": by, "names": list(names)}
        self._pending.append(Event("execution.superseded", self._run, time.time(), step, execution, told))
        if not running:
            return
        for attempt in [a for a in self._queued if a.execution == execution]:
            self._queued.remove(attempt)
            self._slots.give_back(attempt.execution)
            self._may_start = True
        if execution in self._running:
            self._kill(self._running[execution], "superseded", 0.0)

    def _skip(self, step: str, because: str) -> None:
        if step in self._canceled:
            return
        attempt = self._attempt(scheduler.Launch(step, 1), Key("", {}), "")
        canceled = because == "canceled"
        reason = "the run was canceled" if canceled else f"step {because!r} did not succeed"
        self._pending.append(attempt.finished_event(self._run, State.SKIPPED, reason=reason))

    # -- starting ------------------------------------------------------------------------------
    def _start_queued(self) -> None:
        """Start what fits, in the order of the queue; what does not keeps its place."""
        granted: list[Attempt] = []
        full = set()
        dying = {a.step.name for a in self._running.values()}
        queued, self._may_start = (list(self._queued) if self._may_start else []), False
        for attempt in queued:
            if attempt.demand in full or attempt.step.name in dying:
                continue
            answer = self._slots.take(attempt.execution, attempt.step.name, attempt.demand)
            if isinstance(answer, Wait):
                full.add(attempt.demand)
                self._say_waiting(attempt, answer.reason)
                continue
            attempt.gpus = answer.gpus
            self._queued.remove(attempt)
            self._running[attempt.execution] = attempt
            attempt.started = time.monotonic()
            self._pending.append(attempt.started_event(self._run))
            granted.append(attempt)
        self._commit()
        for attempt in granted:
            if attempt.ending:  # another one's failure to start has reached it
                self._done(attempt)
            else:
                self._start(attempt)

    def _say_waiting(self, attempt: Attempt, reason: str) -> None:
        now = time.monotonic()
        if reason == attempt.waits_for or now - attempt.queued < _SAY_AFTER or now - attempt.said < _SAY_AGAIN:
            return
        attempt.waits_for, attempt.said = reason, now
        data = {"reason": reason, "attempt": attempt.number}
        step, execution = attempt.step.name, attempt.execution
        self._pending.append(Event("execution.waiting", self._run, time.time(), step, execution, data))

    def _start(self, attempt: Attempt) -> None:
        try:
            fragments = self._pipeline.fragments
            given = [
                {"digest": b.digest, "path": str(self._store.artifacts.path(b.digest)), "names": list(b.names)}
                for b in attempt.launch.inputs
            ]
            parameters = self._parameters(attempt.step, attempt.launch, self._fragments(attempt.step, attempt.launch))
            manifest = attempts.manifest_of(
                attempt, self._plan, fragments, parameters=parameters, inputs=given,
                artifacts=str(self._store.artifacts.folder), threads=self._threads(attempt),
            )  # fmt: skip
            secrets = {n: self._detached.secrets[n] for n in attempt.step.options.secrets}
            self._open_launcher().start(manifest, secret_env=secrets)
        except (KFError, OSError) as exc:
            log.exception("step %s cannot be started", attempt.step.name)
            error = exc.to_dict() if isinstance(exc, KFError) else _not_started(attempt, exc).to_dict()
            self._failed(attempt, error)
            return
        attempt.running = True
        limit = attempt.step.options.timeout
        attempt.deadline = None if limit is None else attempt.started + limit

    def _threads(self, attempt: Attempt) -> int:
        """Threads for numeric libraries: what the step asked for, else a fair share of the cores."""
        if attempt.step.options.cpu is not None:
            return max(1, int(attempt.step.options.cpu))
        together = len(self._running) + len(self._queued)
        return max(1, int(self._capacity.cpu / max(1, together)))

    def _open_launcher(self) -> Launcher:
        if self._launcher is None:
            from jupyter_kf.engine.process import open_launcher

            self._launcher = open_launcher(
                self._plan.python,
                modules=self._pipeline.modules,
                settings=self._settings,
                fingerprint=self._plan.fingerprint,
            )
            self._selector.register(self._launcher.fileno(), selectors.EVENT_READ)
        return self._launcher

    # -- hearing -------------------------------------------------------------------------------
    def _hear(self, event: ProcessEvent) -> None:
        attempt = self._running.get(event.execution)
        if attempt is None:
            return
        if event.kind == "reported":
            self._reported(attempt, event.report or {})
        elif event.kind == "exited":
            self._exited(attempt, event.status)

    def _reported(self, attempt: Attempt, report: Mapping[str, Any]) -> None:
        if attempt.ending == "superseded":
            return
        if report.get("state") == State.SUCCEEDED:
            self._succeeded(attempt, dict(report))
        elif not attempt.ending:
            self._failed(attempt, attempts.explain(report.get("error") or {}, attempt))

    def _succeeded(self, attempt: Attempt, report: dict[str, Any]) -> None:
        self._done(attempt)
        for artifact in report.get("artifacts") or ():
            self._store.artifacts.publish(artifact["digest"])
        attempt.report = {**report, "live": list(attempt.step.live), "key": dict(attempt.key.parts)}
        self._pending += attempt.records.events()
        self._pending.append(attempt.finished_event(self._run, State.SUCCEEDED))
        fact = scheduler.Finished(attempt.step.name, attempt.report, attempt.launch.attempt)
        self._carry_out(self._tell(fact))

    def _failed(self, attempt: Attempt, error: Mapping[str, Any]) -> None:
        self._done(attempt)
        self._pending += attempt.records.events()
        self._pending.append(attempt.finished_event(self._run, State.FAILED, error=error))
        retry = attempts.may_retry(error)
        fact = scheduler.Failed(attempt.step.name, error, retry, attempt.launch.attempt)
        self._carry_out(self._scheduler.handle(fact))

    def _exited(self, attempt: Attempt, status: int | None) -> None:
        self._died = True
        if attempt.ending == "superseded":
            self._done(attempt)
        elif attempt.ending == "canceled":
            self._done(attempt)
            self._stopped(attempt)
        elif attempt.ending == "timeout":
            self._failed(attempt, attempts.timeout_error(attempt))
        elif status is None and self._lost[attempt.step.name] < _LOST_LIMIT:
            self._again(attempt)
        else:
            self._failed(attempt, attempts.death_error(attempt, status))

    def _again(self, attempt: Attempt) -> None:
        """Start a step once more that died with its fork server, through no fault of its own; it costs no retry."""
        self._lost[attempt.step.name] += 1
        self._done(attempt)
        self._pending += attempt.records.events()
        reason = "its fork server was killed; the step runs again"
        self._pending.append(attempt.finished_event(self._run, State.INTERRUPTED, reason=reason))
        self._carry_out(self._scheduler.handle(scheduler.Stopped(attempt.step.name, attempt.launch.attempt)))

    def _done(self, attempt: Attempt) -> None:
        self._running.pop(attempt.execution, None)
        self._slots.give_back(attempt.execution)
        self._may_start = True

    # -- ending --------------------------------------------------------------------------------
    def _kill(self, attempt: Attempt, why: str, grace: float) -> None:
        attempt.ending = why
        if attempt.running and self._launcher:
            self._launcher.kill(attempt.execution, grace)

    def _stopped(self, attempt: Attempt) -> None:
        self._canceled.add(attempt.step.name)
        self._pending += attempt.records.events()
        self._pending.append(attempt.finished_event(self._run, State.CANCELED, reason="the run was canceled"))
        self._carry_out(self._scheduler.handle(scheduler.Stopped(attempt.step.name, attempt.launch.attempt)))

    def _cancel(self) -> None:
        """End all that runs: politely at the first signal, at once at a later one."""
        first, self._signals = not self._canceling, 0
        grace = self._settings.grace if first else 0.0
        if first:
            self._canceling = True
            if self._store.metadata.run(self._run).state is not State.CANCELING:
                self._say("run.canceling")
                self._commit()
            self._carry_out(self._scheduler.handle(scheduler.CancelRequested()))
        queued, self._queued = self._queued, []
        for attempt in queued:
            self._slots.give_back(attempt.execution)
            if attempt.waits_for:  # it stands in the log already
                self._stopped(attempt)
            else:
                fact = scheduler.Stopped(attempt.step.name, attempt.launch.attempt)
                self._carry_out(self._scheduler.handle(fact))
        for attempt in list(self._running.values()):
            if attempt.ending != "superseded":
                self._kill(attempt, "canceled", grace)


def _stands(execution: Execution) -> bool:
    return (
        execution.state is State.SUCCEEDED and bool(execution.report) and not execution.reason.startswith("superseded:")
    )


def _not_started(attempt: Attempt, exc: OSError) -> EngineError:
    return EngineError(
        f"The process of step {attempt.step.name!r} cannot be started: {exc}",
        code="KF707",
        fix="Check free memory, disk space and the limit on processes.",
    )


def supervise(detached: Detached) -> None:
    """Run a plan; what goes wrong with the supervisor itself ends the run with an error that says so."""
    from jupyter_kf.store import open_store

    store = open_store(detached.settings)
    try:
        Supervisor(detached, store).run()
    except Exception as exc:
        log.exception("the run cannot go on")
        error = exc if isinstance(exc, KFError) else EngineError(
            f"The run's own process failed: {type(exc).__name__}: {exc}",
            code="KF706",
            fix=f"See {detached.folder / 'supervisor.log'}; `resume` goes on with what was done.",
        )  # fmt: skip
        data = {"state": str(State.FAILED), "error": error.to_dict()}
        store.metadata.append([Event("run.finished", detached.plan.run, time.time(), data=data)])
        raise
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(run_program(sys.argv[1:], supervise))

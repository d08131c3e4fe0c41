"""Engine room: runs on this machine. Submitting checks all that can be checked before anything runs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.config import Settings
from jupyter_kf.engine import plan as plans
from jupyter_kf.engine.base import Engine, RunRequest, resolve_parameters, unsupported
from jupyter_kf.engine.detached import launch
from jupyter_kf.engine.environment import inspect_environment, refuse_missing, resolve_interpreter
from jupyter_kf.engine.locks import RunLock, holder
from jupyter_kf.engine.plan import Plan, read_plan
from jupyter_kf.engine.secrets import find_secrets
from jupyter_kf.engine.slots import check_fits, demand_of, discover
from jupyter_kf.errors import EngineError, UsageError
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.model.pipeline import Pipeline
from jupyter_kf.model.run import Run, State

if TYPE_CHECKING:
    from jupyter_kf.store import Store

log = logging.getLogger(__name__)

_LIVE = (State.PENDING, State.RUNNING, State.CANCELING, State.PAUSED)
_ENDS = frozenset({"run.finished", "run.interrupted"})


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request that nothing speaks against: its plan, its secrets and what describes it."""

    plan: Plan
    secrets: Mapping[str, str]


class LocalEngine(Engine):
    """Each run has its own process on this machine; see :mod:`jupyter_kf.engine.supervisor`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def capabilities(self) -> frozenset[str]:
        """Everything but ``image`` and ``accelerator``: steps run in the notebook's own environment."""
        return frozenset(
            {
                *(
                    "after",
                    "packages",
                    "cpu",
                    "memory",
                    "gpu",
                    "env",
                    "secret",
                    "retries",
                    "timeout",
                    "cache",
                    "in",
                    "out",
                ),
                *("only", "from", "until", "in-order", "resume", "edited", "cancel", "logs", "notebook", "kernel"),
            }
        )

    # -- submit --------------------------------------------------------------------------------
    def submit(self, request: RunRequest) -> str:
        """Check the request, write the run down and start its process; see :meth:`Engine.submit`."""
        prepared = self._prepare(request, new_id())
        plan = prepared.plan
        folder = self._folder(plan.run)
        folder.mkdir(parents=True, mode=0o700)
        with RunLock(folder) as lock:
            lock.acquire(pid=0)
            plan.write(folder)
            self._append("run.submitted", plan.run, **self._description(request, plan))
            self._start(folder, prepared, lock)
        return plan.run

    def _prepare(self, request: RunRequest, run: str, old: Plan | None = None) -> _Prepared:
        notebook = Path(request.notebook).absolute()
        cwd = notebook.parent
        pipeline = request.pipeline
        interpreter = resolve_interpreter(request.python, request.kernel or (pipeline.kernel if pipeline else ""))
        environment = inspect_environment(interpreter, cwd, self._settings, pipeline.modules if pipeline else ())
        plan = Plan(
            run=run,
            notebook=str(notebook),
            cwd=str(cwd),
            pipeline=pipeline,
            parameters=dict(request.parameters),
            kind=request.kind,
            program=request.program,
            python=interpreter.python,
            kernel=interpreter.kernel,
            kernel_env=interpreter.env,
            fingerprint=environment.fingerprint,
            cache=not request.no_cache,
            in_order=request.in_order,
            edited=old is not None,
            details=dict(request.details),
        )
        secrets: dict[str, str] = {}
        if pipeline:
            self._check(pipeline)
            refuse_missing(pipeline, environment)
            names = tuple(dict.fromkeys(n for s in pipeline.steps for n in s.options.secrets))
            secrets = find_secrets(names, self._settings.home, os.environ)
            plan = replace(plan, parameters=resolve_parameters(pipeline, request.parameters), secrets=names)
            plan = self._narrow(plan, pipeline, request)
        record = json.dumps(environment.record, sort_keys=True, indent=1, default=dict).encode()
        artifacts = self._store.artifacts
        plan = replace(plan, snapshot=artifacts.put_bytes(request.snapshot), environment=artifacts.put_bytes(record))
        return _Prepared(plan, secrets)

    def _check(self, pipeline: Pipeline) -> None:
        for problem in unsupported(pipeline, self.capabilities()):
            if problem.severity == "error":
                raise EngineError(
                    problem.message,
                    code=problem.code,
                    fix=problem.fix,
                    cell=problem.cell,
                    cell_index=problem.cell_index,
                )
        capacity = discover(self._settings)
        for step in pipeline.steps:
            check_fits(demand_of(step.options, capacity), capacity, step)

    def _narrow(self, plan: Plan, pipeline: Pipeline, request: RunRequest) -> Plan:
        """Settle which steps may run and which run the values of the others come from."""
        targets = plans.select_steps(pipeline, only=request.only, from_=request.from_, until=request.until)
        if targets is None:
            return plan
        base = ""
        if request.base_run:
            base = self._store.metadata.run(request.base_run, notebook=plan.notebook).id
        else:
            found = self._store.metadata.runs(
                notebook=plan.notebook, kind=plan.kind, states=(State.SUCCEEDED,), limit=1
            )
            base = found[0].id if found else ""
        done = {e.step for e in self._store.metadata.executions(base) if e.state is State.SUCCEEDED} if base else set()
        plans.check_base(pipeline, targets, done, base)
        if base:
            self._require_trust()
        return replace(plan, targets=targets, base_run=base)

    def _require_trust(self) -> None:
        """Refuse to load values that the database names where others could have put them there."""
        if not self._store.trusted:
            raise UsageError(
                "Values of earlier runs are not loaded: others can write to the store, and loading one can run code.",
                code="KF458",
                fix="If you trust everybody who can, set trust = true; else run the whole notebook again.",
            )

    def _description(self, request: RunRequest, plan: Plan) -> dict[str, Any]:
        pipeline = request.pipeline.name if request.pipeline else ""
        return {
            "name": request.name or pipeline or Path(plan.notebook).stem,
            "kind": request.kind,
            "experiment": request.experiment or self._settings.experiment,
            "notebook": plan.notebook,
            "pipeline": pipeline,
            "engine": "local",
            "parameters": dict(plan.parameters),
            "tags": dict(request.tags),
            "note": request.note,
            "snapshot": plan.snapshot,
            "environment": plan.environment,
            "steps": _count(plan),
        }

    def _start(self, folder: Path, prepared: _Prepared, lock: RunLock) -> None:
        try:
            launch(folder, prepared.plan.program, self._settings, prepared.secrets, lock)
        except (EngineError, OSError) as exc:
            error = exc if isinstance(exc, EngineError) else EngineError(
                f"The run's own process cannot be started: {exc}",
                code="KF701",
                fix="Check free memory and the limit on processes.",
            )  # fmt: skip
            if not self._store.metadata.run(prepared.plan.run).state.final:
                self._append("run.finished", prepared.plan.run, state=str(State.FAILED), error=error.to_dict())
            raise error from exc

    # -- cancel, resume, delete ----------------------------------------------------------------
    def cancel(self, run: str) -> None:
        """Ask the run's process to end the run; see :meth:`Engine.cancel`."""
        found = self._store.metadata.run(run)
        if found.state.final:
            return
        folder = self._folder(found.id)
        self._append("run.canceling", found.id)
        give_up = time.monotonic() + 5.0
        while (pid := holder(folder)) == 0 and time.monotonic() < give_up:
            time.sleep(0.02)  # it is being handed over to its own process
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        elif pid is None:
            self._interrupted(found)

    def resume(self, run: str, request: RunRequest | None = None) -> str:
        """Start a process for the run again; see :meth:`Engine.resume`.

        Raises:
            UsageError: KF455 where the run is still going, KF456 where there is nothing left to do.
        """
        self.recover()
        found = self._store.metadata.run(run)
        if found.kind == "pipeline":
            self._require_trust()
        folder = self._folder(found.id)
        with RunLock(folder) as lock:
            if not found.state.final or not folder.is_dir() or not lock.acquire(10.0, pid=0):
                raise UsageError(
                    f"Run {found.id} is still going.", code="KF455", fix="Wait for it, or cancel it first."
                )
            prepared = self._again(found, folder, request)
            prepared.plan.write(folder)
            plan = prepared.plan
            told = {"edited": request is not None, "snapshot": plan.snapshot, "parameters": dict(plan.parameters)}
            self._append("run.resumed", found.id, **told, steps=_count(plan))
            self._start(folder, prepared, lock)
        return found.id

    def _again(self, found: Run, folder: Path, request: RunRequest | None) -> _Prepared:
        old = read_plan(folder)
        if request is not None:
            given = {**{k: v for k, v in old.parameters.items() if request.pipeline is None}, **request.parameters}
            if request.pipeline is not None:
                known = {p.name for p in request.pipeline.parameters}
                given = {**{k: v for k, v in old.parameters.items() if k in known}, **request.parameters}
            return self._prepare(replace(request, parameters=given), found.id, old)
        if found.state is State.SUCCEEDED:
            raise UsageError(
                f"Run {found.id} succeeded; nothing is left to do.",
                code="KF456",
                fix="Run the notebook again, or resume --edited after a change.",
            )
        return _Prepared(replace(old, edited=False), find_secrets(old.secrets, self._settings.home, os.environ))

    def delete(self, run: str) -> None:
        """Forget a finished run and remove its folder; see :meth:`Engine.delete`."""
        self.recover()
        found = self._store.metadata.delete(run)
        shutil.rmtree(self._folder(found.id), ignore_errors=True)

    # -- recover, wait -------------------------------------------------------------------------
    def recover(self) -> list[str]:
        """Mark runs whose process is gone; see :meth:`Engine.recover`."""
        found = self._store.metadata.runs(states=_LIVE, limit=None)
        lost = [r for r in found if r.engine == "local" and r.kind != "session"]
        return [r.id for r in lost if self._is_mine(r) and holder(self._folder(r.id)) is None and self._interrupted(r)]

    def _is_mine(self, run: Run) -> bool:
        """False for a run of another machine or home that shares the database: its lock cannot be seen from here."""
        return self._folder(run.id).is_dir()

    def _interrupted(self, run: Run) -> bool:
        """Clean up after a run whose process is gone, under its lock; false where somebody else is at it."""
        with RunLock(self._folder(run.id)) as lock:
            if not lock.acquire(0.0, pid=0) or self._store.metadata.run(run.id).state.final:
                return False
            from jupyter_kf.engine.process import kill_leftovers

            executions = self._store.metadata.executions(run.id)
            kill_leftovers([e.id for e in executions if not e.state.final])
            self._store.artifacts.sweep(time.time() - 86400.0)
            self._append("run.interrupted", run.id)
        return True

    def wait(
        self, run: str, on_event: Callable[[Event], None] | None = None, *, after: int = 0, timeout: float | None = None
    ) -> State:
        """Follow the run's events until it is over; see :meth:`Engine.wait`."""
        found = self._store.metadata.run(run)
        folder = self._folder(found.id)
        end = None if timeout is None else time.monotonic() + timeout
        looked = time.monotonic()

        def over() -> bool:
            nonlocal looked
            now = time.monotonic()
            if now - looked >= 0.5:
                looked = now
                current = self._store.metadata.run(found.id)
                if current.state.final:
                    return True
                if holder(folder) is None and folder.is_dir():
                    self._interrupted(current)
            return end is not None and now >= end

        for event in self._store.metadata.follow(after, found.id, stop=over):
            if on_event:
                on_event(event)
            if event.kind in _ENDS and self._store.metadata.run(found.id).state.final:
                break
            if end is not None and time.monotonic() >= end:
                break
        return self._store.metadata.run(found.id).state

    # -- small parts ---------------------------------------------------------------------------
    def _folder(self, run: str) -> Path:
        return self._settings.home / "runs" / run

    def _append(self, kind: str, run: str, /, **data: Any) -> None:
        self._store.metadata.append([Event(kind, run, time.time(), data=data)])


def _count(plan: Plan) -> int:
    """Return how many steps may run."""
    if plan.targets is not None:
        return len(plan.targets)
    return len(plan.pipeline.steps) if plan.pipeline else 1

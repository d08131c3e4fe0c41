"""Jobs room: a job on this machine. Its replicas are processes of one run, looked after by a process of the run's own.

The run is of kind ``job``; each replica is one of its steps (``worker-0``), each life of a replica an execution. What
is to be done :func:`~jupyter_kf.jobs.conditions.reconcile` decides; this module carries it out. All replicas start or
none: what they need together is one lease of the machine's slots. A replica that is restarted waits a little longer
each time. What an image would bring is not here: a replica's command runs in this environment, ``python`` being this
interpreter.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jupyter_kf.engine.detached import Detached
from jupyter_kf.engine.process import step_environment
from jupyter_kf.engine.records import Records
from jupyter_kf.engine.slots import Capacity, Demand, Slots, Wait, discover
from jupyter_kf.errors import EngineError, KFError
from jupyter_kf.jobs.conditions import Verdict, reconcile
from jupyter_kf.jobs.manifest import read_manifest
from jupyter_kf.jobs.ports import Ports
from jupyter_kf.jobs.processes import Key, Replica, Replicas, interpreter_first
from jupyter_kf.jobs.roles import Addresses, Form, replica_environment
from jupyter_kf.model.event import Event
from jupyter_kf.model.job import CleanPodPolicy, ConditionType, Job, JobKind, JobStatus, Observed, Phase, Role
from jupyter_kf.model.names import new_id
from jupyter_kf.model.run import State
from jupyter_kf.runtime.tracking import FOLDER_VARIABLE
from jupyter_kf.store import open_store

log = logging.getLogger(__name__)

#: What somebody wants changed while the job runs; read by the job's process when it gets SIGUSR1.
WISHES = "wishes.json"
#: Seconds before a first restart, and at most before a later one.
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: How often what replicas log is brought into the store, and how often a queue is asked again, in seconds.
_TICK = 1.0
#: Seconds that replicas have to end by themselves after the job has succeeded.
_PATIENCE = 1.0
_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def run_job(detached: Detached) -> None:
    """Run the job of a run until it is over; the body of ``python -m jupyter_kf.jobs``."""
    JobRun(detached).execute()


def demand_of(job: Job, capacity: Capacity) -> Demand:
    """Return what all replicas need together. One that says nothing about CPU takes what is left of a core each."""
    asked = sum(role.cpu * role.replicas for role in job.roles if role.cpu is not None)
    silent = sum(role.replicas for role in job.roles if role.cpu is None and not _is_virtual(job, role.name))
    return Demand(
        cpu=asked + min(float(silent), max(0.0, capacity.cpu - asked)),
        memory=sum((role.memory or 0) * role.replicas for role in job.roles),
        gpu=sum(role.gpu * role.replicas for role in job.roles),
    )


def step_of(key: Key) -> str:
    """Return the name under which a replica stands in its run."""
    return f"{key[0].lower()}-{key[1]}"


def _is_virtual(job: Job, role: str) -> bool:
    """True for replicas that are no process here: MPI's workers are started by the launcher's ``mpirun`` itself."""
    return job.kind is JobKind.MPI and role == "Worker"


def expand(words: tuple[str, ...], environ: Mapping[str, str]) -> list[str]:
    """Return a command with ``$(NAME)`` replaced as Kubernetes does; unknown names stay, ``$$`` is one dollar."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return environ.get(found[1], found[0])

    return [_VARIABLE.sub(value, word) for word in words]


class JobRun:
    """One go of a job, from its plan to its last event."""

    def __init__(self, detached: Detached) -> None:
        self.detached = detached
        self.plan = detached.plan
        self.settings = detached.settings
        self.store = open_store(detached.settings)
        self.job = read_manifest(self.plan.details["manifest"])
        self.status = JobStatus()
        self.replicas = Replicas()
        self.ports = Ports(self.settings.home / "ports")
        self.slots = Slots(self.settings.home, discover(self.settings), self.plan.run)
        self.addresses: Addresses = lambda role, index: ("127.0.0.1", self.known_ports[role, index])
        self.known_ports: dict[Key, int] = {}
        self.gpus: tuple[str, ...] = ()
        self.granted = False
        self.waits_for = ""
        self.over: dict[Key, Observed] = {}
        self.attempts: dict[Key, int] = {}
        self.pause_until = 0.0
        self.records: dict[str, Records] = {}
        self.cancelled = False

    # the loop

    def execute(self) -> None:
        """Run it; whatever happens, the log gets an end and no process is left."""
        signal.signal(signal.SIGTERM, self._cancel)
        signal.signal(signal.SIGUSR1, lambda *_: self.replicas.wake())
        for execution in self.store.metadata.executions(self.plan.run):
            role, _, index = execution.step.rpartition("-")
            for own in self.job.roles:
                if own.name.lower() == role:
                    self.attempts[own.name, int(index)] = execution.attempt
        self._append(Event("run.started", self.plan.run, time.time(), data={"pid": os.getpid()}))
        self.detached.ready()
        error: KFError | None = None
        try:
            self._loop()
        except KFError as exc:
            error = exc
        except Exception as exc:
            log.exception("the job could not be run")
            error = EngineError(f"The job could not be run: {type(exc).__name__}: {exc}", code="KF731")
        finally:
            self._end_everything()
            self.ports.release()
            self.slots.close()
        self._finish(error)

    def _cancel(self, *_: Any) -> None:
        self.cancelled = True
        self.replicas.wake()

    def _loop(self) -> None:
        while not self.cancelled:
            self._heed_wishes()
            for replica in self.replicas.ended():
                self._has_ended(replica)
            before = self.status
            verdict = reconcile(self.job, self.status, self._observed(), time.time())
            self.status = verdict.status
            self._tell(before)
            self._log()
            if self.status.final is not None:
                return
            timeout = self._carry_out(verdict)
            self.replicas.wait(timeout)

    def _observed(self) -> list[Observed]:
        """Return the replicas as they are; one that is being ended is not there any more, and not back yet."""
        seen = [Observed(*r.key, Phase.RUNNING) for r in self.replicas.running() if not r.ending]
        return [*seen, *self.over.values()]

    def _carry_out(self, verdict: Verdict) -> float:
        """Do what was decided; return how many seconds to sleep at most."""
        for key in verdict.delete:
            self.over.pop(key, None)
            self.replicas.end(key, self.settings.grace)
        now = time.time()
        if verdict.delete and self.status.is_(ConditionType.RESTARTING):
            pause = min(_LONGEST_PAUSE, _PAUSE * 2 ** max(0, self.status.restarts - 1))
            self.pause_until = now + pause
        limits = [_TICK if self.replicas.running() or verdict.create else 60.0]
        if verdict.wake is not None:
            limits.append(verdict.wake - now)
        waiting = [key for key in verdict.create if key not in self.replicas]
        if self.job.suspend:
            self._let_go()
        elif waiting and now < self.pause_until:
            limits.append(self.pause_until - now)
        elif waiting and len(waiting) == len(verdict.create) and self._may_start():
            for key in waiting:
                self._start(key)
            limits.append(0.0)
        return max(0.0, min(limits))

    # starting and ending

    def _may_start(self) -> bool:
        """Take the slots for all replicas together and ports for those that have none."""
        if not self.granted:
            demand = demand_of(self.job, discover(self.settings))
            answer = self.slots.take(self.plan.run, "job", demand)
            if isinstance(answer, Wait):
                self._changed(answer.reason)
                return False
            self._changed("")
            self.granted, self.gpus = True, answer.gpus
        missing = [key for key in self.job.replica_names().values() if key not in self.known_ports]
        self.known_ports |= dict(zip(missing, self.ports.reserve(len(missing)), strict=True))
        return True

    def _let_go(self) -> None:
        """A suspended job holds nothing once its replicas are gone."""
        if self.granted and not self.replicas.running():
            self.slots.give_back(self.plan.run)
            self.granted = False

    def _start(self, key: Key) -> None:
        role = self.job.role(key[0])
        assert role is not None
        execution = new_id()
        attempt = self.attempts[key] = self.attempts.get(key, 0) + 1
        folder = self.detached.folder / execution
        begun = {"attempt": attempt, "inputs": {}, "cache_key": "", "folder": str(folder)}
        self.records[execution] = self._records(key, execution)
        if _is_virtual(self.job, role.name):
            folder.mkdir(parents=True)
            self.over[key] = Observed(*key, Phase.RUNNING)
            self._append(self._event("execution.started", key, execution, **begun, pid=0, reason="run by the launcher"))
            return
        environ = self._environ(role, key[1], folder)
        command = expand((*role.command, *role.args), environ)
        try:
            replica = self.replicas.start(
                key, execution, command, attempt=attempt, environ=environ, cwd=self._cwd(role), folder=folder
            )
        except OSError as exc:
            self._append(self._event("execution.started", key, execution, **begun, pid=0, reason=""))
            error = _did_not_start(role, command, exc)
            self._say_ended(key, execution, State.FAILED, error, attempt=attempt, started=time.time())
            code = _NOT_FOUND if isinstance(exc, FileNotFoundError) else _NOT_EXECUTABLE
            self.over[key] = Observed(*key, Phase.FAILED, code)
            return
        self._append(self._event("execution.started", key, execution, **begun, pid=replica.process.pid, reason=""))

    def _environ(self, role: Role, index: int, folder: Path) -> dict[str, str]:
        inherited = step_environment(os.environ)
        inherited.pop("PYTHONHASHSEED", None)
        made = replica_environment(self.job, role.name, index, Form.LOCAL, self.addresses)
        own = {"PYTHONUNBUFFERED": "1", FOLDER_VARIABLE: str(folder), **self._gpus(role, index)}
        if self.job.kind is JobKind.MPI:
            own |= self._mpi(folder)
        environ = {**inherited, **own, **made, **self.detached.secrets}
        environ["PATH"] = interpreter_first(environ.get("PATH", os.defpath))
        return environ

    def _gpus(self, role: Role, index: int) -> dict[str, str]:
        """Return which of the granted GPUs are this replica's; one that asked for none sees none."""
        if not any(r.gpu for r in self.job.roles):
            return {}
        first = sum(r.gpu * r.replicas for r in self.job.roles[: self.job.roles.index(role)]) + role.gpu * index
        return {"CUDA_VISIBLE_DEVICES": ",".join(self.gpus[first : first + role.gpu])}

    def _mpi(self, folder: Path) -> dict[str, str]:
        """Return what lets ``mpirun`` start the workers on this machine: a host file instead of a remote shell."""
        worker = self.job.role("Worker")
        slots = (self.job.slots_per_worker or 1) * max(1, worker.replicas if worker else 1)
        folder.mkdir(parents=True, exist_ok=True)
        hosts = folder / "hostfile"
        hosts.write_text(f"localhost slots={slots}\n", "utf-8")
        variables = {"OMPI_MCA_orte_default_hostfile": str(hosts), "PRTE_MCA_prte_default_hostfile": str(hosts)}
        if os.geteuid() == 0:  # in a container this is the usual user
            variables |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return variables

    def _cwd(self, role: Role) -> Path:
        """Return the working directory: the container's where there is such a folder here, else the manifest's."""
        wanted = Path(self.plan.cwd, role.workdir)
        return wanted if wanted.is_dir() else Path(self.plan.cwd)

    def _has_ended(self, replica: Replica) -> None:
        code = replica.exit_code
        assert code is not None
        if replica.ending:
            state, error = State.CANCELED, None
        else:
            self.over[replica.key] = Observed(*replica.key, Phase.FAILED if code else Phase.SUCCEEDED, code)
            state, error = (State.FAILED, _died(replica)) if code else (State.SUCCEEDED, None)
        self._say_ended(replica.key, replica.execution, state, error, attempt=replica.attempt, started=replica.started)

    def _end_everything(self) -> None:
        """End what still runs. After a success replicas that may stay have a moment to end by themselves."""
        patient = self.status.final is ConditionType.SUCCEEDED and self.job.clean is CleanPodPolicy.NONE
        limit = time.monotonic() + (_PATIENCE if patient else 0.0)
        while len(self.replicas):
            left = limit - time.monotonic()
            if left <= 0 or self.cancelled:
                for replica in self.replicas.running():
                    self.replicas.end(replica.key, self.settings.grace)
            self.replicas.wait(min(_TICK, left) if left > 0 else _TICK)
            for replica in self.replicas.ended():
                self._has_ended(replica)
        self._log()
        self.replicas.close()

    # wishes

    def _heed_wishes(self) -> None:
        path = self.detached.folder / WISHES
        try:
            wishes = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return
        scaled = dict(wishes.get("replicas") or {})
        roles = tuple(replace(r, replicas=int(scaled.get(r.name, r.replicas))) for r in self.job.roles)
        if roles != self.job.roles:  # a job of another size asks for other slots
            self.slots.give_back(self.plan.run)
            self.granted = False
        self.job = replace(self.job, roles=roles, suspend=bool(wishes.get("suspend", self.job.suspend)))

    # telling

    def _tell(self, before: JobStatus) -> None:
        if self.status != before:
            self._changed(self.waits_for, always=True)

    def _changed(self, waits_for: str, *, always: bool = False) -> None:
        """Tell how the job stands, and what it waits for before its replicas can start."""
        if always or waits_for != self.waits_for:
            self.waits_for = waits_for
            data = {"status": asdict(self.status), "waits_for": waits_for}
            self._append(Event("job.changed", self.plan.run, time.time(), data=data))

    def _log(self) -> None:
        events = [event for records in self.records.values() for event in records.events()]
        if events:
            self.store.metadata.append(events)

    def _records(self, key: Key, execution: str) -> Records:
        return Records(self.plan.run, step_of(key), execution, self.detached.folder / execution, self.store.artifacts)

    def _say_ended(
        self, key: Key, execution: str, state: State, error: KFError | None, *, attempt: int, started: float
    ) -> None:
        ended = {
            "state": str(state),
            "cached": False,
            "attempt": attempt,
            "cache_key": "",
            "reason": "",
            "seconds": time.time() - started,
            "inputs": {},
            "outputs": {},
            "report": None,
            "error": error.to_dict() if error else None,
        }
        self._append(self._event("execution.finished", key, execution, **ended))

    def _finish(self, error: KFError | None) -> None:
        if self.cancelled:
            state = State.CANCELED
        else:
            state = State.SUCCEEDED if self.status.final is ConditionType.SUCCEEDED else State.FAILED
        if error is None and state is State.FAILED:
            message = self.status.conditions[-1].message if self.status.conditions else "The job has failed."
            error = EngineError(message, code="KF732", fix="See the logs of the replica that failed.")
        problem = error.to_dict() if error and state is State.FAILED else None
        self._append(
            Event("run.finished", self.plan.run, time.time(), data={"state": str(state), "error": problem})
        )  # fmt: skip

    def _event(self, kind: str, key: Key, execution: str, **data: Any) -> Event:
        return Event(kind, self.plan.run, time.time(), step_of(key), execution, data)

    def _append(self, *events: Event) -> None:
        self.store.metadata.append(events)


def _did_not_start(role: Role, command: list[str], exc: OSError) -> KFError:
    program = command[0] if command else "nothing"
    where = "" if shutil.which(program) else " It is not on the search path."
    return EngineError(
        f"{role.name} cannot start {program!r}: {exc.strerror or exc}.{where}",
        code="KF733",
        fix="What an image brings is not here: install the program, or name one that is there.",
    )


def _died(replica: Replica) -> KFError:
    code = replica.exit_code or 0
    name = step_of(replica.key)
    if code < 0:
        word = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
        return EngineError(f"{name} was ended by {word}.", code="KF734", fix="See its log; SIGKILL: mostly memory.")
    return EngineError(f"{name} ended with exit code {code}.", code="KF735", fix="See its log.")

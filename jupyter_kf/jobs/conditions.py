"""Jobs room: what a job's state is and what to do next: a pure function of the job and of its observed replicas.

The rules are those of the Training Operator v1.9 (``pkg/controller.v1/*/``, ``pkg/util/status.go``): reasons, the order
of conditions, which of them exclude each other. Where it is wrong, we differ:

- a job has one final condition; where a lead's success and a permanent failure are seen at once, it has failed (the
  operator lists both);
- a permanent failure counts in the pass in which it is seen, whatever else restarts in it (the operator may show
  Restarting and Running before);
- every restart counts towards the backoff limit, and so many are made (the operator counts restarts in place only, and
  ends a job when the last allowed restart begins);
- a deadline says when to look again (the operator notices it when something else happens);
- all kinds treat a failed replica by its restart policy (the operator's MPIJob and XGBoostJob only know ``ExitCode``);
- a lost replica of a collective job restarts all replicas, counted once, instead of one that nobody waits for;
- no replica is made for a role of none (the operator makes one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jupyter_kf.model.job import (
    CleanPodPolicy,
    Condition,
    ConditionType,
    Job,
    JobKind,
    JobStatus,
    Observed,
    Phase,
    ReplicaStatus,
    RestartPolicy,
    Role,
    SuccessPolicy,
)

#: Exit codes from here on are those of a signal: worth another try under ``ExitCode``.
_RETRYABLE = 128


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from one look at a job.

    ``create`` and ``delete`` name replicas by role and index: one that stands in both is replaced. ``wake`` is the
    moment (seconds since the epoch) at which to look again though nothing happens; ``remove``: the job itself may go.
    """

    status: JobStatus
    create: tuple[tuple[str, int], ...] = ()
    delete: tuple[tuple[str, int], ...] = ()
    wake: float | None = None
    remove: bool = False


@dataclass(slots=True)
class _Failures:
    """Failed replicas, told apart: ``lost`` are tried again, ``final`` holds the roles of those that are not."""

    lost: list[Observed] = field(default_factory=list)
    final: dict[str, int] = field(default_factory=dict)


def retryable(policy: RestartPolicy, exit_code: int | None) -> bool:
    """Return whether a failed replica is tried again. No exit code (an eviction, a lost node) is worth a try.

    A negative code is that of a process ended by a signal, as Python's subprocess gives it.
    """
    if policy is RestartPolicy.EXIT_CODE:
        return exit_code is None or exit_code < 0 or exit_code >= _RETRYABLE
    return policy in {RestartPolicy.ON_FAILURE, RestartPolicy.ALWAYS}


def reconcile(job: Job, status: JobStatus, observed: Sequence[Observed], now: float) -> Verdict:
    """Return the job's new state and what to do about its replicas.

    Args:
        job: as it is wanted now; its replicas may have been changed since the last look.
        status: the outcome of the last look, ``JobStatus()`` at first.
        observed: every replica there is.
        now: seconds since the epoch.
    """
    everything = tuple((replica.role, replica.index) for replica in observed)
    if status.final is not None:
        return _after_the_end(job, status, observed, now)
    if not status.conditions:
        status = _with(job, status, ConditionType.CREATED, f"{job.kind} {job.name} is created.", now=now)
    if job.suspend:
        return Verdict(_suspended(job, status, now), delete=everything)
    if status.is_(ConditionType.SUSPENDED):
        message = f"{job.kind} {job.name} is resumed."
        status = _with(job, status, ConditionType.SUSPENDED, message, now=now, reason="Resumed", holds=False)
        status = replace(status, started=now)
    if status.started is None:
        status = replace(status, started=now)
    assert status.started is not None
    wake = status.started + job.deadline if job.deadline is not None else None
    if wake is not None and now >= wake:
        message = f"Job {job.name} has failed because it was active longer than specified deadline"
        return Verdict(_ended(job, status, now, ConditionType.FAILED, message), delete=everything)
    return _progress(job, status, observed, now, wake)


def _progress(job: Job, status: JobStatus, observed: Sequence[Observed], now: float, wake: float | None) -> Verdict:
    wanted = {(role.name, i) for role in job.roles for i in range(role.replicas)}
    surplus = [(r.role, r.index) for r in observed if (r.role, r.index) not in wanted]
    members = [r for r in observed if (r.role, r.index) in wanted]
    status = replace(status, replicas={role.name: _count(role, members) for role in job.roles})
    failures = _failures(job, members)
    if failures.final:
        role, count = next(iter(failures.final.items()))
        message = f"{job.kind} {job.name} has failed because {count} {role} replica(s) failed."
        return _after_the_end(job, _ended(job, status, now, ConditionType.FAILED, message), observed, now)
    if _succeeded(job, status, members):
        message = f"{job.kind} {job.name} successfully completed."
        return _after_the_end(job, _ended(job, status, now, ConditionType.SUCCEEDED, message), observed, now)
    if failures.lost:
        again = [(r.role, r.index) for r in (members if job.collective else failures.lost)]
        restarts = status.restarts + (1 if job.collective else len(again))
        if job.backoff_limit is not None and restarts > job.backoff_limit:
            message = f"Job {job.name} has failed because it has reached the specified backoff limit"
            ended = _ended(job, status, now, ConditionType.FAILED, message)
            return Verdict(ended, delete=tuple((r.role, r.index) for r in observed))
        message = f"{job.kind} {job.name} is restarting because {failures.lost[0].role} replica(s) failed."
        status = _with(job, replace(status, restarts=restarts), ConditionType.RESTARTING, message, now=now)
        missing = _missing(job, members)
        return Verdict(status, (*missing, *again), (*surplus, *again), wake)
    if _running(job, status):
        message = f"{job.kind} {job.name} is running."
        status = _with(job, status, ConditionType.RUNNING, message, now=now)
    return Verdict(status, _missing(job, members), tuple(surplus), wake)


def _missing(job: Job, members: Sequence[Observed]) -> tuple[tuple[str, int], ...]:
    there = {(r.role, r.index) for r in members}
    return tuple((r.name, i) for r in job.roles for i in range(r.replicas) if (r.name, i) not in there)


def _count(role: Role, members: Sequence[Observed]) -> ReplicaStatus:
    """Count as the operator does: a running replica that was asked to go counts as failed."""
    own = [r for r in members if r.role == role.name]
    return ReplicaStatus(
        active=sum(r.phase is Phase.RUNNING and not r.deleting for r in own),
        succeeded=sum(r.phase is Phase.SUCCEEDED for r in own),
        failed=sum(_has_failed(r) for r in own),
    )


def _has_failed(replica: Observed) -> bool:
    return replica.phase is Phase.FAILED or (replica.phase is Phase.RUNNING and replica.deleting)


def _failures(job: Job, members: Sequence[Observed]) -> _Failures:
    found = _Failures()
    for replica in members:
        role = job.role(replica.role)
        if role is None or not _has_failed(replica):
            continue
        if retryable(role.restart, replica.exit_code):
            found.lost.append(replica)
        elif not (job.dynamic_worker and role.name == "Worker"):
            found.final[role.name] = found.final.get(role.name, 0) + 1
    return found


def _lead_role(job: Job) -> str:
    """Return the role whose progress is the job's."""
    return job.lead[0] if job.lead else ""


def _running(job: Job, status: JobStatus) -> bool:
    counts = status.replicas.get(_lead_role(job))
    return counts is not None and counts.active > 0


def _succeeded(job: Job, status: JobStatus, members: Sequence[Observed]) -> bool:
    name = _lead_role(job)
    role = job.role(name)
    if role is None:
        return False
    counts = status.replicas[name]
    if counts.succeeded == role.replicas:
        return True
    if name != "Worker":
        return False
    if job.kind is JobKind.PYTORCH:
        return job.elastic is not None and counts.succeeded > 0
    if job.kind is JobKind.TF and job.success is not SuccessPolicy.ALL_WORKERS:
        return any((r.role, r.index, r.phase, r.exit_code) == ("Worker", 0, Phase.SUCCEEDED, 0) for r in members)
    return False


def _after_the_end(job: Job, status: JobStatus, observed: Sequence[Observed], now: float) -> Verdict:
    """Clean up by policy; after success what was still running counts as succeeded."""
    there = [(r.role, r.index) for r in observed if job.clean is CleanPodPolicy.ALL or _alive(r)]
    delete = () if job.clean is CleanPodPolicy.NONE else tuple(there)
    if status.final is ConditionType.SUCCEEDED:
        counts = {
            name: replace(count, active=0, succeeded=count.succeeded + count.active)
            for name, count in status.replicas.items()
        }
        status = replace(status, replicas=counts)
    if job.ttl is None or status.completed is None:
        return Verdict(status, delete=delete)
    gone = status.completed + job.ttl
    return Verdict(status, delete=delete, wake=None if now >= gone else gone, remove=now >= gone)


def _alive(replica: Observed) -> bool:
    return replica.phase in {Phase.PENDING, Phase.RUNNING}


def _ended(job: Job, status: JobStatus, now: float, kind: ConditionType, message: str) -> JobStatus:
    return replace(_with(job, status, kind, message, now=now), completed=now)


def _suspended(job: Job, status: JobStatus, now: float) -> JobStatus:
    message = f"{job.kind} {job.name} is suspended."
    if status.is_(ConditionType.RUNNING):
        status = _with(job, status, ConditionType.RUNNING, message, now=now, reason="Suspended", holds=False)
    if not status.is_(ConditionType.SUSPENDED):
        status = _with(job, status, ConditionType.SUSPENDED, message, now=now)
    return replace(status, replicas={name: replace(count, active=0) for name, count in status.replicas.items()})


def _with(
    job: Job, status: JobStatus, kind: ConditionType, message: str, *, now: float, reason: str = "", holds: bool = True
) -> JobStatus:
    """Set a condition as ``setCondition`` of the operator does: the changed one comes last; Running and Restarting
    exclude each other; a final one makes Running false.
    """
    condition = Condition(kind, holds, f"{job.kind}{reason or kind.value}", message, now)
    before = next((c for c in status.conditions if c.type is kind), None)
    if before is not None and before.status == condition.status:
        if before.reason == condition.reason:
            return status
        condition = replace(condition, since=before.since)
    excluded = {ConditionType.RUNNING: ConditionType.RESTARTING, ConditionType.RESTARTING: ConditionType.RUNNING}
    kept = []
    for former in status.conditions:
        if former.type in {kind, excluded.get(kind)}:
            continue
        if kind.final and former.type is ConditionType.RUNNING:
            former = replace(former, status=False)
        kept.append(former)
    return replace(status, conditions=(*kept, condition))

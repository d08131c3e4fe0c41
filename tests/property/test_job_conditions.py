"""Random lives of a job: no two final conditions, no lost failure, no restart beyond the limit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_kf.jobs.conditions import reconcile, retryable
from jupyter_kf.model.job import (
    CleanPodPolicy,
    ConditionType,
    Elastic,
    Job,
    JobKind,
    JobStatus,
    Observed,
    Phase,
    RestartPolicy,
    Role,
)

KINDS = {
    JobKind.TF: [("Chief", "Worker", "PS"), ("Worker",), ("Chief", "Worker", "Evaluator"), ("Worker", "PS")],
    JobKind.PYTORCH: [("Master", "Worker"), ("Worker",)],
    JobKind.JAX: [("Worker",)],
    JobKind.XGBOOST: [("Master", "Worker")],
    JobKind.MPI: [("Launcher", "Worker")],
    JobKind.PLAIN: [("Worker",)],
}


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    kind = draw(st.sampled_from(list(KINDS)))
    names = draw(st.sampled_from(KINDS[kind]))
    single = {"Chief", "Master", "Launcher"}
    roles = tuple(
        Role(name, 1 if name in single else draw(st.integers(1, 3)), draw(st.sampled_from(RestartPolicy)))
        for name in names
    )
    return Job(
        kind,
        "job",
        roles,
        clean=draw(st.sampled_from(CleanPodPolicy)),
        backoff_limit=draw(st.none() | st.integers(0, 3)),
        deadline=draw(st.none() | st.integers(5, 30)),
        dynamic_worker=kind is JobKind.TF and draw(st.booleans()),
        elastic=Elastic(1, 3) if kind is JobKind.PYTORCH and names == ("Worker",) and draw(st.booleans()) else None,
    )


#: What may happen to one replica between two looks.
HAPPENINGS = st.tuples(
    st.integers(0, 6), st.sampled_from(["start", "succeed", "fail", "kill", "evict", "delete", "vanish"])
)
CODES = {"fail": 1, "kill": 137, "evict": None}


@settings(max_examples=400, deadline=None)
@given(jobs(), st.lists(st.one_of(HAPPENINGS, st.just("suspend"), st.just("resume")), max_size=25))
def test_random_lives(job: Job, happenings: list[tuple[int, str] | str]) -> None:
    status = JobStatus()
    there: dict[tuple[str, int], Observed] = {}
    ended: JobStatus | None = None
    for moment, happening in enumerate([*happenings, "resume"]):
        if isinstance(happening, str):
            job = replace(job, suspend=happening == "suspend")
        elif there:
            which, what = happening
            key = sorted(there)[which % len(there)]
            _happen(there, key, what)
        lost = [r for r in there.values() if r.phase is Phase.FAILED]
        permanent = [
            r for r in lost if not retryable(_role(job, r).restart, r.exit_code)
            and not (job.dynamic_worker and r.role == "Worker")
        ]  # fmt: skip
        before = status
        verdict = reconcile(job, status, list(there.values()), float(moment))
        status = verdict.status
        finals = [c for c in status.conditions if c.type.final and c.status]
        assert len(finals) <= 1
        assert not (status.is_(ConditionType.RUNNING) and status.is_(ConditionType.RESTARTING))
        if ended is not None:
            assert status.conditions == ended.conditions, "what is final stays"
        elif permanent and not job.suspend:
            assert status.final is ConditionType.FAILED, "a failure is never lost"
        elif lost and not job.suspend and status.final is None:
            retried = {(r.role, r.index) for r in lost if retryable(_role(job, r).restart, r.exit_code)}
            assert retried <= set(verdict.delete), "what was lost is replaced"
        if job.backoff_limit is not None:
            assert status.restarts <= job.backoff_limit
        assert status.restarts >= before.restarts
        if status.final is not None:
            assert not verdict.create
            assert status.completed is not None
            ended = ended or status
        for key in verdict.delete:
            there.pop(key, None)
        for key in verdict.create:
            assert key not in there, "a replica is not made twice"
            there[key] = Observed(*key)


def _role(job: Job, replica: Observed) -> Role:
    role = job.role(replica.role)
    assert role is not None
    return role


def _happen(there: dict[tuple[str, int], Observed], key: tuple[str, int], what: str) -> None:
    replica = there[key]
    if what == "vanish":
        del there[key]
    elif replica.phase in {Phase.PENDING, Phase.RUNNING}:
        if what == "start":
            there[key] = replace(replica, phase=Phase.RUNNING)
        elif what == "succeed":
            there[key] = replace(replica, phase=Phase.SUCCEEDED, exit_code=0)
        elif what == "delete":
            there[key] = replace(replica, deleting=True)
        else:
            there[key] = replace(replica, phase=Phase.FAILED, exit_code=CODES[what])

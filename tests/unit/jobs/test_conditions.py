"""What a job's state is: the operator's rules, and ours where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jupyter_kf.jobs.conditions import Verdict, reconcile
from jupyter_kf.jobs.manifest import read_manifest
from jupyter_kf.model.job import ConditionType, Job, JobKind, JobStatus, Observed, Phase
from tests.unit.jobs.manifests import manifest, replica

TF, PT, JAX, XGB, MPI = JobKind.TF, JobKind.PYTORCH, JobKind.JAX, JobKind.XGBOOST, JobKind.MPI
PENDING, RUNNING, SUCCEEDED, FAILED = Phase.PENDING, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED


def job_of(kind: JobKind, roles: dict[str, Any], **spec: Any) -> Job:
    return read_manifest(manifest(kind, roles, **spec))


def seen(**phases: Any) -> list[Observed]:
    """Return replicas from ``Worker=[RUNNING, (FAILED, 137)]``: role by role, phase and exit code by index."""
    made = []
    for role, states in phases.items():
        for index, state in enumerate(states):
            phase, code = state if isinstance(state, tuple) else (state, 0 if state is SUCCEEDED else None)
            made.append(Observed(role, index, phase, code))
    return made


def passes(job: Job, *looks: list[Observed]) -> Verdict:
    verdict = Verdict(JobStatus())
    for moment, look in enumerate(looks):
        verdict = reconcile(job, verdict.status, look, float(moment))
    return verdict


def conditions(verdict: Verdict) -> list[str]:
    return [("" if c.status else "not ") + c.type.value for c in verdict.status.conditions]


def test_replicas_are_made_and_the_job_is_created() -> None:
    verdict = passes(job_of(TF, {"Chief": 1, "Worker": 2}), [])
    assert conditions(verdict) == ["Created"]
    assert verdict.status.conditions[0].reason == "TFJobCreated"
    assert verdict.create == (("Chief", 0), ("Worker", 0), ("Worker", 1))
    assert verdict.delete == ()


def test_the_chief_alone_says_how_the_job_stands() -> None:
    job = job_of(TF, {"Chief": 1, "Worker": 2})
    assert conditions(passes(job, seen(Chief=[PENDING], Worker=[RUNNING, RUNNING]))) == ["Created"]
    running = passes(job, seen(Chief=[RUNNING], Worker=[SUCCEEDED, SUCCEEDED]))
    assert conditions(running) == ["Created", "Running"]
    done = passes(job, seen(Chief=[RUNNING], Worker=[RUNNING] * 2), seen(Chief=[SUCCEEDED], Worker=[RUNNING] * 2))
    assert conditions(done) == ["Created", "not Running", "Succeeded"]
    assert done.status.completed == 1.0
    assert (done.status.replicas["Worker"].active, done.status.replicas["Worker"].succeeded) == (0, 2)


def test_without_a_chief_worker_0_decides_or_all_workers() -> None:
    look = seen(Worker=[SUCCEEDED, RUNNING])
    assert passes(job_of(TF, {"Worker": 2}), look).status.final is ConditionType.SUCCEEDED
    everyone = job_of(TF, {"Worker": 2}, successPolicy="AllWorkers")
    assert passes(everyone, look).status.state is ConditionType.RUNNING
    assert passes(everyone, seen(Worker=[SUCCEEDED] * 2)).status.final is ConditionType.SUCCEEDED
    unknown = [Observed("Worker", 0, SUCCEEDED, None), Observed("Worker", 1, RUNNING)]
    assert passes(job_of(TF, {"Worker": 2}), unknown).status.final is None


def test_one_permanent_failure_fails_the_job() -> None:
    for role in ("Worker", "PS", "Evaluator"):
        job = job_of(TF, {"Chief": 1, "Worker": 1, "PS": 1, "Evaluator": 1})
        look = {"Chief": [RUNNING], "Worker": [RUNNING], "PS": [RUNNING], "Evaluator": [RUNNING], role: [(FAILED, 1)]}
        failed = passes(job, seen(**look))
        assert failed.status.final is ConditionType.FAILED
        assert failed.status.conditions[-1].message.endswith(f"because 1 {role} replica(s) failed.")


def test_success_and_failure_in_one_look_is_one_failure() -> None:
    verdict = passes(job_of(TF, {"Chief": 1, "Worker": 1}), seen(Chief=[SUCCEEDED], Worker=[(FAILED, 1)]))
    assert conditions(verdict) == ["Created", "Failed"]
    again = reconcile(job_of(TF, {"Chief": 1, "Worker": 1}), verdict.status, seen(Chief=[SUCCEEDED]), 9.0)
    assert again.status == verdict.status


def test_exit_codes_from_128_on_are_tried_again() -> None:
    job = job_of(TF, {"Worker": replica(TF, 1, "ExitCode"), "PS": 1})
    for code in (128, 137, 255, None, -9):
        verdict = passes(job, seen(Worker=[(FAILED, code)], PS=[RUNNING]))
        assert verdict.status.state is ConditionType.RESTARTING
        assert (verdict.create, verdict.delete) == ((("Worker", 0),), (("Worker", 0),))
    for code in (1, 2, 127):
        assert passes(job, seen(Worker=[(FAILED, code)], PS=[RUNNING])).status.final is ConditionType.FAILED


def test_a_permanent_failure_is_not_hidden_by_a_restart() -> None:
    job = job_of(TF, {"Worker": replica(TF, 1, "OnFailure"), "PS": 1})
    assert passes(job, seen(Worker=[(FAILED, 1)], PS=[(FAILED, 1)])).status.final is ConditionType.FAILED


def test_running_and_restarting_exclude_each_other() -> None:
    job = job_of(TF, {"Chief": 1, "Worker": replica(TF, 1, "OnFailure"), "PS": 1})
    steady = seen(Chief=[RUNNING], Worker=[RUNNING], PS=[RUNNING])
    lost = seen(Chief=[RUNNING], Worker=[(FAILED, 1)], PS=[RUNNING])
    assert conditions(passes(job, steady, lost)) == ["Created", "Restarting"]
    assert conditions(passes(job, steady, lost, steady)) == ["Created", "Running"]


def test_a_lost_replica_of_a_collective_job_restarts_all_and_counts_once() -> None:
    job = job_of(PT, {"Master": 1, "Worker": 2})
    verdict = passes(job, seen(Master=[RUNNING], Worker=[(FAILED, 1), RUNNING]))
    gang = (("Master", 0), ("Worker", 0), ("Worker", 1))
    assert (verdict.create, verdict.delete, verdict.status.restarts) == (gang, gang, 1)
    servers = job_of(TF, {"Worker": replica(TF, 2, "OnFailure"), "PS": 1})
    alone = passes(servers, seen(Worker=[(FAILED, 1), RUNNING], PS=[RUNNING]))
    assert alone.delete == (("Worker", 0),)


def test_so_many_restarts_as_the_limit_allows_and_no_more() -> None:
    job = job_of(JAX, {"Worker": replica(JAX, 2, "OnFailure")}, runPolicy={"backoffLimit": 2})
    lost = seen(Worker=[(FAILED, 1), RUNNING])
    assert passes(job, lost, lost).status.restarts == 2
    over = passes(job, lost, lost, lost)
    assert over.status.final is ConditionType.FAILED
    assert over.status.restarts == 2
    assert over.delete == (("Worker", 0), ("Worker", 1))
    never = job_of(JAX, {"Worker": replica(JAX, 1, "OnFailure")}, runPolicy={"backoffLimit": 0})
    assert passes(never, seen(Worker=[(FAILED, 1)])).status.final is ConditionType.FAILED


def test_a_deadline_ends_the_job_and_says_when_to_look() -> None:
    job = job_of(TF, {"Worker": 1}, runPolicy={"activeDeadlineSeconds": 2, "cleanPodPolicy": "None"})
    look = seen(Worker=[RUNNING])
    assert passes(job, look).wake == 2.0
    over = passes(job, look, look, look)
    assert over.status.final is ConditionType.FAILED
    assert over.delete == (("Worker", 0),)


def test_clean_up_is_as_the_policy_says() -> None:
    look = seen(Chief=[SUCCEEDED], Worker=[RUNNING, SUCCEEDED], PS=[PENDING])
    roles = {"Chief": 1, "Worker": 2, "PS": 1}
    deleted = {
        policy: passes(job_of(TF, roles, runPolicy={"cleanPodPolicy": policy}), look).delete
        for policy in ("None", "Running", "All")
    }
    assert deleted["None"] == ()
    assert deleted["Running"] == (("Worker", 0), ("PS", 0))
    assert len(deleted["All"]) == 4


def test_a_finished_job_goes_after_its_time() -> None:
    job = job_of(TF, {"Worker": 1}, runPolicy={"ttlSecondsAfterFinished": 5})
    done = passes(job, seen(Worker=[SUCCEEDED]))
    assert (done.wake, done.remove) == (5.0, False)
    assert reconcile(job, done.status, [], 5.0).remove


def test_suspend_and_resume() -> None:
    job = job_of(TF, {"Worker": 1}, runPolicy={"activeDeadlineSeconds": 5})
    running = passes(job, seen(Worker=[RUNNING]))
    stopped = reconcile(replace(job, suspend=True), running.status, seen(Worker=[RUNNING]), 3.0)
    assert conditions(stopped) == ["Created", "not Running", "Suspended"]
    assert (stopped.delete, stopped.create) == ((("Worker", 0),), ())
    assert stopped.status.replicas["Worker"].active == 0
    resumed = reconcile(job, stopped.status, [], 100.0)
    assert conditions(resumed) == ["Created", "not Running", "not Suspended"]
    assert resumed.status.conditions[-1].reason == "TFJobResumed"
    assert (resumed.status.started, resumed.wake, resumed.create) == (100.0, 105.0, (("Worker", 0),))


def test_more_and_fewer_replicas() -> None:
    job = job_of(TF, {"Worker": 2, "PS": 1})
    grown = passes(job, seen(Worker=[RUNNING], PS=[RUNNING]))
    assert (grown.create, grown.delete) == ((("Worker", 1),), ())
    shrunk = passes(job, seen(Worker=[RUNNING] * 4, PS=[RUNNING]))
    assert (shrunk.create, shrunk.delete) == ((), (("Worker", 2), ("Worker", 3)))


def test_dynamic_workers_may_be_lost() -> None:
    job = job_of(TF, {"Chief": 1, "Worker": 2, "PS": 1}, enableDynamicWorker=True)
    look = seen(Chief=[RUNNING], Worker=[(FAILED, 1), RUNNING], PS=[RUNNING])
    assert passes(job, look).status.state is ConditionType.RUNNING


def test_who_leads_the_other_kinds() -> None:
    elastic = job_of(PT, {"Worker": 2}, elasticPolicy={})
    assert passes(elastic, seen(Worker=[SUCCEEDED, RUNNING])).status.final is ConditionType.SUCCEEDED
    fixed = job_of(PT, {"Worker": 2})
    assert passes(fixed, seen(Worker=[SUCCEEDED, RUNNING])).status.state is ConditionType.RUNNING
    launcher = job_of(MPI, {"Launcher": 1, "Worker": 1})
    assert passes(launcher, seen(Launcher=[SUCCEEDED], Worker=[RUNNING])).status.final is ConditionType.SUCCEEDED
    master = job_of(XGB, {"Master": 1, "Worker": 1})
    assert passes(master, seen(Master=[SUCCEEDED], Worker=[RUNNING])).status.final is ConditionType.SUCCEEDED
    workers = job_of(JAX, {"Worker": 2})
    assert passes(workers, seen(Worker=[SUCCEEDED, RUNNING])).status.final is None


def test_a_replica_that_is_taken_away_counts_as_failed() -> None:
    job = job_of(TF, {"Worker": replica(TF, 2, "ExitCode")})
    look = [Observed("Worker", 0, RUNNING), Observed("Worker", 1, RUNNING, deleting=True)]
    verdict = passes(job, look)
    assert verdict.status.replicas["Worker"].failed == 1
    assert verdict.status.state is ConditionType.RESTARTING

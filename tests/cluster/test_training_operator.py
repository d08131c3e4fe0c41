"""The real Training Operator v1.9 beside our rules: the same variables in its pods, the same conditions of its jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from jupyter_kf.jobs.conditions import reconcile
from jupyter_kf.jobs.manifest import main_container, read_manifest
from jupyter_kf.jobs.roles import environments, host_file
from jupyter_kf.model.job import Job, JobKind, JobStatus, Observed, Phase
from tests.cluster.binaries import training_operator_crds
from tests.cluster.control_plane import ControlPlane
from tests.unit.jobs.manifests import manifest, replica

TF, PT, JAX, XGB, MPI = JobKind.TF, JobKind.PYTORCH, JobKind.JAX, JobKind.XGBOOST, JobKind.MPI


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    for path in training_operator_crds():
        control_plane.kubectl("apply", "--server-side", "-f", str(path))
    control_plane.run("training-operator")
    yield control_plane
    control_plane.stop("training-operator")


def outcome(kind: JobKind, count: int = 1, restart: str | None = None, **annotations: str) -> dict[str, Any]:
    """Return replicas whose pods end as annotations say; without any they run on."""
    made = replica(kind, count, restart)
    made["template"]["metadata"] = {"annotations": {f"test.jupyter-kf/{key}": v for key, v in annotations.items()}}
    return made


def submit(operator: ControlPlane, namespace: str, document: dict[str, Any]) -> Job:
    document["metadata"]["namespace"] = namespace
    operator.kubectl("apply", "-f", "-", stdin=json.dumps(document))
    return read_manifest(document)


def until(condition: Callable[[], Any], seconds: float = 40.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.2)
    return found


def pods(operator: ControlPlane, namespace: str) -> list[dict[str, Any]]:
    return list(json.loads(operator.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"])


def told(operator: ControlPlane, job: Job) -> list[tuple[str, bool]]:
    """Return the operator's conditions: type and whether it holds."""
    found = json.loads(operator.kubectl("get", str(job.kind), job.name, "-n", job.namespace, "-o", "json"))
    return [(c["type"], c["status"] == "True") for c in found.get("status", {}).get("conditions", [])]


def ours(job: Job, *looks: list[Observed]) -> list[tuple[str, bool]]:
    status = JobStatus()
    for moment, look in enumerate(looks):
        status = reconcile(job, status, look, float(moment)).status
    return [(c.type.value, c.status) for c in status.conditions]


def observed(job: Job, found: list[dict[str, Any]]) -> list[Observed]:
    """Return the operator's pods as our rules see replicas."""
    made = []
    names = job.replica_names()
    for pod in found:
        role, index = names[pod["metadata"]["name"]]
        ended = [s["state"].get("terminated") for s in pod["status"].get("containerStatuses", [])]
        code = ended[0]["exitCode"] if ended and ended[0] else None
        made.append(Observed(role, index, Phase(pod["status"]["phase"]), code))
    return made


ENVIRONMENTS = [
    manifest(TF, {"Worker": 2, "PS": 1, "Chief": 1, "Evaluator": 1}),
    manifest(TF, {"worker": 2, "ps": replica(TF, 1, ports=[{"name": "tfjob-port", "containerPort": 5000}])}),
    manifest(TF, {"Worker": 1}),
    manifest(TF, {"Master": 1, "Worker": 1}),
    manifest(TF, {"Worker": 2, "PS": 1, "Chief": 1}, enableDynamicWorker=True),
    manifest(TF, {"Worker": 2}, enableDynamicWorker=True),
    manifest(TF, {"Worker": replica(TF, 2, env=[{"name": "A", "value": "1"}, {"name": "TF_CONFIG", "value": "no"}])}),
    manifest(PT, {"Master": 1, "Worker": 2}),
    manifest(PT, {"Master": 1, "Worker": 1}, nprocPerNode="4"),
    manifest(PT, {"Worker": 2}),
    manifest(PT, {"Worker": 2}, elasticPolicy={"minReplicas": 1, "maxReplicas": 3, "maxRestarts": 5, "rdzvId": "x"}),
    manifest(
        PT,
        {"Worker": 2},
        elasticPolicy={"rdzvBackend": "etcd", "rdzvHost": "h", "rdzvPort": 1, "rdzvConf": [{"key": "a", "value": "b"}]},
    ),
    manifest(JAX, {"Worker": 2}),
    manifest(XGB, {"Master": 1, "Worker": 2}),
    manifest(XGB, {"Master": 1}),
    manifest(MPI, {"Launcher": 1, "Worker": 2}, slotsPerWorker=2),
]


@pytest.mark.parametrize("document", ENVIRONMENTS, ids=lambda d: f"{d['kind']}-{len(json.dumps(d))}")
def test_replicas_get_what_the_operator_gives_them(
    operator: ControlPlane, namespace: str, document: dict[str, Any]
) -> None:
    job = submit(operator, namespace, document)
    expected = environments(job)
    found = until(lambda: (p := pods(operator, namespace)) and len(p) == len(expected) and p)
    given = {}
    for pod in found:
        container = main_container(job.framework, pod["spec"]["containers"])
        given[pod["metadata"]["name"]] = {e["name"]: e.get("value", "") for e in container.get("env", [])}
    assert given == expected
    if job.kind is MPI:
        config = json.loads(operator.kubectl("get", "configmap", "mnist-config", "-n", namespace, "-o", "json"))
        assert config["data"]["hostfile"] == host_file(job)


CONDITIONS = [
    (TF, {"Chief": outcome(TF, outcome="Succeeded"), "Worker": outcome(TF, 2)}, {}),
    (TF, {"Worker": outcome(TF, 2, outcome="Succeeded")}, {}),
    (TF, {"Worker": outcome(TF, 2, outcome="Succeeded")}, {"successPolicy": "AllWorkers"}),
    (TF, {"Chief": outcome(TF), "Worker": outcome(TF, 1, outcome="Failed")}, {}),
    (TF, {"Chief": outcome(TF), "PS": outcome(TF, 1, outcome="Failed")}, {}),
    (TF, {"Chief": outcome(TF), "Evaluator": outcome(TF, 1, outcome="Failed")}, {}),
    (TF, {"Worker": outcome(TF, 1, "ExitCode", **{"outcome": "Failed", "exit-code": "2"})}, {}),
    (TF, {"Chief": outcome(TF), "Worker": outcome(TF)}, {}),
    (TF, {"Chief": outcome(TF), "Worker": outcome(TF, 1, outcome="Failed")}, {"enableDynamicWorker": True}),
    (PT, {"Master": outcome(PT, outcome="Succeeded"), "Worker": outcome(PT)}, {}),
    (PT, {"Worker": outcome(PT, 2, outcome="Succeeded")}, {}),
    (PT, {"Master": outcome(PT), "Worker": outcome(PT, 1, "Never", outcome="Failed")}, {}),
    (JAX, {"Worker": outcome(JAX, 2, outcome="Succeeded")}, {}),
    (JAX, {"Worker": outcome(JAX, 1, "Never", outcome="Failed")}, {}),
    (XGB, {"Master": outcome(XGB, outcome="Succeeded"), "Worker": outcome(XGB)}, {}),
    (XGB, {"Master": outcome(XGB), "Worker": outcome(XGB, 1, outcome="Failed")}, {}),
]


@pytest.mark.parametrize(
    ("kind", "roles", "spec"), CONDITIONS, ids=lambda value: str(value) if isinstance(value, JobKind) else ""
)
def test_a_job_stands_as_the_operator_says(
    operator: ControlPlane, namespace: str, kind: JobKind, roles: dict[str, Any], spec: dict[str, Any]
) -> None:
    job = submit(operator, namespace, manifest(kind, roles, **spec))
    expecting_end = any("outcome" in json.dumps(role) for role in roles.values()) and not spec.get(
        "enableDynamicWorker"
    )
    ends = {"Succeeded", "Failed"}
    if expecting_end:
        until(lambda: {name for name, holds in told(operator, job) if holds} & ends)
    else:
        until(lambda: ("Running", True) in told(operator, job))
    everyone = [Observed(role, index, Phase.RUNNING) for role, index in job.replica_names().values()]
    wanted = {
        name
        for name, (role, _) in job.replica_names().items()
        if "outcome" in json.dumps(job.role(role).template)  # type: ignore[union-attr]
    }
    found = until(
        lambda: [
            p
            for p in [pods(operator, namespace)]
            if all(x["status"]["phase"] in ends for x in p if x["metadata"]["name"] in wanted)
        ]
    )[0]
    last = observed(job, found)
    assert told(operator, job) == ours(job, [], everyone, last)


def test_an_exit_code_of_a_signal_is_tried_again(operator: ControlPlane, namespace: str) -> None:
    lost = outcome(TF, 1, "ExitCode", **{"outcome": "Failed", "exit-code": "137", "after": "1s"})
    job = submit(operator, namespace, manifest(TF, {"Chief": outcome(TF), "PS": outcome(TF), "Worker": lost}))
    first = until(lambda: next((p for p in pods(operator, namespace) if "worker" in p["metadata"]["name"]), None))
    until(
        lambda: any(
            p["metadata"]["uid"] != first["metadata"]["uid"]
            for p in pods(operator, namespace)
            if "worker" in p["metadata"]["name"]
        )
    )
    assert {name for name, holds in told(operator, job) if holds} <= {"Created", "Running", "Restarting"}
    steady = [Observed(role, 0, Phase.RUNNING) for role in ("Chief", "PS", "Worker")]
    failed = [*steady[:2], Observed("Worker", 0, Phase.FAILED, 137)]
    assert ours(job, steady, failed) == [("Created", True), ("Restarting", True)]


def test_suspending_and_resuming(operator: ControlPlane, namespace: str) -> None:
    job = submit(operator, namespace, manifest(TF, {"Worker": outcome(TF, 2)}))
    until(lambda: ("Running", True) in told(operator, job))
    patch = ["patch", "tfjob", job.name, "-n", namespace, "--type=merge", "-p"]
    operator.kubectl(*patch, '{"spec": {"runPolicy": {"suspend": true}}}')
    until(lambda: ("Suspended", True) in told(operator, job))
    suspended = told(operator, job)
    until(lambda: not pods(operator, namespace))
    operator.kubectl(*patch, '{"spec": {"runPolicy": {"suspend": false}}}')
    until(lambda: ("Running", True) in told(operator, job))
    everyone = [Observed("Worker", index, Phase.RUNNING) for index in range(2)]
    status = JobStatus()
    for moment, (suspend, look) in enumerate([(False, everyone), (True, everyone)]):
        status = reconcile(replace(job, suspend=suspend), status, look, float(moment)).status
    assert suspended == [(c.type.value, c.status) for c in status.conditions]
    for moment, look in enumerate([[], everyone]):
        status = reconcile(job, status, look, float(10 + moment)).status
    assert told(operator, job) == [(c.type.value, c.status) for c in status.conditions]

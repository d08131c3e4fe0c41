"""What is wrong with a manifest: each finding with its field, its code and a fix that helps."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_kf.jobs.checks import errors_of, unknown_fields
from jupyter_kf.jobs.manifest import JobRefused, load_manifest, read_manifest
from jupyter_kf.model.job import CleanPodPolicy, JobKind, RestartPolicy
from tests.unit.jobs.manifests import manifest, replica

TF, PT, JAX, XGB, MPI = JobKind.TF, JobKind.PYTORCH, JobKind.JAX, JobKind.XGBOOST, JobKind.MPI


def found(document: Any) -> list[tuple[str, str]]:
    return [(finding.field, finding.code) for finding in errors_of(document)]


@pytest.mark.parametrize(
    "document",
    [
        manifest(TF, {"Chief": 1, "Worker": 2, "PS": 1, "Evaluator": 1}),
        manifest(TF, {"worker": 3}, runPolicy={"cleanPodPolicy": "All", "backoffLimit": 0}),
        manifest(TF, {"Worker": 2, "PS": 0}),
        manifest(PT, {"Master": 1, "Worker": 3}),
        manifest(PT, {"Worker": 2}, elasticPolicy={"minReplicas": 1, "maxReplicas": 4}),
        manifest(JAX, {"Worker": 2}),
        manifest(XGB, {"Master": 1, "Worker": 2}),
        manifest(MPI, {"Launcher": 1, "Worker": 2}, slotsPerWorker=2, cleanPodPolicy="Running"),
        manifest(TF, {"Worker": replica(TF, 2, "ExitCode", resources={"limits": {"cpu": "500m", "memory": "1Gi"}})}),
        manifest(TF, {"Worker": 1}, runPolicy={"managedBy": "kueue.x-k8s.io/multikueue", "suspend": True}),
    ],
)
def test_a_job_that_runs_has_no_error(document: dict[str, Any]) -> None:
    assert found(document) == []
    assert read_manifest(document).total >= 1


@pytest.mark.parametrize(
    ("document", "field", "code"),
    [
        ([], "", "KF901"),
        ({"kind": "TFjob"}, "kind", "KF901"),
        ({**manifest(TF, {"Worker": 1}), "apiVersion": "v1"}, "apiVersion", "KF901"),
        (manifest(TF, {"Worker": 1}, name="My_Job"), "metadata.name", "KF902"),
        (manifest(TF, {"Worker": 1}, name="1st"), "metadata.name", "KF902"),
        (manifest(TF, {"Evaluator": 1, "Worker": 1}, name="x" * 52), "metadata.name", "KF902"),
        (manifest(TF, {"Worker": 100}, name="x" * 54), "metadata.name", "KF902"),
        (manifest(TF, {}), "spec.tfReplicaSpecs", "KF903"),
        ({**manifest(TF, {"Worker": 1}), "kind": "PyTorchJob"}, "spec.pytorchReplicaSpecs", "KF903"),
        (manifest(TF, {"Worker": 1, "Wroker": 1}), "spec.tfReplicaSpecs[Wroker]", "KF904"),
        (manifest(TF, {"Worker": 1, "worker": 1}), "spec.tfReplicaSpecs[worker]", "KF904"),
        (manifest(PT, {"Master": 1, "Chief": 1}), "spec.pytorchReplicaSpecs[Chief]", "KF904"),
        (manifest(TF, {"Worker": 1, "PS": None}), "spec.tfReplicaSpecs[PS]", "KF905"),
        (manifest(TF, {"Worker": -1}), "spec.tfReplicaSpecs[Worker].replicas", "KF906"),
        (manifest(TF, {"Worker": replica(TF, None)}), "spec.tfReplicaSpecs[Worker].replicas", "KF906"),
        (manifest(TF, {"Worker": 10**30}), "spec.tfReplicaSpecs[Worker].replicas", "KF906"),
        (manifest(TF, {"Worker": replica(TF, "2")}), "spec.tfReplicaSpecs[Worker].replicas", "KF906"),
        (manifest(TF, {"Worker": replica(TF, True)}), "spec.tfReplicaSpecs[Worker].replicas", "KF906"),
        (manifest(TF, {"Chief": 2, "Worker": 1}), "spec.tfReplicaSpecs[Chief].replicas", "KF906"),
        (manifest(PT, {"Master": 1, "Worker": 0}), "spec.pytorchReplicaSpecs[Worker].replicas", "KF906"),
        (manifest(TF, {"Chief": 1, "Master": 1}), "spec.tfReplicaSpecs", "KF907"),
        (
            manifest(TF, {"Worker": replica(TF, 1, resources={"limits": {"memory": "1GB"}})}),
            "spec.tfReplicaSpecs[Worker].template.spec.containers[0].resources.limits.memory",
            "KF908",
        ),
        (
            manifest(TF, {"Worker": replica(TF, 1, name="main")}),
            "spec.tfReplicaSpecs[Worker].template.spec.containers",
            "KF909",
        ),
        (
            manifest(TF, {"Worker": replica(TF, 1, image="")}),
            "spec.tfReplicaSpecs[Worker].template.spec.containers[0].image",
            "KF909",
        ),
        (manifest(TF, {"Worker": {"replicas": 1}}), "spec.tfReplicaSpecs[Worker].template.spec.containers", "KF909"),
        (manifest(TF, {"Worker": replica(TF, 1, "Sometimes")}), "spec.tfReplicaSpecs[Worker].restartPolicy", "KF910"),
        (manifest(TF, {"Worker": 1}, runPolicy={"cleanPodPolicy": "all"}), "spec.runPolicy.cleanPodPolicy", "KF910"),
        (manifest(TF, {"Worker": 1}, successPolicy="AllWorker"), "spec.successPolicy", "KF910"),
        (manifest(TF, {"Worker": 1}, runPolicy={"managedBy": ""}), "spec.runPolicy.managedBy", "KF910"),
        (manifest(TF, {"Worker": 1}, runPolicy={"backoffLimit": -1}), "spec.runPolicy.backoffLimit", "KF911"),
        (manifest(TF, {"Worker": 1}, runPolicy={"suspend": "yes"}), "spec.runPolicy.suspend", "KF911"),
        (manifest(TF, {"PS": 2}), "spec.tfReplicaSpecs", "KF913"),
        (manifest(XGB, {"Worker": 2}), "spec.xgbReplicaSpecs[Master]", "KF913"),
        (manifest(MPI, {"Worker": 2}), "spec.mpiReplicaSpecs[Launcher]", "KF913"),
        (manifest(PT, {"Master": 1}, elasticPolicy={}), "spec.pytorchReplicaSpecs[Worker]", "KF913"),
        (
            manifest(PT, {"Worker": 2}, elasticPolicy={"minReplicas": 3, "maxReplicas": 2}),
            "spec.elasticPolicy.minReplicas",
            "KF914",
        ),
    ],
)
def test_what_cannot_run_is_said_with_its_field(document: Any, field: str, code: str) -> None:
    assert (field, code) in found(document)
    assert all(finding.message and finding.fix for finding in errors_of(document))
    with pytest.raises(JobRefused) as refused:
        read_manifest(document)
    assert (field, code) in [(e["field"], e["code"]) for e in refused.value.to_dict()["errors"]]


def test_a_misspelt_word_gets_the_nearest_right_one() -> None:
    [kind] = errors_of({"kind": "TFjob"})
    [role] = errors_of(manifest(TF, {"Worker": 1, "Wroker": 1}))
    [policy] = errors_of(manifest(TF, {"Worker": replica(TF, 1, "onfailure")}))
    assert ("TFJob" in kind.fix, "Worker" in role.fix, "OnFailure" in policy.fix) == (True, True, True)


def test_a_field_that_the_server_would_drop_is_a_warning() -> None:
    document = manifest(TF, {"Worker": 1}, cleanPodPolicy="All", runPolicy={"ttlSecondsAfterFinish": 3})
    assert {(w.field, w.code) for w in unknown_fields(document)} == {
        ("spec.cleanPodPolicy", "KF920"),
        ("spec.runPolicy.ttlSecondsAfterFinish", "KF920"),
    }
    assert "spec.runPolicy.cleanPodPolicy" in unknown_fields(document)[0].fix
    assert found(document) == []


def test_defaults_are_the_operators() -> None:
    job = read_manifest(manifest(TF, {"worker": replica(TF, 2), "ps": replica(TF, 1, ports=[{"containerPort": 1}])}))
    assert [(r.name, r.replicas, r.restart, r.port) for r in job.roles] == [
        ("PS", 1, RestartPolicy.NEVER, 2222),
        ("Worker", 2, RestartPolicy.NEVER, 2222),
    ]
    assert (job.clean, job.deadline, job.lead) == (CleanPodPolicy.NONE, None, ("Worker", 0))
    torch = read_manifest(manifest(PT, {"Worker": 3}, elasticPolicy={"maxReplicas": 5}))
    assert torch.roles[0].restart is RestartPolicy.ON_FAILURE
    assert torch.elastic is not None
    assert (torch.nproc_per_node, torch.elastic.min_replicas, torch.elastic.max_replicas) == ("auto", 5, 5)


def test_resources_are_read_as_numbers() -> None:
    limits = {"cpu": "1500m", "memory": "2Gi", "nvidia.com/gpu": 2}
    [role] = read_manifest(manifest(TF, {"Worker": replica(TF, 1, resources={"limits": limits})})).roles
    assert (role.cpu, role.memory, role.gpu, role.accelerator) == (1.5, 2 * 2**30, 2, "nvidia.com/gpu")


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [("a: [1", "KF901", "line"), ("a: 1\n---\nb: 2\n", "KF901", "2 documents"), ("", "KF901", "0 documents")],
)
def test_a_file_that_is_no_job_is_refused(tmp_path: Any, text: str, code: str, word: str) -> None:
    (tmp_path / "job.yaml").write_text(text)
    with pytest.raises(JobRefused) as refused:
        load_manifest(tmp_path / "job.yaml")
    assert refused.value.code == code
    assert word in refused.value.message

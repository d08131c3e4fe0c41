"""What each replica gets: the operator's form to the letter, ours as the frameworks need it."""

from __future__ import annotations

import json
from typing import Any

from jupyter_kf.jobs.manifest import read_manifest
from jupyter_kf.jobs.roles import Form, environments, host_file, replica_environment, service_addresses
from jupyter_kf.model.job import JobKind
from tests.unit.jobs.manifests import manifest, replica

TF, PT, JAX, XGB, MPI = JobKind.TF, JobKind.PYTORCH, JobKind.JAX, JobKind.XGBOOST, JobKind.MPI


def tf_config(document: dict[str, Any], name: str, form: Form = Form.OPERATOR) -> Any:
    return json.loads(environments(read_manifest(document), form)[name]["TF_CONFIG"])


FULL = manifest(TF, {"Worker": 2, "PS": 1, "Chief": 1, "Evaluator": 1})


def test_the_operators_tf_config_lists_every_type_sorted() -> None:
    text = environments(read_manifest(FULL))["mnist-worker-1"]["TF_CONFIG"]
    assert text == (
        '{"cluster":{"chief":["mnist-chief-0.team.svc:2222"],"evaluator":["mnist-evaluator-0.team.svc:2222"],'
        '"ps":["mnist-ps-0.team.svc:2222"],"worker":["mnist-worker-0.team.svc:2222","mnist-worker-1.team.svc:2222"]},'
        '"task":{"type":"worker","index":1},"environment":"cloud"}'
    )


def test_a_role_without_replicas_is_an_empty_list_in_the_operators_cluster() -> None:
    assert tf_config(manifest(TF, {"Worker": 2, "PS": 0}), "mnist-worker-0")["cluster"]["ps"] == []


def test_a_port_of_ones_own_and_a_cluster_domain_are_in_the_address() -> None:
    ports = [{"name": "tfjob-port", "containerPort": 5000}]
    job = read_manifest(manifest(TF, {"Worker": replica(TF, 2, ports=ports)}))
    config = replica_environment(job, "Worker", 0, Form.OPERATOR, service_addresses(job, "cluster.local"))["TF_CONFIG"]
    assert json.loads(config)["cluster"]["worker"][1] == "mnist-worker-1.team.svc.cluster.local:5000"


def test_one_replica_alone_gets_no_tf_config() -> None:
    assert environments(read_manifest(manifest(TF, {"Worker": 1}))) == {"mnist-worker-0": {}}


def test_dynamic_workers_know_themselves_and_the_servers() -> None:
    document = manifest(TF, {"Worker": 2, "PS": 1, "Chief": 1}, enableDynamicWorker=True)
    host = "mnist-{}.team.svc:2222".format
    task = {"type": "worker", "index": 1}
    worker = {"cluster": {"worker": {"1": host("worker-1")}, "ps": [host("ps-0")]}, "task": task}
    assert tf_config(document, "mnist-worker-1") == worker
    assert tf_config(document, "mnist-ps-0")["cluster"] == {"worker": {}, "ps": [host("ps-0")]}
    assert tf_config(document, "mnist-chief-0")["cluster"] == {"worker": {}, "ps": []}
    alone = manifest(TF, {"Worker": 2}, enableDynamicWorker=True)
    assert tf_config(alone, "mnist-worker-0")["cluster"]["ps"] is None


def test_our_form_leaves_the_evaluator_out_and_calls_a_master_chief() -> None:
    document = manifest(TF, {"Master": 1, "Worker": 1, "Evaluator": 1})
    master = tf_config(document, "mnist-master-0", Form.LOCAL)
    assert master["task"] == {"type": "chief", "index": 0}
    assert sorted(master["cluster"]) == ["chief", "worker"]
    evaluator = tf_config(document, "mnist-evaluator-0", Form.LOCAL)
    assert evaluator["task"] == {"type": "evaluator", "index": 0}
    assert sorted(evaluator["cluster"]) == ["chief", "evaluator", "worker"]
    hosts = [host for hosts in evaluator["cluster"].values() for host in hosts]
    assert len(set(hosts)) == 3
    assert all(host.startswith("127.0.0.1:") for host in hosts)


def test_the_users_variables_stay_and_the_frameworks_win() -> None:
    env = [{"name": "SEED", "value": "1"}, {"name": "TF_CONFIG", "value": "{}"}, {"name": "KEY", "valueFrom": {}}]
    made = environments(read_manifest(manifest(TF, {"Worker": replica(TF, 2, env=env)})))["mnist-worker-0"]
    assert made["SEED"] == "1"
    assert json.loads(made["TF_CONFIG"])["task"]["type"] == "worker"
    assert "KEY" not in made


def test_pytorch_with_a_master() -> None:
    made = environments(read_manifest(manifest(PT, {"Master": 1, "Worker": 2}, nprocPerNode="2")))
    assert made["mnist-worker-1"] == {
        "PYTHONUNBUFFERED": "1",
        "MASTER_PORT": "23456",
        "PET_MASTER_PORT": "23456",
        "MASTER_ADDR": "mnist-master-0",
        "PET_MASTER_ADDR": "mnist-master-0",
        "WORLD_SIZE": "6",
        "RANK": "2",
        "PET_NODE_RANK": "2",
        "PET_NPROC_PER_NODE": "2",
        "PET_NNODES": "3",
    }
    assert made["mnist-master-0"]["RANK"] == "0"


def test_pytorch_without_a_master_meets_nowhere_in_the_operators_form_and_at_worker_0_in_ours() -> None:
    job = read_manifest(manifest(PT, {"Worker": 2}))
    assert environments(job)["mnist-worker-1"] == {
        "PYTHONUNBUFFERED": "1",
        "PET_NPROC_PER_NODE": "auto",
        "PET_NNODES": "2",
    }
    ours = environments(job, Form.LOCAL)["mnist-worker-1"]
    assert (ours["MASTER_ADDR"], ours["MASTER_PORT"], ours["RANK"], ours["WORLD_SIZE"]) == (
        "127.0.0.1",
        "23456",
        "1",
        "2",
    )


def test_elastic_pytorch_says_how_workers_meet() -> None:
    policy = {
        "minReplicas": 1,
        "maxReplicas": 3,
        "maxRestarts": 100,
        "rdzvId": "x",
        "rdzvConf": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
        "standalone": True,
    }
    made = environments(read_manifest(manifest(PT, {"Worker": 2}, elasticPolicy=policy)))["mnist-worker-0"]
    assert made == {
        "PYTHONUNBUFFERED": "1",
        "PET_NPROC_PER_NODE": "auto",
        "PET_RDZV_ENDPOINT": "mnist-worker-0:23456",
        "PET_RDZV_BACKEND": "c10d",
        "PET_NNODES": "1:3",
        "PET_MAX_RESTARTS": "100",
        "PET_RDZV_ID": "x",
        "PET_RDZV_CONF": "a=1,b=2",
        "PET_STANDALONE": "",
    }


def test_jax_and_xgboost() -> None:
    jax = environments(read_manifest(manifest(JAX, {"Worker": 2})))["mnist-worker-1"]
    assert jax == {
        "PYTHONUNBUFFERED": "1",
        "COORDINATOR_PORT": "6666",
        "COORDINATOR_ADDRESS": "mnist-worker-0",
        "NUM_PROCESSES": "2",
        "PROCESS_ID": "1",
    }
    xgb = environments(read_manifest(manifest(XGB, {"Master": 1, "Worker": 2})))
    assert xgb["mnist-worker-1"] == {
        "MASTER_PORT": "9999",
        "MASTER_ADDR": "mnist-master-0",
        "WORLD_SIZE": "3",
        "RANK": "2",
        "PYTHONUNBUFFERED": "1",
        "WORKER_PORT": "9999",
        "WORKER_ADDRS": "mnist-worker-0,mnist-worker-1",
    }
    assert "WORKER_ADDRS" not in environments(read_manifest(manifest(XGB, {"Master": 1})))["mnist-master-0"]


def test_an_mpi_launcher_finds_its_workers_by_the_host_file() -> None:
    job = read_manifest(manifest(MPI, {"Launcher": 1, "Worker": 2}, slotsPerWorker=4))
    made = environments(job)
    assert list(made) == ["mnist-launcher", "mnist-worker-0", "mnist-worker-1"]
    assert made["mnist-launcher"]["OMPI_MCA_orte_default_hostfile"] == "/etc/mpi/hostfile"
    assert made["mnist-launcher"]["I_MPI_HYDRA_BOOTSTRAP"] == "rsh"
    assert made["mnist-worker-0"] == {}
    assert host_file(job) == "mnist-worker-0 slots=4\nmnist-worker-1 slots=4\n"

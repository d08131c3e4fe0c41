"""Jobs room: what each replica gets to find the others. Pure functions of the job, in two forms.

*operator*: exactly what the Training Operator v1.9 puts into a pod, its oddities included. *local*: what our start-up
code makes of it before user code begins, on the laptop and in the pod: TensorFlow takes the evaluator out of the
training cluster and knows no ``master``, so the training replicas' TF_CONFIG has neither; PyTorch replicas without a
master meet at worker 0; JAX finds the names that ``jax.distributed.initialize()`` reads by itself.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_kf.model.job import Job, JobKind, Role

#: Where the operator mounts an MPIJob's host file and its remote shell.
_MPI_FOLDER = "/etc/mpi"


class Form(enum.StrEnum):
    """Whose view of the job a replica gets."""

    OPERATOR = "operator"
    LOCAL = "local"


#: Host and port of a replica, by role and index.
Addresses = Callable[[str, int], tuple[str, int]]


def service_addresses(job: Job, cluster_domain: str = "") -> Addresses:
    """Return the addresses of replicas in a cluster: their headless services, as TF_CONFIG names them."""
    suffix = f"{job.namespace}.svc" + (f".{cluster_domain}" if cluster_domain else "")

    def address(role: str, index: int) -> tuple[str, int]:
        return f"{job.replica_name(role, index)}.{suffix}", _port(job, role)

    return address


def local_addresses(job: Job, first_port: int = 0) -> Addresses:
    """Return addresses on this machine: ports that count up from the first one in the order of the replicas.

    Args:
        job: the job.
        first_port: default: the framework's own.
    """
    first = first_port or job.framework.port
    ports = {replica: first + i for i, replica in enumerate(job.replica_names().values())}
    return lambda role, index: ("127.0.0.1", ports[role, index])


def replica_environment(
    job: Job, role: str, index: int, form: Form = Form.OPERATOR, addresses: Addresses | None = None
) -> dict[str, str]:
    """Return the environment variables of one replica: the user's own, and over them those of the framework.

    Args:
        job: the job.
        role, index: which replica.
        form: the operator's view or ours.
        addresses: where the replicas are; default: services in the operator's form, this machine in the local one.

    Raises:
        KeyError: the job has no such role.
    """
    found = job.role(role)
    if found is None:
        raise KeyError(role)
    if addresses is None:
        addresses = service_addresses(job) if form is Form.OPERATOR else local_addresses(job)
    made = _FRAMEWORKS[job.kind](job, found, index, form, addresses)
    return {**found.env, **made}


def environments(job: Job, form: Form = Form.OPERATOR, addresses: Addresses | None = None) -> dict[str, dict[str, str]]:
    """Return the variables of every replica by its name."""
    return {
        name: replica_environment(job, role, index, form, addresses)
        for name, (role, index) in job.replica_names().items()
    }


def host_file(job: Job) -> str:
    """Return the host file of an MPIJob as the operator writes it: one line a worker with its slots."""
    slots = job.slots_per_worker or 1
    worker = job.role("Worker")
    names = [job.replica_name("Worker", i) for i in range(worker.replicas if worker else 0)]
    launcher = job.role("Launcher")
    if launcher is not None and launcher.gpu:
        names.insert(0, job.replica_name("Launcher", 0))
    return "".join(f"{name} slots={slots}\n" for name in names)


# TensorFlow


def _tensorflow(job: Job, role: Role, index: int, form: Form, addresses: Addresses) -> dict[str, str]:
    # One replica alone is no cluster: the operator sets nothing.
    if job.total == 1:
        return {}
    config = _sparse_config(job, role, index, addresses) if job.dynamic_worker else _config(job, role, index, addresses)
    if form is Form.LOCAL:
        config = training_config(config)
    return {"TF_CONFIG": json.dumps(config, sort_keys=form is Form.LOCAL, separators=(",", ":"))}


def _cluster(job: Job, addresses: Addresses) -> dict[str, list[str]]:
    cluster = {r.name.lower(): ["{}:{}".format(*addresses(r.name, i)) for i in range(r.replicas)] for r in job.roles}
    return dict(sorted(cluster.items()))


def _config(job: Job, role: Role, index: int, addresses: Addresses) -> dict[str, Any]:
    return {
        "cluster": _cluster(job, addresses),
        "task": {"type": role.name.lower(), "index": index},
        "environment": "cloud",
    }


def _sparse_config(job: Job, role: Role, index: int, addresses: Addresses) -> dict[str, Any]:
    """Return the config with ``enableDynamicWorker``: a worker knows itself and all PS, a PS itself only."""
    cluster = _cluster(job, addresses)
    kind = role.name.lower()
    workers: dict[str, str] = {}
    servers: list[str] | None = []
    if kind == "ps":
        servers = [cluster[kind][index]]
    elif kind == "worker":
        workers = {str(index): cluster[kind][index]}
        servers = cluster.get("ps")
    return {"cluster": {"worker": workers, "ps": servers}, "task": {"type": kind, "index": index}}


def training_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a TF_CONFIG as TensorFlow itself understands it.

    The evaluator leaves the cluster of all but itself: TensorFlow has it as a task of its own, and a chief that waits
    for all it lists would wait for ever. ``master`` becomes ``chief``. What is sparse stays so.
    """
    cluster = {("chief" if kind == "master" else kind): hosts for kind, hosts in config.get("cluster", {}).items()}
    task = dict(config.get("task", {}))
    if task.get("type") != "evaluator":
        cluster.pop("evaluator", None)
    if task.get("type") == "master":
        task["type"] = "chief"
    return {**config, "cluster": cluster, "task": task}


# PyTorch


def _pytorch(job: Job, role: Role, index: int, form: Form, addresses: Addresses) -> dict[str, str]:
    nodes = job.total
    variables = {"PYTHONUNBUFFERED": "1"}
    # In the local form a job without master meets at worker 0: else nobody could say where.
    lead = "Master" if job.role("Master") else "Worker" if form is Form.LOCAL else ""
    if lead:
        host, port = _short(job, lead, form, addresses)
        rank = index + (1 if role.name == "Worker" and lead == "Master" else 0)
        variables |= {
            "MASTER_PORT": str(port),
            "PET_MASTER_PORT": str(port),
            "MASTER_ADDR": host,
            "PET_MASTER_ADDR": host,
            "WORLD_SIZE": str(nodes * _processes(job)),
            "RANK": str(rank),
            "PET_NODE_RANK": str(rank),
        }
    if job.nproc_per_node is not None:
        variables["PET_NPROC_PER_NODE"] = job.nproc_per_node
    if job.elastic is None:
        return variables | {"PET_NNODES": str(nodes)}
    return variables | _elastic(job, form, addresses)


def _processes(job: Job) -> int:
    """Return the processes of one node as the operator counts them: what is no number (``auto``, ``gpu``) is one."""
    try:
        return int(job.nproc_per_node or "1")
    except ValueError:
        return 1


def _elastic(job: Job, form: Form, addresses: Addresses) -> dict[str, str]:
    elastic = job.elastic
    assert elastic is not None
    host, port = _short(job, "Worker", form, addresses)
    variables = {
        "PET_RDZV_ENDPOINT": f"{elastic.host or host}:{elastic.port or port}",
        "PET_RDZV_BACKEND": elastic.backend or "c10d",
        "PET_NNODES": f"{elastic.min_replicas}:{elastic.max_replicas}",
    }
    if elastic.max_restarts is not None:
        variables["PET_MAX_RESTARTS"] = str(elastic.max_restarts)
    if elastic.nproc_per_node is not None:
        variables["PET_NPROC_PER_NODE"] = str(elastic.nproc_per_node)
    if elastic.id is not None:
        variables["PET_RDZV_ID"] = elastic.id
    if elastic.conf:
        variables["PET_RDZV_CONF"] = ",".join(f"{key}={value}" for key, value in elastic.conf)
    if elastic.standalone:
        variables["PET_STANDALONE"] = ""
    return variables


# JAX, XGBoost, MPI, plain


def _jax(job: Job, role: Role, index: int, form: Form, addresses: Addresses) -> dict[str, str]:
    host, port = _short(job, "Worker", form, addresses)
    variables = {
        "PYTHONUNBUFFERED": "1",
        "COORDINATOR_PORT": str(port),
        "COORDINATOR_ADDRESS": host,
        "NUM_PROCESSES": str(job.total),
        "PROCESS_ID": str(index),
    }
    if form is Form.LOCAL:
        variables |= {
            "JAX_COORDINATOR_ADDRESS": f"{host}:{port}",
            "JAX_NUM_PROCESSES": str(job.total),
            "JAX_PROCESS_ID": str(index),
        }
    return variables


def _xgboost(job: Job, role: Role, index: int, form: Form, addresses: Addresses) -> dict[str, str]:
    host, port = _short(job, "Master", form, addresses)
    master = job.role("Master")
    rank = index + (master.replicas if master and role.name == "Worker" else 0)
    variables = {
        "MASTER_PORT": str(port),
        "MASTER_ADDR": host,
        "WORLD_SIZE": str(job.total),
        "RANK": str(rank),
        "PYTHONUNBUFFERED": "1",
    }
    if job.total > 1:
        # LightGBM's: one port for all workers, so that on one machine only their addresses could differ
        workers = [_short(job, "Worker", form, addresses, i) for i in range(job.total - 1)]
        variables |= {"WORKER_PORT": str(workers[0][1]), "WORKER_ADDRS": ",".join(host for host, _ in workers)}
    return variables


def _mpi(job: Job, role: Role, index: int, form: Form, addresses: Addresses) -> dict[str, str]:
    if role.name != "Launcher" or form is Form.LOCAL:
        return {}
    agent = f"{_MPI_FOLDER}/kubexec.sh"
    variables = {"OMPI_MCA_plm_rsh_agent": agent, "OMPI_MCA_orte_default_hostfile": f"{_MPI_FOLDER}/hostfile"}
    if not role.gpu:
        variables |= {"NVIDIA_VISIBLE_DEVICES": "", "NVIDIA_DRIVER_CAPABILITIES": ""}
    intel = {"I_MPI_HYDRA_BOOTSTRAP": "rsh", "I_MPI_HYDRA_BOOTSTRAP_EXEC": agent}
    return variables | {name: value for name, value in intel.items() if name not in role.env}


def _plain(job: Job, role: Role, index: int, form: Form, addresses: Addresses) -> dict[str, str]:
    return {"REPLICA_INDEX": str(index), "REPLICA_COUNT": str(job.total)}


def _short(job: Job, role: str, form: Form, addresses: Addresses, index: int = 0) -> tuple[str, int]:
    """Return host and port as all but TensorFlow get them: in the operator's form the bare name of the service."""
    if form is Form.OPERATOR:
        return job.replica_name(role, index), _port(job, role)
    return addresses(role, index)


def _port(job: Job, role: str) -> int:
    found = job.role(role)
    return (found.port if found else 0) or job.framework.port


_FRAMEWORKS: Mapping[JobKind, Callable[[Job, Role, int, Form, Addresses], dict[str, str]]] = {
    JobKind.TF: _tensorflow,
    JobKind.PYTORCH: _pytorch,
    JobKind.JAX: _jax,
    JobKind.XGBOOST: _xgboost,
    JobKind.MPI: _mpi,
    JobKind.PLAIN: _plain,
}

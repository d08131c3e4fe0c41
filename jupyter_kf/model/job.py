"""Words for distributed training: a job of replicas in roles, its policies, what was observed and what that means.

The words are those of the Training Operator's v1 API (``kubeflow.org/v1``): conditions, policies and role names are
spelled as there, so that a manifest, the panel and a local job read alike.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class JobKind(enum.StrEnum):
    """Kinds of jobs; ``Job`` is a plain one: replicas that know their number and nothing of each other."""

    TF = "TFJob"
    PYTORCH = "PyTorchJob"
    JAX = "JAXJob"
    XGBOOST = "XGBoostJob"
    MPI = "MPIJob"
    PLAIN = "Job"


class RestartPolicy(enum.StrEnum):
    """What happens to a replica whose process ended; ``ExitCode``: 1–127 is final, 128 and above is tried again."""

    NEVER = "Never"
    ON_FAILURE = "OnFailure"
    ALWAYS = "Always"
    EXIT_CODE = "ExitCode"


class CleanPodPolicy(enum.StrEnum):
    """Which replicas are removed when the job is over."""

    ALL = "All"
    RUNNING = "Running"
    NONE = "None"


class SuccessPolicy(enum.StrEnum):
    """When a TFJob without chief has succeeded: with worker 0, or with all workers."""

    DEFAULT = ""
    ALL_WORKERS = "AllWorkers"


class Phase(enum.StrEnum):
    """Where a replica is: a pod's phases."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class ConditionType(enum.StrEnum):
    """What a job's conditions are called."""

    CREATED = "Created"
    RUNNING = "Running"
    RESTARTING = "Restarting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SUSPENDED = "Suspended"

    @property
    def final(self) -> bool:
        """True where nothing follows."""
        return self in {ConditionType.SUCCEEDED, ConditionType.FAILED}


@dataclass(frozen=True, slots=True)
class Framework:
    """What is fixed for a kind of job.

    ``roles`` in the order in which they are listed; ``leads`` the roles of which the first that the job has leads it
    (its results count); ``container``, ``port_name`` and ``port`` as the operator looks for them; ``specs`` the field
    of the manifest that maps roles to replicas; ``restart`` the operator's default policy.
    """

    kind: JobKind
    roles: tuple[str, ...]
    leads: tuple[str, ...]
    container: str
    port_name: str
    port: int
    specs: str
    restart: RestartPolicy = RestartPolicy.NEVER


#: From the Training Operator v1.9 (``pkg/apis/kubeflow.org/v1``).
FRAMEWORKS: Mapping[JobKind, Framework] = {
    framework.kind: framework
    for framework in (
        Framework(
            JobKind.TF,
            ("Chief", "Master", "PS", "Worker", "Evaluator"),
            ("Chief", "Master", "Worker"),
            "tensorflow",
            "tfjob-port",
            2222,
            "tfReplicaSpecs",
        ),
        Framework(
            JobKind.PYTORCH,
            ("Master", "Worker"),
            ("Master", "Worker"),
            "pytorch",
            "pytorchjob-port",
            23456,
            "pytorchReplicaSpecs",
            RestartPolicy.ON_FAILURE,
        ),
        Framework(JobKind.JAX, ("Worker",), ("Worker",), "jax", "jaxjob-port", 6666, "jaxReplicaSpecs"),
        Framework(
            JobKind.XGBOOST,
            ("Master", "Worker"),
            ("Master", "Worker"),
            "xgboost",
            "xgboostjob-port",
            9999,
            "xgbReplicaSpecs",
        ),
        Framework(JobKind.MPI, ("Launcher", "Worker"), ("Launcher",), "mpi", "", 0, "mpiReplicaSpecs"),
        Framework(JobKind.PLAIN, ("Worker",), ("Worker",), "main", "", 0, "replicaSpecs"),
    )
}


@dataclass(frozen=True, slots=True)
class Role:
    """So many replicas that do the same. ``env`` has the literal values that the user gave, in their order.

    ``port`` is where a replica of the role listens; ``cpu`` in cores, ``memory`` in bytes, ``gpu`` whole devices.
    ``template`` is the pod template as it came, for a job that came as a manifest: what has no word here stays in it.
    """

    name: str
    replicas: int = 1
    restart: RestartPolicy = RestartPolicy.NEVER
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    cpu: float | None = None
    memory: int | None = None
    gpu: int = 0
    accelerator: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gang:
    """Scheduling of all replicas together. ``min_resources`` as in a manifest; ``timeout`` in seconds."""

    min_available: int | None = None
    queue: str = ""
    priority_class: str = ""
    min_resources: Mapping[str, str] = field(default_factory=dict)
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Elastic:
    """How many workers a PyTorchJob may have, and how they meet (``torchrun``'s words).

    ``nproc_per_node`` is the older place of :attr:`Job.nproc_per_node`.
    """

    min_replicas: int | None = None
    max_replicas: int | None = None
    max_restarts: int | None = None
    backend: str = ""
    host: str = ""
    port: int | None = None
    id: str | None = None
    conf: tuple[tuple[str, str], ...] | None = None
    standalone: bool = False
    nproc_per_node: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One distributed training job. Durations in seconds; ``None`` where a policy is not set.

    ``roles`` stand in the order of :attr:`Framework.roles`. ``slots_per_worker`` and ``main_container`` are MPI's,
    ``success`` and ``dynamic_worker`` TensorFlow's, ``elastic`` and ``nproc_per_node`` PyTorch's.
    """

    kind: JobKind
    name: str
    roles: tuple[Role, ...]
    namespace: str = "default"
    clean: CleanPodPolicy = CleanPodPolicy.NONE
    ttl: int | None = None
    deadline: int | None = None
    backoff_limit: int | None = None
    suspend: bool = False
    gang: Gang | None = None
    managed_by: str | None = None
    success: SuccessPolicy = SuccessPolicy.DEFAULT
    dynamic_worker: bool = False
    elastic: Elastic | None = None
    nproc_per_node: str | None = None
    slots_per_worker: int | None = None
    main_container: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def framework(self) -> Framework:
        """What is fixed for the job's kind."""
        return FRAMEWORKS[self.kind]

    def role(self, name: str) -> Role | None:
        """Return the role called ``name``, ``None`` where the job has none such."""
        return next((role for role in self.roles if role.name == name), None)

    @property
    def lead(self) -> tuple[str, int] | None:
        """Role and index of the replica that leads: Chief or Master, else worker 0; MPI: the launcher."""
        for name in self.framework.leads:
            role = self.role(name)
            if role is not None and role.replicas > 0:
                return name, 0
        return None

    @property
    def total(self) -> int:
        """How many replicas there are in all roles."""
        return sum(role.replicas for role in self.roles)

    @property
    def collective(self) -> bool:
        """True where all training replicas work in step, so that a lost one ends the work of all.

        Not so with parameter servers, whose workers come and go, with elastic or dynamic workers, and in plain jobs.
        """
        if self.kind is JobKind.PLAIN or self.dynamic_worker or self.elastic is not None:
            return False
        return not (self.kind is JobKind.TF and self.role("PS") is not None)

    def replica_name(self, role: str, index: int) -> str:
        """Return the name of a replica's pod and service, as the operator names them."""
        if self.kind is JobKind.MPI and role == "Launcher":
            return f"{self.name}-launcher"
        return f"{self.name}-{role.lower()}-{index}"

    def replica_names(self) -> dict[str, tuple[str, int]]:
        """Return role and index of each replica by its name, in the order of the roles."""
        return {self.replica_name(r.name, i): (r.name, i) for r in self.roles for i in range(r.replicas)}


@dataclass(frozen=True, slots=True)
class Observed:
    """A replica as it was seen. ``exit_code`` is that of its main container or process, negative for a signal's number
    where a process ended by one; ``restarts`` counts those in place; ``deleting``: it was asked to go.
    """

    role: str
    index: int
    phase: Phase = Phase.PENDING
    exit_code: int | None = None
    deleting: bool = False
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """How many replicas of a role run, have succeeded and have failed."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """What is or was true of a job, and since when (seconds since the epoch)."""

    type: ConditionType
    status: bool
    reason: str
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class JobStatus:
    """All that is known of a job's progress. ``restarts`` counts a gang's restart once."""

    conditions: tuple[Condition, ...] = ()
    replicas: Mapping[str, ReplicaStatus] = field(default_factory=dict)
    started: float | None = None
    completed: float | None = None
    restarts: int = 0

    def is_(self, kind: ConditionType) -> bool:
        """True where the condition is there and holds."""
        return any(c.type is kind and c.status for c in self.conditions)

    @property
    def final(self) -> ConditionType | None:
        """Succeeded or Failed once one of them holds."""
        return next((c.type for c in self.conditions if c.type.final and c.status), None)

    @property
    def state(self) -> ConditionType | None:
        """The newest condition that holds, ``None`` before the first."""
        return next((c.type for c in reversed(self.conditions) if c.status), None)

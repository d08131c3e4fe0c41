"""Jobs room: a manifest (``kubeflow.org/v1``) as a :class:`~jupyter_kf.model.job.Job`, with the operator's defaults.

The defaults are those of the Training Operator v1.9 (``pkg/apis/kubeflow.org/v1/*_defaults.go``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_kf.errors import UsageError, UserError
from jupyter_kf.jobs.checks import Finding, errors_of, role_named
from jupyter_kf.jobs.quantities import quantity
from jupyter_kf.model.job import (
    FRAMEWORKS,
    CleanPodPolicy,
    Elastic,
    Framework,
    Gang,
    Job,
    JobKind,
    RestartPolicy,
    Role,
    SuccessPolicy,
)


class JobRefused(UserError):
    """A job that cannot run; ``findings`` says why, field by field."""

    code = "KF900"

    def __init__(self, message: str, findings: Sequence[Finding] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.findings = tuple(findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the error with its findings as ``errors``."""
        return {**super().to_dict(), "errors": [finding.to_dict() for finding in self.findings]}


def load_manifest(path: str | Path) -> Any:
    """Return the one document of a YAML or JSON file.

    Raises:
        UsageError: KF404 there is no such file.
        JobRefused: it is no YAML, or holds several documents.
    """
    import yaml

    file = Path(path).expanduser()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as exc:
        message = f"{file} cannot be read: {exc.strerror or exc}."
        raise UsageError(message, code="KF404", fix="Give the path of a YAML file with one job.") from exc
    except UnicodeDecodeError as exc:
        raise JobRefused(f"{file.name} is no text.", code="KF901", fix="Give a YAML file.") from exc
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        what = getattr(exc, "problem", None) or "it cannot be read"
        line = mark.line + 1 if mark else None
        where = f" in line {line}" if line else ""
        raise JobRefused(f"{file.name} is no YAML: {what}{where}.", code="KF901", fix="Mend the file.") from exc
    if len(documents) != 1:
        message = f"{file.name} holds {len(documents)} documents."
        raise JobRefused(message, code="KF901", fix="Put one job into a file of its own.")
    return documents[0]


def read_manifest(manifest: Any) -> Job:
    """Return the job that a manifest describes, defaults filled in.

    Raises:
        JobRefused: KF900 with all findings of :func:`~jupyter_kf.jobs.checks.errors_of`.
    """
    findings = errors_of(manifest)
    if findings:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise JobRefused(f"{first.field or 'The file'}: {first.message}{more}", findings, fix=first.fix)
    kind = JobKind(manifest["kind"])
    framework, spec, metadata = FRAMEWORKS[kind], manifest["spec"], manifest["metadata"]
    policy = spec.get("runPolicy") or {}
    roles = {role.name: role for role in _roles(framework, spec[framework.specs])}
    worker = roles.get("Worker")
    elastic = _elastic(spec.get("elasticPolicy"), worker.replicas if worker else 0) if kind is JobKind.PYTORCH else None
    clean = policy.get("cleanPodPolicy") or (spec.get("cleanPodPolicy") if kind is JobKind.MPI else None)
    nproc = spec.get("nprocPerNode")
    if kind is JobKind.PYTORCH and nproc is None and (elastic is None or elastic.nproc_per_node is None):
        nproc = "auto"
    return Job(
        kind=kind,
        name=metadata["name"],
        roles=tuple(roles[name] for name in framework.roles if name in roles),
        namespace=metadata.get("namespace") or "default",
        clean=CleanPodPolicy(clean or "None"),
        ttl=policy.get("ttlSecondsAfterFinished"),
        deadline=policy.get("activeDeadlineSeconds"),
        backoff_limit=policy.get("backoffLimit"),
        suspend=bool(policy.get("suspend", False)),
        gang=_gang(policy.get("schedulingPolicy")),
        managed_by=policy.get("managedBy"),
        success=SuccessPolicy(spec.get("successPolicy") or "") if kind is JobKind.TF else SuccessPolicy.DEFAULT,
        dynamic_worker=bool(spec.get("enableDynamicWorker", False)) and kind is JobKind.TF,
        elastic=elastic,
        nproc_per_node=None if nproc is None else str(nproc),
        slots_per_worker=spec.get("slotsPerWorker") if kind is JobKind.MPI else None,
        main_container=spec.get("mainContainer") or "" if kind is JobKind.MPI else "",
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
    )


def _roles(framework: Framework, specs: Mapping[str, Any]) -> list[Role]:
    roles = []
    for written, replica in specs.items():
        name = role_named(framework, written)
        assert name is not None, "checked before"
        template = replica["template"]
        container = main_container(framework, template["spec"]["containers"])
        resources = container.get("resources") or {}
        # what a pod may use is its limit; a request alone is what it asks for
        amounts = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
        gpu, accelerator = _devices(amounts)
        fallback = 0 if (framework.kind, name) == (JobKind.MPI, "Worker") else 1
        roles.append(
            Role(
                name=name,
                replicas=replica.get("replicas", fallback),
                restart=RestartPolicy(replica.get("restartPolicy") or framework.restart),
                image=container["image"],
                command=tuple(map(str, container.get("command") or ())),
                args=tuple(map(str, container.get("args") or ())),
                workdir=container.get("workingDir") or "",
                env={e["name"]: str(e.get("value") or "") for e in container.get("env") or () if "valueFrom" not in e},
                port=_port(framework, container),
                cpu=float(quantity(amounts["cpu"])) if "cpu" in amounts else None,
                memory=int(quantity(amounts["memory"])) if "memory" in amounts else None,
                gpu=gpu,
                accelerator=accelerator,
                template=template,
            )
        )
    return roles


def main_container(framework: Framework, containers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the container that trains: the one of the framework's name, else the first (all that MPI knows)."""
    return next((c for c in containers if c.get("name") == framework.container), containers[0])


def _port(framework: Framework, container: Mapping[str, Any]) -> int:
    named = (p for p in container.get("ports") or () if p.get("name") == framework.port_name)
    return next((int(p["containerPort"]) for p in named if "containerPort" in p), framework.port)


def _devices(amounts: Mapping[str, Any]) -> tuple[int, str]:
    """Return how many accelerators are asked for, and of what resource (``nvidia.com/gpu``, ``google.com/tpu``…)."""
    for name, amount in amounts.items():
        if "/" in name and name.rsplit("/", 1)[1] in {"gpu", "tpu"}:
            return int(quantity(amount)), name
    return 0, ""


def _gang(policy: Mapping[str, Any] | None) -> Gang | None:
    if policy is None:
        return None
    return Gang(
        min_available=policy.get("minAvailable"),
        queue=policy.get("queue") or "",
        priority_class=policy.get("priorityClass") or "",
        min_resources={name: str(amount) for name, amount in (policy.get("minResources") or {}).items()},
        timeout=policy.get("scheduleTimeoutSeconds"),
    )


def _elastic(policy: Mapping[str, Any] | None, workers: int) -> Elastic | None:
    if policy is None:
        return None
    low, high = policy.get("minReplicas"), policy.get("maxReplicas")
    low, high = (low if low is not None else high), (high if high is not None else low)
    conf = policy.get("rdzvConf")
    return Elastic(
        min_replicas=workers if low is None else low,
        max_replicas=workers if high is None else high,
        max_restarts=policy.get("maxRestarts"),
        backend=policy.get("rdzvBackend") or "",
        host=policy.get("rdzvHost") or "",
        port=policy.get("rdzvPort"),
        id=policy.get("rdzvId"),
        conf=None if conf is None else tuple((str(c["key"]), str(c["value"])) for c in conf),
        standalone=bool(policy.get("standalone", False)),
        nproc_per_node=policy.get("nProcPerNode"),
    )

"""Manifests for tests of jobs, as small as they can be."""

from __future__ import annotations

from typing import Any

from jupyter_kf.model.job import FRAMEWORKS, JobKind


def replica(kind: JobKind, count: Any = 1, restart: str | None = None, **container: Any) -> dict[str, Any]:
    """Return a replica spec; ``container`` is merged into its one container."""
    made = {"name": FRAMEWORKS[kind].container, "image": "train:1", **container}
    spec: dict[str, Any] = {"replicas": count, "template": {"spec": {"containers": [made]}}}
    if restart is not None:
        spec["restartPolicy"] = restart
    return spec


def manifest(kind: JobKind, roles: dict[str, Any], name: str = "mnist", **spec: Any) -> dict[str, Any]:
    """Return a job's manifest; a number in ``roles`` stands for that many replicas."""
    specs = {role: replica(kind, given) if isinstance(given, int) else given for role, given in roles.items()}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": str(kind),
        "metadata": {"name": name, "namespace": "team"},
        "spec": {FRAMEWORKS[kind].specs: specs, **spec},
    }

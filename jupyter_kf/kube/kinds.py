"""Kubernetes: kinds of objects and where the API keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

#: One Kubernetes object, or any part of one, as the API's JSON has it.
Object = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, in one version.

    Attributes:
        group: API group; empty for the core.
        version: as in ``apiVersion``, without the group.
        kind: as in ``kind``.
        plural: the resource's name in paths and roles.
        namespaced: whether its objects live in namespaces.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Path of its group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of one object, of all in a namespace, or of all there are.

        Raises:
            ValueError: an object in no namespace is asked for by name although its kind has namespaces.
        """
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        elif self.namespaced and name:
            raise ValueError(f"{self.kind} {name!r} without its namespace")
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def key(item: Mapping[str, Any]) -> Key:
    """Return namespace (empty where there is none) and name of an object."""
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
NODE = Kind("", "v1", "Node", "nodes", namespaced=False)
POD = Kind("", "v1", "Pod", "pods")
SERVICE = Kind("", "v1", "Service", "services")
SECRET = Kind("", "v1", "Secret", "secrets")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
VOLUME_CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
EVENT = Kind("", "v1", "Event", "events")
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
JOB = Kind("batch", "v1", "Job", "jobs")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
ACCESS_REVIEW = Kind(
    "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False
)
NOTEBOOK = Kind("kubeflow.org", "v1", "Notebook", "notebooks")

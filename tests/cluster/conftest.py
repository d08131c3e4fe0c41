"""A cluster for tests: a control plane of one's own, or the cluster that ``JUPYTER_KF_TEST_KUBECONFIG`` names."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.binaries import Unavailable, build, built
from tests.cluster.control_plane import ControlPlane
from tests.store_servers import require


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that tests may also break: parts of it can be stopped and started again."""
    if built() is None and not os.environ.get("JUPYTER_KF_REQUIRE_ALL"):
        require("no Kubernetes has been built: python -m tests.cluster.binaries (ten minutes, once)")
    try:
        build()
    except Unavailable as exc:
        require(str(exc))
    except subprocess.CalledProcessError as exc:
        pytest.fail(f"Kubernetes could not be built: {exc}")
    with ControlPlane(tmp_path_factory.mktemp("cluster")) as plane:
        yield plane


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The configuration of a cluster, as administrator."""
    given = os.environ.get("JUPYTER_KF_TEST_KUBECONFIG")
    if given:
        return Path(given)
    plane: ControlPlane = request.getfixturevalue("control_plane")
    return plane.kubeconfig


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own, deleted after it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    control_plane.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=30s")
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")

"""The control plane that other tests stand on: it behaves as Kubernetes does, and nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.control_plane import ControlPlane


def pod(name: str, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": {f"test.jupyter-kf/{key}": v for key, v in annotations.items()}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "nothing:1"}]},
    }


def wait(plane: ControlPlane, namespace: str, what: str, condition: str) -> None:
    plane.kubectl("wait", f"--for={condition}", what, "-n", namespace, "--timeout=30s")


def test_controllers_make_what_a_deployment_owns(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "deployment", "web", "--image=nothing:1", "--replicas=2", "-n", namespace)
    wait(control_plane, namespace, "deployment/web", "condition=Available")
    found = json.loads(control_plane.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    assert [(p["status"]["phase"], p["spec"]["nodeName"]) for p in found] == [("Running", "fake-0")] * 2


@pytest.mark.parametrize(
    ("annotations", "phase", "code"),
    [
        ({"outcome": "Succeeded", "after": "10ms"}, "Succeeded", 0),
        ({"outcome": "Failed", "after": "10ms"}, "Failed", 1),
        ({"outcome": "Failed", "after": "10ms", "exit-code": "137"}, "Failed", 137),
    ],
)
def test_pods_end_as_their_annotations_say(
    control_plane: ControlPlane, namespace: str, annotations: dict[str, str], phase: str, code: int
) -> None:
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(pod("one", **annotations)))
    wait(control_plane, namespace, "pod/one", f"jsonpath={{.status.phase}}={phase}")
    found = json.loads(control_plane.kubectl("get", "pod", "one", "-n", namespace, "-o", "json"))
    assert found["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code


def test_a_stuck_pod_stays_pending(control_plane: ControlPlane, namespace: str) -> None:
    objects = [pod("stuck", stuck="true"), pod("free")]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=text)
    wait(control_plane, namespace, "pod/free", "condition=Ready")
    phase = control_plane.kubectl("get", "pod", "stuck", "-n", namespace, "-o", "jsonpath={.status.phase}")
    assert phase == "Pending"


def test_access_is_refused_without_a_role(control_plane: ControlPlane, namespace: str) -> None:
    account = f"system:serviceaccount:{namespace}:default"
    with pytest.raises(AssertionError, match="forbidden"):
        control_plane.kubectl("get", "pods", "-n", namespace, f"--as={account}")
    control_plane.kubectl("create", "role", "reader", "--verb=list", "--resource=pods", "-n", namespace)
    binding = ["create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:default"]
    control_plane.kubectl(*binding, "-n", namespace)
    listed = control_plane.kubectl("get", "pods", "-n", namespace, "-o", "name", f"--as={account}")
    assert listed == ""


def test_an_api_server_that_was_killed_comes_back_with_its_data(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "kept", "--from-literal=a=1", "-n", namespace)
    control_plane.stop("apiserver")
    with pytest.raises(AssertionError):
        control_plane.kubectl("get", "configmap", "kept", "-n", namespace)
    control_plane.restart("apiserver")
    answer = control_plane.kubectl("get", "configmap", "kept", "-n", namespace, "-o", "jsonpath={.data.a}")
    assert answer == "1"


def test_nothing_stays_when_its_owner_is_killed(control_plane: ControlPlane, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    owner = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.control_plane", str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert "up in" in owner.stdout.readline()
    assert _mentioning(folder)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    end = time.monotonic() + 10
    while _mentioning(folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert _mentioning(folder) == []


def _mentioning(folder: Path) -> list[str]:
    """Return the command lines of living processes that name a folder, those of kwok and Kubernetes."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # gone by now
            if str(folder) in words:
                found.append(words)
    return found

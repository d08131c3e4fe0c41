"""A real control plane on the loopback interface: etcd, API server, controller manager, scheduler, and kwok for nodes.

It needs no root and nothing of the system: ports are reserved, all files lie in one folder, and every process dies with
the one that started it, however that ends.

``python -m tests.cluster.control_plane FOLDER`` keeps one up until it is interrupted and prints its kubeconfig's path.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_kf.jobs.ports import Ports
from tests.cluster.binaries import KUBERNETES, build

HERE = Path(__file__).parent
_PR_SET_PDEATHSIG = 1
_SERVICES = "10.96.0.0/16"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ControlPlane:
    """A control plane with one fake node; use it in a ``with`` statement, from the main thread.

    Args:
        folder: where certificates, data and logs go; a new one each time.
        flags: more flags for the API server.
    """

    def __init__(self, folder: Path, *, flags: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.kubeconfig = folder / "admin.conf"
        self._binaries = build()
        self._flags = flags
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}
        self._ports = Ports(Path(tempfile.gettempdir()) / f"jupyter-kf-test-ports-{os.getuid()}")
        self._etcd, self._peer, self.port, kcm, scheduler, kwok = self._ports.reserve(6)
        self._others = {"controller-manager": kcm, "scheduler": scheduler, "kwok": kwok}

    def __enter__(self) -> ControlPlane:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process and remove the data."""
        for name in reversed(self._processes):
            self._processes[name].kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()
        self._ports.release()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    # faults

    def stop(self, name: str) -> None:
        """Kill one of ``etcd apiserver controller-manager scheduler kwok``."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def restart(self, name: str) -> None:
        """Start what was stopped."""
        self._launch(name, self._commands[name])
        if name == "apiserver":
            self._until("apiserver", self._ready, 120)

    def run(self, program: str, *flags: str) -> None:
        """Start one of the built programs against this control plane, as administrator."""
        self._launch(program, [str(self._binaries / program), f"--kubeconfig={self.kubeconfig}", *flags])

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl as the administrator and return what it printed.

        Raises:
            AssertionError: it failed; the message is what it said.
        """
        command = [str(self._binaries / "kube"), "kubectl", "--kubeconfig", str(self.kubeconfig), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects, by the server."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "-f", "-", stdin=text)

    # start

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._certificates()
        kube, pki = str(self._binaries / "kube"), self.folder / "pki"
        etcd = f"http://127.0.0.1:{self._etcd}"
        peer = f"http://127.0.0.1:{self._peer}"
        self._launch(
            "etcd",
            [
                kube,
                "etcd",
                f"--data-dir={self.folder / 'etcd'}",
                "--unsafe-no-fsync",
                "--log-level=warn",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
        )
        self._launch(
            "apiserver",
            [
                kube,
                "apiserver",
                f"--etcd-servers={etcd}",
                f"--secure-port={self.port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
                f"--tls-cert-file={pki / 'apiserver.crt'}",
                f"--tls-private-key-file={pki / 'apiserver.key'}",
                f"--client-ca-file={pki / 'ca.crt'}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={pki / 'sa.pub'}",
                f"--service-account-signing-key-file={pki / 'sa.key'}",
                f"--service-cluster-ip-range={_SERVICES}",
                "--authorization-mode=Node,RBAC",
                "--allow-privileged=true",
                *self._flags,
            ],
        )
        self._until("apiserver", self._ready, 180)
        for name, more in (
            ("controller-manager", [f"--root-ca-file={pki / 'ca.crt'}", "--use-service-account-credentials=true"]),
            ("scheduler", []),
        ):
            config = self.folder / f"{name}.conf"
            command = [kube, name, f"--kubeconfig={config}", f"--authentication-kubeconfig={config}"]
            command += [f"--authorization-kubeconfig={config}", "--leader-elect=false", "--bind-address=127.0.0.1"]
            command += [f"--secure-port={self._others[name]}", *more]
            if name == "controller-manager":
                command.append(f"--service-account-private-key-file={pki / 'sa.key'}")
            self._launch(name, command)
        self._launch(
            "kwok",
            [
                str(self._binaries / "kwok"),
                f"--kubeconfig={self.kubeconfig}",
                f"--config={HERE / 'stages.yaml'}",
                "--manage-all-nodes=false",
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                "--node-lease-duration-seconds=40",
                f"--server-address=127.0.0.1:{self._others['kwok']}",
            ],
        )
        self.apply(FAKE_NODE)
        self._until("default service account", lambda: self._succeeds("get", "serviceaccount", "default"), 60)
        self._until("fake node", lambda: "True" in self.kubectl(*_NODE_READY), 60)

    def _launch(self, name: str, command: list[str]) -> None:
        self._commands[name] = command
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, and no thread is started before
            )  # fmt: skip

    def _until(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}: {self._last_words(name)}")
            if time.monotonic() > end:
                raise TimeoutError(f"{what} was not there after {seconds:g} s: {self._last_words('apiserver')}")
            time.sleep(0.1)

    def _last_words(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def _ready(self) -> bool:
        pki = self.folder / "pki"
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.port}/readyz", context=context, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _succeeds(self, *words: str) -> bool:
        try:
            self.kubectl(*words)
        except AssertionError:
            return False
        return True

    # certificates

    def _certificates(self) -> None:
        pki = self.folder / "pki"
        pki.mkdir(mode=0o700, exist_ok=True)
        self._openssl(
            "req", "-x509", *_KEY, "-days", "3650", "-subj", "/CN=test-ca", "-keyout", "ca.key", "-out", "ca.crt"
        )
        self._openssl("genrsa", "-out", "sa.key", "2048")
        self._openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        names = "DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1"
        self._certificate("apiserver", "/CN=kube-apiserver", names)
        for name, subject in (
            ("admin", "/O=system:masters/CN=admin"),
            ("controller-manager", "/CN=system:kube-controller-manager"),
            ("scheduler", "/CN=system:kube-scheduler"),
        ):
            self._certificate(name, subject)
            self._config(name)

    def _certificate(self, name: str, subject: str, names: str = "") -> None:
        use = "extendedKeyUsage=clientAuth,serverAuth" + (f"\nsubjectAltName={names}" if names else "")
        (self.folder / "pki" / f"{name}.ext").write_text(use)
        self._openssl("req", "-new", *_KEY, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "3650",
            "-extfile", f"{name}.ext", "-out", f"{name}.crt",
        )  # fmt: skip

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder / "pki", check=True, capture_output=True)

    def _config(self, name: str) -> None:
        pki = self.folder / "pki"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {
                        "server": f"https://127.0.0.1:{self.port}",
                        "certificate-authority": str(pki / "ca.crt"),
                    },
                }
            ],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate": str(pki / f"{name}.crt"),
                        "client-key": str(pki / f"{name}.key"),
                    },
                }
            ],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        }
        (self.folder / f"{name}.conf").write_text(json.dumps(config))


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_NODE_READY = (
    "get", "node", "fake-0", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}",
)  # fmt: skip
_ROOM = {"cpu": "10000", "memory": "100Ti", "pods": "20000", "nvidia.com/gpu": "8"}
FAKE_NODE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "fake-0",
        "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {"type": "kwok", "kubernetes.io/hostname": "fake-0", "kubernetes.io/os": "linux"},
    },
    "status": {"allocatable": _ROOM, "capacity": _ROOM},
}


def main(folder: str) -> None:
    """Keep a control plane up until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    began = time.monotonic()
    with ControlPlane(Path(folder).absolute()) as plane:
        sys.stdout.write(f"Kubernetes {KUBERNETES}, up in {time.monotonic() - began:.1f} s\n")
        sys.stdout.write(f"export KUBECONFIG={plane.kubeconfig}\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main(sys.argv[1])

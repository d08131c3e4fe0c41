"""A Kubernetes built from Go modules: ``python -m tests.cluster.binaries`` makes its binaries once.

They are kept by the digest of what they are made from, so that a run that changes nothing builds nothing. A build may
take ten minutes and more on a small machine; it is started in the background while other tests run, and whoever needs
the binaries waits for it. Two builds at once wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = ("pause", "training-operator", "kwok", "coredns", "kube")
KUBERNETES = "v1.37.2"
_VERSION = "k8s.io/component-base/version"
_FLAGS = {
    "kube": [
        f"-X {_VERSION}.gitVersion={KUBERNETES}",
        f"-X {_VERSION}.gitMajor=1",
        f"-X {_VERSION}.gitMinor=37",
        f"-X {_VERSION}.gitTreeState=clean",
        f"-X {_VERSION}.gitCommit={KUBERNETES}",
        f"-X {_VERSION}.buildDate=1970-01-01T00:00:00Z",
    ]
}
_PACKAGES = {"kwok": "sigs.k8s.io/kwok/cmd/kwok", "training-operator": "."}
#: Programs with a module of their own, because they need other versions of what they share.
_MODULES = {"training-operator": HERE / "training_operator"}


class Unavailable(Exception):
    """There is no cluster to be had here; the text says why."""


def cache_folder() -> Path:
    """Return where binaries are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jupyter-kf" / "cluster"


def digest() -> str:
    """Return the digest of everything that the binaries are made from."""
    made = hashlib.sha256()
    for path in sorted([*HERE.glob("**/go.mod"), *HERE.glob("**/go.sum"), *HERE.glob("**/*.go")]):
        made.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    made.update(_go("version").encode())
    made.update(repr(_FLAGS).encode())
    return made.hexdigest()[:16]


def _go(*words: str, module: Path = HERE) -> str:
    go = shutil.which("go")
    if go is None:
        raise Unavailable("Go is not installed, so no Kubernetes can be built")
    return subprocess.run([go, *words], capture_output=True, text=True, check=True, cwd=module).stdout


def training_operator_crds() -> list[Path]:
    """Return the Training Operator's custom resource definitions, which come with its module."""
    module = _MODULES["training-operator"]
    found = _go("mod", "download", "-json", "github.com/kubeflow/training-operator", module=module)
    return sorted(Path(json.loads(found)["Dir"]).glob("manifests/base/crds/kubeflow.org_*.yaml"))


def built() -> Path | None:
    """Return the folder of the binaries if they are there."""
    folder = cache_folder() / digest()
    return folder if all((folder / name).is_file() for name in PROGRAMS) else None


def build() -> Path:
    """Build what is missing and return the folder of the binaries.

    Raises:
        Unavailable: there is no Go here.
        subprocess.CalledProcessError: the build failed; its output went to stderr.
    """
    folder = cache_folder() / digest()
    folder.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -trimpath -mod=readonly"}
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in PROGRAMS:
            if (folder / name).is_file():
                continue
            flags = " ".join(["-s -w", *_FLAGS.get(name, [])])
            draft = folder / f"{name}.new"
            package = _PACKAGES.get(name, f"./cmd/{name}")
            command = ["go", "build", "-ldflags", flags, "-o", str(draft), package]
            subprocess.run(command, cwd=_MODULES.get(name, HERE), env=environ, check=True, stdout=sys.stderr)
            draft.replace(folder / name)
    for old in cache_folder().iterdir():
        if old != folder and old.is_dir():
            shutil.rmtree(old)
    return folder


if __name__ == "__main__":
    sys.stdout.write(f"{build()}\n")

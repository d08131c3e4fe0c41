"""Workbench room: what works here, what does not, and how to get what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_kf.errors import KFError
from jupyter_kf.workbench.views import DoctorView, Finding

if TYPE_CHECKING:
    from jupyter_kf.workbench.bench import Workbench

_LOW = 1 << 30
_EXTRAS = (
    ("psycopg", "postgres", "a store in PostgreSQL"),
    ("pymysql", "mysql", "a store in MySQL or MariaDB"),
    ("s3fs", "s3", "artifacts on S3"),
    ("jupyterlab", "lab", "JupyterLab"),
)


def examine(bench: Workbench) -> DoctorView:
    """Look at each part; a part that fails is a finding, never an error."""
    found: list[Finding] = []
    for topic, look in (
        ("python", _python),
        ("state", _state),
        ("store", _store),
        ("artifacts", _artifacts),
        ("kernels", _kernels),
        ("step", _step),
        ("resources", _resources),
        ("optional", _optional),
    ):
        try:
            found += look(bench)
        except KFError as exc:
            found.append(Finding(topic, "bad", exc.message, exc.fix))
        except OSError as exc:
            found.append(Finding(topic, "bad", f"{exc.strerror or exc}: {exc.filename or ''}".rstrip(": ")))
    return DoctorView(tuple(found))


def _python(bench: Workbench) -> Iterator[Finding]:
    from jupyter_kf import __version__

    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("jupyter_kf", "ok", f"{__version__} on Python {version} ({sys.executable})")
    if sys.platform not in {"linux", "darwin"}:
        yield Finding("platform", "bad", f"{sys.platform} is not supported", "Use Linux or macOS; on Windows, WSL.")
    spec = importlib.util.find_spec("traitlets")
    if sys.dont_write_bytecode and spec and spec.origin and not Path(cache_from_source(spec.origin)).exists():
        yield Finding(
            "bytecode", "note",
            "packages are not compiled, and PYTHONDONTWRITEBYTECODE keeps it so: first runs are slow",
            f"Unset it, or compile them once: {sys.executable} -m compileall -q {sysconfig.get_path('purelib')}",
        )  # fmt: skip


def _state(bench: Workbench) -> Iterator[Finding]:
    from jupyter_kf.store.filesystem import network_type

    home = bench.settings.home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    probe = home / f".doctor-{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()
    network = network_type(home)
    if network:
        yield Finding(
            "state folder", "note", f"{home} is on a network file system ({network}): slower, followed by polling",
            "Set JUPYTER_KF_HOME to a folder on a local disk.",
        )  # fmt: skip
    else:
        yield Finding("state folder", "ok", str(home))
    usage = shutil.disk_usage(home)
    free = f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.0f} GB"
    if usage.free < _LOW:
        yield Finding("disk", "bad", free, "Make room: jupyter kf gc, or delete runs first.")
    else:
        yield Finding("disk", "ok", free)


def _store(bench: Workbench) -> Iterator[Finding]:
    began = time.perf_counter()
    runs = bench.store.metadata.count_runs()
    took = (time.perf_counter() - began) * 1000
    metadata = bench.store.metadata
    yield Finding("database", "ok", f"{metadata.dialect}, {runs} runs ({metadata.label}), answered in {took:.0f} ms")


def _artifacts(bench: Workbench) -> Iterator[Finding]:
    artifacts = bench.store.artifacts
    yield Finding("artifacts", "ok", str(artifacts.url if artifacts.remote else artifacts.folder))
    if not bench.store.trusted:
        yield Finding(
            "trust", "note", "others may write to this store, so its values are not unpickled here",
            "Where you trust them all: JUPYTER_KF_TRUST=1. Else make the folder private: chmod 700.",
        )  # fmt: skip


def _kernels(bench: Workbench) -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs()
    if not specs:
        yield Finding(
            "kernels", "note", "no kernelspec is installed; notebooks run with this Python",
            f"{sys.executable} -m ipykernel install --user",
        )  # fmt: skip
    for name, entry in sorted(specs.items()):
        spec = entry["spec"]
        program = str((spec.get("argv") or [""])[0])
        there = bool(shutil.which(program)) if program else False
        what = f"{name}: {spec.get('language', '?')}, {program}"
        yield Finding(
            "kernel", "ok" if there else "note", what, "" if there else f"{program} is gone: remove the kernelspec"
        )


def _step(bench: Workbench) -> Iterator[Finding]:
    from jupyter_kf.engine.process import open_launcher

    launcher = open_launcher(sys.executable, settings=bench.settings)
    launcher.close()
    how = "a warm fork server" if "fork" in type(launcher).__name__.lower() else "new interpreters (spawn)"
    yield Finding("steps", "ok", f"run in {how}")
    if importlib.util.find_spec("IPython") is None:
        yield Finding("IPython", "bad", "is missing: magics and shell lines cannot run", "pip install ipython")


def _resources(bench: Workbench) -> Iterator[Finding]:
    from jupyter_kf.engine.slots import discover

    machine = discover(bench.settings)
    gpus = len(machine.gpus)
    yield Finding(
        "slots", "ok", f"{machine.cpu:g} CPU, {machine.memory / 1e9:.1f} GB, {gpus} GPU{'s' if gpus != 1 else ''}"
    )


def _optional(bench: Workbench) -> Iterator[Finding]:
    for module, extra, what in _EXTRAS:
        if importlib.util.find_spec(module) is None:
            yield Finding("optional", "note", f"{what}: not installed", f"pip install 'jupyter-kf[{extra}]'")
    for program in ("git",):
        if shutil.which(program) is None:
            yield Finding("optional", "note", f"no {program}: runs are kept without the state of the working tree")
    if Path("/proc/self/pagemap").exists() is False and sys.platform == "linux":
        yield Finding("optional", "note", "no /proc/self/pagemap: large inputs are compared in full")

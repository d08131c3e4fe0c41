"""Benchmarks, JupyterLab: the server that is measured, with and without the extension, and what is asked of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path

from benchmarks.measure import ROOT, Context
from tests.e2e.lab_server import LabServer, running

FINAL = {"SUCCEEDED", "FAILED", "CANCELED", "INTERRUPTED"}
_PATIENCE = 300.0


def check_installed() -> None:
    """Raise :class:`RuntimeError` that names what is missing to measure JupyterLab in a browser."""
    missing = [name for name in ("jupyterlab", "playwright", "tornado") if find_spec(name) is None]
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        missing.append("chromium")
    if not (ROOT / "jupyter_kf" / "labextension" / "package.json").is_file():
        missing.append("the front end (python dev/bundle.py link builds it)")
    if missing:
        raise RuntimeError(f"not here: {', '.join(missing)}")


@contextmanager
def server(context: Context, *, extension: bool = True) -> Iterator[LabServer]:
    """A fresh JupyterLab server; without the extension, neither its front end nor its server part is loaded."""
    with context.home() as home, _running(home.path, extension) as found:
        yield found


@contextmanager
def _running(folder: Path, extension: bool) -> Iterator[LabServer]:
    if not extension:
        _switch_off(folder)
    with running(folder, "jupyterlab") as found:
        yield found


def _switch_off(folder: Path) -> None:
    """Let a server have every extension but ours: one that is only disabled is loaded by the page all the same."""
    others = folder / "labextensions"
    (folder / "config").mkdir(parents=True)
    others.mkdir()
    for place in map(Path, jupyter_path("labextensions")):
        for found in sorted(place.glob("*")) if place.is_dir() else ():
            if found.name != "jupyter-kf" and not (others / found.name).exists():
                (others / found.name).symlink_to(found.resolve(), target_is_directory=True)
    config = {
        "ServerApp": {"jpserver_extensions": {"jupyter_kf": False}},
        "LabApp": {"labextensions_path": [str(others)]},
    }
    (folder / "config" / "jupyter_server_config.json").write_text(json.dumps(config), "utf-8")


def start_run(lab: LabServer, notebook: str) -> str:
    """Start a notebook's pipeline, nothing from the cache; return the run's id."""
    detail = lab.api("POST", "jupyter-kf/api/runs", {"path": notebook, "no_cache": True})
    return str(detail["run"]["id"])


def wait_for_end(lab: LabServer, run: str) -> dict[str, Any]:
    """Wait until a run is over; return it with its executions.

    Raises:
        RuntimeError: it did not succeed, or did not end.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        detail: dict[str, Any] = lab.api("GET", f"jupyter-kf/api/runs/{run}")
        state = detail["run"]["state"]
        if state == "SUCCEEDED":
            return detail
        if state in FINAL:
            raise RuntimeError(f"run {run}: {state} {detail['run']['error']}")
        time.sleep(0.2)
    raise RuntimeError(f"run {run} did not end")


def finish_times(detail: dict[str, Any]) -> list[float]:
    """Return when each execution of a run ended by the supervisor's clock, in seconds, in order."""
    moments = [e["finished"] for e in detail["executions"] if e["finished"]]
    return sorted(datetime.fromisoformat(moment).timestamp() for moment in moments)


def server_pid(lab: LabServer) -> int:
    """Return the process id of the server itself."""
    found = [pid for pid, command in lab.processes().items() if f"-m {lab.app} " in command]
    if not found:
        raise RuntimeError("the server's process is not there")
    return found[0]


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds, user and system, that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS"))


def percentile(values: list[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed (nearest rank).

    Raises:
        RuntimeError: there are no values.
    """
    if not values:
        raise RuntimeError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]

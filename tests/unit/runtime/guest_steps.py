"""Runs cells as one step in a real process, the way a launcher does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_kf.engine.process import GUEST, step_environment
from jupyter_kf.runtime.capture import read_outputs


@dataclass(frozen=True)
class Ran:
    """What a step left."""

    status: int
    report: dict[str, Any]
    stdout: str
    stderr: str
    outputs: dict[str, list[dict[str, Any]]]
    folder: Path

    @property
    def error(self) -> dict[str, Any]:
        return self.report["error"]


def manifest_of(base: Path, cells: list[str], execution: str = "e1", **fields: Any) -> dict[str, Any]:
    notebook = base / "notebook"
    notebook.mkdir(exist_ok=True)
    (base / "artifacts").mkdir(exist_ok=True)
    held = [{"id": f"c{i}", "index": i, "source": source} for i, source in enumerate(cells)]
    return {
        "version": 1, "run": "r1", "execution": execution, "step": "train", "attempt": 1, "cwd": str(notebook),
        "folder": str(base / execution), "artifacts": str(base / "artifacts"), "cells": held, "fragments": [],
        "replay": [], "parameters": {}, "inputs": [], "absent": [], "live": [], "wanted": [], "outputs": [],
        "random": [], "env": {}, "secrets": [], "threads": 1, **fields,
    }  # fmt: skip


def run_step(base: Path, *cells: str, python: str = sys.executable, **fields: Any) -> Ran:
    manifest = manifest_of(base, list(cells), **fields)
    folder = Path(manifest["folder"])
    folder.mkdir(exist_ok=True)
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest))
    command = [python, str(GUEST), "step", str(path)]
    environ = step_environment(os.environ)
    ended = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, timeout=120, check=False)
    report = json.loads((folder / "report.json").read_text())
    texts = [(folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr")]
    return Ran(ended.returncode, report, *texts, read_outputs(str(folder)), folder)

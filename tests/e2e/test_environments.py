"""Steps in the environment of the notebook's kernel, which does not have jupyter_kf."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.e2e.test_faces_cli import start

pytestmark = pytest.mark.keeps_processes  # a warm fork server outlives the tests

CELLS = (
    "%%kubeflow params\nn = 4",
    "def double(x):\n    return 2 * x",
    "%%kubeflow step make\nimport importlib.machinery, sys\nimport jupyter_kf as kf\n"
    "print(sys.prefix)\nprint(importlib.machinery.PathFinder.find_spec('jupyter_kf'))\n"
    "xs = [double(i) for i in range(n)]\nkf.log_metric('size', len(xs))\nkf.log_params({'depth': 3})\n"
    "kf.log_artifact('beside.txt')",
    "%%kubeflow step use --after make\nfrom jupyter_kf import log_metrics, set_tag\nprint(sum(xs), double(n))\n"
    "log_metrics({'total': sum(xs)}, step=1)\nset_tag('where', 'there')",
)
MAGICS = (
    "%%kubeflow step magics\nfound = !echo one {n}\nprint(found[0])\n%alias_magic --line t timeit\n"
    "!echo shell $n\nlen?\nvalue = %env JUPYTER_KF_NOT_THERE_X=5\nimport asyncio\nawait asyncio.sleep(0)\nxs[0]",
    "%%kubeflow step late\n%%capture caught\nprint('hidden')\nlast = found[0]",
    "%%kubeflow step late\nprint('late', last, caught.stdout.strip())",
)


def environment(folder: Path, *, ipython: bool) -> str:
    """Make a virtual environment and return its interpreter; ``ipython``: with this one's packages but jupyter_kf."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    if ipython:
        packages = folder / "packages"
        packages.mkdir()
        for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for entry in Path(place).iterdir():
                ours = entry.name.lower().replace("-", "_").startswith(("jupyter_kf", "_jupyter_kf", "__editable__"))
                if not ours and entry.suffix != ".pth" and not (packages / entry.name).exists():
                    (packages / entry.name).symlink_to(entry)
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "packages.pth").write_text(f"{packages}\n")
    return str(python)


def run(place: Path, python: str, cells: tuple[str, ...]) -> dict:
    spec = place / "jupyter" / "kernels" / "elsewhere"
    spec.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Elsewhere", "language": "python"}))
    metadata = {"kernelspec": {"name": "elsewhere", "display_name": "Elsewhere", "language": "python"}}
    listed = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for i, text in enumerate(cells)
    ]
    path = place / "n.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": listed}))
    (place / "beside.txt").write_text("kept")
    where = {"JUPYTER_PATH": str(place / "jupyter"), "PYTHONPATH": ""}
    process = start(place, "run", str(path), "-p", "n=3", "--json", **where)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    return json.loads(out)


@pytest.mark.skipif(os.name == "nt", reason="platform: virtual environments are laid out in another way on Windows")
@pytest.mark.parametrize("ipython", [True, False], ids=["with-ipython", "bare"])
def test_steps_run_where_the_notebooks_kernel_runs(tmp_path: Path, ipython: bool) -> None:
    python = environment(tmp_path / "elsewhere", ipython=ipython)
    said = run(tmp_path, python, CELLS + (MAGICS if ipython else ()))
    done = {e["step"]: e for e in said["executions"]}
    assert done["make"]["stdout"].split("\n") == [str(tmp_path / "elsewhere"), "None", ""]
    assert done["make"]["metrics"] == {"size": 3.0}
    assert done["use"]["stdout"] == "6 6\n"
    assert done["use"]["metrics"] == {"total": 6.0}
    assert (said["run"]["parameters"], said["run"]["tags"]) == ({"n": 3, "depth": 3}, {"where": "there"})
    if ipython:
        assert done["magics"]["stdout"].startswith("one 3\n")
        assert "shell 3\n" in done["magics"]["stdout"]
        assert done["late"]["stdout"] == "late one 3 hidden\n"

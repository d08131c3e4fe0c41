"""Each example prints the same in one kernel, top to bottom, as it does when its steps run as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PIPELINES = ("classification", "timeseries", "numeric", "kale")
#: Smaller than the defaults, so that the tests are quick; all parameters keep their types.
VALUES = {"classification": {"trees": 20}, "numeric": {"refine": 1, "frames": 4, "walkers": 5000}}


def kf(*words: str, home: Path, code: int = 0) -> dict[str, Any]:
    """Run the command line in the examples' folder and return its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_kf", *words, "--json"],
        cwd=EXAMPLES,
        env=os.environ | {"JUPYTER_KF_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == code, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def printed_in_one_kernel(name: str, values: dict[str, Any], tmp_path: Path) -> dict[str, str]:
    """Execute the notebook in one kernel and return what each cell printed, by cell id.

    Where ``values`` are given they are assigned right after the cell that holds the parameters.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", 4)
    if values:
        place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "params")
        source = "\n".join(f"{k} = {v!r}" for k, v in values.items())
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(source, id="values"))
    for cell in notebook.cells:
        if cell.id == "timing":  # how long something takes is nobody's result
            cell.source = "pass"
    client = NotebookClient(
        notebook, timeout=250, kernel_name="python3", resources={"metadata": {"path": str(EXAMPLES)}}
    )
    client.execute()
    return {
        cell.id: "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_prints_what_the_notebook_prints(name: str, tmp_path: Path) -> None:
    values = VALUES.get(name, {})
    before = (EXAMPLES / f"{name}.ipynb").read_bytes()
    expected = printed_in_one_kernel(name, values, tmp_path)
    pipeline = kf("check", f"{name}.ipynb", home=tmp_path)["pipeline"]
    parameters = [word for k, v in values.items() for word in ("-p", f"{k}={v}")]
    document = kf("run", f"{name}.ipynb", *parameters, home=tmp_path)
    assert document["run"]["state"] == "SUCCEEDED"
    executions = {e["step"]: e for e in document["executions"]}
    assert len(executions) == len(document["executions"]) == len(pipeline["steps"]) >= 5
    for step in pipeline["steps"]:
        wanted = "".join(expected[cell] for cell in step["cells"])
        assert executions[step["name"]]["stdout"] == wanted, step["name"]
    assert any(e["stdout"] for e in executions.values())
    assert (EXAMPLES / f"{name}.ipynb").read_bytes() == before


@pytest.mark.parametrize("name", PIPELINES)
def test_examples_are_clean(name: str, tmp_path: Path) -> None:
    document = kf("check", f"{name}.ipynb", home=tmp_path)
    assert document["dialect"] == ("kale" if name == "kale" else "kubeflow")
    assert [d for d in document["diagnostics"] if d["severity"] != "info"] == []


def test_models_are_trained_side_by_side(tmp_path: Path) -> None:
    steps = {s["name"]: s for s in kf("check", "classification.ipynb", home=tmp_path)["pipeline"]["steps"]}
    assert list(steps) == ["load", "split", "forest", "svm", "nearest", "compare"]
    for model in ("forest", "svm", "nearest"):
        assert steps[model]["after"] == ["split"]
    assert {"forest", "svm", "nearest"} <= set(steps["compare"]["after"])


def test_classification_a_second_time_comes_from_the_cache(tmp_path: Path) -> None:
    kf("run", "classification.ipynb", "-p", "trees=10", home=tmp_path)
    again = kf("run", "classification.ipynb", "-p", "trees=10", home=tmp_path)
    assert {e["step"]: e["cached"] for e in again["executions"]} == dict.fromkeys(
        ["load", "split", "forest", "svm", "nearest", "compare"], True
    )
    other = kf("run", "classification.ipynb", "-p", "trees=10", "-p", "neighbours=5", home=tmp_path)
    cached = {e["step"]: e["cached"] for e in other["executions"]}
    assert cached == {"load": True, "split": True, "forest": True, "svm": True, "nearest": False, "compare": False}


def test_whole_notebook_takes_parameters(tmp_path: Path) -> None:
    before = (EXAMPLES / "report.ipynb").read_bytes()
    document = kf("run", "report.ipynb", "-p", "measurement=bp", "-p", "bins=5", home=tmp_path)
    assert document["run"]["state"] == "SUCCEEDED"
    assert document["run"]["kind"] == "notebook"
    assert document["run"]["parameters"] == {"measurement": "bp", "bins": 5, "alpha": 0.05}
    assert "with bp from" in document["executions"][0]["stdout"]
    assert (EXAMPLES / "report.ipynb").read_bytes() == before


@pytest.mark.parametrize("name", ("timeseries", "numeric", "kale", "report"))
def test_most_examples_need_no_package_of_ours(name: str) -> None:
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text("utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    assert "jupyter_kf" not in code
    assert not any(line.startswith("%%kubeflow") for line in code.splitlines())

"""What the documentation shows is executed: the notebooks on its pages run, its Python works, its JSON has its keys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def blocks(page: str, start: str, end: str, language: str = "python") -> list[str]:
    """Return the code blocks of a page between two of its lines."""
    text = (ROOT / page).read_text("utf-8")
    part = text[text.index(start) : text.index(end)]
    return re.findall(rf"^```{language}\n(.*?)^```", part, flags=re.DOTALL | re.MULTILINE)


def notebook(cells: list[str], path: Path) -> Path:
    """Write code cells as a notebook."""
    import nbformat.v4 as v4

    made = v4.new_notebook(cells=[v4.new_code_cell(c) for c in cells])
    path.write_text(json.dumps(made), "utf-8")
    return path


def kf(folder: Path, *words: str) -> dict[str, Any]:
    """Run the command line in ``folder``, with its state there; return its JSON."""
    environ = os.environ | {"JUPYTER_KF_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "jupyter_kf", *words, "--json"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_first_notebook_of_the_guide_and_python_page(tmp_path: Path) -> None:
    cells = blocks("docs/getting-started.md", "## Mark cells", "## Check")
    assert len(cells) == 7
    notebook(cells, tmp_path / "my.ipynb")
    steps = {s["name"]: s for s in kf(tmp_path, "check", "my.ipynb")["pipeline"]["steps"]}
    assert list(steps) == ["sample", "squares", "cubes", "report"]
    assert steps["squares"]["after"] == steps["cubes"]["after"] == ["sample"]
    assert set(steps["report"]["inputs"]) == {"squares", "cubes"}
    (shown,) = blocks("docs/getting-started.md", "## Check", "## Run", "text")
    environ = os.environ | {"JUPYTER_KF_HOME": str(tmp_path / "home"), "COLUMNS": "80"}
    words = [sys.executable, "-m", "jupyter_kf", "check", "my.ipynb"]
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.strip() == shown.strip()
    printed = {e["step"]: e["stdout"] for e in kf(tmp_path, "run", "my.ipynb", "-p", "n=2000")["executions"]}
    assert re.fullmatch(r"squares: 2000 values, mean 1\.\d\d\ncubes: 2000 values, mean -?0\.\d\d\n", printed["report"])

    (script,) = blocks("docs/api.md", "# Python", "## Errors")
    words = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "SUCCEEDED {'n': 500}" in done.stdout
    assert "\n500\n" in done.stdout


def test_notebook_of_the_readme(tmp_path: Path) -> None:
    cells = blocks("README.md", "# jupyter_kf", "## Two commands")
    notebook(cells, tmp_path / "readme.ipynb")
    steps = {s["name"]: s["after"] for s in kf(tmp_path, "check", "readme.ipynb")["pipeline"]["steps"]}
    assert steps["forest"] == steps["svm"] == ["split"]
    document = kf(tmp_path, "run", "readme.ipynb", "-p", "trees=10")
    assert document["run"]["state"] == "SUCCEEDED"
    assert document["run"]["parameters"] == {"trees": 10}
    assert re.search(r"\(0\.9\d+, '(SVC|RandomForestClassifier)'\)", document["executions"][-1]["stdout"])


def test_json_of_the_command_line_page(tmp_path: Path) -> None:
    check, run = (json.loads(b) for b in blocks("docs/cli.md", "### check", "`stdout` and", "json"))
    notebook(
        ["# %%kubeflow params\nn = 1", "# %%kubeflow step a\nx = n", "# %%kubeflow step b\nprint(x)"],
        tmp_path / "n.ipynb",
    )
    found, ran = kf(tmp_path, "check", "n.ipynb"), kf(tmp_path, "run", "n.ipynb")
    assert check.keys() <= found.keys()
    assert check["pipeline"].keys() == found["pipeline"].keys()
    assert check["pipeline"]["steps"][0].keys() == found["pipeline"]["steps"][0].keys()
    assert check["pipeline"]["parameters"][0].keys() == found["pipeline"]["parameters"][0].keys()
    assert run["run"].keys() <= ran["run"].keys()
    assert run["executions"][0].keys() <= ran["executions"][0].keys()

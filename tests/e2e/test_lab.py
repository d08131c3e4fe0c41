"""The magics as somebody uses them in JupyterLab: a real server, a real browser, real runs."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lab_page import LabPage
from tests.e2e.lab_server import LabServer, need, running, write_notebook

pytestmark = pytest.mark.keeps_processes

PIPELINE = (
    "%load_ext jupyter_kf",
    "%%kubeflow params\nn = 3",
    "%%kubeflow step make\nxs = list(range(n))\nprint('made', len(xs))",
    "%%kubeflow step use\nimport jupyter_kf as kf\nkf.log_metric('total', sum(xs))\nprint('total', sum(xs))",
)
SLOW = (
    "%load_ext jupyter_kf",
    "%%kubeflow step wait\nimport time, pathlib\nprint('begun', flush=True)\n"
    "while not pathlib.Path('go-on').exists():\n    time.sleep(0.05)\nprint('through')",
)


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    need("jupyterlab", "jupyterlab")
    folder = Path(tempfile.mkdtemp(prefix="kfl-", dir="/tmp"))  # short: sockets live below it
    try:
        with running(folder, "jupyterlab") as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def loaded(browser: Any, server: LabServer, pictures: Path) -> Iterator[LabPage]:
    page = LabPage(browser, server, pictures)
    write_notebook(server.root / "first.ipynb", "1 + 1")
    page.open("first.ipynb")
    yield page
    page.close()


@pytest.fixture
def lab(loaded: LabPage, server: LabServer) -> Iterator[LabPage]:
    """The page, with nothing open after the test; whatever the test does, nothing leaves this machine."""
    loaded.mistakes.clear()
    yield loaded
    loaded.close_all()
    server.end_kernels()
    assert loaded.elsewhere == []


def opened(lab: LabPage, name: str, *cells: str) -> None:
    """Open a new notebook and execute its first cell, which loads the extension."""
    write_notebook(lab.server.root / name, *cells)
    lab.switch_to(name)
    assert lab.run(0) == ""


def run_id(text: str) -> str:
    """Return the id of the run that an answer shows."""
    found = re.search(r"\b[0-9a-z]{20}\b", text)
    assert found, text
    return found[0]


def test_from_the_first_cell_to_a_second_run(lab: LabPage) -> None:
    opened(lab, "pipeline.ipynb", *PIPELINE)
    assert lab.run(1) == ""
    assert lab.run(2) == "made 3\n"
    assert lab.run(3) == "total 3\n"
    assert "nothing wrong" in lab.do("%kubeflow check")
    first = lab.do("%kubeflow run")
    assert "SUCCEEDED" in first
    assert "not cached: first run" in first
    lab.outputs(-1).locator("svg").first.wait_for()
    lab.screenshot("lab-run")
    again = lab.do("%kubeflow run")
    assert again.count("cached") >= 2
    assert "not cached" not in again
    other = lab.do("%kubeflow run -p n=5 --experiment second")
    assert "n = 5" in other
    assert "second" in other
    assert run_id(other) != run_id(again) != run_id(first)
    listed = lab.do("%kubeflow runs")
    assert all(run_id(text) in listed for text in (first, again, other))
    shown = lab.do("%kubeflow show last use")
    assert "total" in shown
    assert lab.do("%kubeflow logs last use") == "total 10\n"
    assert "[0, 1, 2, 3, 4] 5" in lab.do("%kubeflow get last use xs --inputs\nprint(xs, len(xs))")
    compared = lab.do("%kubeflow compare last~1 last")
    assert "total" in compared
    lab.screenshot("lab-compare")
    assert lab.mistakes == []


def test_a_mistake_is_told_and_mended(lab: LabPage) -> None:
    opened(lab, "mistake.ipynb", PIPELINE[0], "%%kubeflow step one\na = 1", "%%kubeflow step two --aftr one\nprint(a)")
    lab.save()
    told = lab.do("%kubeflow check")
    assert "error" in told
    assert "--after" in told
    assert "cell 2" in told
    lab.screenshot("lab-mistake")
    refused = lab.do("%kubeflow run")
    assert "--after" in refused
    assert "Traceback" not in refused
    lab.edit(2, "%%kubeflow step two --after one\nprint(a)")
    lab.save()
    assert "nothing wrong" in lab.do("%kubeflow check")
    assert "SUCCEEDED" in lab.do("%kubeflow run")


def test_what_was_executed_counts_though_it_is_not_saved(lab: LabPage) -> None:
    opened(lab, "unsaved.ipynb", *PIPELINE)
    lab.edit(2, "%%kubeflow step make\nxs = [7] * n\nprint('edited')")
    lab.run(1)
    assert lab.run(2) == "edited\n"
    assert not lab.saved()
    told = lab.do("%kubeflow run")
    assert "as executed here, not as saved: cell c2" in told
    assert lab.do("%kubeflow logs last use") == "total 21\n"
    lab.save()
    assert "as executed here" not in lab.do("%kubeflow run")


def test_the_notebook_is_found_after_it_was_renamed(lab: LabPage) -> None:
    opened(lab, "before.ipynb", *PIPELINE)
    lab.run(1)
    lab.rename("after it.ipynb")
    assert "after it.ipynb" in lab.do("%kubeflow check")
    assert "SUCCEEDED" in lab.do("%kubeflow run")
    assert not (lab.server.root / "before.ipynb").exists()


def test_one_cell_in_a_process_of_its_own(lab: LabPage) -> None:
    opened(lab, "apart.ipynb", PIPELINE[0], "import os\nhere, items = os.getpid(), [1, 2]\nalias = items")
    lab.run(1)
    cell = "%%kubeflow step apart --on local\nitems.append(3)\nprint('elsewhere', os.getpid() != here)"
    assert lab.do(cell).startswith("elsewhere True\n")
    assert "[1, 2, 3] True" in lab.do("print(items, items is alias)")
    failed = lab.do("%%kubeflow step broken --on local\nx = 1\n1 / 0")
    assert "ZeroDivisionError" in failed
    assert "line 3" in failed
    lab.screenshot("lab-cell-apart")


def test_an_interrupt_lets_the_run_go_on_and_a_restart_too(lab: LabPage) -> None:
    opened(lab, "slow.ipynb", *SLOW)
    cell = lab.add("%kubeflow run")
    lab.start(cell)
    lab.wait_for_text(cell, "slow")
    printed = lab.server.home.rglob
    lab.until(lambda: "".join(p.read_text("utf-8") for p in printed("stdout")), lambda text: "begun" in text, "begun")
    lab.interrupt()
    assert "The run goes on" in lab.wait(cell)
    lab.screenshot("lab-interrupted")
    assert "RUNNING" in lab.do("%kubeflow show last")
    lab.restart()
    assert "not found" in lab.do("%kubeflow show last")  # the new kernel has not loaded the extension
    assert lab.run(0) == ""
    assert "RUNNING" in lab.do("%kubeflow show last")
    (lab.server.root / "go-on").touch()
    assert "through" in lab.do("%kubeflow logs -f last")
    lab.until(lambda: lab.do("%kubeflow show last"), lambda text: "SUCCEEDED" in text, "SUCCEEDED")


def test_another_run_is_cancelled_from_its_own_kernel(lab: LabPage) -> None:
    opened(lab, "cancel.ipynb", PIPELINE[0], "%%kubeflow step forever\nimport time\ntime.sleep(300)")
    started = lab.do("%kubeflow run --detach")
    lab.do(f"%kubeflow cancel {run_id(started)}")
    lab.until(lambda: lab.do("%kubeflow show last"), lambda text: "CANCELED" in text, "CANCELED")


def test_help_while_typing(lab: LabPage) -> None:
    opened(lab, "help.ipynb", *PIPELINE)
    cell = lab.add("")
    assert "show" in lab.complete(cell, "%kubeflow s")
    assert "--after" in lab.complete(cell, "%%kubeflow step new --a")
    assert "n=" in lab.complete(cell, "%kubeflow run -p ")
    lab.edit(cell, "%kubeflow?")
    lab.run(cell)
    shown = lab.page.locator(".jp-Notebook, .jp-OutputArea-output, .jp-Inspector").filter(
        has_text="Run this notebook's cells as a pipeline"
    )
    shown.first.wait_for()

"""The workbench in JupyterLab: sidebar, run view, badges, with the mouse, on real runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lab_page import LabPage
from tests.e2e.lab_server import LabServer, need, running, write_notebook
from tests.e2e.lab_workbench_page import Sidebar, need_extension, serious

pytestmark = pytest.mark.keeps_processes

PIPELINE = (
    "%%kubeflow params\nn = 3",
    "%%kubeflow step make\nxs = list(range(n))\nprint('made', len(xs))",
    "%%kubeflow step use\nprint('total', sum(xs))",
)
HELD = (
    "%%kubeflow step wait\nimport time, pathlib\nprint('begun', flush=True)\n"
    "while not pathlib.Path('go-on').exists():\n    time.sleep(0.05)",
    "%%kubeflow step after --after wait\nprint('after')",
)


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    need("jupyterlab", "jupyterlab")
    need_extension()
    folder = Path(tempfile.mkdtemp(prefix="kfw-", dir="/tmp"))  # short: sockets live below it
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
    loaded.mistakes.clear()
    yield loaded
    loaded.close_all()
    server.end_kernels()
    assert loaded.elsewhere == []


def test_a_run_is_started_with_parameters_watched_and_opened(lab: LabPage) -> None:
    write_notebook(lab.server.root / "pipeline.ipynb", *PIPELINE)
    lab.switch_to("pipeline.ipynb")
    lab.edit(2, "%%kubeflow step use\nprint('sum', sum(xs))")  # unsaved: the form saves first
    sidebar = Sidebar(lab)
    sidebar.show()
    run = sidebar.start(n="5")
    assert lab.saved()
    sidebar.wait_for(run, "SUCCEEDED")
    lab.screenshot("lab-sidebar")
    assert serious(lab, ".jp-KFSidebar") == []
    sidebar.open(run)
    view = lab.page.locator(".jp-KFRun")
    view.wait_for()
    view.get_by_text("use", exact=True).first.click()
    step = lab.page.locator('.jp-KFRun-step[data-step="use"]')
    step.wait_for()
    step.get_by_text("sum 10").first.wait_for()
    lab.screenshot("lab-run-view")
    assert serious(lab, ".jp-KFRunPanel") == []
    assert lab.mistakes == []


def test_a_run_goes_on_in_the_sidebar_and_ends_there(lab: LabPage) -> None:
    write_notebook(lab.server.root / "held.ipynb", *HELD)
    lab.switch_to("held.ipynb")
    sidebar = Sidebar(lab)
    sidebar.show()
    run = sidebar.start()
    sidebar.wait_for(run, "RUNNING")
    lab.screenshot("lab-sidebar-running")
    (lab.server.root / "go-on").touch()
    sidebar.wait_for(run, "SUCCEEDED")


def test_cells_say_which_step_they_are_and_what_is_wrong(lab: LabPage) -> None:
    write_notebook(lab.server.root / "cells.ipynb", *PIPELINE[:2], "%%kubeflow step use --aftr make\nprint(sum(xs))")
    lab.switch_to("cells.ipynb")
    lab.cell(1).locator('.jp-KFBadge[data-role="step"]').get_by_text("make").first.wait_for()
    problem = lab.cell(2).locator('.jp-KFBadge-problems[data-severity="error"]')
    problem.wait_for()
    lab.screenshot("lab-cells")
    assert serious(lab, ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-KFBadge") == []
    lab.edit(2, "%%kubeflow step use --after make\nprint(sum(xs))")
    problem.wait_for(state="detached")

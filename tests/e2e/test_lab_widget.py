"""The live view of a run and the tables, as they are drawn in a real JupyterLab."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_page import LabPage
from tests.e2e.lab_server import chromium, need, running, screenshot_folder, write_notebook
from tests.store_servers import require

pytestmark = [pytest.mark.keeps_processes, pytest.mark.timeout(600)]

CELLS = (
    "%load_ext jupyter_kf",
    "%%kubeflow step load\nxs = [1, 2]\nprint('loaded', len(xs))",
    "%%kubeflow step train\nimport pathlib, time, jupyter_kf as kf\nfor i in range(9):\n"
    "    kf.log_metric('loss', 1 / (i + len(xs)), step=i)\n    print('epoch', i, flush=True)\n"
    "while not pathlib.Path('go').exists():\n    time.sleep(0.05)",
    "%%kubeflow step tell --after train\nprint('told')",
)
AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabPage]:
    need("jupyterlab", "JupyterLab")
    need("anywidget", "anywidget")
    with (
        tempfile.TemporaryDirectory(prefix="kfl-", dir="/tmp") as folder,
        running(Path(folder), "jupyterlab") as server,
    ):
        write_notebook(server.root / "nb.ipynb", *CELLS)
        with chromium() as browser:
            page = LabPage(browser, server, screenshot_folder(tmp_path))
            page.open("nb.ipynb")
            page.run(0)
            yield page
            page.close()


def serious(lab: LabPage, selector: str) -> list[str]:
    """Return what axe finds serious in a part of the page."""
    if not AXE.is_file():
        require("axe-core (an npm package of labextension/) is not installed")
    lab.page.evaluate(AXE.read_text("utf-8") + ";0")
    found = lab.page.evaluate("async selector => (await axe.run(selector)).violations", selector)
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in {"serious", "critical"}]


def test_a_run_lives_in_its_cell_and_stays_as_html(lab: LabPage) -> None:
    at = lab.add("r = %kubeflow run\nr")
    lab.start(at)
    view = lab.cell(at).locator(".kf-run")
    view.get_by_text("epoch 8").wait_for()
    assert view.locator(".kf-words").inner_text() == "1 of 3 steps done, running train"
    assert view.locator(".kf-log-head").inner_text() == "train"
    view.get_by_label("loss: 9 points").wait_for()
    lab.screenshot("widget-live")
    assert serious(lab, ".kf-run") == []

    view.locator("g[data-step=train]").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.page.keyboard.press("Enter")
    view.locator(".kf-log", has_text="loaded 2").wait_for()
    assert view.locator("g.chosen").get_attribute("aria-label") == "load, " + view.locator("g.chosen .sub").inner_html()

    view.get_by_role("button", name="Cancel").click()  # the cell waits for the run all the while
    assert "CANCELED" in lab.wait(at)
    lab.cell(at).locator(".kf-run").wait_for(state="detached")
    lab.screenshot("widget-ended")
    lab.save()
    saved = json.loads((lab.server.root / "nb.ipynb").read_text("utf-8"))["cells"][at]["outputs"]
    assert [sorted(output["data"]) for output in saved] == [["text/html", "text/plain"]]

    (lab.server.root / "go").touch()
    lab.do("for i in range(6):\n    get_ipython().run_line_magic('kubeflow', f'run --no-cache --name n{i}')")
    at = lab.add("%kubeflow runs")
    lab.run(at)
    table = lab.cell(at)
    names = table.locator("tbody tr td:nth-child(2)")
    table.get_by_role("button", name="Name").click()
    assert names.all_inner_texts() == ["n0", "n1", "n2", "n3", "n4", "n5", "nb"]
    table.get_by_role("button", name="Name").click()
    assert names.first.inner_text() == "nb"
    table.get_by_role("searchbox").fill("canc")
    table.get_by_text("1 of 7").wait_for()
    assert table.locator("tbody tr:visible").count() == 1
    assert serious(lab, ".kf") == []
    assert lab.elsewhere == []

"""Page objects: the sidebar of runs, the run view and the cells' badges in JupyterLab."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.lab_page import LabPage
from tests.store_servers import require

if TYPE_CHECKING:
    from playwright.sync_api import Locator

ROOT = Path(__file__).resolve().parents[2]


def need_extension() -> None:
    """Skip where the front end has not been built."""
    if not (ROOT / "jupyter_kf" / "labextension" / "package.json").is_file():
        require("the front end is not built (make lab builds it)")


class Sidebar:
    """The panel of runs at the left."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab
        self.panel = lab.page.locator(".jp-KFSidebar .jp-KFRuns")

    def show(self) -> None:
        """Bring the panel to the front."""
        self.lab.command("jupyter-kf:show-runs")
        self.panel.wait_for()

    def all_notebooks(self) -> None:
        """Show the runs of all notebooks."""
        self.panel.get_by_role("group", name="Whose runs").get_by_role("button").last.click()

    def runs(self) -> Locator:
        """The rows of runs, newest first."""
        return self.panel.locator("[data-run]")

    def newest(self) -> Locator:
        """The newest run's row."""
        return self.runs().first

    def wait_for(self, run: str, state: str) -> None:
        """Wait until a run is shown in a state."""
        self.panel.locator(f'[data-run="{run}"][data-state="{state}"]').wait_for()

    def start(self, **parameters: str) -> str:
        """Fill the form for the open notebook, start the run, return its id."""
        before = {row.get_attribute("data-run") for row in self.runs().all()}
        self.panel.locator(".jp-KFRuns-run-notebook").click()
        form = self.lab.page.locator(".jp-Dialog")
        form.locator(".jp-KFRunForm-fields").wait_for()
        for name, value in parameters.items():
            field = form.locator(".jp-KFRunForm-field").filter(has_text=re.compile(rf"^\s*{re.escape(name)}\b"))
            field.locator("input").fill(value)
        self.lab.screenshot("lab-run-form")
        form.get_by_role("button", name="Run", exact=True).click()
        form.wait_for(state="detached")

        def new() -> str:
            now = [row.get_attribute("data-run") or "" for row in self.runs().all()]
            return next((run for run in now if run not in before), "")

        return self.lab.until(new, bool, "a new run")

    def open(self, run: str) -> None:
        """Open a run's view."""
        self.panel.locator(f'[data-run="{run}"]').dblclick()


def serious(lab: LabPage, selector: str) -> list[str]:
    """Return what axe-core calls serious or critical within a part of the page, each with the first place."""
    source = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        require("axe-core is not installed (npm ci in labextension)")
    lab.page.evaluate(source.read_text("utf-8") + ";undefined")
    found: list[dict[str, Any]] = lab.page.evaluate(
        "async selector => (await axe.run(selector, {resultTypes: ['violations']})).violations", selector
    )
    return [
        f"{v['id']}: {v['help']} ({json.dumps(v['nodes'][0]['html'])[:200]})"
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]

"""The live view of a run in a real kernel: what a front end hears, and its buttons while the cell waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_faces_kernel import Front, write

pytestmark = [
    pytest.mark.keeps_processes,
    pytest.mark.filterwarnings("ignore:.*unencrypted.*"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = {
    "c0": "%%kubeflow step wait\nimport pathlib, time\nprint('begun', flush=True)\n"
    "while not pathlib.Path('go').exists():\n    time.sleep(0.02)",
    "c1": "%%kubeflow step tell --after wait\nprint('told')",
}


class Page(Front):
    """A front end with a widget manager: keeps each widget's state and answers over a subshell, as JupyterLab does."""

    def __init__(self, folder: Path, path: Path) -> None:
        super().__init__(folder, path)
        self.folder = folder
        self.widgets: dict[str, dict[str, Any]] = {}
        self.displays: list[dict[str, Any]] = []
        self.text = ""
        self.idle: set[str] = set()
        self.done("%load_ext jupyter_kf")
        request = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(request)
        self.subshell = self.client.control_channel.get_msg(timeout=60)["content"]["subshell_id"]

    def until(self, come: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Listen until something is so."""
        end = time.monotonic() + seconds
        while not (found := come()):
            left = end - time.monotonic()
            assert left > 0, f"did not come; {self.text}"
            self._hear(self.client.get_iopub_msg(timeout=left))
        return found

    def _hear(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.widgets[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.widgets[content["comm_id"]].update(content["data"]["state"])
        elif kind == "comm_close":
            self.widgets.pop(content["comm_id"], None)
        elif kind in {"display_data", "update_display_data", "execute_result"}:
            self.displays.append(content["data"])
        elif kind == "stream":
            self.text += content["text"]
        elif kind == "error":
            self.text += "\n".join(content["traceback"])
        elif kind == "status" and content["execution_state"] == "idle":
            self.idle.add(message["parent_header"].get("msg_id", ""))

    def done(self, code: str) -> None:
        """Execute a cell to its end."""
        request = self.send(code)
        self.until(lambda: request in self.idle)

    def run(self, code: str = "%kubeflow run --no-cache") -> tuple[str, str]:
        """Start a run; return the request and the id of its widget."""
        self.displays.clear()
        (self.folder / "go").unlink(missing_ok=True)
        request = self.send(code)
        shown = self.until(lambda: next((d for d in self.displays if WIDGET in d), None))
        assert "of 2 steps done" in shown["text/html"]
        return request, shown[WIDGET]["model_id"]

    def press(self, widget: str, **content: Any) -> None:
        """Send a custom message, over the subshell."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": widget, "data": data})
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)


@pytest.fixture
def page(kernel: Page) -> Iterator[Page]:
    yield kernel
    (kernel.folder / "go").touch()  # a test that fails leaves no run waiting to the next one


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("w")
    found = Page(folder, write(folder / "nb.ipynb", CELLS))
    yield found
    found.stop()


def test_the_widget_tells_states_and_log_and_leaves_html(page: Page) -> None:
    request, widget = page.run("r = %kubeflow run --no-cache\nr")
    page.press(widget, type="hello")
    state = page.widgets[widget]
    page.until(lambda: state["log"]["text"] == "begun\n")
    assert state["steps"]["wait"][0] == "RUNNING"
    assert state["head"]["words"] == "0 of 2 steps done, running wait"
    assert 'data-step="wait"' in state["graph"]
    page.press(widget, type="choose", step="tell")
    page.until(lambda: state["log"]["step"] == "tell")
    (page.folder / "go").touch()
    page.until(lambda: request in page.idle)
    assert state["head"]["state"] == "SUCCEEDED"
    assert state["head"]["final"]
    end = page.displays[-1]
    assert set(end) == {"text/html", "text/plain"}  # a saved notebook needs no kernel to show it
    assert "SUCCEEDED" in end["text/plain"]
    assert "output of wait" in end["text/html"]
    assert sum(WIDGET in d for d in page.displays) == 1


def test_cancel_works_while_the_cell_waits(page: Page) -> None:
    request, widget = page.run()
    page.press(widget, type="hello")
    page.until(lambda: page.widgets[widget]["steps"]["wait"][0] == "RUNNING")
    assert request not in page.idle
    page.press(widget, type="cancel")
    page.until(lambda: request in page.idle)
    assert page.widgets[widget]["head"]["state"] == "CANCELED"
    assert "CANCELED" in page.displays[-1]["text/html"]


def test_a_page_that_was_loaded_anew_can_resume(page: Page) -> None:
    request, widget = page.run()
    page.press(widget, type="cancel")
    page.until(lambda: request in page.idle)
    (page.folder / "go").touch()
    page.press(widget, type="resume")
    page.until(lambda: page.widgets[widget]["notice"].get("text") == "resumed")
    page.until(lambda: page.widgets[widget]["head"]["state"] == "SUCCEEDED")


def test_what_cannot_be_done_is_said(page: Page) -> None:
    request, widget = page.run()
    page.press(widget, type="resume")
    notice = page.until(lambda: page.widgets[widget].get("notice"))
    assert notice["error"]
    assert "still" in notice["text"] or "going" in notice["text"]
    (page.folder / "go").touch()
    page.until(lambda: request in page.idle)


def test_a_detached_run_is_shown_to_its_end(page: Page) -> None:
    request, widget = page.run("%kubeflow run --no-cache --detach")
    page.until(lambda: request in page.idle)
    assert not page.widgets[widget]["head"]["final"]
    page.press(widget, type="hello")
    (page.folder / "go").touch()
    page.until(lambda: page.widgets[widget]["head"]["state"] == "SUCCEEDED")
    page.until(lambda: WIDGET not in page.displays[-1] and "SUCCEEDED" in page.displays[-1]["text/plain"])


def test_a_run_under_way_is_shown_live(page: Page) -> None:
    request, _ = page.run("%kubeflow run --no-cache --detach")
    page.until(lambda: request in page.idle)
    page.displays.clear()
    page.done("r = %kubeflow show last")
    assert not page.displays  # only what is shown is followed
    page.done("r")
    widget = next(d for d in page.displays if WIDGET in d)[WIDGET]["model_id"]
    state = page.widgets[widget]
    page.until(lambda: state["log"]["text"] == "begun\n")
    (page.folder / "go").touch()
    page.until(lambda: state["head"]["state"] == "SUCCEEDED")
    assert state["steps"]["tell"][0] == "SUCCEEDED"
    page.done("r = %kubeflow show last\nr")
    assert "SUCCEEDED" in page.displays[-1]["text/plain"]


def test_an_interrupt_goes_on_as_html(page: Page) -> None:
    page.text = ""
    request, widget = page.run()
    page.press(widget, type="hello")
    page.until(lambda: page.widgets[widget]["log"]["text"] == "begun\n")
    page.manager.interrupt_kernel()
    page.until(lambda: request in page.idle)
    assert "The run goes on" in page.text
    page.until(lambda: widget not in page.widgets)
    left = next(d for d in reversed(page.displays) if "text/html" in d)
    assert WIDGET not in left
    assert "stop it: %kubeflow cancel" in left["text/html"]
    (page.folder / "go").touch()
    page.until(lambda: "SUCCEEDED" in page.displays[-1]["text/plain"])


def test_a_front_end_that_draws_no_widget_gets_html(page: Page) -> None:
    page.done("import jupyter_kf.ipython.live as live\nlive._DRAWN_WITHIN = 0.2")
    try:
        request, widget = page.run()
        page.until(lambda: widget not in page.widgets)
        page.until(lambda: "begun" in page.displays[-1]["text/html"])
        assert WIDGET not in page.displays[-1]
        (page.folder / "go").touch()
        page.until(lambda: request in page.idle)
        assert "SUCCEEDED" in page.displays[-1]["text/plain"]
    finally:
        page.done("live._DRAWN_WITHIN = 8.0")


def test_without_anywidget_there_is_html(page: Page) -> None:
    page.done("live.find_spec = lambda name: None")
    try:
        page.displays.clear()
        page.widgets.clear()
        (page.folder / "go").touch()
        page.done("%kubeflow run")
        assert not page.widgets
        assert not any(WIDGET in d for d in page.displays)
        assert "SUCCEEDED" in page.displays[-1]["text/plain"]
    finally:
        page.done("from importlib.util import find_spec\nlive.find_spec = find_spec")

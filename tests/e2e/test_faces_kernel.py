"""The magics in a real kernel, as a notebook front end drives it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

pytestmark = [
    pytest.mark.keeps_processes,
    pytest.mark.filterwarnings("ignore:.*unencrypted.*"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

CELLS = {
    "c0": "%%kubeflow params\nn = 3",
    "c1": "%%kubeflow step make\nxs = list(range(n))\nprint('made', len(xs))",
    "c2": "%%kubeflow step use\ndef double(v):\n    return [2 * x for x in v]\nys = double(xs)\nprint(ys)",
    "c3": "%%kubeflow step tell\nprint(ys)",
}


def write(path: Path, cells: dict[str, str]) -> Path:
    listed = [
        {"cell_type": "code", "id": k, "metadata": {}, "outputs": [], "execution_count": None, "source": v}
        for k, v in cells.items()
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed}))
    return path


class Front:
    """A front end: executes cells by id and collects what comes back."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "k"))
        env = {**os.environ, "JPY_SESSION_NAME": str(path), "JUPYTER_KF_HOME": str(folder / "home")}
        self.manager.start_kernel(env=env, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def send(self, code: str, cell: str = "") -> str:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = self.client.session.msg("execute_request", {**content, "stop_on_error": False})
        message["metadata"] = {"cellId": cell} if cell else {}
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def read(self, request: str, until: str = "") -> tuple[list[dict[str, Any]], str]:
        """Return the outputs of a request until the kernel is idle, or until ``until`` was printed; and all text."""
        outputs, text = [], ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return outputs, text
            outputs.append({"kind": kind, **content})
            text += content.get("text", "") + str(content.get("data", {}).get("text/plain", ""))
            text += "\n".join(content.get("traceback", ()))
            if until and until in text:
                return outputs, text

    def do(self, code: str, cell: str = "") -> tuple[list[dict[str, Any]], str]:
        return self.read(self.send(code, cell))

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("k")
    found = Front(folder, write(folder / "nb.ipynb", CELLS))
    found.folder = folder  # type: ignore[attr-defined]
    found.do("%load_ext jupyter_kf")
    yield found
    found.stop()


def test_run_shows_a_display_that_changes_and_the_run(front: Front) -> None:
    outputs, text = front.do("%kubeflow run")
    kinds = [o["kind"] for o in outputs]
    assert "error" not in kinds, text
    assert "display_data" in kinds
    assert "update_display_data" in kinds
    end = outputs[-1]["data"]  # nothing is shown twice: the display's last state is the run as it ended
    assert set(end) == {"text/html", "text/plain"}
    assert "SUCCEEDED" in end["text/plain"]
    assert "<svg" in end["text/html"]
    outputs, _ = front.do("r = %kubeflow run\n1")
    assert [o["data"] for o in outputs if o["kind"] == "execute_result"] == [{"text/plain": "1"}]
    outputs, _ = front.do("r")
    assert "<svg" in next(o for o in outputs if o["kind"] == "execute_result")["data"]["text/html"]
    _, text = front.do("%kubeflow logs last tell")
    assert text == "[0, 2, 4]\n"


def test_get_binds_variables_that_work(front: Front) -> None:
    front.do("%kubeflow run")
    _, text = front.do("%kubeflow get last use ys xs\nprint('got', ys, xs)")
    assert "got [0, 2, 4] [0, 1, 2]" in text
    assert "now variables of this kernel: ys, xs\n" in text
    _, text = front.do("%kubeflow get last use xs --inputs")
    assert "xs" in text


def test_text_executed_here_stands_for_the_saved_text(front: Front) -> None:
    folder: Path = front.folder  # type: ignore[attr-defined]
    os.utime(folder / "nb.ipynb", (time.time() - 5, time.time() - 5))
    front.do("%%kubeflow step tell\nprint('edited', ys)", "c3")
    _, text = front.do("%kubeflow run")
    assert "as executed here" in text
    assert "c3" in text
    _, text = front.do("%kubeflow logs last tell")
    assert "edited" not in text or text == "edited [0, 2, 4]\n"
    assert text == "edited [0, 2, 4]\n"
    write(folder / "nb.ipynb", CELLS)  # a save is newer than what was executed
    _, text = front.do("%kubeflow run")
    assert "as executed here" not in text


def test_a_cell_in_a_process_of_its_own(front: Front) -> None:
    front.do("import os\nhere = os.getpid()\nitems = [1, 2]\nalias = items\ndef f(v):\n    return v * len(items)")
    body = "print('far', os.getpid() != here)\nitems.append(3)\nmade = [f(v) for v in items]\nmade"
    _, text = front.do(f"%%kubeflow step far --on local\n{body}")
    assert "far True" in text
    assert "[3, 6, 9]" in text
    _, text = front.do("print(made, items, alias is items)")
    assert text == "[3, 6, 9] [1, 2, 3] True\n"
    outputs, text = front.do("%%kubeflow step far --on local\nx = 1\n1 / 0")
    assert "ZeroDivisionError" in text
    assert "line 3" in text
    assert "jupyter_kf/" not in text
    number = next(o["execution_count"] for o in outputs if o["kind"] == "execute_input")
    assert f"Cell [{number}]" in text
    _, text = front.do("%kubeflow show last far")
    assert "Correct the cell and run it again" in text
    assert "--edited" not in text


def test_random_numbers_go_on_where_the_kernel_stands(front: Front) -> None:
    front.do(
        "import random\nrandom.seed(7)\nhere = [random.random() for _ in range(4)]\nrandom.seed(7)\na = random.random()"
    )
    front.do("%%kubeflow step draw --on local\nb, c = random.random(), random.random()")
    _, text = front.do("print([a, b, c, random.random()] == here)")
    assert text == "True\n"


def test_an_interrupt_ends_a_cell_that_runs_elsewhere(front: Front) -> None:
    request = front.send("%%kubeflow step far --on local\nimport time\nprint('begun', flush=True)\ntime.sleep(300)")
    front.read(request, until="begun")
    front.manager.interrupt_kernel()
    outputs, text = front.read(request)
    assert any(o["kind"] == "error" and o["ename"] == "KeyboardInterrupt" for o in outputs), text
    _, text = front.do("%kubeflow show last")
    assert "CANCELED" in text


def test_an_interrupt_leaves_a_run_alone(front: Front) -> None:
    folder: Path = front.folder  # type: ignore[attr-defined]
    path = write(folder / "slow.ipynb", {"s": "%%kubeflow step s\nimport time\nprint('on')\ntime.sleep(300)"})
    request = front.send(f"%kubeflow run {path.name}")
    front.read(request, until="slow")
    time.sleep(1)
    front.manager.interrupt_kernel()
    outputs, text = front.read(request)
    assert "The run goes on" in text, text
    assert not any(o["kind"] == "error" for o in outputs)
    _, text = front.do("%kubeflow show last")
    assert "RUNNING" in text or "PENDING" in text
    front.do("%kubeflow cancel last")
    deadline = time.monotonic() + 30
    while "CANCELED" not in text and time.monotonic() < deadline:
        _, text = front.do("%kubeflow show last")
    assert "CANCELED" in text


def test_metrics_in_a_notebook_without_a_run_make_one(front: Front) -> None:
    front.do("import jupyter_kf as kf\nfor i in range(3):\n    kf.log_metric('loss', 1 / (i + 1), step=i)")
    front.do("kf.set_tag('kind', 'plain')")
    deadline = time.monotonic() + 30
    text = ""
    while "plain" not in text and time.monotonic() < deadline:
        _, text = front.do("r = %kubeflow show last\nprint(r.run.kind, dict(r.metrics), dict(r.run.tags))")
    assert "session {'loss': 0.333" in text
    _, text = front.do("%kubeflow cancel last")
    assert "KF425" in text

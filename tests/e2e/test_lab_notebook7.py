"""The magics in Notebook 7, whose page is one notebook: the short story."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lab_page import LabPage
from tests.e2e.lab_server import LabServer, need, running, write_notebook

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    need("notebook", "notebook")
    folder = Path(tempfile.mkdtemp(prefix="kfn-", dir="/tmp"))  # short: sockets live below it
    try:
        with running(folder, "notebook") as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lab(browser: Any, server: LabServer, pictures: Path) -> Iterator[LabPage]:
    page = LabPage(browser, server, pictures)
    yield page
    page.close()
    server.end_kernels()
    assert page.elsewhere == []


def test_a_notebook_is_checked_run_and_looked_at(lab: LabPage) -> None:
    write_notebook(
        lab.server.root / "x.ipynb",
        "%load_ext jupyter_kf",
        "%%kubeflow params\nn = 3",
        "%%kubeflow step make\nxs = list(range(n))\nprint('made', len(xs))",
        "%%kubeflow step use\nprint('total', sum(xs))",
    )
    lab.open("x.ipynb")
    assert [lab.run(i) for i in range(4)] == ["", "", "made 3\n", "total 3\n"]
    assert "nothing wrong" in lab.do("%kubeflow check")
    assert "SUCCEEDED" in lab.do("%kubeflow run -p n=4")
    lab.screenshot("notebook7-run")
    assert lab.do("%kubeflow logs last use") == "total 6\n"
    assert "cached" in lab.do("%kubeflow run -p n=4")
    lab.edit(3, "%%kubeflow step use\nprint('sum', sum(xs))")
    assert lab.run(3) == "sum 3\n"
    assert "as executed here" in lab.do("%kubeflow run")
    assert lab.do("%kubeflow logs last use") == "sum 3\n"
    assert "show" in lab.complete(lab.add(""), "%kubeflow sh")

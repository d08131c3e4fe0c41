"""The magics as VS Code drives a kernel: it names the notebook in a variable and has cell ids of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_faces_kernel import CELLS, Front, write

pytestmark = [
    pytest.mark.keeps_processes,
    pytest.mark.filterwarnings("ignore:.*unencrypted.*"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """A kernel that was started without a notebook's name, in another folder than the notebook's."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = Front(elsewhere, Path("6f1c-of-a-session"))
    yield found
    found.stop()


def test_the_variable_names_the_notebook(front: Front, tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", CELLS)
    os.utime(path, (time.time() - 5, time.time() - 5))

    def cell(number: int) -> str:
        return f"vscode-notebook-cell:{path}#W{number}sZmlsZQ=="

    front.do(f"__vsc_ipynb_file__ = {str(path)!r}")
    front.do("%load_ext jupyter_kf", cell(0))
    for number, text in enumerate(CELLS.values(), start=1):
        front.do(text, cell(number))
    outputs, text = front.do("%kubeflow run", cell(9))
    assert not any(o["kind"] == "error" for o in outputs), text
    assert "SUCCEEDED" in text
    assert "not in the saved file" not in text
    _, text = front.do("%kubeflow logs last tell", cell(10))
    assert text == "[0, 2, 4]\n"
    # an edited cell cannot be told from a new one by its id: it is said that it does not take part
    front.do("%%kubeflow step tell\nprint('edited', ys)", cell(4))
    _, text = front.do("%kubeflow run", cell(9))
    assert "not in the saved file" in text
    assert "step tell" in text

"""The papermill engine, with real kernels and papermill's own command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.unit.nbrun.notebooks import notebook, tagged, write


def run_in_process(code: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """papermill is imported in processes of its own, as everywhere else."""
    return subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("first", ["papermill", "jupyter_kf.nbrun.engine", "jupyter_kf.nbrun.client"])
def test_papermill_finds_the_engine_whatever_is_imported_first(first: str) -> None:
    code = f"import {first}; from papermill.engines import papermill_engines as e; print(e.get_engine('jupyter_kf'))"
    done = run_in_process(code)
    assert "KfEngine" in done.stdout, done.stderr


def test_the_engine_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, jupyter_kf.nbrun.engine; print([m for m in ('papermill', 'nbclient', 'zmq') if m in sys.modules])"
    )
    assert run_in_process(code).stdout.strip() == "[]"


def test_the_command_runs_a_notebook(tmp_path: Path) -> None:
    source = write(tmp_path / "in.ipynb", tagged("n = 1", "parameters"), "print(n + 1, end='')", "n * 10")
    command = [sys.executable, "-m", "papermill", "--engine", "jupyter_kf", "-p", "n", "5", "in.ipynb", "out.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stderr
    made = nbformat.read(tmp_path / "out.ipynb", 4)
    assert made.cells[2].outputs[0].text == "6"
    assert made.cells[3].outputs[0].data["text/plain"] == "50"
    assert {c.metadata.papermill.status for c in made.cells} == {"completed"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.ipynb", "out.ipynb"]
    assert nbformat.read(source, 4).cells[0].source == "n = 1"


def test_a_failing_notebook_is_kept_and_the_command_fails(tmp_path: Path) -> None:
    write(tmp_path / "in.ipynb", "print('a')", "1 / 0", "print('b')")
    command = [sys.executable, "-m", "papermill", "--engine", "jupyter_kf", "in.ipynb", "out.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    statuses = [c.metadata.get("papermill", {}).get("status") for c in nbformat.read(tmp_path / "out.ipynb", 4).cells]
    assert [s for s in statuses if s] == ["completed", "failed", "pending"]


def test_a_cell_that_runs_too_long_ends_the_command(tmp_path: Path) -> None:
    write(tmp_path / "in.ipynb", "import time; time.sleep(60)")
    command = [sys.executable, "-m", "papermill", "--engine", "jupyter_kf", "--execution-timeout", "1"]
    done = subprocess.run(
        [*command, "in.ipynb", "out.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "timed out" in done.stderr


@pytest.fixture
def manager(tmp_path: Path) -> Callable[..., Any]:
    from jupyter_kf.nbrun.client import SavingManager

    def make(*cells: str, **options: Any) -> Any:
        nb = notebook(*cells)
        nb.metadata.papermill = {}
        return SavingManager(nb, output_path=str(tmp_path / "out.ipynb"), progress_bar=False, **options)

    return make


def test_a_thousand_cells_are_saved_a_few_times(manager: Callable[..., Any]) -> None:
    many = manager(*["x = 1"] * 1000, save_every=3600.0)
    many.notebook_start()
    for index, cell in enumerate(many.nb.cells):
        many.cell_start(cell, index)
        many.cell_complete(cell, cell_index=index)
    assert many.saves == 1
    many.notebook_complete()
    assert many.saves == 2


def test_a_slow_save_makes_the_next_one_wait(manager: Callable[..., Any]) -> None:
    slow = manager("x = 1", save_every=0.0)
    slow.notebook_start()
    slow._cost = 3600.0
    slow.cell_start(slow.nb.cells[0], 0)
    assert slow.saves == 1
    slow._cost = 0.0
    slow.save_if_due()
    assert slow.saves == 2
    slow.save_if_due()
    assert slow.saves == 2  # nothing has changed since


def test_a_save_replaces_the_file_in_one_move(manager: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    target.write_text("old")
    target.chmod(0o640)
    with target.open() as before:
        manager("x = 1").notebook_start()
        assert before.read() == "old"
    assert nbformat.read(target, 4).cells[0].source == "x = 1"
    assert target.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["out.ipynb"]


def test_a_save_goes_through_a_link_and_into_a_device(tmp_path: Path) -> None:
    from jupyter_kf.nbrun.client import save_notebook

    real = tmp_path / "real.ipynb"
    real.write_text("old")
    link = tmp_path / "link.ipynb"
    link.symlink_to(real)
    save_notebook(notebook("x = 1"), str(link))
    assert link.is_symlink()
    assert nbformat.read(real, 4).cells[0].source == "x = 1"
    with pytest.warns(UserWarning, match="extension"):  # papermill's own
        save_notebook(notebook("x = 1"), os.devnull)
    assert not Path(os.devnull).is_file()


def test_a_save_that_fails_is_tried_again_and_the_last_one_must_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from jupyter_kf.nbrun.client import SavingManager

    nb = notebook("x = 1")
    nb.metadata.papermill = {}
    target = tmp_path / "away" / "out.ipynb"
    manager = SavingManager(nb, output_path=str(target), progress_bar=False, save_every=0.0)
    manager.notebook_start()
    assert "could not be saved" in caplog.text
    with pytest.raises(OSError, match="away"):
        manager.notebook_complete()
    target.parent.mkdir()
    manager.cell_start(nb.cells[0], 0)
    assert target.is_file()


def test_it_works_where_an_event_loop_runs_already(tmp_path: Path) -> None:
    write(tmp_path / "in.ipynb", "print(6 * 7)")
    code = """if True:
        import asyncio, sys, papermill
        async def main():
            return papermill.execute_notebook("in.ipynb", "out.ipynb", engine_name="jupyter_kf", progress_bar=False)
        sys.stdout.write(asyncio.run(main()).cells[0].outputs[0].text)
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "42\n", done.stderr

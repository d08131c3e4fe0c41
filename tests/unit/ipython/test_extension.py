"""The extension in a real IPython shell, without a kernel."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from jupyter_kf.errors import UsageError
from jupyter_kf.ipython import extension
from jupyter_kf.ipython.extension import KernelSession
from jupyter_kf.ipython.notebook_file import notebook_path, overrides, unsaved


@pytest.fixture(scope="module")
def bare() -> Iterator[InteractiveShell]:
    config = Config()
    config.HistoryManager.enabled = False
    found = InteractiveShell.instance(config=config)
    found.colors = "nocolor"
    yield found
    atexit.unregister(found.atexit_operations)
    found.atexit_operations()
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(bare: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("JUPYTER_KF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.chdir(tmp_path)
    bare.reset(new_session=True)
    extension.load(bare)
    yield bare
    extension.unload(bare)


def write(path: Path, **cells: str) -> Path:
    listed = [{"cell_type": "code", "id": k, "metadata": {}, "outputs": [], "source": v} for k, v in cells.items()]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed}))
    return path


def said(shell: InteractiveShell, cell: str) -> str:
    with capture_output() as captured:
        shell.run_cell(cell)
    return captured.stdout + captured.stderr


def test_a_marked_cell_runs_as_if_it_were_not(shell: InteractiveShell) -> None:
    assert shell.run_cell("%%kubeflow step a\nx = 20\nx + 1").result == 21
    assert shell.run_cell("%%kubeflow params\nlr = 0.5").success
    assert shell.user_ns["lr"] == 0.5
    assert "Wall time" in said(shell, "%%kubeflow step a\n%%time\ny = 3")
    assert shell.user_ns["y"] == 3
    assert shell.run_cell("%%kubeflow step a\nimport asyncio\nz = await asyncio.sleep(0, 5)").success
    assert shell.user_ns["z"] == 5


def test_a_traceback_points_at_the_right_line(shell: InteractiveShell) -> None:
    text = said(shell, "%%kubeflow step a\nx = 1\n\n1 / 0")
    assert "line 4" in text
    assert "jupyter_kf" not in text


def test_mistakes_are_told_in_a_few_lines(shell: InteractiveShell) -> None:
    text = said(shell, "%%kubeflow stp a\nx = 1")
    assert "%%kubeflow step" in text
    assert "Traceback" not in text
    assert "'runs'" in said(shell, "%kubeflow rnus")
    assert "not there yet" in said(shell, "%kubeflow serve")
    assert "with one %" in said(shell, "%%kubeflow run\nx = 1")
    assert "%kubeflow use PATH" in said(shell, "%kubeflow run")
    assert not shell.run_cell("%kubeflow show nothing").success


def test_help(shell: InteractiveShell) -> None:
    assert "%%kubeflow params" in said(shell, "%kubeflow")
    assert "%%kubeflow params" in said(shell, "%kubeflow?")
    assert "--no-cache" in said(shell, "%kubeflow run --help")
    assert shell.find_line_magic("kubeflow").__doc__ == extension.HELP
    assert shell.find_cell_magic("kubeflow") is not None


def complete(shell: InteractiveShell, text: str) -> list[str]:
    with provisionalcompleter():
        return [c.text for c in shell.Completer.completions(text, len(text))]


def test_completion(shell: InteractiveShell, tmp_path: Path) -> None:
    write(
        tmp_path / "nb.ipynb",
        a="%%kubeflow params\nrate = 1",
        b="%%kubeflow step load\nx = 1",
        c="%%kubeflow step fit\nx",
    )
    said(shell, "%kubeflow use nb.ipynb")
    assert complete(shell, "%kubeflow ru") == ["run", "runs"]
    assert complete(shell, "x = 1\n%kubeflow doc") == ["doctor"]
    assert set(complete(shell, "%kubeflow run --no")) == {"--no-cache", "--note", "--notebook"}
    assert complete(shell, "%kubeflow run --only ") == ["fit", "load"]
    assert complete(shell, "%kubeflow run -p ra") == ["rate="]
    assert set(complete(shell, "%%kubeflow ")) == {"params", "setup", "skip", "step"}
    assert complete(shell, "%%kubeflow step l") == ["load"]
    assert complete(shell, "%%kubeflow step fit --aft") == ["--after"]
    assert complete(shell, "%%kubeflow step fit --on ") == ["local"]


def test_check_shows_text_and_html(shell: InteractiveShell, tmp_path: Path) -> None:
    write(tmp_path / "nb.ipynb", b="%%kubeflow step load\nx = 1", c="%%kubeflow step fit\nprint(x, y)")
    answer = shell.run_cell("%kubeflow check nb.ipynb").result
    assert not answer.ok
    data, _ = shell.display_formatter.format(answer)
    assert "KF121" in data["text/plain"]
    assert "<svg" in data["text/html"]
    assert "KF121" in data["text/html"]
    refused = said(shell, "%kubeflow run nb.ipynb")
    assert "KF121" in refused
    assert "Traceback" not in refused


def test_unloading_takes_everything_away(shell: InteractiveShell) -> None:
    before = len(shell.input_transformers_cleanup)
    extension.load(shell)  # a second time changes nothing
    assert len(shell.input_transformers_cleanup) == before
    extension.unload(shell)
    assert len(shell.input_transformers_cleanup) == before - 1
    assert shell.find_line_magic("kubeflow") is None
    assert not any("kubeflow" in text for text in complete(shell, "%kubef"))
    extension.load(shell)


class FakeShell:
    """Only what finding a notebook asks of a shell."""

    def __init__(self, **names: Any) -> None:
        self.user_ns = names


def session(**names: Any) -> KernelSession:
    return KernelSession(FakeShell(**names))


def test_the_notebook_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "nb.ipynb", a="x = 1")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert notebook_path(session()) == path
    monkeypatch.setenv("JPY_SESSION_NAME", "folder/of/server/nb.ipynb")
    assert notebook_path(session()) == path
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert notebook_path(session(__vsc_ipynb_file__=str(path))) == path
    with pytest.raises(UsageError) as caught:
        notebook_path(session())
    assert caught.value.code == "KF430"


def test_a_renamed_notebook_is_found_by_its_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    old = write(tmp_path / "old.ipynb", a="x = 1", b="y = 2")
    write(tmp_path / "other.ipynb", c="z = 1")
    monkeypatch.setenv("JPY_SESSION_NAME", str(old))
    kernel = session()
    kernel.executed["a"] = ("x = 1", 0.0)
    assert notebook_path(kernel) == old
    old.rename(tmp_path / "new.ipynb")
    assert notebook_path(kernel) == tmp_path / "new.ipynb"
    write(tmp_path / "old.ipynb", d="another notebook")  # takes the old name
    assert notebook_path(kernel) == tmp_path / "new.ipynb"


def test_text_executed_after_the_save_stands_for_the_saved(tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", a="x = 1", b="y = 2", c="z = 3")
    saved = path.stat().st_mtime
    kernel = session()
    kernel.executed = {
        "a": ("x = 10", saved + 1),
        "b": ("y = 20", saved - 1),
        "c": ("z = 3", saved + 1),
        "?": ("", saved + 1),
    }
    assert overrides(kernel, path) == {"a": "x = 10"}


def test_marked_cells_that_are_not_saved_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", a="%%kubeflow step a\nx = 1")
    later = path.stat().st_mtime + 1
    kernel = session()
    kernel.executed = {
        "a": ("%%kubeflow step a\nx = 2", later),
        "new": ("%%kubeflow step b\ny = 2", later),
        "vscode:1": ("%%kubeflow step a\nx = 1", later),
        "plain": ("z = 1", later),
        "old": ("%%kubeflow step c\ny = 2", later - 2),
        "wrong": ("%%kubeflow step d --memroy 1\ny = 2", later),
    }
    assert unsaved(kernel, path) == ["%%kubeflow step b"]


def test_unsaved_cells_are_told_once_and_after_other_mistakes(shell: InteractiveShell, tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", a="%%kubeflow step a\nprint(x)")
    (kernel, _) = extension._sessions[id(shell)]
    kernel.used = str(path)
    later = path.stat().st_mtime + 1
    kernel.executed = {"n1": ("%%kubeflow step b\nx = 2", later), "n2": ("%%kubeflow step c\ny = x", later)}
    text = said(shell, "%kubeflow run -p nonsense")
    assert "KF403" in text
    assert "saved" not in text
    text = said(shell, "%kubeflow run")
    assert text.startswith("2 marked cells are not in the saved file")
    assert text.count("save the notebook") == 1
    assert "KF121" in text


def test_fixes_speak_of_magics(shell: InteractiveShell) -> None:
    text = said(shell, "%kubeflow show nosuch")
    assert "%kubeflow runs" in text
    assert "jupyter kf" not in text


def test_loading_the_extension_imports_little() -> None:
    script = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
        "before = set(sys.modules)\nshell.run_line_magic('load_ext', 'jupyter_kf')\n"
        "new = {m for m in sys.modules if m not in before}\n"
        "assert not new & {'sqlalchemy', 'papermill', 'fsspec', 'numpy'}, new\n"
        "assert len(new) < 20, sorted(new)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "IPYTHONDIR": os.environ["IPYTHONDIR"]}
    )

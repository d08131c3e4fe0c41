"""Directive lines are inert: a marked cell runs as if it were not marked."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_kf.ipython.transformer import inert


def transformed(cell: str) -> str:
    manager = TransformerManager()
    manager.cleanup_transforms.append(inert)
    return manager.transform_cell(cell)


@pytest.mark.parametrize(
    "directive",
    [
        "%%kubeflow step a",
        "%%kubeflow step a --after b --cpu 2 --memory 4Gi --no-cache",
        "%%kubeflow params",
        "%%kubeflow setup  ",
        "%%kubeflow skip",
    ],
)
def test_a_directive_becomes_a_comment_and_lines_keep_their_numbers(directive: str) -> None:
    text = transformed(f"{directive}\nx = 1\ny = 2\n")
    assert text.splitlines()[1:] == ["x = 1", "y = 2"]
    assert text.startswith("# %%kubeflow")


@pytest.mark.parametrize("directive", ["%%kubeflow step a", "# %%kubeflow step a", "#%%kubeflow step a"])
@pytest.mark.parametrize("between", ["", "\n", "\n   \n"])
def test_a_cell_magic_below_is_a_cell_magic(directive: str, between: str) -> None:
    assert transformed(f"{directive}\n{between}%%time\nx = 1") == transformed("%%time\nx = 1")


@pytest.mark.parametrize(
    "line",
    [
        "%%kubeflow",
        "%%kubeflow stp a",
        "%%kubeflow step",
        "%%kubeflow step a --aftr b",
        "%%kubeflow step a --on local",
        "%%kubeflow run",
    ],
)
def test_a_line_that_marks_nothing_stays_a_magic(line: str) -> None:
    assert "run_cell_magic('kubeflow'" in transformed(f"{line}\nx = 1")


def test_help_and_other_cells_are_left_alone() -> None:
    assert "pinfo" in transformed("%%kubeflow?")
    for cell in (
        "x = 1\n",
        "# a comment\nx = 1\n",
        "%%time\nx = 1\n",
        "",
        "\n",
        "%kubeflow runs\n",
        "%%kubeflowish x\n",
    ):
        assert transformed(cell) == TransformerManager().transform_cell(cell)


def test_a_comment_directive_stays_as_it_is() -> None:
    cell = "# %%kubeflow step a\nx = 1\n"
    assert transformed(cell) == cell


def test_leading_blank_lines_do_not_hide_a_directive() -> None:
    assert "run_cell_magic" not in transformed("\n\n%%kubeflow step a\nx = 1")


def test_transforming_twice_is_transforming_once() -> None:
    once = inert(["%%kubeflow step a\n", "x = 1\n"])
    assert inert(list(once)) == once

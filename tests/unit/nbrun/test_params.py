from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_kf.errors import ParameterError
from jupyter_kf.nbrun import read_parameters, resolve_values
from jupyter_kf.notebook.document import Document, read_document
from tests.unit.nbrun.notebooks import tagged, write

CELL = """\
# what to train on
lr = 0.1  # a=b, papermill's reader trips over this
epochs: int = 3
name = "iris"
deep = False
models = ["tree", "svm"]
options = {"a": 1}
limit: int | None = None
ratio: "Optional[float]" = 0.5
a, b = 1, "x"
folder = "data/" + name
seed: int
"""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return read_document(write(tmp_path / "n.ipynb", "import os", tagged(CELL, "parameters"), "print(lr)"))


def test_types_come_from_annotation_or_literal(document: Document) -> None:
    declared = read_parameters(document)
    assert {p.name: p.type for p in declared.parameters} == {
        "lr": "float",
        "epochs": "int",
        "name": "str",
        "deep": "bool",
        "models": "list",
        "options": "dict",
        "limit": "int",
        "ratio": "float",
        "a": "int",
        "b": "str",
        "folder": "any",
        "seed": "int",
    }
    assert declared.required == {"seed"}
    assert {"limit", "ratio"} <= declared.optional
    assert next(p for p in declared.parameters if p.name == "epochs").line == 3


def test_text_is_converted(document: Document) -> None:
    given = {
        "seed": "7",
        "lr": "1",
        "deep": "true",
        "models": "['x']",
        "limit": "none",
        "name": "12",
        "ratio": None,
        "folder": "1.5",
    }
    given["limit"] = "None"
    values, every = resolve_values(document, given)
    assert values == {
        "seed": 7,
        "lr": 1.0,
        "deep": True,
        "models": ["x"],
        "limit": None,
        "name": "12",
        "ratio": None,
        "folder": 1.5,
    }
    assert type(values["lr"]) is float
    assert every["epochs"] == 3 and every["options"] == {"a": 1}
    assert "folder" in every


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({"seed": "1", "epocs": "3"}, "KF300", "'epochs'"),
        ({"seed": "1", "epochs": "many"}, "KF301", "whole number"),
        ({"seed": "1", "epochs": "1.5"}, "KF301", "epochs: float"),
        ({"seed": "1", "options": {1: 2}}, "KF301", "text as keys"),
        ({"seed": "1", "folder": {1, 2}}, "KF301", "Give text"),
        ({}, "KF302", "-p seed=VALUE"),
    ],
)
def test_what_does_not_fit_is_refused(document: Document, given: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        resolve_values(document, given)
    assert caught.value.code == code
    assert said in caught.value.fix
    assert caught.value.cell_index == 1


def test_no_parameters_cell_takes_no_values(tmp_path: Path) -> None:
    document = read_document(write(tmp_path / "n.ipynb", "x = 1"))
    assert resolve_values(document, {}) == ({}, {})
    with pytest.raises(ParameterError, match="no parameters cell"):
        resolve_values(document, {"x": "2"})


@pytest.mark.parametrize(
    "cell",
    [
        tagged("x = 1", "params"),
        tagged("x = 1", "pipeline-parameters"),
        tagged("%%kubeflow params\nx = 1"),
        tagged("# %%kubeflow params\nx = 1"),
    ],
)
def test_other_ways_to_mark_the_cell(tmp_path: Path, cell: Any) -> None:
    document = read_document(write(tmp_path / "n.ipynb", "y = 0", cell))
    assert resolve_values(document, {"x": "2"})[0] == {"x": 2}


def test_other_languages_take_any_name(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", tagged("n <- 2", "parameters"), kernel="ir", language="R")
    assert resolve_values(read_document(path), {"n": "3", "who": "me"})[0] == {"n": 3, "who": "me"}


@pytest.mark.parametrize("source", ["x = (", "!ls\n%matplotlib inline\nx = 1", "x = y = 2", "for x in range(3): pass"])
def test_odd_cells(tmp_path: Path, source: str) -> None:
    document = read_document(write(tmp_path / "n.ipynb", tagged(source, "parameters")))
    assert resolve_values(document, {"x": "5"})[0] == {"x": 5}


@pytest.mark.parametrize("default", ["{1, 2}", "b'a'", "{1: 2}", "1j", "...", "[{1}]"])
def test_a_default_that_is_no_plain_data_is_not_recorded(tmp_path: Path, default: str) -> None:
    document = read_document(write(tmp_path / "n.ipynb", tagged(f"x = {default}", "parameters")))
    assert resolve_values(document, {}) == ({}, {})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=plain)
def test_a_default_can_be_given_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    cell = tagged(f"x = {value!r}", "parameters")
    path = write(tmp_path_factory.mktemp("n") / "n.ipynb", cell)
    document = read_document(path)
    every = resolve_values(document, {})[1]
    assert every == {"x": value}
    assert resolve_values(document, every)[0] == {"x": value}

"""The grammar as a table of cases: the front end's reading of directives, tags and values is held to the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.notebook.directives import _SINGLE, parse_directive
from jupyter_kf.notebook.document import read_document
from jupyter_kf.notebook.lint import Report
from jupyter_kf.notebook.marks import mark_cells
from tests.unit.notebook.notebooks import notebook

CASES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "notebooks" / "directives.json").read_text("utf-8"))
_FIELDS = {"--after": "after", "--packages": "packages", "--secret": "secrets", "--in": "inputs", "--out": "outputs"}


@pytest.mark.parametrize("case", CASES["directives"], ids=lambda case: repr(case["source"]))
def test_directives(case: dict[str, Any]) -> None:
    found, wanted = parse_directive(case["source"]), case["directive"]
    assert (found is None) == (wanted is None)
    if found is None:
        return
    assert {"line": found.line, "verb": found.verb, "name": found.name} == {
        key: wanted[key] for key in ("line", "verb", "name")
    }
    given = found.given | ({"--on"} if found.on else set())
    assert given == wanted["options"].keys()
    for option, values in wanted["options"].items():
        if option in _FIELDS:
            assert list(getattr(found.options, _FIELDS[option])) == values
        if option == "--env":
            assert [f"{k}={v}" for k, v in found.options.env.items()] == values


@pytest.mark.parametrize("name", CASES["names"]["good"])
def test_good_names(name: str) -> None:
    found = parse_directive(f"%%kubeflow step '{name}'")
    assert found is not None and found.name == name and not found.problems


@pytest.mark.parametrize("name", CASES["names"]["bad"])
def test_bad_names(name: str) -> None:
    found = parse_directive(f"%%kubeflow step '{name}'")
    assert found is not None and found.problems


@pytest.mark.parametrize(("option", "texts"), CASES["values"].items())
def test_values(option: str, texts: dict[str, list[str]]) -> None:
    convert = _SINGLE[option][1]
    for text in texts["good"]:
        assert convert(text) >= 0
    for text in texts["bad"]:
        with pytest.raises(ValueError, match=r"\w"):
            convert(text)


@pytest.mark.parametrize("case", CASES["notebooks"])
def test_marks(case: dict[str, Any]) -> None:
    document = read_document(notebook(*map(tuple, case["cells"]), metadata=case.get("metadata")))
    marking = mark_cells(document, Report(document))
    assert marking.dialect == case["dialect"]
    wanted = [("skip" if role == "broken" else role, step) for role, step in case["roles"]]
    assert [(m.role, m.step) for m in marking.marks] == wanted

"""The notebooks of ``tests/notebooks``, one a behaviour: each says in its metadata what is expected of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_kf.notebook import convert

FOLDER = Path(__file__).parents[2] / "notebooks"
EXPECTED = {p: json.loads(p.read_text("utf-8"))["metadata"].get("expected") for p in sorted(FOLDER.glob("*.ipynb"))}


@pytest.mark.parametrize("path", [p for p, e in EXPECTED.items() if e], ids=lambda p: p.stem)
def test_notebook(path: Path) -> None:
    expected = EXPECTED[path]
    conversion = convert(path)
    assert conversion.pipeline is not None
    assert sorted({d.code for d in conversion.diagnostics}) == expected["codes"]
    assert conversion.dialect == expected["dialect"]
    assert {s.name: list(s.after) for s in conversion.pipeline.steps} == expected["edges"]
    summary = {s["name"]: s for s in conversion.pipeline.summary()["steps"]}
    for step, names in expected.get("inputs", {}).items():
        assert sorted(summary[step]["inputs"]) == sorted(names)
    assert conversion.whole == (not expected["edges"])


def test_the_old_format_is_offered_a_way() -> None:
    [found] = convert(FOLDER / "nbformat3.ipynb").diagnostics
    assert found.code == "KF104" and "nbconvert" in found.fix

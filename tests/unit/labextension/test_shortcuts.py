"""The front end's keys, held against those of JupyterLab and Notebook as they are installed."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

OURS = Path(__file__).parents[3] / "labextension" / "schema"
LAB = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"


def shortcuts(folder: Path) -> list[dict[str, Any]]:
    """The shortcuts that the schemas below a folder declare."""
    found: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*.json")):
        schema = json.loads(path.read_text("utf-8"))
        found.extend(schema.get("jupyter.lab.shortcuts", []) if isinstance(schema, dict) else [])
    return found


def test_each_command_has_keys_of_its_own() -> None:
    keys = Counter(tuple(each["keys"]) for each in shortcuts(OURS))
    assert keys
    assert [each for each, count in keys.items() if count > 1] == []


def test_no_key_is_the_beginning_of_another() -> None:
    keys = [tuple(each["keys"]) for each in shortcuts(OURS)]
    assert [(a, b) for a in keys for b in keys if a != b and b[: len(a)] == a] == []


@pytest.mark.skipif(not LAB.is_dir(), reason="needs JupyterLab")
def test_no_key_of_jupyterlab_is_taken() -> None:
    first = {each["keys"][0] for each in shortcuts(OURS)}
    theirs = [each for each in shortcuts(LAB) if each.get("keys")]
    assert len(theirs) > 50
    assert [each for each in theirs if each["keys"][0] in first] == []

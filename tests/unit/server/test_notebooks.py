"""Notebooks checked, saved and as they are being edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.server.conftest import PIPELINE, Call, notebook, write


async def test_a_saved_notebook(call: Call, jp_root_dir: Path) -> None:
    write(jp_root_dir / "sub" / "nb.ipynb", {**PIPELINE, "free": "1", "out": "%%kubeflow skip\n2"})
    check = (await call("GET", "/notebooks/check", query={"path": "sub/nb.ipynb"})).data
    assert check["pipeline"]["name"] == "nb"
    assert check["pipeline"]["parameters"] == [
        {"name": "n", "type": "int", "default": 3},
        {"name": "name", "type": "str", "default": "a"},
    ]
    assert {c["id"]: (c["role"], c["step"]) for c in check["cells"]} == {
        "params": ("params", None),
        "make": ("step", "make"),
        "total": ("step", "total"),
        "show": ("step", "show"),
        "out": ("skip", None),
    }
    assert (check["dialect"], check["whole"]) == ("kubeflow", False)


async def test_what_is_being_edited_counts_and_is_not_saved(call: Call, jp_root_dir: Path) -> None:
    saved = write(jp_root_dir / "nb.ipynb", PIPELINE)
    before = saved.read_bytes()
    edited = notebook(
        {"a": "%%kubeflow step a --retries 2 --gpu 1\nx = 1", "b": "%%kubeflow step b --after aa\nprint(x)"}
    )
    check = (await call("POST", "/notebooks/check", {"path": "nb.ipynb", "content": edited})).data
    assert check["pipeline"]["steps"][0]["options"] == {"retries": 2, "gpu": 1}
    found = next(d for d in check["diagnostics"] if d["severity"] == "error")
    assert (found["cell"], found["line"]) == ("b", 1)
    assert saved.read_bytes() == before
    new = (await call("POST", "/notebooks/check", {"path": "not/yet/saved.ipynb", "content": edited})).data
    assert new["pipeline"]["name"] == "saved"


async def test_notebooks_that_are_none(call: Call, jp_root_dir: Path) -> None:
    (jp_root_dir / "broken.ipynb").write_text("{")
    broken = (await call("GET", "/notebooks/check", query={"path": "broken.ipynb"})).data
    assert (broken["pipeline"], [d["code"] for d in broken["diagnostics"]]) == (None, ["KF101"])
    odd = (await call("POST", "/notebooks/check", {"path": "a.ipynb", "content": {"cells": 3}})).data
    assert [d["code"] for d in odd["diagnostics"]] == ["KF103"]
    near = write(jp_root_dir / "training.ipynb", PIPELINE)
    missing = await call("GET", "/notebooks/check", query={"path": "trainin.ipynb"})
    assert (missing.status, missing.data["code"]) == (404, "KF404")
    assert near.name in missing.data["fix"]
    assert (await call("GET", "/notebooks/check")).status == 400


async def test_whole_and_kale_notebooks(call: Call) -> None:
    whole = notebook({"a": "print(1)"})
    whole["cells"][0]["metadata"]["tags"] = ["parameters"]
    whole["cells"][0]["source"] = "lr = 0.1"
    check = (await call("POST", "/notebooks/check", {"path": "w.ipynb", "content": whole})).data
    assert check["whole"]
    assert check["pipeline"]["parameters"] == [{"name": "lr", "type": "float", "default": 0.1}]
    kale: dict[str, Any] = notebook({"i": "import math", "s": "x = 1", "t": "print(x)"})
    tags = {"i": ["imports"], "s": ["block:one"], "t": ["block:two", "prev:one"]}
    for cell in kale["cells"]:
        cell["metadata"]["tags"] = tags[cell["id"]]
    check = (await call("POST", "/notebooks/check", {"path": "k.ipynb", "content": kale})).data
    assert check["dialect"] == "kale"
    assert [(c["role"], c["step"]) for c in check["cells"]] == [("setup", None), ("step", "one"), ("step", "two")]

"""Files that are notebooks, and files that are not: each a finding, never a traceback."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_kf.notebook import convert
from jupyter_kf.notebook.document import read_document

from .notebooks import notebook


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "KF101"),
        (b"{", "KF101"),
        (b'{"cells": [<<<<<<< HEAD', "KF101"),
        (b"[" * 100_000, "KF101"),
        (b"\xff\xfe\x00", "KF102"),
        (b"{}", "KF103"),
        (b"[]", "KF103"),
        (b"3", "KF103"),
        (b'{"cells": [3]}', "KF103"),
        (b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "KF104"),
    ],
)
def test_what_is_no_notebook_is_said(data: bytes, code: str) -> None:
    conversion = convert(data)
    assert [d.code for d in conversion.diagnostics] == [code]
    assert conversion.pipeline is None
    assert not conversion.ok
    assert conversion.diagnostics[0].fix


def test_a_missing_file_is_said(tmp_path) -> None:
    for path in (tmp_path / "no.ipynb", tmp_path, "a\0b"):
        assert [d.code for d in convert(path).diagnostics] == ["KF100"]


def test_a_file_is_read_with_name_and_path(tmp_path) -> None:
    path = tmp_path / "my work.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + notebook("%%kubeflow step a\nx = 1"))
    conversion = convert(str(path))
    assert conversion.ok
    assert conversion.pipeline.name == "my work"
    assert conversion.pipeline.notebook == str(path)
    assert conversion.pipeline.kernel == "python3"


def test_cells_without_ids_go_by_their_index() -> None:
    raw = json.loads(notebook("%%kubeflow step a\nx = 1", "%%kubeflow step b\nx"))
    raw["nbformat_minor"] = 2
    for cell in raw["cells"]:
        del cell["id"]
    raw["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]})
    conversion = convert(json.dumps(raw).encode())
    assert conversion.ok
    assert [c.id for s in conversion.pipeline.steps for c in s.cells] == ["1", "2"]


def test_double_ids_are_told_apart() -> None:
    raw = json.loads(notebook("%%kubeflow step a\nx = 1", "%%kubeflow step b\nx"))
    raw["cells"][1]["id"] = "c0"
    conversion = convert(json.dumps(raw).encode())
    assert [d.code for d in conversion.diagnostics] == ["KF106"]
    assert [c.id for s in conversion.pipeline.steps for c in s.cells] == ["c0", "1"]


def test_lists_of_lines_and_windows_line_ends_are_text() -> None:
    raw = json.loads(notebook("x"))
    raw["cells"][0]["source"] = ["a = 1\r\n", "b = 2"]
    assert read_document(json.dumps(raw).encode()).cells[0].source == "a = 1\nb = 2"


def test_text_of_the_session_replaces_the_saved_text() -> None:
    conversion = convert(notebook("%%kubeflow step a\nx = 1"), overrides={"c0": "%%kubeflow step b\ny = 1"})
    assert [s.name for s in conversion.pipeline.steps] == ["b"]


def test_an_empty_notebook_is_whole() -> None:
    for cells in ((), ("",)):
        conversion = convert(notebook(*cells))
        assert conversion.whole and conversion.ok
        assert [d.code for d in conversion.diagnostics] == ["KF118"]


def test_a_newer_format_is_read_with_a_word() -> None:
    raw = json.loads(notebook("x = 1"))
    raw["nbformat"] = 5
    assert [d.code for d in convert(json.dumps(raw).encode()).diagnostics] == ["KF105"]


def test_another_language_runs_whole_only() -> None:
    r = {"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R"}}
    plain = convert(notebook("x <- 1", metadata=r))
    assert plain.whole and plain.ok and plain.document.language == "r"
    marked = convert(notebook("%%kubeflow step a\nx <- 1", metadata=r))
    assert not marked.whole and [d.code for d in marked.diagnostics] == ["KF115"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    convert(data)


_PIECES = st.sampled_from(
    [
        "%%kubeflow step a", "\n", " --after b", "x", " = ", "(", ")", "[", "{", "'", '"""', "!ls {x}", "%time ",
        "%%bash\n", "?", "def f(x):", "\n    ", "class C:", "import os", "from m import *", "lambda", ":", "await ",
        "\\\n", "\0", "\x0c", "\u2028", "del x", "try:", "except", "match x:", "global x", ";",
        "# %%kubeflow params\n", "return", "yield", "%%timeit\n",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(_PIECES, max_size=10).map("".join), min_size=1, max_size=4))
def test_no_text_raises(cells: list[str]) -> None:
    conversion = convert(notebook("%%kubeflow step first\nx = 1", *cells))
    assert conversion.document is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tags", "name", "x"]), inner, max_size=3)
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(_JSON, st.sampled_from(["id", "metadata", "source", "cell_type", "top", "kernelspec", "nbformat"]))
def test_no_strange_value_raises(value: object, place: str) -> None:
    raw = json.loads(notebook("%%kubeflow step a\nx = 1", "y = 1"))
    if place in {"top", "nbformat"}:
        raw["metadata" if place == "top" else "nbformat"] = value
    elif place == "kernelspec":
        raw["metadata"]["kernelspec"] = value
    else:
        raw["cells"][1][place] = value
    convert(json.dumps(raw).encode())


def test_deep_nesting_is_a_finding() -> None:
    deep = "x = " + "(" * 80 + "1" + ")" * 80
    long = "y = " + " + ".join(["1"] * 700)
    conversion = convert(
        notebook(f"%%kubeflow step a\n{deep}", f"%%kubeflow step b\n{long}", "%%kubeflow step c\nz = 1")
    )
    assert conversion.pipeline is not None
    assert {d.code for d in conversion.diagnostics} <= {"KF116"}
    assert conversion.pipeline.step("c").surely == ("z",)

"""IPython text becomes Python with the lines of the cell."""

from __future__ import annotations

import ast

import pytest

from jupyter_kf.notebook.source import statement_source, translate


def lines(text: str) -> list[int]:
    tree = translate(text).tree
    assert tree is not None
    return [s.lineno for s in tree.body]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n\ny = 2", [1, 3]),
        ("%%kubeflow step a\nx = 1", [2]),
        ("\n\n# %%kubeflow step a\n\nx = 1\n!ls\ny = 2", [5, 6, 7]),
        ("%%kubeflow step a\n%%time\nx = 1\n\ny = 2", [3, 5]),
        ("%%time\n!ls\nx = 1", [2, 3]),
        ("!ls \\\n  -l\nx = 1", [1, 3]),
        ("%matplotlib inline\nx = 1\nlen?\ny = 1", [1, 2, 3, 4]),
        ("  x = 1\n  y = 2", [1, 2]),
        ("%%capture o\nx = 1", [2, 1]),
        ("files = !ls\nfor f in files:\n    !echo {f}\nx = 1", [1, 2, 4]),
    ],
)
def test_lines_are_those_of_the_cell(text: str, expected: list[int]) -> None:
    assert lines(text) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("%%kubeflow step a\nx = (", 2),
        ("x = 1\n\n  y = 2", 3),
        ("return 1", 1),
        ("x = 1\n!ls\ny = = 2", 3),
        ("%%time\nx = 1\ny = = 2", 3),
        ("break", 1),
        ("x = '\0'", 1),
    ],
)
def test_syntax_errors_name_the_line_of_the_cell(text: str, line: int) -> None:
    translation = translate(text)
    assert translation.tree is None and translation.error is not None
    assert translation.error[0] == line


def test_a_statement_keeps_its_text() -> None:
    text = "import os; x = 1\n# note\n@deco\ndef f(a,\n      b):\n    # inside\n    return a\n"
    tree = translate(text).tree
    assert [statement_source(s) for s in tree.body] == [
        "import os",
        "x = 1",
        "@deco\ndef f(a,\n      b):\n    # inside\n    return a",
    ]


def test_what_cannot_be_seen_through_is_marked() -> None:
    for text in ("%run other.py", "%store -r x", "%%cython\ndef f(): pass", "%%nobody_knows\nx"):
        tree = translate(text).tree
        assert [n.kf_blind for n in ast.walk(tree) if hasattr(n, "kf_blind")], text
    for text in ("%matplotlib inline", "%load_ext x", "%config a", "%autoreload 2", "%pip install x", "%%html\n<b>"):
        tree = translate(text).tree
        assert not [n for n in ast.walk(tree) if hasattr(n, "kf_blind")], text

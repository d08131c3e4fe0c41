"""Mechanical fixes: each takes away the finding that offers it, and leaves the rest of the text alone."""

from __future__ import annotations

import pytest

from jupyter_kf.notebook.rewriting import added_to_list, changed_list, one_word, without_option, without_words
from tests.unit.notebook.notebooks import converted, findings


def mended(code: str, *cells: str) -> list[str]:
    """The cells once the edit of the first finding with this code is applied, and checked again."""
    found = [d for d in findings(*cells) if d.code == code]
    assert found, [d.code for d in findings(*cells)]
    edit = found[0].edit
    assert edit is not None, found[0]
    index = int(edit["cell"].removeprefix("c"))
    lines = cells[index].split("\n")
    assert 1 <= edit["line"] <= edit["end_line"] <= len(lines)
    lines[edit["line"] - 1 : edit["end_line"]] = edit["text"].split("\n")
    better = [*cells[:index], "\n".join(lines), *cells[index + 1 :]]
    again = [d for d in findings(*better) if d.code == code and d.message == found[0].message]
    assert again == []
    return better


B = "%%kubeflow step b\ny = 1"


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("KF107", "%%kubeflow stpe  a --cpu 2", "%%kubeflow step  a --cpu 2"),
        ("KF107", "#  %%kubeflow skp", "#  %%kubeflow skip"),
        ("KF108", "%%kubeflow step a --memry 1G --env 'A=--memry'", "%%kubeflow step a --memory 1G --env 'A=--memry'"),
        ("KF108", "%%kubeflow step a --retrys=2", "%%kubeflow step a --retries=2"),
        ("KF108", "%%kubeflow setup --cpu 2 now", "%%kubeflow setup"),
        ("KF109", "%%kubeflow step a --no-cache=true --cpu 1", "%%kubeflow step a --cpu 1 --no-cache"),
        ("KF110", "%%kubeflow step 'load data' --cpu 1", "%%kubeflow step load_data --cpu 1"),
        ("KF110", "%%kubeflow step load the data --cpu 1", "%%kubeflow step load_the_data --cpu 1"),
        ("KF110", "%%kubeflow step data! # first", None),
        ("KF119", "%%kubeflow step a --after bb,c0 --cpu 1", "%%kubeflow step a --after b,c0 --cpu 1"),
        ("KF119", "%%kubeflow step a --after=elsewhere --cpu 1", "%%kubeflow step a --cpu 1"),
        ("KF122", "%%kubeflow step a --after a,b", "%%kubeflow step a --after b"),
        ("KF131", "%%kubeflow step a --in 'x y,z' --out q", "%%kubeflow step a --in z --out q"),
        ("KF180", "# %%kubeflow tune a --trials 3", "# %%kubeflow skip"),
        ("KF181", "%%kubeflow step a --when x>1 --cpu 1", "%%kubeflow step a --cpu 1"),
    ],
)  # fmt: skip
def test_directive_lines_are_mended(code: str, before: str, after: str | None) -> None:
    if after is None:
        assert next(d.edit for d in findings(before + "\nx = 1", B) if d.code == code) is None
        return
    assert mended(code, B, before + "\nx = 1") == [B, after + "\nx = 1"]


def test_a_directive_moves_to_the_top() -> None:
    assert mended("KF107", "import os\n\n%%kubeflow step a\nx = 1", B)[0] == "%%kubeflow step a\nimport os\n\nx = 1"
    [found] = [d for d in findings("%%bash\n# %%kubeflow step a\nls", B) if d.code == "KF107"]
    assert found.edit is None


def test_a_cell_is_marked_in_the_form_of_the_others() -> None:
    cells = ("k = open('x').read()", "# %%kubeflow step a\nprint(k)")
    assert mended("KF124", *cells)[0] == "# %%kubeflow setup\nk = open('x').read()"
    assert mended("KF124", "%%time\nk = input()", cells[1])[0] == "%%kubeflow setup\n%%time\nk = input()"
    assert mended("KF124", cells[0], "%%kubeflow step a\nprint(k)")[0].startswith("%%kubeflow setup\nk")


def test_a_cell_in_between_joins_the_step() -> None:
    cells = ("%%kubeflow step a\nx = [1]", "x.append(2)", "%%kubeflow step b\nprint(x)")
    assert mended("KF125", *cells)[1] == "%%kubeflow step b\nx.append(2)"


def test_a_clash_is_ordered() -> None:
    cells = ("%%kubeflow step a\nx = 1", "%%kubeflow step b --after='z y'\nx = 2", "%%kubeflow step c\nprint(x)")
    assert mended("KF120", *cells)[1].split("\n")[0] == "%%kubeflow step b --after='z y,a'"


def test_a_cell_that_comes_too_late_gets_a_step_of_its_own() -> None:
    cells = (
        "%%kubeflow step a\nx = 1",
        "%%kubeflow step b\ny = x + 1",
        "%%kubeflow step a --cpu 2\nprint(y)",
        "%%kubeflow step a_2\n1",
    )
    code = next(d.code for d in findings(*cells) if d.code in {"KF122", "KF123"})
    assert mended(code, *cells)[2] == "%%kubeflow step a_3 --cpu 2\nprint(y)"


def test_a_second_value_of_an_option_is_taken_away() -> None:
    cells = ("%%kubeflow step a --cpu 2\nx = 1", "%%kubeflow step a --cpu 4 --retries 1\ny = 1")
    assert mended("KF111", *cells)[1] == "%%kubeflow step a --retries 1\ny = 1"


def test_a_star_is_spelled_out() -> None:
    cells = ("from somewhere_unknown import *  # all", "%%kubeflow step a\nprint(area(2), width)")
    assert mended("KF127", *cells)[0] == "from somewhere_unknown import area, width  # all"


def test_tags_get_no_edit_of_text() -> None:
    made = converted(("x = 1", ["step:a"]), ("x = 2", ["step:b"]), ("print(x)", ["step:c"]))
    assert [(d.code, d.edit) for d in made.diagnostics] == [("KF120", None)]


def test_words_keep_their_spelling() -> None:
    assert without_words("step a  --x=1 'b c'", ["--x"]) == "step a 'b c'"
    assert without_option("step a --cpu 2 --cpu=3 b", "--cpu", takes_value=True) == "step a b"
    assert added_to_list("step a ", "--after", "b c") == "step a --after 'b c'"
    assert added_to_list("step a --after", "--after", "b") == "step a --after --after b"
    assert changed_list('step a --in "p, q"  --cpu 1', "--in", lambda v: v[1:]) == "step a --in q  --cpu 1"
    assert one_word("step", 1) == "step"

"""The grammar of directives and tags."""

from __future__ import annotations

import pytest

from jupyter_kf.notebook.directives import (
    parse_cores,
    parse_directive,
    parse_memory,
    parse_seconds,
    without_directive,
)

from .notebooks import codes, converted, findings, pipeline


def test_all_options_of_a_step() -> None:
    directive = parse_directive(
        "\n  \n%%kubeflow step train --after load,clean --after b --image img:1 --packages 'a b,c' --cpu 500m "
        "--memory=4Gi "
        "--gpu 1 --accelerator A100 --env A=1 --env B='x y' --secret TOKEN --retries 2 --timeout 1h30m --no-cache "
        "--in a,b --out c --on local\nx = 1"
    )
    assert directive is not None and not directive.problems
    assert (directive.verb, directive.name, directive.line, directive.on) == ("step", "train", 3, "local")
    options = directive.options
    assert options.after == ("load", "clean", "b")
    assert options.packages == ("a b", "c")
    assert (options.image, options.cpu, options.memory, options.gpu) == ("img:1", 0.5, 4 * 2**30, 1)
    assert options.accelerator == "A100"
    assert options.env == {"A": "1", "B": "x y"}
    assert options.secrets == ("TOKEN",)
    assert (options.retries, options.timeout, options.cache) == (2, 5400.0, False)
    assert (options.inputs, options.outputs) == (("a", "b"), ("c",))


@pytest.mark.parametrize(
    "line", ["%%kubeflow step a", "# %%kubeflow step a", "#%%kubeflow step a", "#  %%kubeflow  step  a "]
)
def test_a_comment_says_the_same(line: str) -> None:
    directive = parse_directive(line + "\nx = 1")
    assert directive is not None and (directive.verb, directive.name) == ("step", "a")
    assert without_directive(line + "\nx = 1") == "\nx = 1"


@pytest.mark.parametrize(
    "source", ["", "x = 1", "# kubeflow step a", "%%kubeflowx step a", "%kubeflow run", "x\n%%kubeflow step a"]
)
def test_other_first_lines_are_no_directive(source: str) -> None:
    assert parse_directive(source) is None


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * 10**6), ("4Gi", 2**32), ("1.5GB", 1_500_000_000), ("1024", 1024), ("2 KiB", 2048)]
)
def test_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "4X", "Gi", "-1", "0", "i4", "4iG"])
def test_memory_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_memory(text)


def test_cores_and_seconds() -> None:
    assert [parse_cores(t) for t in ("2", "0.5", "250m")] == [2, 0.5, 0.25]
    assert [parse_seconds(t) for t in ("90", "90s", "10m", "2h", "1d", "1h30m")] == [90, 90, 600, 7200, 86400, 5400]
    for text in ("", "soon", "10 minutes", "0", "-1"):
        with pytest.raises(ValueError):
            parse_seconds(text)


@pytest.mark.parametrize(
    ("line", "code", "fix"),
    [
        ("%%kubeflow stpe a", "KF107", "step"),
        ("%%kubeflow", "KF107", "step"),
        ("%%kubeflow step 'a", "KF107", "quote"),
        ("%%kubeflow step a --memroy 4Gi", "KF108", "--memory"),
        ("%%kubeflow step a --xyz", "KF108", "--after"),
        ("%%kubeflow setup now", "KF108", "now"),
        ("%%kubeflow step a --memory lots", "KF109", "4Gi"),
        ("%%kubeflow step a --timeout", "KF109", "10m"),
        ("%%kubeflow step a --env X", "KF109", "NAME=VALUE"),
        ("%%kubeflow step a --no-cache=1", "KF109", "--no-cache"),
        ("%%kubeflow step a --retries many", "KF109", "COUNT"),
        ("%%kubeflow step", "KF110", "NAME"),
        ("%%kubeflow step a/b", "KF110", "a_b"),
        ("%%kubeflow step a b", "KF110", "one word"),
        ("%%kubeflow step a --when x", "KF181", "--when"),
        ("%%kubeflow step a --foreach x", "KF181", "--foreach"),
        *(
            (f"%%kubeflow {verb} a", "KF180", "skip")
            for verb in ("schedule", "tune", "serve", "compile", "tfjob", "jaxjob", "job")
        ),
    ],
)
def test_slips_name_the_right_one(line: str, code: str, fix: str) -> None:
    found = [d for d in findings(line + "\nx = 1", "%%kubeflow step other\ny = 1") if d.code == code]
    assert len(found) == 1
    assert found[0].severity == "error"
    assert fix in found[0].fix
    assert (found[0].cell, found[0].cell_index, found[0].line) == ("c0", 0, 1)


def test_a_slip_offers_the_edit() -> None:
    [found] = findings("# %%kubeflow stpe train --cpu 2\nx = 1", "%%kubeflow step b\n")
    assert found.edit == {"cell": "c0", "line": 1, "end_line": 1, "text": "# %%kubeflow step train --cpu 2"}


def test_a_directive_that_is_not_first_is_an_error() -> None:
    assert codes("import os\n%%kubeflow step a\nx = 1", "%%kubeflow step b\n1")[0] == "KF107"
    assert codes("# load\n# %%kubeflow step a\nx = 1") == ["KF107", "KF114"] or "KF114" in codes(
        "# load\n# %%kubeflow step a"
    )


def test_cells_of_one_step_share_their_options() -> None:
    made = pipeline("%%kubeflow step a --cpu 2 --env A=1", "%%kubeflow step a --memory 1G --env B=2 --cpu 2\nx = 1")
    options = made.step("a").options
    assert (options.cpu, options.memory, options.env) == (2, 10**9, {"A": "1", "B": "2"})
    assert [c.id for c in made.step("a").cells] == ["c0", "c1"]


def test_cells_of_one_step_that_contradict() -> None:
    assert codes("%%kubeflow step a --cpu 2", "%%kubeflow step a --cpu 3\nx = 1") == ["KF111"]
    assert codes("%%kubeflow step a --env A=2", "%%kubeflow step a --env A=3\nx = 1") == ["KF111"]


def test_tags_say_the_same() -> None:
    made = pipeline(
        ("n = 1", ["params"]), ("import os", ["setup"]), ("bad = bad", ["skip"]), ("x = n, os", ["step:a", "mine"])
    )
    assert [s.name for s in made.steps] == ["a"]
    assert [p.name for p in made.parameters] == ["n"]
    assert [f.kind for f in made.fragments] == ["setup"]


def test_tags_that_contradict_or_slip() -> None:
    assert codes(("x = 1", ["step:a", "skip"])) == ["KF111"]
    assert codes(("# %%kubeflow step b\nx = 1", ["step:a"])) == ["KF111"]
    assert codes(("# %%kubeflow step a\nx = 1", ["step:a"])) == []
    assert codes(("x = 1", ["step:a"]), ("y = 1", ["setpu", "hide-input", "parameters"])) == ["KF112"]
    assert codes(("x = 1", ["step:"]), ("y = 1", ["step:b"])) == ["KF110"]


def test_nothing_marked_is_whole() -> None:
    conversion = converted("x = 1", ("y = 2", ["parameters", "hide-input"]))
    assert conversion.whole and conversion.ok and conversion.dialect == "kubeflow"


def test_marked_but_no_step() -> None:
    assert codes("%%kubeflow params\nx = 1") == ["KF114"]


def test_papermill_parameters_serve_where_no_cell_is_params() -> None:
    made = pipeline(("n = 1", ["parameters"]), "%%kubeflow step a\nn")
    assert [p.name for p in made.parameters] == ["n"]
    made = pipeline(("n = 1", ["parameters"]), "%%kubeflow params\nm = 2", "%%kubeflow step a\nn, m")
    assert [p.name for p in made.parameters] == ["m"]

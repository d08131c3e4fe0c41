"""Notebooks of Kale run as they are."""

from __future__ import annotations

from .notebooks import codes, converted, edges, notebook, pipeline, taken

KALE = [
    ("import numpy as np", ["imports"]),
    ("import os", []),
    ("def scale(v):\n    return np.array(v) * rate", ["functions"]),
    ("rate = 3\nname = 'x'", ["pipeline-parameters"]),
    ("a = scale([1])", ["step:load", "limit:nvidia.com/gpu:1", "cache:disabled", "image:img:2"]),
    ("a = a + 1", []),
    ("broken = = 1", ["skip"]),
    ("b = a * 2", []),
    ("c = b", ["block:train", "prev:load", "limit:memory:4Gi"]),
    ("loss = c.sum()", ["step:eval", "prev:train", "annotation:x:y"]),
    ("print(loss)\nprint(rate)", ["pipeline-metrics"]),
]


def test_a_notebook_of_kale() -> None:
    conversion = converted(*KALE)
    assert conversion.ok and conversion.dialect == "kale"
    made = conversion.pipeline
    assert [s.name for s in made.steps] == ["load", "train", "eval", "pipeline-metrics"]
    assert [c.id for c in made.step("load").cells] == ["c4", "c5", "c7"]
    assert edges(made) == {"load": (), "train": ("load",), "eval": ("train",), "pipeline-metrics": ("eval",)}
    assert made.step("train").order == ("load",)
    assert [p.name for p in made.parameters] == ["rate", "name"]
    options = made.step("load").options
    assert (options.gpu, options.cache, options.image) == (1, False, "img:2")
    assert made.step("train").options.memory == 4 * 2**30
    assert made.metrics == ("loss", "rate")
    assert taken(made, "pipeline-metrics") == {"loss": "eval"}
    assert "log_metric('loss', loss)" in made.steps[-1].cells[0].source
    assert [d.code for d in conversion.diagnostics] == ["KF165"]


def test_imports_with_effects_are_replayed_whole_in_each_step() -> None:
    made = pipeline(
        ("import warnings\nwarnings.simplefilter('ignore')", ["imports"]), ("x = 1", ["step:a"]), ("x", ["step:b"])
    )
    assert [f.kind for f in made.fragments] == ["setup"]
    assert all(s.replay == (made.fragments[0].id,) for s in made.steps)


def test_functions_below_a_step_serve_it() -> None:
    made = pipeline(("x = f(1)", ["step:a"]), ("def f(v): return v", ["functions"]))
    assert made.step("a").replay == ("c1:0",)


def test_cells_above_the_first_tag_are_left_out() -> None:
    made = pipeline(("junk = nothing", []), ("x = 1", ["step:a"]), ("x", ["prev:a", "step:b"]))
    assert [c.id for s in made.steps for c in s.cells] == ["c1", "c2"]


def test_metadata_alone_makes_a_notebook_kales() -> None:
    from jupyter_kf.notebook import convert

    data = notebook(("x = 1", ["step:a"]), "y = x", metadata={"kubeflow_notebook": {"pipeline_name": "mine"}})
    conversion = convert(data)
    assert conversion.dialect == "kale" and conversion.pipeline.name == "mine"
    assert [c.id for c in conversion.pipeline.steps[0].cells] == ["c0", "c1"]


def test_a_mixture_is_an_error() -> None:
    assert "KF113" in codes(("x = 1", ["imports"]), "%%kubeflow step a\nx")


def test_prev_must_exist_and_stand_above() -> None:
    assert codes(("x = 1", ["step:a", "prev:nope"])) == ["KF119"]
    assert codes(("x = 1", ["step:a", "prev:b"]), ("y = 1", ["step:b"])) == ["KF129"]
    assert codes(("x = 1", ["step:a", "prev:b"]), ("y = 1", ["step:b", "prev:a"])) == ["KF122"]


def test_unordered_steps_that_bind_a_needed_name_are_refused() -> None:
    cells = [("x = 1", ["step:a"]), ("r = x", ["step:b", "prev:a"]), ("r = x", ["step:c", "prev:a"])]
    assert codes(*cells, ("print(r)", ["step:d", "prev:b", "prev:c"])) == ["KF120"]
    assert codes(*cells[:2], ("r = x", ["step:c", "prev:b"]), ("print(r)", ["step:d", "prev:c"])) == []


def test_unknown_tags_get_the_nearest() -> None:
    assert codes(("x = 1", ["step:a", "prve:b"]), ("import os", ["imports"])) == ["KF112"]

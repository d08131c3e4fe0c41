"""Fragments are executed again, where and when they are needed, and told apart from what was changed."""
# ruff: noqa: E501 (programs as text)

from __future__ import annotations

import traceback

import pytest

from jupyter_kf.runtime import bundle
from jupyter_kf.runtime.namespace import Namespace

from .stage import Step, fragment

FRAGMENTS = [
    fragment("import", ["math"], "import math"),
    fragment("literal", ["LIMITS"], "LIMITS = {'lo': [1]}"),
    fragment("literal", ["RATE"], "RATE = 0.5"),
    fragment("definition", ["Base"], "class Base:\n    made = 0\n    def __init__(self): type(self).made += 1"),
    fragment(
        "definition", ["K"], "class K(Base):\n    def get(self): return scale(self.x)", needs=["Base"], late=["scale"]
    ),
    fragment(
        "definition", ["scale"], "def scale(x): return math.floor(x * RATE) + late", late=["math", "RATE", "late"]
    ),
]


def step(tmp_path, *live):
    return Step(tmp_path, FRAGMENTS, live)


def test_a_stored_value_replays_its_class_and_what_that_reads(tmp_path):
    first = step(tmp_path, "k", "late")
    first.namespace.replay(["id-K", "id-scale"])
    outcome = first.run("k = K.__new__(K); k.x = 9; late = 1").store("k", "late")
    (artifact,) = [a for a in outcome.artifacts if "k" in a["names"]]
    assert artifact["definitions"] == ["id-K"] and artifact["late"] == ["RATE", "late", "math", "scale"]
    second = step(tmp_path).take(outcome)
    assert second.value("k.get()") == 5
    assert second.value("type(k) is K and issubclass(K, Base)")
    assert second.states("k") == {"k": "unchanged"}


def test_a_definition_of_the_step_itself_goes_by_reference(tmp_path):
    first = step(tmp_path).run(
        "class Base:\n    made = 0\n    def __init__(self): type(self).made += 1\nb = Base.__new__(Base); m = Base.__init__"
    )
    outcome = first.store("b", "m", "Base")
    assert outcome.names["Base"] == {"state": "unchanged"}
    assert all(a["definitions"] == ["id-Base"] for a in outcome.artifacts)
    assert step(tmp_path).take(outcome).value("type(b) is Base and m is Base.__init__")


@pytest.mark.parametrize("own", [True, False])
def test_a_touched_definition_is_a_value(tmp_path, own):
    first = step(tmp_path)
    if not own:
        first.namespace.replay(["id-Base"])
    first.run((FRAGMENTS[3]["source"] if own else "") + "\nb = Base()")
    outcome = first.store("b")
    assert outcome.names["Base"]["state"] == outcome.names["b"]["state"] == "stored"
    second = step(tmp_path).take(outcome)
    assert second.value("Base.made == 1 and type(b) is Base")


def test_literals_and_parameters_are_shipped_only_when_changed(tmp_path):
    live = ("LIMITS", "RATE", "lr", "sizes", "part")
    for change, stored in {
        "": [], "LIMITS['lo'].append(2)": ["LIMITS"], "RATE = 0.25": ["RATE"], "RATE = 0.5": [], "lr = 2": ["lr"], "lr = True": ["lr"],
        "sizes[0] = 3": ["sizes"], "sizes = [1, 2]": ["sizes"], "part = LIMITS['lo']": ["LIMITS", "part"], "del lr": [],
    }.items():  # fmt: skip
        one = step(tmp_path, *live)
        one.namespace.parameters({"lr": 1, "sizes": [1, 2]})
        one.namespace.replay(["id-LIMITS", "id-RATE"])
        states = one.run(change).states(*live)
        assert [n for n, s in states.items() if s == "stored"] == stored, change


def test_a_given_value_wins_over_a_later_replay(tmp_path):
    fragments = [fragment("setup", ["a", "b"], "a = [0]; b = [a]", id="s")]
    outcome = Step(tmp_path).run("a = [5]").store("a")
    second = Step(tmp_path, fragments).take(outcome)
    assert second.namespace.provide("b")
    assert second.value("(a, b)") == ([5], [[0]])


def test_setup_values_are_watched(tmp_path):
    fragments = [fragment("setup", ["table", "handle"], "table = {'k': [1]}; handle = open('/dev/null')", id="s")]
    for change, expected in (("", "unchanged"), ("table['k'].append(2)", "stored")):
        one = Step(tmp_path, fragments, ["table", "handle"])
        one.namespace.replay(["s"])
        assert one.run(change).states("table", "handle") == {"table": expected, "handle": "unchanged"}
        one.run("handle.close()")


def test_ipython_text_goes_to_the_shell():
    seen = []
    variables = {}
    one = fragment("setup", ["a"], "!echo", id="s", ipython=True)
    Namespace(variables, [one], run_setup=lambda f: seen.append(f["source"])).replay(["s", "s"])
    assert seen == ["!echo"]


def test_code_has_its_line_its_file_and_its_future():
    one = fragment(
        "definition", ["f"], "def f(x: Unknown):\n    raise ValueError", line=7, cell_index=3, future=["annotations"]
    )
    variables = {"__name__": "__main__"}
    Namespace(variables, [one]).replay(["id-f"])
    try:
        variables["f"](1)
    except ValueError as exc:
        frame = traceback.extract_tb(exc.__traceback__)[-1]
    assert (frame.filename, frame.lineno) == ("<cell 3>", 8)
    assert variables["f"].__annotations__ == {"x": "Unknown"}


def test_late_fragments_of_later_cells_wait():
    fragments = [
        fragment("definition", ["f"], "def f(): return g()", late=["g"]),
        fragment("definition", ["g"], "def g(): pass", cell_index=9),
    ]
    variables = {"__name__": "__main__"}
    assert Namespace(variables, fragments, until=5).provide("f")
    assert "g" not in variables


def test_definitions_that_call_each_other_and_failing_ones(tmp_path):
    fragments = [
        fragment("definition", ["f"], "def f(n): return n and g(n - 1)", late=["g"]),
        fragment("definition", ["g"], "def g(n): return n and f(n - 1)", late=["f"]),
        fragment("import", ["nothing_here"], "import nothing_here"),
    ]
    one = Step(tmp_path, fragments)
    assert one.namespace.lookup("f")(3) == 0
    with pytest.raises(ModuleNotFoundError):
        one.namespace.replay(["id-nothing_here"])


def test_a_definition_that_is_gone_is_told(tmp_path):
    first = step(tmp_path)
    first.namespace.replay(["id-K"])
    outcome = first.run("k = K.__new__(K)").store("k")
    with pytest.raises(bundle.BundleError, match="definition of K"):
        Step(tmp_path).take(outcome)


def test_an_enumeration_of_the_step_itself_goes_by_reference(tmp_path):
    source = "import enum, dataclasses\nclass E(enum.Enum):\n    A = 1\nclass F(enum.IntFlag):\n    X = 1\n    Y = 2"
    holder = "@dataclasses.dataclass\nclass D:\n    e: E = E.A\n    f: F = F.X"
    fragments = [
        fragment("import", ["enum", "dataclasses"], "import enum, dataclasses"),
        fragment("definition", ["E"], "class E(enum.Enum):\n    A = 1", needs=["enum"]),
        fragment("definition", ["F"], "class F(enum.IntFlag):\n    X = 1\n    Y = 2", needs=["enum"]),
        fragment("definition", ["D"], holder, needs=["dataclasses", "E", "F"]),
    ]
    outcome = Step(tmp_path, fragments, ["d"]).run(f"{source}\n{holder}\nd = D()").store("d")
    second = Step(tmp_path, fragments)
    second.namespace.replay(["id-enum", "id-E"])
    second.take(outcome)
    assert second.value("(d.e is E.A, type(d.f) is F, D().e is E.A, {E.A: 1}[d.e])") == (True, True, True, 1)


def test_what_the_steps_own_cells_define_is_not_there_before_they_run():
    earlier = {**fragment("definition", ["L"], "class L: v = 1"), "id": "old", "cell": "c1", "cell_index": 1}
    own = {**fragment("definition", ["L"], "class L: v = 2"), "id": "own", "cell": "c8", "cell_index": 8}
    alone = Namespace({}, [own], until=9, own=["c8", "c9"])
    alone.provide_late(["L"])
    assert "L" not in alone.variables
    both = Namespace({}, [earlier, own], until=9, own=["c8", "c9"])
    both.provide_late(["L"])
    assert both.variables["L"].v == 1

"""The pipeline of a notebook: parameters, replayed pieces, values, edges."""

from __future__ import annotations

import pytest

from jupyter_kf.model.pipeline import pipeline_from_dict

from .notebooks import codes, converted, edges, findings, pipeline, taken

PARAMS = "%%kubeflow params\nlr = 0.1\nepochs = 2 ** 3\nname: str = 'x'\nsizes = [1, 2]\nhalf = lr / 2\nflag = None\n"
SHARED = "import numpy as np\nimport pandas as pd\n\nSCALE = 3\n\ndef prepare(frame):\n    return frame * SCALE * lr\n"


def test_parameters_are_plain_values_and_the_rest_is_derived() -> None:
    made = pipeline(PARAMS, "%%kubeflow step a\nprint(half, lr)")
    assert {p.name: (p.type, p.default) for p in made.parameters} == {
        "lr": ("float", 0.1),
        "epochs": ("int", 8),
        "name": ("str", "x"),
        "sizes": ("list", [1, 2]),
        "flag": ("none", None),
    }
    [derived] = made.fragments
    assert (derived.kind, derived.names, derived.needs) == ("derived", ("half",), ("lr",))
    assert made.step("a").replay == (derived.id,)
    assert made.step("a").needs == ("lr",)
    assert made.step("a").inputs == ()


def test_a_plain_notebook() -> None:
    made = pipeline(
        PARAMS,
        SHARED,
        "%%kubeflow step load\ndf = pd.DataFrame({'a': range(epochs)})\ntemp = 1",
        "df.head()",
        "%%kubeflow step clean\nclean = prepare(df)",
        "%%kubeflow step one --memory 1Gi\nm1 = np.mean(clean)",
        "%%kubeflow step two\nm2 = np.std(clean)",
        "%%kubeflow step report\nprint(m1, m2)",
    )
    assert edges(made) == {
        "load": (),
        "clean": ("load",),
        "one": ("clean",),
        "two": ("clean",),
        "report": ("one", "two"),
    }
    assert made.step("load").outputs == ("df",)
    assert made.step("clean").needs == ("df", "lr")
    assert "temp" not in made.step("load").live
    assert made.step("clean").wanted == ("clean",)
    by_id = {f.id: f for f in made.fragments}
    assert [by_id[i].names[0] for i in made.step("clean").replay] == ["SCALE", "prepare"]
    assert made.modules == ("numpy", "pandas")
    assert pipeline_from_dict(made.to_dict()) == made
    assert made.summary()["steps"][1] == {
        "name": "clean", "cells": ["c4"], "inputs": ["df"], "outputs": ["clean"], "after": ["load"],
    }  # fmt: skip


def test_the_same_text_gives_the_same_pipeline() -> None:
    cells = (PARAMS, SHARED, "%%kubeflow step a\nx, y, z = 1, 2, 3", "%%kubeflow step b\nprint(z, x, y)")
    assert pipeline(*cells) == pipeline(*cells)


def test_imports_of_steps_serve_later_steps_without_an_edge() -> None:
    made = pipeline(
        "%%kubeflow step a\nimport os\nfrom math import pi as p",
        "%%kubeflow step b\nimport os\nos.sep",
        "%%kubeflow step c\np",
    )
    assert edges(made) == {"a": (), "b": (), "c": ()}
    assert made.step("b").replay == ()
    assert made.step("c").replay == ("c0:1",)


def test_pure_definitions_of_steps_are_replayed_and_others_shipped() -> None:
    made = pipeline(
        "%%kubeflow step a\nimport functools\nk = 1\ndef pure(x): return x + k\n"
        "@functools.lru_cache\ndef cached(x): return x\n"
        "class Point:\n    x: int = 0\ndef collects(x, seen=[]): return seen\nclass Counted:\n    n = 0\n"
        "    def __init__(self): Counted.n += 1\nclass Listed:\n    items = []\ndef bound(x=k): return x",
        "%%kubeflow step b\npure(1), cached(2), Point(), collects(1), Counted(), Listed(), bound()",
    )
    assert set(taken(made, "b")) == {"k", "collects", "Counted", "Listed", "bound"}
    assert {n for f in made.fragments for n in f.names} == {"functools", "pure", "cached", "Point"}


def test_a_definition_that_is_bound_twice_is_a_value() -> None:
    made = pipeline(
        "%%kubeflow step a\ndef f(): return 1", "%%kubeflow step b\nf()\ndef f(): return 2", "%%kubeflow step c\nf()"
    )
    assert taken(made, "b") == {"f": "a"} and taken(made, "c") == {"f": "b"}
    assert made.fragments == ()


@pytest.mark.parametrize(
    "text",
    [
        "k = 1", "k = -1.5", "k = 'a' 'b'", "k = (1, 'a')", "k: int = 3", "k = j = 1", "k, j = 1, 2", "k = 60 * 60",
        "k = [1, 2]", "k = {'a': [1]}", "k = f'{1}'", "k = [2 ** i for i in range(3)]", "k = np.float32",
        "k = Path('a') / 'b'",
        "k = os.path.join('a', 'b')", "k = logging.getLogger('x')", "k = namedtuple('k', 'a b')", "k = lambda x: x",
        "def k(): pass", "class k: pass", "k = dict(a=1)", "k = re.compile('x')", "from math import pi as k",
        "try:\n    import fast as k\nexcept ImportError:\n    k = None", "k = 1 if True else 2",
    ],
)  # fmt: skip
def test_statements_of_unmarked_cells_that_are_shared(text: str) -> None:
    imports = "import os, re, logging\nimport numpy as np\nfrom pathlib import Path\nfrom collections import namedtuple"
    made = pipeline(imports, text, "%%kubeflow step a\nprint(k)")
    assert any("k" in f.names and f.id in made.step("a").replay for f in made.fragments)


@pytest.mark.parametrize(
    "text",
    ["k = open('x')", "k = np.random.rand()", "k = load()", "for k in [1]: pass", "if True: k = 1", "k = input()",
     "k += 1",
     "k = datetime.now()", "k = [x.pop() for x in y]", "with open('x') as k: pass"],
)  # fmt: skip
def test_statements_of_unmarked_cells_that_are_exploration(text: str) -> None:
    found = [d for d in findings(text, "%%kubeflow step a\nprint(k)") if d.severity == "error"]
    assert [d.code for d in found] == ["KF124"]
    assert (found[0].cell_index, found[0].line) == (1, 2)
    assert "`k`" in found[0].message and "cell 0" in found[0].message and "setup" in found[0].fix
    first = text.partition("\n")[0]
    assert found[0].edit == {"cell": "c0", "line": 1, "end_line": 1, "text": f"%%kubeflow setup\n{first}"}


def test_only_shared_statements_above_a_step_are_seen() -> None:
    found = findings("%%kubeflow step a\nprint(k)", "k = 1", "%%kubeflow step b\nprint(k)")
    assert [(d.code, d.cell_index) for d in found] == [("KF121", 0)]
    assert "Move cell 1" in found[0].fix


def test_a_shared_name_that_a_step_rebinds_or_changes_is_a_value() -> None:
    made = pipeline(
        "config = {'a': 1}\ncount = 0\nother = [1]",
        "%%kubeflow step a\nconfig['a'] = 2\ncount += 1",
        "%%kubeflow step b\nprint(config, count, other)",
    )
    assert taken(made, "b") == {"config": "a", "count": "a"}
    assert made.step("a").changes == ("config",)
    assert made.step("a").needs == ("config", "count")
    assert "other" in made.step("b").needs


def test_a_parameter_that_a_step_rebinds_is_a_value() -> None:
    made = pipeline("%%kubeflow params\nn = 1", "%%kubeflow step a\nn = n + 1", "%%kubeflow step b\nn")
    assert taken(made, "b") == {"n": "a"}
    assert made.step("a").inputs == ()


def test_setup_is_replayed_where_it_is_needed() -> None:
    made = pipeline(
        "%%kubeflow setup\nimport sqlite3\nconn = sqlite3.connect('x')\ndef ask(q): return conn.execute(q)",
        "%%kubeflow step a\nrows = list(ask('q'))",
        "%%kubeflow step b\nrows",
    )
    [setup] = made.fragments
    assert (setup.kind, setup.ipython) == ("setup", True)
    assert set(setup.names) == {"sqlite3", "conn", "ask"}
    assert made.step("a").replay == (setup.id,) and made.step("b").replay == ()
    assert "conn" not in made.step("a").live


def test_setup_with_effects_is_replayed_everywhere_below() -> None:
    made = pipeline(
        "%%kubeflow step a\nx = 1", "%%kubeflow setup\n%matplotlib inline\nimport os", "%%kubeflow step b\nx"
    )
    assert made.step("a").replay == () and made.step("b").replay == ("c1:setup",)


def test_late_names_are_those_of_the_time_of_the_call() -> None:
    made = pipeline(
        "def f(): return k",
        "%%kubeflow step a\nk = 1",
        "%%kubeflow step b\nf()",
        "%%kubeflow step c\nf()\nk = 2\nf()",
        "%%kubeflow step d\nuse = lambda: f()",
        "%%kubeflow step e --after c\nuse()",
    )
    assert taken(made, "b") == {"k": "a"}
    assert taken(made, "c") == {"k": "a"}
    assert taken(made, "d") == {} and taken(made, "e") == {"k": "c"}
    assert "k" in made.step("a").live and "k" in made.step("d").live


def test_what_a_definition_is_made_from_runs_when_it_runs() -> None:
    made = pipeline(
        "%%kubeflow step a\nk = 1\ndef deco(fn):\n    def wrapped():\n        return fn(), k\n    return wrapped\n"
        "@deco\ndef g():\n    return 1\nclass Base:\n    def get(self):\n        return k\nclass Heir(Base):\n    pass",
        "%%kubeflow step b\ng()",
        "%%kubeflow step c\nHeir().get()",
    )
    assert taken(made, "b") == {"k": "a"}
    assert taken(made, "c") == {"k": "a"}


def test_functions_that_write_globals() -> None:
    made = pipeline(
        "def bump():\n    global n\n    n += 1",
        "%%kubeflow step a\nn = 0",
        "%%kubeflow step b\nbump()",
        "%%kubeflow step c\nn",
    )
    assert taken(made, "b") == {"n": "a"} and taken(made, "c") == {"n": "b"}
    assert "n" in made.step("b").binds and "n" not in made.step("b").surely


def test_functions_that_change_globals_count_when_they_are_called() -> None:
    shared = "def add(x):\n    log.append(x)"
    made = pipeline(shared, "%%kubeflow step a\nlog = []", "%%kubeflow step b\nadd(1)", "%%kubeflow step c\nlog")
    assert made.step("b").changes == ("log",) and taken(made, "c") == {"log": "b"}
    made = pipeline(shared, "%%kubeflow step a\nlog = []", "%%kubeflow step b\nkeep = add", "%%kubeflow step c\nlog")
    assert made.step("b").changes == () and taken(made, "c") == {"log": "a"}


def test_passing_a_value_on_stays_parallel() -> None:
    made = pipeline(
        "def fit(x): pass",
        "%%kubeflow step a\nX = [1]",
        "%%kubeflow step b\nm = fit(X)",
        "%%kubeflow step c\nn = fit(X)",
    )
    assert edges(made)["c"] == ("a",)


def test_changes_in_place_are_ordered_as_in_the_notebook() -> None:
    made = pipeline(
        "%%kubeflow step a\nd = {}",
        "%%kubeflow step b\nd['x'] = 1",
        "%%kubeflow step c\nd['y'] = 2",
        "%%kubeflow step e\nd",
    )
    assert edges(made) == {"a": (), "b": ("a",), "c": ("b",), "e": ("c",)}


def test_conditional_binding_lets_the_old_value_through() -> None:
    made = pipeline(
        "%%kubeflow step a\nx = 1\nc = 0", "%%kubeflow step b\nif c:\n    x = 2", "%%kubeflow step d\nprint(x)"
    )
    assert made.step("b").needs == ("c", "x")
    assert made.step("b").surely == () and taken(made, "d") == {"x": "b"}


def test_shadowed_builtins_travel() -> None:
    made = pipeline("%%kubeflow step a\nmax = 7", "%%kubeflow step b\nprint(max, min)")
    assert taken(made, "b") == {"max": "a"}


def test_private_names_never_travel() -> None:
    made = pipeline("%%kubeflow step a\n_x = 1\n_ = 2\n_3 = 4", "%%kubeflow step b\nprint(_x, _, __, _3, In, Out, _i1)")
    assert taken(made, "b") == {"_x": "a"}


def test_declared_names() -> None:
    made = pipeline(
        "%%kubeflow step a --out k\nexec('k = 1')", "%%kubeflow step b --in k\nprint(1)", "%%kubeflow step c\nk"
    )
    assert taken(made, "b") == {"k": "a"} and taken(made, "c") == {"k": "a"}
    assert made.step("a").live == ("k",)


def test_star_imports_are_read_without_importing(tmp_path) -> None:
    from jupyter_kf.notebook import convert

    from .notebooks import notebook

    (tmp_path / "tools.py").write_text("import os\n__all__ = ['tool']\ndef tool(): pass\nraise SystemExit\n")
    (tmp_path / "open_ended.py").write_text("def __getattr__(n): return n\ndef seen(): pass\n")
    path = tmp_path / "n.ipynb"
    path.write_bytes(notebook("from tools import *\nfrom math import *", "%%kubeflow step a\ntool(), sin(pi)"))
    conversion = convert(path)
    assert conversion.ok and not conversion.diagnostics
    assert len(conversion.pipeline.step("a").replay) == 2
    path.write_bytes(notebook("from open_ended import *", "%%kubeflow step a\nx = seen(), unseen()"))
    conversion = convert(path)
    assert [d.code for d in conversion.diagnostics] == ["KF127"]
    assert conversion.pipeline.step("a").replay == ("c0:0",)


def test_random_state_goes_from_the_seed_to_those_who_draw() -> None:
    made = pipeline(
        "import numpy as np\nimport random\nfrom sklearn.cluster import KMeans",
        "%%kubeflow step a\nnp.random.seed(0)\nrandom.seed(0)",
        "%%kubeflow step b\nx = np.random.rand()",
        "%%kubeflow step c\nimport os\ny = 1",
        "%%kubeflow step d\nz = KMeans(x).fit(y)",
        "%%kubeflow step e\nrandom.shuffle(z)",
        "%%kubeflow step f\nnp.random.seed(1)\nw = np.random.rand()",
    )
    assert "<numpy.random>" in made.step("a").binds and "<numpy.random>" in made.step("a").surely
    assert taken(made, "b") == {"<numpy.random>": "a"}
    assert edges(made)["c"] == () and edges(made)["f"] == ()
    assert taken(made, "d")["<numpy.random>"] == "a" and taken(made, "e")["<random>"] == "a"
    assert all("<" not in n for s in made.summary()["steps"] for n in [*s["inputs"], *s["outputs"]])


def test_a_function_that_seeds_counts_where_it_is_called() -> None:
    made = pipeline(
        "import random\ndef seed_all(n): random.seed(n)",
        "%%kubeflow step a\nseed_all(1)",
        "%%kubeflow step b\nrandom.random()",
    )
    assert taken(made, "b") == {"<random>": "a"}


@pytest.mark.parametrize(
    ("write", "read"),
    [
        ("df.to_csv('out/x.csv')", "pd.read_csv('out/x.csv')"),
        ("open('out/x.csv', 'w').write('')", "open('./out/x.csv')"),
        ("Path('out/x.csv').write_text('')", "Path('out/x.csv').read_text()"),
        ("(OUT / 'x.csv').write_text('')", "(OUT / 'x.csv').read_text()"),
        ("df.to_csv(f'{folder}/x.csv')", "pd.read_csv(folder + '/x.csv')"),
        ("df.to_csv(os.path.join('out', 'x.csv'))", "pd.read_csv('out/x.csv')"),
        ("!echo 1 > out/x.csv", "open('out/x.csv')"),
        ("%%writefile out/x.csv\n1", "open('out/x.csv')"),
        ("%%bash\necho 1 > out/x.csv", "!cat out/x.csv"),
        ("np.save('out/x.npy', 1)", "np.load('out/x.npy')"),
        ("with open('out/x.csv', mode='w') as h: h.write('')", "!wc -l < out/x.csv"),
        ("def save(): df.to_csv('out/x.csv')\nsave()", "pd.read_csv('out/x.csv')"),
    ],
)
def test_files_order_steps(write: str, read: str) -> None:
    shared = "import os\nimport numpy as np\nimport pandas as pd\nfrom pathlib import Path\nOUT = Path('out')\ndf = [1]"
    magic = write.startswith("%%")
    conversion = converted(
        "%%kubeflow params\nfolder = 'out'",
        shared,
        f"%%kubeflow step a\n{write}" if magic else f"%%kubeflow step a\nx = 1\n{write}",
        f"%%kubeflow step b\n{read}",
        "%%kubeflow step c\nprint('x.csv')",
    )
    made = conversion.pipeline
    assert conversion.ok
    assert made.step("b").order == ("a",) and made.step("b").after == ("a",)
    assert made.step("c").after == ()
    assert [d.code for d in conversion.diagnostics] == ["KF160"]


def test_in_order_chains_the_steps() -> None:
    made = pipeline("%%kubeflow step a\nx = 1", "%%kubeflow step b\ny = 1", "%%kubeflow step c\nx", in_order=True)
    assert edges(made) == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_future_flags_hold_for_the_cells_below() -> None:
    made = pipeline(
        "from __future__ import annotations", "%%kubeflow step a\ndef f(x: Missing): pass", "%%kubeflow step b\nf(1)"
    )
    assert made.step("a").future == ("annotations",)
    assert all(f.future == ("annotations",) for f in made.fragments if f.kind == "definition")


def test_a_cell_that_is_no_python_leaves_the_others() -> None:
    conversion = converted(
        "%%kubeflow step a\nx = (", "%%kubeflow step b\ny = 1", "%%kubeflow step c\nprint(y)", "z = = 1"
    )
    assert [(d.code, d.severity, d.cell_index, d.line) for d in conversion.diagnostics] == [
        ("KF116", "error", 0, 2),
        ("KF116", "warning", 3, 1),
    ]
    assert taken(conversion.pipeline, "c") == {"y": "b"}


def test_no_finding_for_setting_up_the_notebook() -> None:
    cells = ("%load_ext jupyter_kf\n%matplotlib inline\n%config A.b = 1\n%pip install x", "%autoreload 2\nx.y")
    assert codes(*cells, "%%kubeflow step a\n%matplotlib inline\nz = 1") == []


def test_decorators_that_register_are_replayed_with_their_registry() -> None:
    made = pipeline(
        "registry = {}\ndef register(f):\n    registry[f.__name__] = f\n    return f",
        "@register\ndef op(): return 1",
        "%%kubeflow step a\nprint(registry)",
    )
    names = {f.id: f.names for f in made.fragments}
    assert [names[i] for i in made.step("a").replay] == [("registry",), ("register",), ("op",)]


def test_a_shared_piece_brings_the_imports_of_the_step_around_it() -> None:
    made = pipeline("%%kubeflow step a\nimport math", "TAU = math.pi * 2", "%%kubeflow step a\nprint(TAU)")
    assert made.step("a").replay == ("c0:0", "c1:0")

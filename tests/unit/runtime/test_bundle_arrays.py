"""Arrays and frames: views stay views, frames stay apart, memory is mapped and not copied."""
# ruff: noqa: E501 (programs as text)

from __future__ import annotations

import pytest

from jupyter_kf.runtime.changes import written_spans

from .stage import Step

numpy = pytest.importorskip("numpy")


def travel(tmp_path, source, *live):
    first = Step(tmp_path).run("import numpy as np\n" + source)
    return Step(tmp_path).run("import numpy as np").take(first.store(*live, wanted=live))


def test_views_of_one_base_stay_views(tmp_path):
    step = travel(
        tmp_path, "a = np.arange(60.).reshape(10, 6)\nb = a[2:]\nc = a[:, 1]\nd = a.T\ne = a[::-2, ::-1]", *"abcde"
    )
    step.run("a[2, 1] = -5")
    assert step.value("b[0, 1] == c[2] == d[1, 2] == -5")
    assert step.value("np.shares_memory(e, a) and e[0, 0] == 59")
    assert step.value("e.strides == (-96, -8) and a.flags.writeable")


def test_an_unshared_view_does_not_bring_its_base(tmp_path):
    first = Step(tmp_path).run(
        "import numpy as np\nbig = np.zeros((1000, 1000))\na = big[10:20]\nb = np.ones((1000, 1000))[:, 3]"
    )
    outcome = first.store("a", "b")
    assert sum(x["size"] for x in outcome.artifacts) < 200_000


@pytest.mark.parametrize(
    "made",
    ["np.asfortranarray(np.arange(6).reshape(2, 3))", "np.array(5)", "np.zeros((0, 3))", "np.array(['a', None], dtype=object)",
     "np.array([(1, 'x')], dtype=[('n', 'i4'), ('s', 'U3')])", "np.ma.array([1, 2], mask=[0, 1])", "np.broadcast_to(np.arange(3), (4, 3))",
     "np.array(['2020-01-01'], dtype='M8[D]')", "np.float32(3)", "np.arange(5, dtype='>i8')",
     "np.dtype('f4')", "np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0)", "np.arange(10)[::3]"],
)  # fmt: skip
def test_arrays_of_every_make(tmp_path, made):
    first = Step(tmp_path).run(f"import numpy as np\na = {made}")
    outcome = first.store("a", wanted=["a"])
    assert not outcome.refused
    second = Step(tmp_path).take(outcome)
    assert repr(second.value("a")) == repr(first.value("a"))
    assert second.states("a") == {"a": "unchanged"}


def test_read_only_stays_read_only(tmp_path):
    step = travel(
        tmp_path,
        "a = np.arange(5)\na.flags.writeable = False\nb = np.arange(9)[::2]\nb.flags.writeable = False",
        "a",
        "b",
    )
    assert not step.value("a.flags.writeable") and not step.value("b.flags.writeable")


def test_views_of_objects(tmp_path):
    step = travel(tmp_path, "a = np.array([[1], [2], 3], dtype=object)\nb = a[1:]", "a", "b")
    step.run("b[0] = 'new'")
    assert step.value("a[1] == 'new'")


def test_a_file_behind_an_array_is_opened_again(tmp_path):
    path = str(tmp_path / "data")
    step = travel(tmp_path, f"a = np.memmap({path!r}, dtype='f8', mode='w+', shape=(3,))\na[:] = 7", "a")
    step.run("a[0] = 8; a.flush()")
    assert numpy.fromfile(path).tolist() == [8, 7, 7]


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # NumPy 2.5; users go on doing so
def test_changes_are_told_by_place_and_by_content(tmp_path):
    first = Step(tmp_path).run("import numpy as np\na = np.arange(100_000.)\nb = a[10:]\nc = [np.ones(5), np.ones(5)]")
    outcome = first.store("a", "b", "c")
    live = ("a", "b", "c")
    for change, expected in {
        "a.sum()": "uuu", "b[3] = 1.0": "ssu", "a[13] = a[13]": "uuu", "b = b.copy()": "usu", "a = a.copy()": "suu",
        "c[0][0] = 2": "uus", "c[1] = c[0]": "uus", "a.shape = (10, 10_000)": "ssu", "c.append(a[:3])": "sss",
        "del b": "uau",
    }.items():  # fmt: skip
        step = Step(tmp_path).run("import numpy as np").take(outcome).run(change)
        states = step.states(*live)
        assert "".join(states[n][0] for n in live) == expected, change


def test_any_part_of_a_group_can_be_taken_and_judged(tmp_path):
    outcome = Step(tmp_path).run("a = [1]\nb = [a]\nc = {'a': a}").store("a", "b", "c")
    assert len(outcome.artifacts) == 1
    step = Step(tmp_path).take(outcome, "b")
    assert step.states("a", "b", "c") == {"a": "absent", "b": "unchanged", "c": "absent"}
    step = Step(tmp_path).take(outcome, "a", "c").run("c['a'].append(2)")
    assert step.states("a", "c") == {"a": "stored", "c": "stored"}
    step = Step(tmp_path).take(outcome, "a", "c").run("c = {'a': [1]}")
    assert set(step.states("a", "c").values()) == {"unchanged", "stored"}


def test_written_pages_are_known(tmp_path):
    import mmap

    path = tmp_path / "pages"
    path.write_bytes(bytes(mmap.PAGESIZE * 5))
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    address = numpy.frombuffer(view, "u1").ctypes.data
    spans = written_spans(address, len(view))
    if spans is None:
        pytest.skip("the system does not tell which pages were written")
    assert spans == []
    view[mmap.PAGESIZE * 2 + 7] = 1
    assert bytes(view[mmap.PAGESIZE * 4 :]) == bytes(mmap.PAGESIZE)
    assert written_spans(address, len(view)) == [(mmap.PAGESIZE * 2, mmap.PAGESIZE * 3)]
    view.release()


def test_generators_of_random_numbers_go_on(tmp_path):
    first = Step(tmp_path).run("import numpy as np, random\ng = np.random.default_rng(3); r = np.random.RandomState(3)")
    step = Step(tmp_path).take(first.store("g", "r"))
    assert step.states("g", "r") == {"g": "unchanged", "r": "unchanged"}
    assert step.value("g.random() + r.rand()") == first.value("g.random() + r.rand()")
    assert step.states("g", "r") == {"g": "stored", "r": "stored"}


class TestFrames:
    pytest.importorskip("pandas")
    MADE = (
        "import pandas as pd\ndf = pd.DataFrame({'x': range(6), 'y': list('abcdef'), 'z': pd.Categorical(list('aabbcc')),\n"
        "  't': pd.date_range('2020', periods=6), 'o': ['p', None, 1, 2, 3, 4], 'f': 1.5}, index=list('uvwxyz'))\n"
    )

    def test_whole_frames(self, tmp_path):
        first = Step(tmp_path).run(self.MADE + "i = df.index; g = df.set_index(['x', 'y']); p = df.T")
        outcome = first.store("df", "i", "g", "p")
        step = Step(tmp_path).take(outcome)
        for name in ("df", "g", "p"):
            assert step.value(name).equals(first.value(name)), name
        assert step.states("df", "i", "g", "p") == dict.fromkeys(["df", "i", "g", "p"], "unchanged")
        step.run("df.loc['u', 'x'] = 99")
        assert step.states("df", "i") == {"df": "stored", "i": "unchanged"}

    def test_parts_do_not_write_through(self, tmp_path):
        first = Step(tmp_path).run(self.MADE + "s = df['x']; shallow = df.copy(deep=False); box = [df, df['x']]")
        step = Step(tmp_path).take(first.store("df", "s", "shallow", "box"))
        step.run("s.iloc[0] = 50; shallow.iloc[1, 0] = 60; box[1].iloc[2] = 70")
        if int(step.value("__import__('pandas').__version__").split(".")[0]) >= 3:
            assert step.value("df['x'].tolist()") == [0, 1, 2, 3, 4, 5]
        assert step.value("box[0] is df")

    def test_parts_of_a_split_are_artifacts_of_their_own(self, tmp_path):
        first = Step(tmp_path).run(
            self.MADE + "train = df.iloc[:4]; test = df[df.x > 3]; cols = df.columns\ndf = df.drop(columns='o')"
        )
        outcome = first.store("train", "test", "cols", "df")
        assert len([a for a in outcome.artifacts if len(a["names"]) == 1]) >= 3

    def test_columns_in_place(self, tmp_path):
        step = Step(tmp_path).take(Step(tmp_path).run(self.MADE).store("df"))
        step.run("df['new'] = df.x * 2; df.insert(0, 'first', 1); del df['t']")
        assert step.value("list(df.columns)") == ["first", "x", "y", "z", "o", "f", "new"]
        assert step.states("df") == {"df": "stored"}


def test_figures_and_their_axes_stay_one(tmp_path):
    pytest.importorskip("matplotlib")
    first = Step(tmp_path).run(
        "import matplotlib\nmatplotlib.use('Agg')\nfrom matplotlib.figure import Figure\nfig = Figure()\nax = fig.subplots()\nax.plot([1, 2])"
    )
    step = Step(tmp_path).take(first.store("fig", "ax", wanted=["fig", "ax"]))
    assert step.value("ax in fig.axes and ax.figure is fig")
    step.run("ax.set_title('later'); fig.canvas.draw()")


def test_models(tmp_path):
    pytest.importorskip("sklearn")
    first = Step(tmp_path).run(
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer, StandardScaler\nimport numpy as np\n"
        "X = np.random.default_rng(0).normal(size=(40, 3)); y = (X[:, 0] > 0).astype(int)\ndef twice(a): return a * factor\nfactor = 2\n"
        "m = make_pipeline(FunctionTransformer(twice), StandardScaler(), LogisticRegression()).fit(X, y)"
    )
    outcome = first.store("m", "X", "y", "factor", wanted=["m"])
    (artifact,) = [a for a in outcome.artifacts if "m" in a["names"]]
    assert artifact["late"] == ["factor"] and artifact["types"]["m"] == "Pipeline"
    step = Step(tmp_path).take(outcome)
    assert step.value("m.score(X, y) > 0.8")
    assert step.states("m", "X", "y") == {"m": "unchanged", "X": "unchanged", "y": "unchanged"}

"""What is wrong with the hand-over, and where it is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jupyter_kf.notebook import lint

from .notebooks import Source, codes, converted, findings

ROOT = Path(__file__).parents[3]


def test_every_code_has_its_place_on_the_page() -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")
    assert re.findall(r"^### (KF\d+)$", page, re.MULTILINE) == sorted(lint.CODES)
    for code, text in re.findall(r"^### (KF\d+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL):
        shown = "Warning" if lint.CODES[code] == "warning" else "Info" if lint.CODES[code] == "info" else ""
        assert not shown or f"*{shown}" in text, code


def test_every_code_is_used() -> None:
    text = "".join(p.read_text("utf-8") for p in (ROOT / "jupyter_kf" / "notebook").glob("*.py") if p.name != "lint.py")
    assert {c for c in lint.CODES if f'"{c}"' not in text} == set()


S = "%%kubeflow step "


@pytest.mark.parametrize(
    ("cells", "code", "place", "words"),
    [
        ([f"{S}a\nprint(nothing)"], "KF121", (0, 2), ["nothing", "`a`"]),
        ([f"{S}a\nx = 1\nprnt(x)"], "KF121", (0, 3), ["print"]),
        ([f"{S}a\nprint(y)", f"{S}b\ny = 1"], "KF121", (0, 2), ["stands below", "`b`"]),
        ([f"{S}a\ntry:\n    print(gone)\nexcept NameError: pass"], "KF128", (0, 3), ["gone"]),
        (["def f(): return gone", f"{S}a\nf()"], "KF128", (1, 2), ["gone", "`f`"]),
        ([f"{S}a\nx = 1", f"{S}b\nx = 2", f"{S}c\nprint(x)"], "KF120", (1, 2), ["`a`", "`b`", "`c`", "--after a"]),
        ([f"{S}a\nx = 1", f"{S}b\ny = x", f"{S}a\nprint(y)"], "KF122", (2, 2), ["`a` → `b` → `a`", "cell 2"]),
        ([f"{S}a --after b\n1", f"{S}b --after a\n1"], "KF122", (0, 1), ["`a` → `b` → `a`"]),
        ([f"{S}a --after a\n1"], "KF122", (0, 1), ["itself"]),
        ([f"{S}a\n1", f"{S}b\ny = 1", f"{S}a\nprint(y)"], "KF123", (2, 2), ["`y`", "`b`"]),
        ([f"{S}a\nx = 1", f"{S}b\nprint(x)", f"{S}a\nx = 2"], "KF123", (2, 2), ["`x`", "`b`"]),
        ([f"{S}a\nx = []", f"{S}b\nprint(x)", f"{S}a\nx.append(2)"], "KF123", (2, 2), ["`x`"]),
        ([f"{S}a --after b\n1", f"{S}b\n1"], "KF129", (0, 1), ["`b`", "above cell 0"]),
        ([f"{S}a --after lod\n1", f"{S}load\n1"], "KF119", (0, 1), ["load"]),
        ([f"{S}a\ndf = []", "df.append(1)", f"{S}b\nprint(df)"], "KF125", (1, 1), ["`df`", "`b`", "`a`"]),
        ([f"{S}a\ndf = []", "df = df + [1]", f"{S}b\nprint(df)"], "KF125", (1, 1), ["rebinds", "`df`"]),
        (["cfg = {}", "cfg['x'] = 1", f"{S}b\nprint(cfg)"], "KF125", (1, 1), ["changes", "cell 0"]),
        ([f"{S}a\nexec(text)", ("text = 1", ["skip"])], "KF126", (0, 2), ["exec", "--out"]),
        ([f"{S}a\nglobals()['x'] = 1"], "KF126", (0, 2), ["globals"]),
        ([f"{S}a\n%run other.py"], "KF126", (0, 2), ["%run"]),
        ([f"{S}a\nget_ipython().run_cell(make())\ndef make(): return ''"], "KF126", (0, 2), ["run_cell"]),
        ([f"{S}a\nx = 1", "%%kubeflow setup\ny = x", f"{S}b\nprint(y)"], "KF130", (1, 2), ["`x`", "`a`"]),
        (["%%kubeflow setup\ny = x", f"{S}b\nprint(y)"], "KF121", (0, 2), ["set-up", "`x`"]),
        ([f"{S}a --in a.b\n1"], "KF131", (0, 1), ["a.b"]),
        ([f"{S}a\nf = open('x')", f"{S}b\nf.read()"], "KF140", (1, 2), ["`f`", "open file", "cell 0"]),
        (["import sqlite3", f"{S}a\nc = sqlite3.connect('x')", f"{S}b\nc"], "KF140", (2, 2), ["database connection"]),
        (["from threading import Lock", f"{S}a\nlock = Lock()", f"{S}b\nlock"], "KF140", (2, 2), ["a lock"]),
        ([f"{S}a\nf, n = open('x'), 1", f"{S}b\nf"], "KF140", (1, 2), ["open file"]),
        ([f"{S}a\ng = (i for i in [1])", f"{S}b\nlist(g)"], "KF141", (1, 2), ["list(g)"]),
        (["def gen():\n    yield 1", f"{S}a\ng = gen()", f"{S}b\nlist(g)"], "KF141", (2, 2), ["list(g)"]),
        (
            ["import random", f"{S}a\nrandom.seed(1)", f"{S}b\nx = random.random()", f"{S}c\ny = random.random()"],
            "KF161", (3, 2), ["`b`", "`c`"],
        ),
        (["import random\nrandom.seed(1)", f"{S}a\nrandom.random()"], "KF162", (0, 2), ["setup"]),
        (["import sys\nsys.path.append(find())", f"{S}a\nimport mine"], "KF163", (0, 2), ["`sys`", "setup"]),
        ([f"{S}a\nimport sys\nsys.path.append('src')", f"{S}b\nimport mine"], "KF163", (0, 3), ["`sys`", "`b`"]),
        (["import os", f"{S}a\nos.environ['A'] = '1'", f"{S}b\nos.getcwd()"], "KF163", (1, 2), ["`os`", "`b`"]),
        (
            ["import decimal", f"{S}a\ndecimal.getcontext().prec = 5", f"{S}b\ndecimal.Decimal(1)"],
            "KF163", (1, 2), ["`b`"],
        ),
        (
            ["def f(x, seen=[]):\n    seen.append(x)\n    return seen", f"{S}a\nf(1)", f"{S}b\nf(2)"],
            "KF164", (0, 1), ["`seen`"],
        ),
        (
            [f"{S}a\nitems = [1]", f"{S}b\nfor i in items: z = i\nprint(z)", f"{S}c\nfor i in items: z = i\nprint(z)"],
            "KF166", (2, 3), ["`z`", "`b`"],
        ),
        ([f"{S}a\n1", ("x", ["step:b"]), "%%kubeflow params\nprint(1)"], "KF117", (2, 1), ["no parameter"]),
        (["%%kubeflow params\nn = 1\nn = 2", f"{S}a\nn"], "KF117", (0, 3), ["twice"]),
    ],
)  # fmt: skip
def test_findings(cells: list[Source], code: str, place: tuple[int, int], words: list[str]) -> None:
    found = [d for d in findings(*cells) if d.code == code]
    assert len(found) == 1, findings(*cells)
    assert (found[0].cell_index, found[0].line) == place
    assert found[0].severity == lint.CODES[code]
    assert found[0].cell == f"c{place[0]}"
    for word in words:
        assert word in found[0].message + found[0].fix
    assert set(found[0].to_dict()) >= {"code", "severity", "cell", "cell_index", "line", "message", "fix"}


@pytest.mark.parametrize(
    "cells",
    [
        ["import random", f"{S}a\nrandom.seed(1)\nrandom.random()", f"{S}b\nrandom.seed(1)\nrandom.random()"],
        [f"{S}a\ndef plot(): return 1, 2\nfig, ax = plot()", f"{S}b\nfig, ax = 1, 2\nprint(fig)"],
        [f"{S}a\nwith open('x') as f: text = f.read()", f"{S}b\nprint(text)"],
        [f"{S}a\nfor i in [1, 2]: last = i", f"{S}b\nprint(last)"],
        [f"{S}a\nx = 1", "print(x)\nx", f"{S}b\nx"],
        [f"{S}a\ndf = []", "df.copy()\nlen(df)", f"{S}b\ndf"],
        [f"{S}a\nx = 1", f"{S}b --after a\nx = 2", f"{S}c\nx"],
        [f"{S}a\nx = 1", f"{S}b\nx = x + 1", f"{S}c\nx"],
        [f"{S}a\nx = [v for v in range(3)]\ny = (lambda v: v)(1)", f"{S}b\nx, y"],
        [f"{S}a\n!ls $HOME {{not_a_name}} | awk '{{print $1}}'"],
        [f"{S}a\nx: 'Missing' = 1", f"{S}b\ndisplay(x)"],
        [f"{S}a --out x\nexec('x = 1')", f"{S}b\nx"],
        [f"{S}a\nf = open('x')\ntext = f.read()", f"{S}b\ntext"],
        ["from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os", f"{S}a\n1"],
        [f"{S}a\nif __name__ == '__main__':\n    x = 1", f"{S}b\nx"],
    ],
)
def test_what_is_fine_is_not_reported(cells: list[str]) -> None:
    assert [(d.code, d.message) for d in findings(*cells) if d.severity != "info"] == []


def test_a_blind_line_takes_the_weight_off_missing_names() -> None:
    assert codes(f"{S}a\nexec('x = 1')", f"{S}b\nprint(x)") == ["KF126", "KF128"]


def test_findings_come_in_order_of_place() -> None:
    found = findings(f"{S}a\nq1\nq2", f"{S}b --after zzz\nq3")
    assert [(d.cell_index, d.line) for d in found] == [(0, 2), (0, 3), (1, 1), (1, 2)]


def test_an_error_still_leaves_a_pipeline_to_look_at() -> None:
    conversion = converted(f"{S}a\nx = 1", f"{S}b\nprint(x, nothing)")
    assert not conversion.ok and [s.name for s in conversion.pipeline.steps] == ["a", "b"]


def test_many_cells_stay_cheap() -> None:
    """Work grows with the notebook, not with its square: counted in calls of the walk, not in seconds."""
    from jupyter_kf.notebook import flow

    counts = []
    original = flow.Walk.visit
    for size in (50, 200):
        calls = [0]

        def counted(self: flow.Walk, node: object, calls: list[int] = calls) -> None:
            calls[0] += 1
            original(self, node)  # type: ignore[arg-type]

        flow.Walk.visit = counted  # type: ignore[method-assign]
        try:
            cells = [f"{S}s{i}\nx{i} = {'x' + str(i - 1) if i else 1}\nprint(x{i // 2})" for i in range(size)]
            assert codes(*cells) == []
        finally:
            flow.Walk.visit = original  # type: ignore[method-assign]
        counts.append(calls[0])
    assert counts[1] < counts[0] * 4.5


@pytest.mark.parametrize(
    ("line", "later", "severity"),
    [
        ("pd.set_option('display.max_rows', 5)", "print(df)", "info"),
        ("pd.set_option('display.max_rows', 5)", "print(1)", None),
        ("os.chdir('data')", "print(1)", "warning"),
        ("pd.concat([df])", "print(df)", None),
        ("log.setLevel('DEBUG')", "log.debug('here')", "warning"),
        ("logging.getLogger('mine').setLevel(10)", "log.debug('here')", "warning"),
        ("logging.basicConfig(level=10)", "log.debug('here')", "warning"),
        ("log.debug('here')", "log.debug('there')", None),
    ],
)
def test_a_step_that_sets_up_its_process_only(line: str, later: str, severity: str | None) -> None:
    made = f"{S}a\ndf = pd.DataFrame()\n{line}"
    above = "import logging, os\nimport pandas as pd\nlog = logging.getLogger(__name__)"
    found = [d for d in findings(above, made, f"{S}b\n{later}") if d.code == "KF163"]
    assert [d.severity for d in found] == ([severity] if severity else [])
    assert all("`b`" in d.message and "setup" in d.fix for d in found)


@pytest.mark.parametrize(
    "lines",
    [
        ["import sys", "sys.path.append('../lib')"],
        ["import os, sys", "here = os.path.abspath('../lib')", "if here not in sys.path:", "    sys.path.append(here)"],
        [
            "import sys",
            "from pathlib import Path",
            "ROOT = Path.cwd().parent",
            "sys.path.insert(0, str(ROOT.resolve()))",
        ],
        ["import sys", "sys.path += ['../lib']"],
    ],
)
def test_folders_of_modules_are_known_in_each_step_below(lines: list[str]) -> None:
    cells = [f"{S}z\nprint(0)", "\n".join(lines), "from mymod import f", f"{S}a\nx = f()", f"{S}b\nprint(f(x))"]
    made = converted(*cells)
    assert [d.code for d in made.diagnostics] == []
    assert made.pipeline is not None
    by_id = {f.id: f.source for f in made.pipeline.fragments}
    replayed = {s.name: [by_id[i] for i in s.replay] for s in made.pipeline.steps}
    assert replayed["z"] == []
    for step in ("a", "b"):
        changing = [i for i, text in enumerate(replayed[step]) if "sys.path" in text]
        assert len(changing) == 1
        assert changing[0] < replayed[step].index("from mymod import f")

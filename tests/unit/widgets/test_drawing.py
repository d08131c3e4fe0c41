"""Graphs, text and HTML, as pure functions."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_kf.errors import StepFailed
from jupyter_kf.model.pipeline import Cell, Diagnostic, Pipeline, Step
from jupyter_kf.model.run import Execution, Run, State
from jupyter_kf.widgets.chart import chart_svg
from jupyter_kf.widgets.graph import graph_mermaid, graph_svg, graph_text
from jupyter_kf.widgets.html import html_of, runs_html
from jupyter_kf.widgets.layout import layers, place, reduced
from jupyter_kf.widgets.outputs import outputs_html
from jupyter_kf.widgets.report import ReportData, report_html
from jupyter_kf.widgets.text import cells_wide, error_text, table, text_of
from jupyter_kf.widgets.words import ago, duration, number, plain, size
from jupyter_kf.workbench.views import CheckView, RunList, RunView


def step(name: str, *after: str) -> Step:
    return Step(
        name, (Cell(f"id-{name}", 0, f"%%kubeflow step {name}\nx = '<b>'"),), after=after, outputs=(f"x_{name}",)
    )


def pipeline(*steps: Step) -> Pipeline:
    return Pipeline("demo", "kubeflow", (), steps)


DIAMOND = pipeline(step("a"), step("b", "a"), step("c", "a"), step("d", "a", "b", "c"))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    nodes = [f"n{i}" for i in range(draw(st.integers(0, 14)))]
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    return nodes, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []


@given(graphs(), st.sampled_from([None, True, False]))
def test_boxes_do_not_overlap_and_edges_go_forward(
    graph: tuple[list[str], list[tuple[str, str]]], across: bool | None
) -> None:
    nodes, edges = graph
    sizes = {n: (60.0 + 9 * i, 40.0) for i, n in enumerate(nodes)}
    drawn = place(nodes, edges, sizes, across=across)
    assert set(drawn.boxes) == set(nodes)
    assert set(drawn.paths) == set(edges)
    boxes = list(drawn.boxes.values())
    for i, a in enumerate(boxes):
        assert a.x >= 0 and a.y >= 0 and a.x + a.width <= drawn.width + 0.01 and a.y + a.height <= drawn.height + 0.01
        for b in boxes[i + 1 :]:
            apart_x = a.x + a.width <= b.x + 0.01 or b.x + b.width <= a.x + 0.01
            apart_y = a.y + a.height <= b.y + 0.01 or b.y + b.height <= a.y + 0.01
            assert apart_x or apart_y
    axis = 0 if drawn.across else 1
    for points in drawn.paths.values():
        assert all(p[axis] <= q[axis] + 0.01 for p, q in pairwise(points))


@given(graphs())
def test_reduction_keeps_what_can_be_reached(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    nodes, edges = graph
    kept = reduced(nodes, edges)
    assert set(kept) <= set(edges)
    assert _reach(nodes, kept) == _reach(nodes, edges)
    assert layers(nodes, kept) == layers(nodes, edges)


def _reach(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, set[str]]:
    reach: dict[str, set[str]] = {n: set() for n in nodes}
    for n in reversed(nodes):
        for a, b in edges:
            if a == n:
                reach[n] |= {b} | reach[b]
    return reach


def test_the_graph_as_svg_mermaid_and_text() -> None:
    executions = {
        "a": Execution("e", "r", "a", state=State.SUCCEEDED, cached=True),
        "b": Execution("f", "r", "b", state=State.FAILED),
    }
    root = ET.fromstring(graph_svg(DIAMOND, executions, links=True))
    assert root.get("role") == "img"
    assert "b (failed) after a" in (root.get("aria-label") or "")
    titles = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0].splitlines()[0] == "a"
    assert graph_mermaid(DIAMOND).splitlines()[1] == '  s0["a"]'
    assert "s1 --> s3" in graph_mermaid(DIAMOND)
    lines = graph_text(DIAMOND, executions).splitlines()
    assert lines[0].startswith("✓ a")
    assert lines[3].strip().startswith("└ d  ← a, b, c")
    odd = pipeline(step('x"<script>alert(1)</script>'))
    assert "<script" not in graph_svg(odd)
    ET.fromstring(graph_svg(odd))


def test_a_table_fits_and_never_cuts_what_is_whole() -> None:
    text = table(
        ["ID", "NAME", "X"], [["0123456789" * 2, "a name that is far too long", "1"]], width=36, flexible=1, whole=[0]
    )
    assert max(map(cells_wide, text.splitlines())) <= 36
    assert "0123456789" * 2 in text
    wide = table(["A", "B"], [["日本", "x"], ["é", "y"]])
    assert len({line.rindex(" ") + cells_wide(line) - len(line) for line in wide.splitlines()}) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.004, "4 ms"), (0.5, "0.5 s"), (12, "12 s"), (125, "2m 05s"), (7300, "2h 01m"), (400000, "4d 15h")],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words
    assert len(duration(seconds)) <= 7


def test_words() -> None:
    assert (size(999), size(1500), size(2.5e9)) == ("999 B", "1.5 kB", "2.5 GB")
    assert (number(True), number(1.23456789), number([1]), number(None)) == ("true", "1.23457", "[1]", "null")
    assert ago(1000.0, 1005.0) == "5 s ago"
    assert plain("\x1b[31mred\x1b[0m\r\n 10%\r 20%\rdone\nab\bc") == "red\ndone\nac"


def test_errors_and_findings_quote_the_line() -> None:
    error = StepFailed("It broke.", fix="Mend it.", cell_index=3, line=2, quote="1 / 0")
    assert error_text(error).splitlines() == ["error KF200  It broke. (cell 3, line 2)", "    1 / 0", "  → Mend it."]
    finding = Diagnostic("KF121", "error", "No <x>.", "Make it.", cell="c", cell_index=0, line=2)
    view = CheckView("/tmp/nb.ipynb", DIAMOND, (finding,), sources={"c": "a\nuse(<x>)"})
    assert "    use(<x>)" in text_of(view)
    assert "use(&lt;x&gt;)" in html_of(view)
    assert "<x>" not in html_of(view)


def report(outputs: list[dict], error: dict | None = None) -> str:
    run = Run(
        "r1", "<run>", state=State.FAILED if error else State.SUCCEEDED, started=1.0, finished=3.0, tags={"t": "<v>"}
    )
    execution = Execution("e1", "r1", "a", state=run.state, seconds=2.0, error=error, reason="not cached: first run")
    data = ReportData(RunView(run, (execution,), DIAMOND), {"a": DIAMOND.steps[0].cells}, {"a": {"id-a": outputs}})
    return report_html(data)


def test_the_report_runs_no_foreign_script_and_fetches_nothing() -> None:
    hostile = (
        '<script>alert(1)</script><img src="https://x.test/a.png" onerror="alert(2)"><table><tr><td>1</td></tr></table>'
    )
    outputs = [
        {"output_type": "display_data", "data": {"text/html": hostile, "text/plain": "t"}},
        {"output_type": "stream", "name": "stdout", "text": "<script>alert(3)</script>\x1b[31mred\n"},
        {"output_type": "display_data", "data": {"image/svg+xml": "<svg onload='alert(4)'/>"}},
        {"output_type": "display_data", "data": {"image/png": 'iVBO"><script>alert(5)</script>'}},
        {"output_type": "error", "ename": "<b>", "evalue": "x", "traceback": ["<script>alert(6)</script>"]},
    ]
    page = report(outputs)
    assert len(re.findall(r"<script", page)) == 1  # its own
    assert "default-src 'none'" in page
    assert 'sandbox="allow-same-origin"' in page
    assert "allow-scripts" not in page
    assert "&lt;run&gt;" in page


def test_the_report_shows_errors_where_they_happened() -> None:
    page = report(
        [], {"message": "ZeroDivisionError: x", "cell_index": 0, "line": 2, "quote": "1/0", "fix": "Mend it."}
    )
    assert "cell 0, line 2" in page
    assert "Mend it." in page


def test_long_streams_are_cut_in_the_middle() -> None:
    shown = outputs_html([{"output_type": "stream", "name": "stdout", "text": "a" * 30000 + "b" * 30000}])
    assert "characters left out" in shown
    assert len(shown) < 25_000


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(allow_nan=True, allow_infinity=True)), max_size=20))
def test_charts_are_well_formed(points: list[tuple[float, float]]) -> None:
    drawn = chart_svg("loss <x>", points)
    if drawn:
        ET.fromstring(drawn)
        assert "nan" not in drawn.split("<polyline")[1]


def test_a_list_of_runs_tells_apart_what_is_no_pipeline() -> None:
    runs = [Run("a", "train", kind="pipeline"), Run("b", "train", kind="session"), Run("c", "x", kind="cell")]
    text = text_of(RunList(tuple(runs), ()), width=200)
    for drawn in (text, runs_html(runs, [])):
        assert "train (session)" in drawn and "x (cell)" in drawn and "(pipeline)" not in drawn

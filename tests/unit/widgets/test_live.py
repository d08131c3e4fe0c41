"""A run under way as a fold of its events, and what of it is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.model.event import Event
from jupyter_kf.model.pipeline import Cell, Pipeline, Step
from jupyter_kf.model.run import Execution, Run, State
from jupyter_kf.widgets.graph import graph_svg
from jupyter_kf.widgets.html import diff_html, end_html, html_of, live_html, runs_html, table_html
from jupyter_kf.widgets.live import LOG_TAIL, LiveState
from jupyter_kf.workbench.views import Comparison, Difference, RunView


def step(name: str, *after: str) -> Step:
    return Step(name, (Cell(f"id-{name}", 0, f"%%kubeflow step {name}\nx = 1"),), after=after)


PIPELINE = Pipeline("demo", "kubeflow", (), (step("a"), step("b", "a"), step("c", "a")))


def live(**more: Any) -> LiveState:
    return LiveState(RunView(Run("r1", "demo", state=State.RUNNING, created=5.0, **more), pipeline=PIPELINE))


class Log:
    """Events with growing cursors."""

    def __init__(self, state: LiveState) -> None:
        self.state, self.cursor = state, 0

    def __call__(self, kind: str, step: str = "", time: float = 0.0, **data: Any) -> Event:
        self.cursor += 1
        event = Event(kind, "r1", time, step, f"x-{step}" if step else "", data, self.cursor)
        self.state.fold(event)
        return event


def test_states_follow_the_events(tmp_path: Path) -> None:
    state = live()
    log = Log(state)
    log("run.started", time=6.0, pid=1)
    log("execution.waiting", "b", reason="waits for 2 cpu")
    log("execution.started", "a", time=7.0, attempt=1, folder=str(tmp_path))
    assert state.words() == "0 of 3 steps done, running a"
    assert state.head()["started"] == 6.0
    assert state.steps()["a"] == ["RUNNING", "running", "a\nRUNNING", 7.0]
    assert state.steps()["b"][:2] == ["PENDING", "pending"]
    assert state.steps()["c"] == ["", "1 cell", "c", None]
    log("execution.finished", "a", state="SUCCEEDED", seconds=1.5)
    log("execution.finished", "b", state="SUCCEEDED", cached=True, seconds=0.0)
    assert state.steps()["a"] == ["SUCCEEDED", "succeeded · 1.5 s", "a\nSUCCEEDED", None]
    assert state.steps()["b"][:2] == ["SUCCEEDED cached", "from the cache"]
    log("execution.superseded", "a", by="b")
    assert state.done == 1
    log("run.finished", time=9.0, state="FAILED", error={"message": "no"})
    head = state.head()
    assert (head["state"], head["final"], head["finished"]) == ("FAILED", True, 9.0)
    log("run.resumed")
    assert (state.head()["state"], state.head()["finished"]) == ("RUNNING", None)


def test_an_event_counts_once() -> None:
    state = live()
    log = Log(state)
    seen = log("metrics.logged", "a", points=[["loss", 1.0, 0, 0.0], ["loss", 0.5, 1, 0.0], ["acc", 0.75, None, 0.0]])
    before = state.charts()
    state.fold(seen)
    assert state.charts() == before
    assert "loss: 2 points" in before
    assert "acc" not in before
    assert "acc</code> = 0.75" in state.values()


def test_metrics_of_a_cached_step_are_values_too() -> None:
    state = live()
    log = Log(state)
    log("execution.finished", "a", state="SUCCEEDED", cached=True, report={"metrics": {"<b>": 2.0}})
    assert "&lt;b&gt;</code> = 2" in state.values()


def test_a_whole_notebook_counts_cells() -> None:
    state = LiveState(RunView(Run("r1", "nb", kind="notebook", state=State.RUNNING)))
    Log(state)("execution.progress", "nb", done=2, total=7, cell="c3")
    assert state.words() == "2 of 7 cells done"
    assert (state.head()["done"], state.head()["total"]) == (2, 7)
    assert state.steps() == {}


def test_which_log_is_followed(tmp_path: Path) -> None:
    state = live()
    log = Log(state)
    assert state.followed() == ""
    for name, at in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name).mkdir()
        log("execution.started", name, time=at, folder=str(tmp_path / name))
    assert state.followed() == "b"
    assert state.followed("a") == "a"
    log("execution.finished", "a", state="FAILED", error={"message": "it broke"})
    assert state.followed() == "a"
    assert state.words() == "1 of 3 steps done, running b, a failed"
    assert state.log_of("a") == {"step": "a", "text": "", "error": "it broke"}
    (tmp_path / "a" / "stderr").write_text("Traceback\nit broke\n")
    assert state.log_of("a") == {"step": "a", "text": "Traceback\nit broke\n", "error": ""}


@pytest.mark.parametrize("text", ["é" * LOG_TAIL, "zeile ü\n" * LOG_TAIL, "one\rtwo\n" * LOG_TAIL])
def test_a_long_log_is_shown_from_its_end(tmp_path: Path, text: str) -> None:
    (tmp_path / "stdout").write_text(text)
    state = live()
    Log(state)("execution.started", "a", folder=str(tmp_path))
    shown = state.log_of("a")["text"]
    assert shown.startswith("…\n")
    assert 10 < len(shown) <= LOG_TAIL + 2
    assert "\ufffd" not in shown
    assert "one" not in shown


def test_live_and_last_html(tmp_path: Path) -> None:
    state = live()
    Log(state)("execution.started", "a", folder=str(tmp_path))
    drawn = live_html(state, "line <1>", "stop it: <cancel>")
    assert "running a" in drawn
    assert "line &lt;1&gt;" in drawn
    assert "stop it: &lt;cancel&gt;" in drawn
    view = replace(
        state.view,
        run=replace(state.view.run, state=State.FAILED),
        executions=(Execution("x", "r1", "a", state=State.FAILED, error={"message": "it broke", "code": "KF1"}),),
    )
    end = end_html(view, "<figure></figure>", [("a", "last <words>"), ("b", " \n")])
    assert "it broke" in end
    assert "last &lt;words&gt;" in end
    assert "output of b" not in end
    assert "<details open><summary>output of a" in end
    assert "<script" not in end
    assert 'data-commandlinker-command="jupyter-kf:resume-run"' in end
    assert 'data-commandlinker-args="{&quot;run&quot;: &quot;r1&quot;}"' in end
    assert "jupyter-kf:cancel-run" not in end
    assert "jupyter-kf:cancel-run" in drawn


def test_boxes_keep_their_place_while_second_lines_grow() -> None:
    bare = graph_svg(PIPELINE, {}, room=20, styled=False)
    ended = {"a": Execution("x", "r1", "a", state=State.SUCCEEDED, seconds=3.0)}
    grown = graph_svg(PIPELINE, ended, room=20, styled=False)
    assert re.findall(r"<(?:rect|path|text) .*?/?>", bare) == re.findall(r"<(?:rect|path|text) .*?/?>", grown)
    assert "succeeded · 3.0 s" in grown
    assert 'data-step="b"' in bare


def test_tables_sort_by_values_and_are_whole_without_their_script() -> None:
    runs = [
        Run("r1", "<b>", state=State.SUCCEEDED, created=1e9, started=1e9, finished=1e9 + 75, metrics={"m": 0.5}),
        Run("r2", "two", state=State.RUNNING, created=1e9),
    ]
    drawn = runs_html(runs, ["m"])
    assert 'data-v="75.0">75 s' in drawn
    assert 'data-v="0.5">0.5' in drawn
    assert '<time datetime="2001-09-09T01:46:40.000Z" title="2001-09-0' in drawn
    table, script, rest = drawn.partition("<script>")
    assert script
    assert table.count("<tr>") == 3
    assert "&lt;b&gt;" in table
    assert rest.count("</script>") == 1
    assert "<script" not in table_html(["A"], [["1"]], alive=True)


def test_a_comparison_shows_both_sides() -> None:
    a, b = (Run(i, i, state=State.SUCCEEDED, started=1.0, finished=3.0) for i in ("r1", "r2"))
    diff = "--- r1 fit\n+++ r2 fit\n@@ -1,2 +1,3 @@\n same\n-x = '<a>'\n+x = '<b>'\n+y = 1\n@@ -9 +9 @@\n end"
    answer = Comparison(
        a,
        b,
        (Difference("lr", 1, 3), Difference("name", "x", "y"), Difference("same", 1, 1)),
        (),
        (Difference("fit", {"state": "SUCCEEDED", "cached": True, "seconds": None}, None),),
        {"fit": diff},
        (),
        {"loss": ([(0, 1.0), (1, 0.5)], [(0, 2.0), (1, 0.25)])},
    )
    drawn = html_of(answer)
    assert "<b>+2</b>" in drawn
    assert "<b>differs</b>" in drawn
    assert "A from 1 to 0.5, B from 2 to 0.25, lowest 0.25, highest 2" in drawn
    assert "code differs" in drawn
    assert "same environment" in drawn
    columns = diff_html(diff)
    assert '<td class="gone">x = &#x27;&lt;a&gt;&#x27;</td><td class="come">x = &#x27;&lt;b&gt;&#x27;</td>' in columns
    assert '<td></td><td class="come">y = 1</td>' in columns
    assert columns.count("⋯") == 1

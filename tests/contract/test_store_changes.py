"""How far runs are and what changed since a cursor, on all databases."""

from __future__ import annotations

from typing import Any

from jupyter_kf.model.change import Progress
from jupyter_kf.model.event import Event
from jupyter_kf.model.run import State
from jupyter_kf.store import Store


def of_run(run: str, kind: str, /, at: float = 1000.0, **data: Any) -> Event:
    return Event(f"run.{kind}", run, at, data=data)


def of_step(run: str, step: str, kind: str, at: float = 1000.0, attempt: int = 1, **data: Any) -> Event:
    return Event(f"execution.{kind}", run, at, step, f"{run}-{step}-{attempt}", {"attempt": attempt, **data})


def test_progress_counts_the_last_attempt_of_each_step(store: Store) -> None:
    store.metadata.append(
        [
            of_run("r", "submitted", name="r", steps=5),
            of_run("r", "started", pid=1),
            of_step("r", "a", "finished", state="SUCCEEDED", cached=True),
            of_step("r", "b", "finished", state="FAILED"),
            of_step("r", "b", "started", attempt=2),
            of_step("r", "c", "finished", state="FAILED"),
            of_step("r", "d", "finished", state="SUCCEEDED"),
            of_step("r", "d", "superseded", by="a"),
            of_run("old", "submitted", name="old"),
            of_step("old", "a", "finished", state="SUCCEEDED"),
        ]
    )
    runs = store.metadata.runs()
    assert store.metadata.progress(runs) == {
        "r": Progress(done=1, total=5, failed=1, running=1, cached=1, failed_step="c"),
        "old": Progress(done=1, total=1),
    }
    store.metadata.append([of_run("r", "resumed", edited=True, steps=7)])
    assert store.metadata.progress([store.metadata.run("r")])["r"].total == 7
    assert store.metadata.progress([]) == {}


def test_progress_of_a_whole_notebook_is_in_cells(store: Store) -> None:
    store.metadata.append([of_run("n", "submitted", name="n", kind="notebook", steps=1)])
    assert store.metadata.progress(store.metadata.runs())["n"] == Progress(0, 1)
    store.metadata.append([of_step("n", "notebook", "started")])
    store.metadata.append([of_step("n", "notebook", "progress", done=number, total=9) for number in range(4)])
    assert store.metadata.progress(store.metadata.runs())["n"] == Progress(3, 9, running=1)
    assert store.metadata.cells_done(["n", "none"]) == {"n-notebook-1": (3, 9)}


def test_changes_are_whole_and_of_what_changed_only(store: Store) -> None:
    metadata = store.metadata
    metadata.append([of_run(run, "submitted", name=run, steps=2) for run in ("one", "two")])
    seen = metadata.append([of_step("one", step, "started", 1001.0) for step in "ab"])[-1]
    last = metadata.append([of_step("one", "a", "finished", 1002.0, state="SUCCEEDED", outputs={"x": "a" * 64})])[-1]
    changes = metadata.changes(seen)
    assert (changes.after, changes.cursor, changes.reset, changes.deleted) == (seen, last, False, ())
    assert [(r.id, changes.progress[r.id].done) for r in changes.runs] == [("one", 1)]
    assert [(e.step, e.state, e.outputs) for e in changes.executions] == [("a", State.SUCCEEDED, {})]
    ended = metadata.append([of_run("one", "finished", 1003.0, state="CANCELED")])[-1]
    end = metadata.changes(last)
    assert [(e.step, e.state) for e in end.executions] == [("b", State.CANCELED)]
    metadata.append([of_run("one", "noted", note="n"), of_run("two", "deleted")])
    later = metadata.changes(ended)
    assert ([r.note for r in later.runs], later.executions, later.deleted) == (["n"], (), ("two",))
    nothing = metadata.changes(metadata.cursor())
    assert (nothing.runs, nothing.executions, nothing.cursor) == ((), (), metadata.cursor())


def test_too_many_changes_are_not_told(store: Store) -> None:
    metadata = store.metadata
    metadata.append([of_run("r", "submitted", name="r")])
    metadata.append([of_run("r", "noted", note=str(number)) for number in range(30)])
    assert metadata.changes(0, limit=31).runs[0].note == "29"
    reset = metadata.changes(0, limit=30)
    assert (reset.reset, reset.cursor, reset.runs) == (True, 31, ())
    assert [t.cursor for t in metadata.touched(28)] == [29, 30, 31]
    assert len(metadata.touched(0, limit=5)) == 5


def test_brief_executions_leave_out_what_is_long(store: Store) -> None:
    store.metadata.append([of_step("r", "a", "finished", state="SUCCEEDED", outputs={"x": "a" * 64}, report={"k": 1})])
    (brief,) = store.metadata.executions("r", brief=True)
    (whole,) = store.metadata.executions("r")
    assert (brief.outputs, brief.report, brief.state) == ({}, None, whole.state)
    assert whole.report == {"k": 1}

"""What ``last`` means, by what is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_kf.config import load_settings
from jupyter_kf.errors import UsageError
from jupyter_kf.model.event import Event
from jupyter_kf.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setenv("JUPYTER_KF_HOME", str(tmp_path / "home"))
    return Workbench(load_settings())


def record(bench: Workbench, moment: float, run: str, kind: str, *steps: str) -> None:
    """A finished run with one succeeded execution for each of the steps."""
    events = [Event("run.submitted", run, moment, data={"name": run, "kind": kind, "engine": "local"})]
    events.append(Event("run.started", run, moment))
    for step in steps:
        execution = f"{run}-{step}"
        events.append(Event("execution.started", run, moment, step, execution, {"attempt": 1}))
        ended = {"attempt": 1, "state": "SUCCEEDED", "seconds": 0.1}
        events.append(Event("execution.finished", run, moment, step, execution, ended))
    events.append(Event("run.finished", run, moment, data={"state": "SUCCEEDED"}))
    bench.store.metadata.append(events)


def test_last_with_a_step_is_the_newest_run_that_has_it(bench: Workbench) -> None:
    record(bench, 1, "first", "pipeline", "load", "train")
    record(bench, 2, "second", "pipeline", "load", "train")
    record(bench, 3, "far", "cell", "look")
    assert bench.show("last").id == "far"
    assert bench.show("last", "train").id == "second"
    assert bench.show("last~1", "train").id == "first"
    assert bench.show("last", "look").id == "far"
    assert bench.artifacts("last", "load").run.id == "second"
    with pytest.raises(UsageError, match="far has no step 'trian'"):
        bench.show("last", "trian")


def test_last_of_what_only_notebooks_have_passes_over_cells_and_sessions(bench: Workbench) -> None:
    record(bench, 1, "first", "pipeline", "load")
    record(bench, 2, "whole", "notebook", "notebook")
    record(bench, 3, "far", "cell", "look")
    record(bench, 4, "script", "session")
    compared = bench.compare("last~1", "last")
    assert (compared.a.id, compared.b.id) == ("first", "whole")
    with pytest.raises(UsageError, match="there are only 2 of a notebook") as caught:
        bench.compare("last~2", "last")
    assert caught.value.code == "KF410"
    with pytest.raises(UsageError, match="whole"):  # it has succeeded
        bench.resume()


def test_sessions_are_compared_where_there_is_nothing_else(bench: Workbench) -> None:
    record(bench, 1, "one", "session")
    record(bench, 2, "two", "session")
    compared = bench.compare("last~1", "last")
    assert (compared.a.id, compared.b.id) == ("one", "two")

"""``log_metric`` and its kin in a plain script: a run of its own, whatever way the script ends."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.model.run import State
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.views import RunView


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with Workbench(Settings(home=tmp_path / "home")) as found:
        yield found


def script(tmp_path: Path, text: str) -> int:
    path = tmp_path / "train.py"
    path.write_text("import jupyter_kf as kf\n" + textwrap.dedent(text))
    environ = {**os.environ, "JUPYTER_KF_HOME": str(tmp_path / "home")}
    return subprocess.run([sys.executable, str(path)], env=environ, check=False, capture_output=True).returncode


def shown(bench: Workbench) -> RunView:
    return bench.show("last")


def test_a_script_makes_a_run(bench: Workbench, tmp_path: Path) -> None:
    code = script(
        tmp_path,
        """
        for i in range(5):
            kf.log_metric("loss", 1 / (i + 1), step=i)
        kf.log_metrics({"acc": 0.9})
        kf.log_param("lr", 0.1)
        kf.set_tag("team", "x")
        kf.set_note("hm")
        open("out.txt", "w").write("hello")
        kf.log_artifact("out.txt")
        """.replace('"out.txt"', repr(str(tmp_path / "out.txt"))),
    )
    assert code == 0
    run = shown(bench).run
    assert (run.kind, run.name, run.state) == ("session", "train", State.SUCCEEDED)
    assert dict(run.metrics) == {"loss": 0.2, "acc": 0.9}
    assert (dict(run.parameters), dict(run.tags), run.note) == ({"lr": 0.1}, {"team": "x"}, "hm")
    assert len(bench.store.metadata.metrics(run.id, "loss")) == 5
    assert [entry.name for entry in bench.artifacts("last")] == ["out.txt"]


def test_a_script_that_raises_makes_a_failed_run(bench: Workbench, tmp_path: Path) -> None:
    assert script(tmp_path, "kf.log_metric('a', 1)\nraise ValueError('no good')\n") == 1
    run = shown(bench).run
    assert run.state is State.FAILED
    assert run.error is not None
    assert "no good" in run.error["message"]


def test_what_a_killed_script_recorded_is_kept_once(bench: Workbench, tmp_path: Path) -> None:
    text = """
    import os, signal, time
    kf.log_metric("a", 1)
    time.sleep(1.2)
    kf.log_metric("a", 2)
    kf.log_metric("b", 3)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    assert script(tmp_path, text) == -9
    run = shown(bench).run
    assert run.state is State.INTERRUPTED
    assert [p.value for p in bench.store.metadata.metrics(run.id, "a")] == [1.0, 2.0]
    assert dict(run.metrics) == {"a": 2.0, "b": 3.0}


def test_children_log_to_the_run_of_their_parent(bench: Workbench, tmp_path: Path) -> None:
    text = """
    import os
    kf.log_metric("a", 1)
    if os.fork() == 0:
        kf.log_metric("b", 2)
        raise SystemExit
    os.wait()
    """
    assert script(tmp_path, text) == 0
    assert len(bench.runs()) == 1
    run = shown(bench).run
    assert (run.state, dict(run.metrics)) == (State.SUCCEEDED, {"a": 1.0, "b": 2.0})


def test_a_script_that_records_nothing_makes_no_run(bench: Workbench, tmp_path: Path) -> None:
    assert script(tmp_path, "kf.log_metric") == 0
    assert len(bench.runs()) == 0

"""Whole notebooks through the local engine: real runs in processes of their own, with real kernels."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_kf.config import Settings
from jupyter_kf.engine.local import LocalEngine
from jupyter_kf.engine.locks import holder
from jupyter_kf.errors import ConfigError, NotebookError, ParameterError, UsageError
from jupyter_kf.model.event import Event
from jupyter_kf.model.run import Execution, State
from jupyter_kf.nbrun import salvage_notebooks, submit_notebook
from jupyter_kf.store import Store, open_store
from jupyter_kf.workbench import Workbench
from tests.unit.nbrun.notebooks import tagged, write

PATIENCE = 120.0


@dataclass
class Bench:
    """An engine on a home of its own."""

    settings: Settings
    store: Store
    engine: LocalEngine
    started: list[str] = field(default_factory=list)

    def submit(self, path: Path, parameters: dict[str, Any] | None = None, **options: Any) -> str:
        run = submit_notebook(self.engine, self.settings, path, parameters, **options)
        self.started.append(run)
        return run

    def run(self, path: Path, parameters: dict[str, Any] | None = None, **options: Any) -> tuple[State, Execution]:
        run = self.submit(path, parameters, **options)
        return self.engine.wait(run, timeout=PATIENCE), self.last(run)

    def last(self, run: str) -> Execution:
        return self.store.metadata.executions(run)[-1]

    def events(self, run: str, kind: str) -> list[Event]:
        return [e for e in self.store.metadata.events(0, run, None) if e.kind == kind]

    def until(self, run: str, seen: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < deadline
            assert not self.store.metadata.run(run).state.final
            time.sleep(0.05)

    def printed(self, run: str, text: str) -> Callable[[], bool]:
        def seen() -> bool:
            found = self.store.metadata.executions(run)
            path = Path(found[-1].folder, "stdout") if found and found[-1].folder else None
            return path is not None and path.exists() and text in path.read_text()

        return seen

    def notebook(self, digest: str) -> nbformat.NotebookNode:
        return nbformat.read(self.store.artifacts.path(digest), 4)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    settings = Settings(home=tmp_path / "home", grace=1.0)
    store = open_store(settings)
    made = Bench(settings, store, LocalEngine(settings, store))
    yield made
    for run in made.started:
        pid = holder(settings.home / "runs" / run)
        if pid:
            os.kill(pid, signal.SIGKILL)
    made.engine.recover()
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def test_a_notebook_runs_and_is_kept(bench: Bench, folder: Path) -> None:
    (folder / "beside.txt").write_text("found")
    path = write(
        folder / "n.ipynb",
        tagged("n: float = 1\nwho = 'x'", "parameters"),
        "print(n, who, open('beside.txt').read())",
        "import sys; print('warned', file=sys.stderr)",
        "from jupyter_kf.runtime.tracking import log_metric, set_tag\nlog_metric('acc', 0.5); set_tag('a', 'b'); n",
    )
    before = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
    state, execution = bench.run(path, {"n": "4"}, tags={"t": "1"}, experiment="E")
    run = bench.store.metadata.run(execution.run)
    assert (state, execution.state, execution.step, execution.error) == (
        State.SUCCEEDED,
        State.SUCCEEDED,
        "notebook",
        None,
    )
    assert (run.kind, run.experiment, dict(run.parameters)) == ("notebook", "E", {"n": 4.0, "who": "x"})
    assert run.tags["t"] == "1" and run.tags["a"] == "b"
    assert dict(run.metrics) == {"acc": 0.5}
    assert Path(execution.folder, "stdout").read_text() == "4.0 x found\n"
    assert Path(execution.folder, "stderr").read_text() == "warned\n"
    lines = [json.loads(line) for line in Path(execution.folder, "outputs.jsonl").read_text().splitlines()]
    assert [(x["cell"], x["output"]["output_type"]) for x in lines] == [
        ("c1", "stream"),
        ("c2", "stream"),
        ("c3", "execute_result"),
    ]
    made = bench.notebook(execution.outputs["notebook"])
    assert [c.metadata.tags for c in made.cells][:2] == [["parameters"], ["injected-parameters"]]
    assert made.cells[-1].outputs[0].data["text/plain"] == "4.0"
    artifact = bench.store.metadata.artifact(execution.outputs["notebook"])
    assert (artifact.kind, artifact.names) == ("notebook", ("notebook",))
    progress = [(e.data["done"], e.data["total"]) for e in bench.events(run.id, "execution.progress")]
    assert progress[0] == (0, 5) and progress[-1] == (5, 5)
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    assert sorted(p.name for p in folder.iterdir()) == ["beside.txt", "n.ipynb"]


def test_a_folder_that_cannot_be_written_is_no_hindrance(bench: Bench, folder: Path) -> None:
    path = write(folder / "n.ipynb", "import os; print(os.getcwd(), end='')")
    path.chmod(0o400)
    folder.chmod(0o500)
    before = folder.stat().st_mtime_ns, path.stat().st_mtime_ns
    state, execution = bench.run(path)
    folder.chmod(0o700)
    assert state is State.SUCCEEDED
    assert Path(execution.folder, "stdout").read_text() == str(folder)
    assert (folder.stat().st_mtime_ns, path.stat().st_mtime_ns) == before  # root may write: so see that it did not


def test_a_failure_points_at_the_cell_and_line(bench: Bench, folder: Path) -> None:
    path = write(
        folder / "n.ipynb",
        tagged("n = 1", "parameters"),
        "def f(x):\n    return 1 / x",
        "y = 2\n\nf(0)  # here",
        "print('never')",
    )
    state, execution = bench.run(path, {"n": 2})
    error = execution.error
    assert state is State.FAILED and error is not None
    assert (error["code"], error["cell"], error["cell_index"], error["line"]) == ("KF201", "c2", 2, 3)
    assert error["quote"] == "f(0)  # here"
    assert error["message"] == "ZeroDivisionError: division by zero"
    made = bench.notebook(execution.outputs["notebook"])
    assert [c.metadata.papermill.status for c in made.cells] == ["completed"] * 3 + ["failed", "pending"]
    assert Path(execution.folder, "stdout").read_text() == ""


def test_a_failed_run_is_run_again(bench: Bench, folder: Path) -> None:
    path = write(folder / "n.ipynb", "print(open('late.txt').read(), end='')")
    state, first = bench.run(path)
    assert state is State.FAILED
    (folder / "late.txt").write_text("there now")
    bench.engine.resume(first.run)
    assert bench.engine.wait(first.run, timeout=PATIENCE) is State.SUCCEEDED
    second = bench.last(first.run)
    assert (first.attempt, second.attempt) == (1, 2)
    assert Path(second.folder, "stdout").read_text() == "there now"


def test_an_error_that_is_expected_or_a_polite_exit_is_none(bench: Bench, folder: Path) -> None:
    path = write(folder / "n.ipynb", tagged("1 / 0", "raises-exception"), "import sys; sys.exit(0)", "print('never')")
    state, execution = bench.run(path)
    assert state is State.SUCCEEDED
    assert Path(execution.folder, "stdout").read_text() == ""


@pytest.mark.parametrize(
    ("options", "said"), [({"timeout": 4.0}, "The notebook"), ({"cell_timeout": 1.0}, "A cell was")]
)
def test_time_limits(bench: Bench, folder: Path, options: dict[str, float], said: str) -> None:
    path = write(folder / "n.ipynb", "print('a')", "import time\ntime.sleep(100)", "print('never')")
    state, execution = bench.run(path, **options)
    error = execution.error
    assert state is State.FAILED and error is not None
    assert (error["code"], error["cell"], error["line"]) == ("KF221", "c1", 2)
    assert error["message"].startswith(said)
    assert Path(execution.folder, "stdout").read_text() == "a\n"


def test_cancel_interrupts_and_then_kills(bench: Bench, folder: Path) -> None:
    stubborn = "import subprocess, time\nsubprocess.Popen(['sleep', '600'])\nprint('on', flush=True)\n"
    stubborn += "while True:\n    try:\n        time.sleep(600)\n    except KeyboardInterrupt:\n        pass"
    run = bench.submit(write(folder / "n.ipynb", stubborn))
    bench.until(run, bench.printed(run, "on"))
    bench.engine.cancel(run)
    assert bench.engine.wait(run, timeout=PATIENCE) is State.CANCELED
    execution = bench.last(run)
    assert execution.state is State.CANCELED
    assert bench.notebook(execution.outputs["notebook"]).cells[0].outputs[0].text == "on\n"
    assert left_of(run) == []


def test_cancel_while_the_kernel_starts(bench: Bench, folder: Path) -> None:
    run = bench.submit(write(folder / "n.ipynb", "import time; time.sleep(600)"))
    bench.engine.cancel(run)
    assert bench.engine.wait(run, timeout=PATIENCE) is State.CANCELED
    assert left_of(run) == []


def test_a_dead_kernel_is_told_from_a_failing_cell(bench: Bench, folder: Path) -> None:
    path = write(folder / "n.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    state, execution = bench.run(path)
    assert state is State.FAILED and execution.error is not None
    assert (execution.error["code"], execution.error["cell_index"]) == ("KF220", 0)
    assert "SIGKILL" in execution.error["message"]


def test_a_killed_run_keeps_its_partial_notebook_and_leaves_no_process(bench: Bench, folder: Path) -> None:
    path = write(
        folder / "n.ipynb",
        "print('first', flush=True)",
        "import subprocess, time\nsubprocess.Popen(['sleep', '600'])\nprint('second', flush=True)\ntime.sleep(600)",
    )
    run = bench.submit(path)
    bench.until(run, bench.printed(run, "second"))
    copy = Path(bench.last(run).folder, "notebook.ipynb")
    bench.until(run, lambda: "first" in copy.read_text() and "second\\n" in copy.read_text())
    pid = holder(bench.settings.home / "runs" / run)
    assert pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while not bench.engine.recover():
        assert time.monotonic() < deadline
    assert salvage_notebooks(bench.store) == [run]
    assert salvage_notebooks(bench.store, [run]) == []
    assert bench.store.metadata.run(run).state is State.INTERRUPTED
    logged = bench.events(run, "artifact.logged")
    assert [e.data["name"] for e in logged] == ["notebook"]
    made = bench.notebook(logged[0].data["artifact"]["digest"])
    assert [c.outputs[0].text for c in made.cells] == ["first\n", "second\n"]
    assert [c.metadata.papermill.status for c in made.cells] == ["completed", "running"]
    assert left_of(run) == []
    assert sorted(p.name for p in copy.parent.iterdir() if p.name.startswith(".") or p.suffix == ".json") == []


def test_who_waits_for_a_killed_run_leaves_its_notebook_to_the_next_look(bench: Bench, folder: Path) -> None:
    run = bench.submit(write(folder / "n.ipynb", "print('on', flush=True)", "import time\ntime.sleep(600)"))
    bench.until(run, bench.printed(run, "on"))
    copy = Path(bench.last(run).folder, "notebook.ipynb")
    bench.until(run, lambda: "on\\n" in copy.read_text())
    pid = holder(bench.settings.home / "runs" / run)
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert bench.engine.wait(run, timeout=PATIENCE) is State.INTERRUPTED
    with Workbench(bench.settings) as workbench:
        for _ in range(2):
            assert [entry.name for entry in workbench.artifacts(run).entries] == ["notebook"]
    (logged,) = bench.events(run, "artifact.logged")
    made = bench.notebook(logged.data["artifact"]["digest"])
    assert [c.metadata.papermill.status for c in made.cells] == ["completed", "running"]


def test_a_notebook_of_another_language(
    bench: Bench, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bash_kernel")
    spec = tmp_path / "jupyter" / "kernels" / "a-shell"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Bash", "language": "bash", "codemirror_mode": "shell"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    cells = (tagged("who=me", "parameters"), 'echo "hello $who"', "cd /; pwd")
    path = write(folder / "n.ipynb", *cells, kernel="a-shell", language="bash")
    state, execution = bench.run(path, {"who": "a 'b' c"})
    assert state is State.SUCCEEDED, execution.error
    assert Path(execution.folder, "stdout").read_text() == "hello a 'b' c\n/\n"


def test_displays_and_updates(bench: Bench, folder: Path) -> None:
    path = write(
        folder / "n.ipynb",
        "print('x'); print('y', flush=True)\nd = display('old', display_id=True)\nprint('z')",
        "d.update('new')",
        "for i in range(50):\n    print(i, flush=True)",
    )
    state, execution = bench.run(path)
    assert state is State.SUCCEEDED
    cells = bench.notebook(execution.outputs["notebook"]).cells
    assert [o.output_type for o in cells[0].outputs] == ["stream", "display_data", "stream"]
    assert cells[0].outputs[1].data["text/plain"] == "'new'"
    assert [o.text for o in cells[2].outputs] == ["".join(f"{i}\n" for i in range(50))]


def test_an_old_notebook_without_ids(bench: Bench, folder: Path) -> None:
    path = folder / "n.ipynb"
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    old = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [{**cell, "source": ["a = 1\n", "b"]}]}
    path.write_text(json.dumps(old), "utf-8-sig")
    state, execution = bench.run(path)
    assert state is State.FAILED and execution.error is not None
    assert (execution.error["cell"], execution.error["cell_index"], execution.error["line"]) == ("0", 0, 2)


def test_text_of_the_session_replaces_the_saved_text(bench: Bench, folder: Path) -> None:
    path = write(folder / "n.ipynb", "print('saved')")
    _, execution = bench.run(path, overrides={"c0": "print('newer')"})
    assert Path(execution.folder, "stdout").read_text() == "newer\n"
    assert nbformat.read(path, 4).cells[0].source == "print('saved')"


def test_what_cannot_run_is_refused_before_there_is_a_run(bench: Bench, folder: Path) -> None:
    path = write(folder / "n.ipynb", tagged("lr = 1", "parameters"))
    with pytest.raises(ParameterError):
        bench.submit(path, {"rl": "2"})
    with pytest.raises(ConfigError, match="not installed"):
        bench.submit(path, kernel="no-such-kernel")
    with pytest.raises(UsageError, match="time limit"):
        bench.submit(path, timeout=0.0)
    with pytest.raises(NotebookError):
        bench.submit(folder / "gone.ipynb")
    assert bench.store.metadata.count_runs() == 0


def left_of(run: str) -> list[str]:
    """Command lines of the processes that carry the run's mark and do not go away."""
    deadline = time.monotonic() + 10.0
    while (found := _marked(run)) and time.monotonic() < deadline:
        time.sleep(0.05)  # the run's own process says that the run is over just before it ends
    return found


def _marked(run: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"JUPYTER_KF_RUN={run}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [command for command in found if command]

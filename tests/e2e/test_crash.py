"""kill -9 of a step, of the fork server or of the supervisor, at any moment, then resume: nothing is lost or repeated.

``JUPYTER_KF_CRASH_RUNS`` says how many runs are made (40 by default).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_kf.config import Settings
from jupyter_kf.engine.base import RunRequest
from jupyter_kf.engine.local import LocalEngine
from jupyter_kf.engine.locks import holder
from jupyter_kf.model.event import Event
from jupyter_kf.model.pipeline import Pipeline
from jupyter_kf.model.run import State
from jupyter_kf.notebook import convert
from jupyter_kf.store import Store, digest_of, open_store
from tests.unit.engine.conftest import is_running

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="platform: looks for processes in /proc"
)

RUNS = int(os.environ.get("JUPYTER_KF_CRASH_RUNS", "40"))
KINDS = ("step", "supervisor", "server", "all")


def _notebook(seed: int, path: Path) -> Pipeline:
    """A diamond with a tail; each step leaves text, a value, some bytes and a metric."""
    text = (
        "%%kubeflow step {name}\n"
        "import time\n"
        "print('{name}', flush=True)\n"
        "time.sleep({nap})\n"
        "{name} = {value}\n"
        "{name}_blob = bytes(({seed} + i) % 256 for i in range(200_000))\n"
        "kf.log_metric('{name}', {name})"
    )
    draw = random.Random(seed)
    cells = ["import jupyter_kf as kf"]
    for name, needs in {"a": "", "b": "a", "c": "a", "d": "b c", "e": "d", "f": "e"}.items():
        value = " + ".join(["1", *needs.split()])
        cells.append(text.format(name=name, nap=round(draw.uniform(0, 0.06), 3), value=value, seed=seed))
    cells.append("%%kubeflow step end\nprint(f, len(f_blob))")
    notebook = new_notebook(cells=[new_code_cell(cell, id=f"cell-{i}") for i, cell in enumerate(cells)])
    nbformat.write(notebook, path)
    converted = convert(path)
    assert converted.ok
    assert converted.pipeline is not None
    return converted.pipeline


RESULT = "7 200000\n"  # a=1, b=c=2, d=5, e=6, f=7


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Store, Path]]:
    home = tmp_path_factory.mktemp("crash")
    settings = Settings(home=home / "home", warm=3.0, grace=0.5)
    (home / "work").mkdir()
    store = open_store(settings)
    yield settings, store, home / "work"
    store.close()


def _processes(home: Path) -> dict[str, list[int]]:
    """Processes of this home: steps by their mark, servers by their command."""
    found: dict[str, list[int]] = {"step": [], "server": []}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environ = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"JUPYTER_KF_TEST_SESSION={os.environ['JUPYTER_KF_TEST_SESSION']}".encode() not in environ:
            continue
        if any(word.startswith(b"JUPYTER_KF_EXECUTION=") for word in environ):
            found["step"].append(int(entry.name))
        elif b"serve" in command:
            found["server"].append(int(entry.name))
    return found


def _strike(kind: str, settings: Settings, run: str, draw: random.Random) -> None:
    supervisor = holder(settings.home / "runs" / run)
    living = _processes(settings.home)
    victims = {"supervisor": [supervisor] if supervisor else [], **living}
    chosen = [pid for pids in victims.values() for pid in pids] if kind == "all" else victims[kind]
    for pid in chosen if kind == "all" else draw.sample(chosen, min(1, len(chosen))):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.mark.parametrize("seed", range(RUNS))
def test_nothing_committed_is_lost_or_repeated(place: tuple[Settings, Store, Path], seed: int) -> None:
    settings, store, work = place
    engine = LocalEngine(settings, store)
    draw = random.Random(seed)
    notebook = work / f"{seed}.ipynb"
    pipeline = _notebook(seed, notebook)
    run = engine.submit(RunRequest(str(notebook), notebook.read_bytes(), pipeline, no_cache=True))
    for blow in range(draw.randint(1, 3)):
        time.sleep(draw.uniform(0.0, 0.5 if blow else 1.0))
        _strike(draw.choice(KINDS), settings, run, draw)
        if engine.wait(run, timeout=draw.choice((0.0, 60.0))) in {State.INTERRUPTED, State.FAILED}:
            engine.resume(run)
    for _ in range(5):
        state = engine.wait(run, timeout=60)
        if state is State.SUCCEEDED:
            break
        engine.resume(run)
    assert state is State.SUCCEEDED
    _check_log(store.metadata.events(0, run, limit=None))
    executions = {e.step: e for e in store.metadata.executions(run, current=True)}
    assert {e.state for e in executions.values()} == {State.SUCCEEDED}
    assert Path(executions["end"].folder, "stdout").read_text() == RESULT
    for execution in executions.values():
        for digest in execution.outputs.values():
            assert digest_of(store.artifacts.path(digest)) == digest
    assert store.metadata.run(run).metrics == {"a": 1.0, "b": 2.0, "c": 2.0, "d": 5.0, "e": 6.0, "f": 7.0}
    _check_nothing_is_left(settings, run)


def _check_log(events: list[Event]) -> None:
    """A step that was done is never started again, and every start has one end."""
    done: set[str] = set()
    open_executions: set[str] = set()
    for event in events:
        if event.kind == "execution.started":
            assert event.step not in done
            open_executions.add(event.execution)
        elif event.kind == "execution.finished":
            open_executions.discard(event.execution)
            if event.data["state"] == State.SUCCEEDED:
                assert event.step not in done
                done.add(event.step)
        elif event.kind == "run.interrupted":
            open_executions.clear()
    assert not open_executions


def _check_nothing_is_left(settings: Settings, run: str) -> None:
    limit = time.monotonic() + 10
    while (left := [p for p in _processes(settings.home)["step"] if is_running(p) and _of(p, run)]) and (
        time.monotonic() < limit
    ):
        time.sleep(0.02)
    assert left == []
    folder = settings.home / "runs" / run
    while holder(folder) is not None and time.monotonic() < limit:
        time.sleep(0.02)
    assert holder(folder) is None
    names = {p.name for p in folder.rglob("*") if p.is_file()}
    assert names <= {
        "lock", "plan.json", "supervisor.log", "stdout", "stderr", "outputs.jsonl", "metrics.jsonl", "logged.jsonl",
        "manifest.json", "report.json", "replay.log", ".report.json",
    }  # fmt: skip
    assert list((settings.home / "artifacts" / "tmp").iterdir()) == []
    (slots,) = settings.home.glob("slots-*.db")
    with sqlite3.connect(slots) as database:
        assert database.execute("SELECT COUNT(*) FROM lease WHERE run = ?", (run,)).fetchone() == (0,)
    database.close()


def _of(pid: int, run: str) -> bool:
    try:
        return f"JUPYTER_KF_RUN={run}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def test_the_log_makes_the_same_tables_after_all_that(place: tuple[Settings, Store, Path]) -> None:
    _, store, _ = place
    before = [(r, store.metadata.executions(r.id)) for r in store.metadata.runs(limit=None)]
    store.metadata.rebuild()
    assert [(r, store.metadata.executions(r.id)) for r in store.metadata.runs(limit=None)] == before

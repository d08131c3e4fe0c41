"""Launchers: steps in real processes, forked and spawned, and the end of all they have started."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.engine import forking
from jupyter_kf.engine.forking import ForkLauncher, imports_of, socket_folder, stop_servers
from jupyter_kf.engine.process import Launcher, ProcessEvent, SpawnLauncher, kill_leftovers, open_launcher
from jupyter_kf.errors import EngineError
from jupyter_kf.runtime.marks import is_zombie, marked
from tests.unit.runtime.guest_steps import manifest_of

STARTS = ["spawn", pytest.param("fork", marks=pytest.mark.skipif(sys.platform != "linux", reason="platform: no fork"))]


@pytest.fixture(params=STARTS)
def launcher(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
    monkeypatch.setenv("JUPYTER_TOKEN", "secret-token")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret-token")
    monkeypatch.setenv("KEPT", "yes")
    opened = open_launcher(sys.executable, settings=Settings(home=tmp_path / "home", start=request.param, warm=2.0))
    assert isinstance(opened, ForkLauncher if request.param == "fork" else SpawnLauncher)
    yield opened
    opened.close()
    stop_servers(tmp_path / "home")


def listen(launcher: Launcher, kind: str, count: int = 1, patience: float = 60.0) -> list[ProcessEvent]:
    """Return all events up to the ``count``-th of a kind."""
    heard: list[ProcessEvent] = []
    limit = time.monotonic() + patience
    while sum(event.kind == kind for event in heard) < count:
        assert time.monotonic() < limit, heard
        select.select([launcher.fileno()], [], [], 1.0)
        heard += launcher.events()
    return heard


def exits(launcher: Launcher, count: int = 1) -> dict[str, ProcessEvent]:
    return {event.execution: event for event in listen(launcher, "exited", count) if event.kind == "exited"}


def start(launcher: Launcher, base: Path, execution: str, *cells: str, **fields: Any) -> Path:
    secrets = fields.pop("secret_env", None)
    launcher.start(manifest_of(base, list(cells), execution, **fields), secret_env=secrets)
    return base / execution


def wait_for(path: Path) -> str:
    limit = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < limit
        time.sleep(0.02)
    return path.read_text()


def test_a_step_is_started_reports_and_exits(launcher: Launcher, tmp_path: Path) -> None:
    source = (
        "import os, sys\n"
        "print({k for k in os.environ if 'TOKEN' in k}, os.environ['KEPT'], sys.flags.hash_randomization)"
    )
    folder = start(launcher, tmp_path, "e1", source, secret_env={"PASSWORD_TOKEN": "hidden-value"})
    heard = listen(launcher, "exited")
    assert [event.kind for event in heard] == ["started", "reported", "exited"]
    report = heard[1].report
    assert report is not None and report["state"] == "SUCCEEDED"
    assert heard[2].status == 0 and heard[0].pid == heard[2].pid
    assert (folder / "stdout").read_text() == "{'PASSWORD_TOKEN'} yes 0\n"
    for path in folder.iterdir():
        assert b"hidden-value" not in path.read_bytes() and b"secret-token" not in path.read_bytes()


def test_a_process_that_dies_says_how(launcher: Launcher, tmp_path: Path) -> None:
    start(launcher, tmp_path, "killed", "import os\nos.kill(os.getpid(), 9)")
    start(launcher, tmp_path, "left", "import os\nos._exit(3)")
    start(launcher, tmp_path, "failed", "1 / 0")
    ended = exits(launcher, 3)
    assert {name: event.status for name, event in ended.items()} == {"killed": -9, "left": 3, "failed": 1}


def test_thirty_steps_at_once(launcher: Launcher, tmp_path: Path) -> None:
    count = 30 if isinstance(launcher, ForkLauncher) else 6
    for number in range(count):
        start(launcher, tmp_path, f"e{number}", f"import random\nprint({number}, random.random())")
    heard = listen(launcher, "exited", count)
    assert sum(event.kind == "reported" and event.report["state"] == "SUCCEEDED" for event in heard) == count
    lines = [(tmp_path / f"e{number}" / "stdout").read_text().split() for number in range(count)]
    assert [int(line[0]) for line in lines] == list(range(count))
    assert len({line[1] for line in lines}) == count


def test_kill_is_polite_first(launcher: Launcher, tmp_path: Path) -> None:
    source = "import time\nopen('here', 'w').write('x')\ntry:\n    time.sleep(60)\nfinally:\n    print('cleaned up')"
    folder = start(launcher, tmp_path, "e1", source)
    wait_for(tmp_path / "notebook" / "here")
    launcher.kill("e1", 30.0)
    heard = listen(launcher, "exited")
    assert heard[-2].report["error"]["code"] == "KF202"
    assert "cleaned up" in (folder / "stdout").read_text()


def test_kill_takes_the_whole_tree(launcher: Launcher, tmp_path: Path) -> None:
    source = (
        "import os, signal, subprocess, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['sleep', '61'])\nsubprocess.Popen(['sleep', '62'], start_new_session=True)\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(63)\n    os._exit(0)\n"
        "open('here', 'w').write('x')\ntime.sleep(60)"
    )
    start(launcher, tmp_path, "tree-1", source)
    wait_for(tmp_path / "notebook" / "here")
    limit = time.monotonic() + 20
    while len(marked(["tree-1"])) < 4 and time.monotonic() < limit:
        time.sleep(0.02)
    assert len(marked(["tree-1"])) >= 4
    launcher.kill("tree-1", 0.2)
    assert exits(launcher)["tree-1"].status == -signal.SIGKILL
    assert _gone("tree-1")


def test_what_a_step_leaves_running_ends_with_it(launcher: Launcher, tmp_path: Path) -> None:
    source = "import subprocess\n!sleep 64 &\nsubprocess.Popen(['sleep', '65'], start_new_session=True); print('done')"
    start(launcher, tmp_path, "stray-1", source)
    assert exits(launcher)["stray-1"].status == 0
    assert _gone("stray-1")


def test_close_ends_what_runs(launcher: Launcher, tmp_path: Path) -> None:
    start(launcher, tmp_path, "closed-1", "import time\nopen('here', 'w').write('x')\ntime.sleep(60)")
    wait_for(tmp_path / "notebook" / "here")
    launcher.close()
    assert _gone("closed-1")
    launcher.close = lambda: None  # type: ignore[method-assign]


def _gone(execution: str) -> bool:
    limit = time.monotonic() + 10
    while [pid for pid in marked([execution]) if not is_zombie(pid)]:
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def test_leftovers_are_found_by_their_mark(launcher: Launcher, tmp_path: Path) -> None:
    start(launcher, tmp_path, "left-1", "import time\nopen('here', 'w').write('x')\ntime.sleep(60)")
    wait_for(tmp_path / "notebook" / "here")
    assert len(kill_leftovers(["left-1"])) >= 1
    assert exits(launcher)["left-1"].status == -signal.SIGKILL
    assert kill_leftovers(["left-1"]) == []


def test_an_interpreter_that_is_not_there_is_said(tmp_path: Path) -> None:
    for start_as in ("spawn", "fork"):
        opened = open_launcher("/no/such/python", settings=Settings(home=tmp_path, start=start_as))
        with pytest.raises(EngineError, match="cannot be started") as caught:
            start(opened, tmp_path, "e1", "1")
        assert caught.value.code == "KF710"
        opened.close()


forked = pytest.mark.skipif(sys.platform != "linux", reason="platform: fork server is for Linux")


@pytest.fixture
def fork_launcher(tmp_path: Path) -> Iterator[ForkLauncher]:
    opened = open_launcher(sys.executable, settings=Settings(home=tmp_path / "home", start="fork", warm=2.0))
    assert isinstance(opened, ForkLauncher)
    yield opened
    opened.close()
    stop_servers(tmp_path / "home")


def _server_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@forked
def test_what_a_spare_child_rehearses_leaves_no_trace(fork_launcher: ForkLauncher, tmp_path: Path) -> None:
    source = (
        "shell = get_ipython()\n"
        "print(In, Out, shell.execution_count, [n for n in globals() if n[:2] != '_i'], shell.displayhook.made)"
    )
    spawned = open_launcher(sys.executable, settings=Settings(home=tmp_path / "home", start="spawn"))
    try:
        expected = start(spawned, tmp_path, "spawned", source) / "stdout"
        assert exits(spawned)["spawned"].status == 0
    finally:
        spawned.close()
    for execution in ("first", "second"):
        folder = start(fork_launcher, tmp_path, execution, source)
        assert exits(fork_launcher)[execution].status == 0
        assert (folder / "stdout").read_text() == expected.read_text()
        time.sleep(0.5)  # so that the next one's child has rehearsed


@forked
def test_steps_survive_the_loss_of_the_server(fork_launcher: ForkLauncher, tmp_path: Path) -> None:
    start(fork_launcher, tmp_path, "e1", "import time\nopen('here', 'w').write('x')\ntime.sleep(60)")
    wait_for(tmp_path / "notebook" / "here")
    pid = listen(fork_launcher, "started")[0].pid
    os.kill(_server_of(pid), signal.SIGKILL)
    assert exits(fork_launcher)["e1"].status is None
    assert _gone("e1")
    start(fork_launcher, tmp_path, "e2", "print('again')")
    assert exits(fork_launcher)["e2"].status == 0


@forked
def test_a_run_that_a_step_starts_outlives_it(fork_launcher: ForkLauncher, tmp_path: Path) -> None:
    source = (
        "import os, subprocess\nenviron = {k: v for k, v in os.environ.items() if not k.startswith('JUPYTER_KF_')}\n"
        "def begin(**marks):\n    words = ['sleep', '67']\n"
        "    return subprocess.Popen(words, env={**environ, **marks}, start_new_session=True).pid\n"
        "print(begin(JUPYTER_KF_RUN='own'), begin(JUPYTER_KF_PAD='x' * 192), begin())"
    )
    folder = start(fork_launcher, tmp_path, "e1", source)
    assert exits(fork_launcher)["e1"].status == 0
    run, server, stray = map(int, (folder / "stdout").read_text().split())
    start(fork_launcher, tmp_path, "e2", "1")  # the server looks once more at what it has inherited
    assert exits(fork_launcher)["e2"].status == 0
    try:
        assert [is_zombie(pid) for pid in (run, server, stray)] == [False, False, True]
    finally:
        for pid in (run, server):
            os.kill(pid, signal.SIGKILL)


@forked
def test_places_of_servers_that_are_gone_are_cleared(
    fork_launcher: ForkLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(tempfile.mkdtemp(prefix="kf-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    try:
        folder = socket_folder()
        (folder / "gone.lock").touch()
        (folder / "killed.lock").touch()
        (folder / "killed.sock").touch()
        (folder / "killed.sock.pid").write_text("4194304")
        with (folder / "held.lock").open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            start(fork_launcher, tmp_path, "e1", "1")
            assert exits(fork_launcher)["e1"].status == 0
            left = {path.name for path in folder.iterdir()}
        assert not any(name.startswith(("gone", "killed")) for name in left)
        assert "held.lock" in left
    finally:
        shutil.rmtree(place)  # the server ends by itself, or by the fixture


def test_a_lock_that_was_taken_away_while_it_was_waited_for_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    took = threading.Event()

    def take() -> None:
        with forking._locked(path):
            took.set()

    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=take)
        waiting.start()
        assert not took.wait(0.2)
        path.unlink()
    waiting.join(10)
    assert took.is_set()
    assert path.exists()


@forked
def test_modules_are_loaded_ahead_once_they_are_judged(fork_launcher: ForkLauncher, tmp_path: Path) -> None:
    fragment = {
        "id": "i", "kind": "import", "names": ["st"], "source": "import statistics as st", "cell": "z", "cell_index": 0,
        "line": 1, "needs": [], "late": [], "future": [], "ipython": False,
    }  # fmt: skip
    limit = time.monotonic() + 60
    for number in range(1000):
        assert time.monotonic() < limit
        source = "import sys\nprint('statistics' in sys.modules)"
        folder = start(fork_launcher, tmp_path, f"e{number}", source, fragments=[fragment])
        assert exits(fork_launcher)[f"e{number}"].status == 0
        if (folder / "stdout").read_text() == "True\n":
            break
    held = json.loads(next((tmp_path / "home" / "cache").glob("preload-*.json")).read_text())
    assert held["verdicts"]["statistics"] == ""
    (tmp_path / "notebook" / "statistics.py").write_text("mine = 1\n")
    folder = start(fork_launcher, tmp_path, "local", "import statistics\nprint(statistics.mine)")
    assert exits(fork_launcher)["local"].status == 0
    assert (folder / "stdout").read_text() == "1\n"


@forked
def test_a_variable_that_is_read_at_start_gets_a_fresh_interpreter(fork_launcher: ForkLauncher, tmp_path: Path) -> None:
    source = "import sys, os\nprint(sys.flags.optimize, os.getppid())"
    plain = start(fork_launcher, tmp_path, "e1", source)
    other = start(fork_launcher, tmp_path, "e2", source, env={"PYTHONOPTIMIZE": "1"})
    ended = exits(fork_launcher, 2)
    assert {event.status for event in ended.values()} == {0}
    first, second = (folder.joinpath("stdout").read_text().split() for folder in (plain, other))
    assert (first[0], second[0]) == ("0", "1") and first[1] == second[1]


def test_imports_are_read_from_source() -> None:
    source = "from __future__ import x\nimport a.b as c, d\nfrom e.f import g, h as i\nfrom j import *"
    assert imports_of(source) == ["a.b", "d", "e.f:g", "e.f:h", "j"]
    assert imports_of("not python(") == []

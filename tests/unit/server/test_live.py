"""What clients hear while runs go on, and what the server does with runs that it did not start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.engine.locks import holder
from jupyter_kf.model.change import Touch
from jupyter_kf.server import contract
from jupyter_kf.server.app import CHANGES, NAME
from jupyter_kf.server.live import PAUSE, _Pace
from jupyter_kf.workbench import Workbench
from tests.unit.server.conftest import PIPELINE, WAITING, Call, over, write

FINAL = {"SUCCEEDED", "FAILED", "CANCELED", "INTERRUPTED"}
METRICS = (
    "%%kubeflow step log\nimport time, jupyter_kf as kf\n"
    "for i in range(100):\n    kf.log_metric('m', i, step=i)\n    time.sleep(0.02)"
)


class Client:
    """A browser: hears changes, keeps the newest state of each run and execution, knows its cursor."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.runs: dict[str, Any] = {}
        self.executions: dict[str, Any] = {}
        self.deleted: set[str] = set()

    async def hear(self, seconds: float = 30.0) -> dict[str, Any]:
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.read_message(), seconds))
            if message.pop("schema_id") == CHANGES:
                break
        schema = contract.document()["components"]["schemas"]["Changes"]
        errors = [f"{list(e.absolute_path)}: {e.message}" for e in contract.validator(schema).iter_errors(message)]
        assert not errors, errors[:3]
        self.messages.append(message)
        self.take(message)
        return message

    def take(self, changes: dict[str, Any]) -> None:
        self.runs |= {run["id"]: run for run in changes["runs"]}
        self.executions |= {e["id"]: e for e in changes["executions"]}
        self.deleted |= set(changes["deleted"])

    async def hear_the_end(self, run: str) -> None:
        while self.runs.get(run, {}).get("state") not in FINAL:
            await self.hear()


@pytest.fixture
def connect(jp_ws_fetch: Any) -> Callable[[], Any]:
    async def open_client() -> Client:
        return Client(await jp_ws_fetch("api", "events", "subscribe"))

    return open_client


async def test_a_client_hears_all_that_happens(call: Call, started: Any, connect: Any) -> None:
    client = await connect()
    run = (await started(wait=False))["run"]["id"]
    await client.hear_the_end(run)
    detail = await over(call, run)
    assert client.runs[run] == detail["run"]
    assert {e["id"]: e for e in detail["executions"]} == client.executions
    follows = [(a["cursor"], b["after"]) for a, b in zip(client.messages, client.messages[1:], strict=False)]
    assert all(cursor == after for cursor, after in follows)
    assert all(message["after"] < message["cursor"] for message in client.messages[1:])
    await call("PATCH", "/runs/{run}", {"note": "heard"}, run=run)
    while client.runs[run]["note"] != "heard":
        await client.hear()
    await call("DELETE", "/runs/{run}", run=run)
    while run not in client.deleted:
        await client.hear()


async def test_a_busy_run_is_told_ten_times_a_second(call: Call, started: Any, connect: Any) -> None:
    client = await connect()
    detail = await started({"a": METRICS}, wait=False)
    await client.hear_the_end(detail["run"]["id"])
    assert client.runs[detail["run"]["id"]]["metrics"] == {"m": 99}
    assert len(client.messages) < 60  # a hundred points were logged, and ten events besides


async def test_a_client_that_was_away_misses_nothing(call: Call, started: Any, connect: Any) -> None:
    early = (await call("GET", "/runs")).data
    run = (await started())["run"]["id"]
    late = await connect()
    gap = (await call("GET", "/changes", query={"after": early["cursor"]})).data
    late.take(gap)
    assert late.runs[run] == (await call("GET", "/runs/{run}", run=run)).data["run"]
    assert len(late.executions) == 3
    assert (gap["after"], gap["reset"]) == (early["cursor"], False)
    now = (await call("GET", "/changes", query={"after": gap["cursor"]})).data
    assert now == {
        "after": gap["cursor"],
        "cursor": gap["cursor"],
        "runs": [],
        "executions": [],
        "deleted": [],
        "reset": False,
    }
    await call("DELETE", "/runs/{run}", run=run)
    assert (await call("GET", "/changes", query={"after": gap["cursor"]})).data["deleted"] == [run]
    assert (await call("GET", "/changes")).status == 400
    assert (await call("GET", "/changes", query={"after": -1})).status == 400


async def test_changes_name_what_changed_and_no_more(call: Call, started: Any, jp_root_dir: Path) -> None:
    run = (await started(WAITING, wait=False))["run"]["id"]
    while not (before := (await call("GET", "/runs/{run}", run=run)).data)["executions"]:
        await asyncio.sleep(0.05)
    (jp_root_dir / "go").touch()
    await over(call, run)
    done = (await call("GET", "/changes", query={"after": before["cursor"]})).data
    assert {e["step"] for e in done["executions"]} == {"wait", "after"}
    await call("PATCH", "/runs/{run}", {"note": "x"}, run=run)
    noted = (await call("GET", "/changes", query={"after": done["cursor"]})).data
    assert ([r["note"] for r in noted["runs"]], noted["executions"]) == (["x"], [])


async def test_the_end_of_a_run_tells_what_it_ended(call: Call, started: Any, connect: Any) -> None:
    client = await connect()
    run = (await started(WAITING, wait=False))["run"]["id"]
    while not client.executions:
        await client.hear()
    await call("POST", "/runs/{run}/cancel", run=run)
    await client.hear_the_end(run)
    states = {e["step"]: e["state"] for e in client.executions.values()}
    assert states["wait"] == "CANCELED"
    assert set(states.values()) <= {"CANCELED", "SKIPPED"}


async def test_twenty_clients_hear_the_same(call: Call, started: Any, connect: Any) -> None:
    clients = [await connect() for _ in range(20)]
    run = (await started(wait=False))["run"]["id"]
    await asyncio.gather(*(client.hear_the_end(run) for client in clients))
    assert len({json.dumps(client.messages) for client in clients}) == 1


async def test_runs_that_others_start_are_found(call: Call, connect: Any, tmp_path: Path, home: Path) -> None:
    """As after a restart of the server: the run was there before, or comes from a shell."""
    path = write(tmp_path / "root_dir" / "nb.ipynb", PIPELINE)
    client = await connect()
    await call("GET", "/status")
    command = [sys.executable, "-m", "jupyter_kf", "run", str(path), "--detach", "--json"]
    shell = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, env=os.environ)
    run = json.loads(shell.stdout)["run"]["id"]
    await client.hear_the_end(run)
    assert client.runs[run]["path"] == "nb.ipynb"


@pytest.fixture
def earlier(home: Path, jp_root_dir: Path) -> str:
    """A run that was started before the server was."""
    with Workbench() as bench:
        return bench.run(write(jp_root_dir / "nb.ipynb", WAITING), detach=True).id


async def test_a_new_server_follows_the_runs_that_went_on(
    earlier: str, call: Call, connect: Any, jp_root_dir: Path, jp_serverapp: Any
) -> None:
    client = await connect()
    while not jp_serverapp.extension_manager.any_activity():
        await asyncio.sleep(0.02)
    assert (await call("GET", "/runs/{run}", run=earlier)).data["run"]["state"] == "RUNNING"
    (jp_root_dir / "go").touch()
    await client.hear_the_end(earlier)
    assert client.runs[earlier]["state"] == "SUCCEEDED"


async def test_a_broken_configuration_is_told_and_stops_no_server(call: Call, home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("colour = 1")
    answer = await call("GET", "/status")
    assert (answer.status, answer.data["code"]) == (422, "KF500")
    (home / "config.toml").unlink()
    assert (await call("GET", "/status")).status == 200


async def test_a_run_whose_process_was_killed_is_found_interrupted(
    call: Call, started: Any, connect: Any, home: Path, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_kf.server.live.RECOVERY", 0.2)
    client = await connect()
    run = (await started(WAITING, wait=False))["run"]["id"]
    while not client.executions:
        await client.hear()
    pid = holder(home / "runs" / run)
    assert pid
    os.kill(pid, signal.SIGKILL)
    await client.hear_the_end(run)
    assert client.runs[run]["state"] == "INTERRUPTED"


async def test_an_unfinished_run_is_activity(call: Call, started: Any, jp_serverapp: Any, jp_root_dir: Path) -> None:
    manager = jp_serverapp.extension_manager
    assert not manager.any_activity()
    run = (await started(WAITING, wait=False))["run"]["id"]
    while not manager.any_activity():
        await asyncio.sleep(0.02)
    while NAME not in jp_serverapp.web_app.settings["last_activity_times"]:
        await asyncio.sleep(0.02)
    assert (await call("GET", "/status")).data["running"] == 1
    (jp_root_dir / "go").touch()
    await over(call, run)
    while manager.any_activity():
        await asyncio.sleep(0.02)


async def test_prometheus_counts_what_ended(call: Call, started: Any, jp_fetch: Any) -> None:
    async def counted() -> float:
        text = (await jp_fetch("metrics")).body.decode()
        rows = [line for line in text.splitlines() if line.startswith("jupyter_kf_runs_finished_total{")]
        return sum(float(line.split()[-1]) for line in rows if 'state="SUCCEEDED"' in line)

    await call("GET", "/status")
    before = await counted()
    await started()
    while await counted() < before + 1:
        await asyncio.sleep(0.05)
    text = (await jp_fetch("metrics")).body.decode()
    assert 'jupyter_kf_execution_seconds_bucket{le="0.01",state="SUCCEEDED"}' in text


async def test_a_server_where_nothing_runs_leaves_no_trace(jp_serverapp: Any, home: Path) -> None:
    await asyncio.sleep(0)
    assert not home.exists()


async def test_the_end_of_the_server_ends_its_threads(
    call: Call, started: Any, jp_serverapp: Any, jp_root_dir: Path, home: Path
) -> None:
    run = (await started(WAITING, wait=False))["run"]["id"]
    mine = [t for t in threading.enumerate() if t.name.startswith("jupyter_kf")]
    assert mine
    (extension,) = jp_serverapp.extension_manager.extension_apps[NAME]
    await extension.stop_extension()
    assert not any(thread.is_alive() for thread in mine)
    assert holder(home / "runs" / run)  # the run goes on
    (jp_root_dir / "go").touch()
    while holder(home / "runs" / run):
        await asyncio.sleep(0.05)


def touch(cursor: int, run: str = "r") -> Touch:
    return Touch(cursor, "execution.started", run, "e", 0.0)


def test_pace_tells_the_first_change_at_once_and_gathers_the_next() -> None:
    pace = _Pace(10)
    assert not pace.due(100.0)
    pace.note([touch(11)])
    assert pace.due(100.0)
    assert [t.cursor for t in pace.take(100.0)] == [11]
    pace.went(11)
    pace.note([touch(12)])
    assert not pace.due(100.0)
    assert pace.left(100.0) == pytest.approx(PAUSE)
    pace.note([touch(13)])
    assert not pace.due(100.05)
    assert pace.due(100.0 + PAUSE)
    assert [t.cursor for t in pace.take(100.1)] == [12, 13]


def test_pace_tells_what_waits_with_the_first_change_of_another_run() -> None:
    pace = _Pace(0)
    pace.note([touch(1, "busy")])
    pace.take(100.0)
    pace.went(1)
    pace.note([touch(2, "busy")])
    assert not pace.due(100.01)
    pace.note([touch(3, "quiet")])
    assert pace.due(100.01)
    assert [t.run for t in pace.take(100.01)] == ["busy", "quiet"]
    pace.went(3)
    pace.note([touch(4, "busy")])
    assert not pace.due(100.0 + PAUSE)  # told at 100.01


def test_pace_begins_again_after_what_was_told() -> None:
    pace = _Pace(0)
    pace.note([touch(1)])
    pace.went(1)
    pace.note([touch(2)])
    pace.take(100.0)  # and then the store was away
    pace.again()
    assert (pace.seen, pace.told, pace.waits) == (1, 1, False)

"""Training jobs on this machine: real processes, their protocol, and what happens when some of them die."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_kf.config import Settings
from jupyter_kf.engine.locks import holder
from jupyter_kf.errors import EngineError
from jupyter_kf.jobs.manifest import JobRefused
from jupyter_kf.jobs.ports import Ports
from jupyter_kf.model.job import JobKind
from jupyter_kf.model.run import State
from jupyter_kf.runtime.marks import marked
from jupyter_kf.workbench import Workbench
from tests.unit.jobs.manifests import manifest, replica

TF, PT, JAX = JobKind.TF, JobKind.PYTORCH, JobKind.JAX


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with Workbench(Settings(home=tmp_path / "home", cpu=4.0, grace=2.0)) as opened:
        yield opened
        executions = [e for run in opened.jobs.list() for e in opened.show(run.id).executions]
        assert marked([e.id for e in executions]) == [], "no process is left"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(kind: JobKind, roles: dict[str, Any], **spec: Any) -> Path:
        path = tmp_path / "job.yaml"
        path.write_text(yaml.safe_dump(manifest(kind, roles, **spec)))
        return path

    return written


def python(code: str, count: int = 1, restart: str | None = None, kind: JobKind = TF) -> dict[str, Any]:
    return replica(kind, count, restart, command=["python", "-c", code])


def states(bench: Workbench, run: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for execution in bench.show(run).executions:
        found.setdefault(execution.step, []).append(str(execution.state))
    return found


def printed(bench: Workbench, run: str, step: str) -> list[str]:
    return [line.text for line in bench.logs(run, step) if line.stream == "stdout"]


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
    return found


def test_every_replica_gets_its_place_and_an_address_of_its_own(bench: Workbench, write: Callable[..., Path]) -> None:
    code = "import os; print(os.environ['TF_CONFIG'])"
    done = bench.jobs.run(write(TF, {"Chief": python(code), "Worker": python(code, 2), "Evaluator": python(code)}))
    assert done.view.state is State.SUCCEEDED
    configs = [json.loads(printed(bench, done.view.id, step)[0]) for step in states(bench, done.view.id)]
    chief = next(c for c in configs if c["task"]["type"] == "chief")
    hosts = [host for hosts in chief["cluster"].values() for host in hosts]
    assert sorted(chief["cluster"]) == ["chief", "worker"]
    assert len(hosts) == len(set(hosts)) == 3
    assert [c["type"] for c in done.status["conditions"] if c["status"]] == ["Created", "Succeeded"]


def test_replicas_meet_at_the_addresses_they_were_given(bench: Workbench, write: Callable[..., Path]) -> None:
    code = """
import json, os, socket, time
config = json.loads(os.environ["TF_CONFIG"])
hosts, me = config["cluster"]["worker"], config["task"]["index"]
host, port = hosts[0].split(":")
if me == 0:
    with socket.create_server((host, int(port))) as server:
        connection, _ = server.accept()
        print(connection.recv(100).decode())
else:
    for _ in range(200):
        try:
            socket.create_connection((host, int(port))).sendall(b"hello from 1")
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
"""
    done = bench.jobs.run(write(TF, {"Worker": python(code, 2)}))
    assert printed(bench, done.view.id, "worker-0") == ["hello from 1"]


def test_a_lost_replica_of_a_collective_job_brings_all_back(
    bench: Workbench, write: Callable[..., Path], tmp_path: Path
) -> None:
    code = f"""
import os, signal, time
from pathlib import Path
seen = Path({str(tmp_path)!r}, "seen")
if os.environ["RANK"] == "1" and not seen.exists():
    seen.touch()
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(0.5 if seen.exists() and os.environ["RANK"] == "1" else 1.0)
"""
    roles = {"Master": python(code, 1, "OnFailure", PT), "Worker": python(code, 2, "OnFailure", PT)}
    done = bench.jobs.run(write(PT, roles))
    assert done.view.state is State.SUCCEEDED
    assert done.status["restarts"] == 1
    assert {len(lives) for lives in states(bench, done.view.id).values()} == {2}
    killed = next(e for e in done.view.executions if e.state is State.FAILED)
    assert killed.error is not None
    assert (killed.step, killed.error["code"]) == ("worker-0", "KF734")
    assert "SIGKILL" in killed.error["message"]


def test_exit_codes_decide_under_their_policy(bench: Workbench, write: Callable[..., Path]) -> None:
    code = "import sys; sys.exit(3)"
    done = bench.jobs.run(
        write(TF, {"Worker": python(code, 1, "ExitCode"), "PS": python("import time; time.sleep(60)")})
    )
    assert done.view.state is State.FAILED
    assert states(bench, done.view.id) == {"ps-0": ["CANCELED"], "worker-0": ["FAILED"]}
    assert done.view.run.error is not None
    assert "1 Worker replica(s) failed" in done.view.run.error["message"]


def test_restarts_end_at_the_limit(bench: Workbench, write: Callable[..., Path]) -> None:
    roles = {"Worker": python("raise SystemExit(1)", 1, "OnFailure", JAX)}
    done = bench.jobs.run(write(JAX, roles, runPolicy={"backoffLimit": 1}))
    assert states(bench, done.view.id) == {"worker-0": ["FAILED", "FAILED"]}
    assert done.view.run.error is not None
    assert "backoff limit" in done.view.run.error["message"]


def test_a_deadline_ends_the_job(bench: Workbench, write: Callable[..., Path]) -> None:
    done = bench.jobs.run(
        write(TF, {"Worker": python("import time; time.sleep(60)")}, runPolicy={"activeDeadlineSeconds": 1})
    )
    assert done.view.state is State.FAILED
    assert states(bench, done.view.id) == {"worker-0": ["CANCELED"]}


def test_cancel_ends_all_that_a_replica_started(bench: Workbench, write: Callable[..., Path]) -> None:
    code = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print("ready", flush=True)
time.sleep(60)
"""
    started = bench.jobs.run(write(TF, {"Worker": python(code, 2)}), detach=True).view
    until(lambda: len([line for line in bench.logs(started.id) if line.text == "ready"]) == 2)
    bench.jobs.cancel(started.id)
    assert bench.wait(started.id).state is State.CANCELED


def test_suspend_resume_and_scale(bench: Workbench, write: Callable[..., Path]) -> None:
    roles = {"Chief": python("import time; time.sleep(60)"), "Worker": python("import time; time.sleep(60)")}
    run = bench.jobs.run(write(TF, roles), detach=True).view.id

    def going() -> set[str]:
        return {e.step for e in bench.show(run).executions if e.state is State.RUNNING}

    until(lambda: len(going()) == 2)
    bench.jobs.scale(run, worker="3")
    until(lambda: going() == {"chief-0", "worker-0", "worker-1", "worker-2"})
    bench.jobs.scale(run, worker="1")
    until(lambda: going() == {"chief-0", "worker-0"})
    bench.jobs.suspend(run)
    until(lambda: bench.show(run).state is State.PAUSED and not going())
    bench.jobs.resume(run)
    until(lambda: bench.show(run).state is State.RUNNING and len(going()) == 2)
    bench.jobs.cancel(run)
    assert bench.wait(run).state is State.CANCELED


def test_a_job_whose_own_process_is_killed_leaves_no_replica(bench: Workbench, write: Callable[..., Path]) -> None:
    run = bench.jobs.run(write(TF, {"Worker": python("import time; time.sleep(60)", 2)}), detach=True).view.id
    until(lambda: len([e for e in bench.show(run).executions if e.state is State.RUNNING]) == 2)
    pid = holder(bench.settings.home / "runs" / run)
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert bench.wait(run).state is State.INTERRUPTED
    assert marked([e.id for e in bench.show(run).executions]) == []


def test_a_program_that_is_not_there_fails_the_job_and_says_so(bench: Workbench, write: Callable[..., Path]) -> None:
    done = bench.jobs.run(write(TF, {"Worker": replica(TF, 1, command=["no-such-trainer"])}))
    [execution] = done.view.executions
    assert done.view.state is State.FAILED
    assert execution.error is not None
    assert execution.error["code"] == "KF733"
    assert "no-such-trainer" in execution.error["message"]


def test_all_replicas_wait_together_for_what_they_need(bench: Workbench, write: Callable[..., Path]) -> None:
    hungry = replica(TF, 2, command=["sleep", "60"], resources={"limits": {"cpu": "1500m"}})
    first = bench.jobs.run(write(TF, {"Worker": hungry}), detach=True).view.id
    until(lambda: len(bench.show(first).executions) == 2)
    second = bench.jobs.run(write(TF, {"Worker": hungry}), detach=True).view.id
    waiting = until(lambda: bench.jobs.show(second).waits_for)
    assert "3 CPU" in waiting
    assert bench.show(second).executions == ()
    bench.jobs.cancel(first)
    until(lambda: len(bench.show(second).executions) == 2)
    bench.jobs.cancel(second)
    bench.wait(second)


def test_what_never_fits_and_what_has_no_command_is_refused(bench: Workbench, write: Callable[..., Path]) -> None:
    huge = replica(TF, 2, command=["true"], resources={"limits": {"cpu": "100"}})
    with pytest.raises(EngineError) as refused:
        bench.jobs.run(write(TF, {"Worker": huge}))
    assert refused.value.code == "KF703"
    with pytest.raises(JobRefused) as silent:
        bench.jobs.run(write(TF, {"Worker": 1}))
    assert [finding.code for finding in silent.value.findings] == ["KF915"]
    assert len(bench.jobs.list()) == 0


def test_a_reserved_port_is_given_to_nobody_else(tmp_path: Path) -> None:
    with Ports(tmp_path) as first, Ports(tmp_path) as second:
        ports = [*first.reserve(50), *second.reserve(50)]
        assert len(set(ports)) == 100
        with socket.create_server(("127.0.0.1", ports[0])):
            assert ports[0] not in second.reserve(50)

"""Benchmarks, JupyterLab: many clients that listen to the changes of one server."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks import notebooks
from benchmarks.lab_server import (
    FINAL,
    cpu_seconds,
    memory_mb,
    percentile,
    server,
    server_pid,
    start_run,
    wait_for_end,
)
from benchmarks.measure import Context, Row
from tests.e2e.lab_server import LabServer

CHANGES = "urn:jupyter_kf:events:changes:v1"
_PATIENCE = 300.0


@dataclass
class _Heard:
    """What one client was told: when each cursor came, and how many messages did not follow on the one before."""

    at: dict[int, float] = field(default_factory=dict)
    gaps: int = 0
    last: int | None = None
    over: bool = False

    def take(self, event: dict[str, Any], run: str) -> None:
        now = time.perf_counter()
        if event["cursor"] == event["after"]:
            return
        if self.last is not None and event["after"] > self.last:
            self.gaps += 1
        self.last = event["cursor"]
        self.at[event["cursor"]] = now
        self.over = self.over or any(r["id"] == run and r["state"] in FINAL for r in event["runs"])


@dataclass(frozen=True)
class _Round:
    """One run with a number of clients; rate in messages a second, spread in ms from the first client to the last."""

    memory: float
    cpu_share: float
    rate: float
    gaps: int
    spread: float


def measure(context: Context) -> list[Row]:
    """Return the rows about many clients."""
    count = context.size(20, 3)
    with server(context, extension=False) as bare:
        without = memory_mb(server_pid(bare))
    with server(context) as lab:
        notebooks.wide(lab.root / "warm.ipynb", 2, 1)
        wait_for_end(lab, start_run(lab, "warm.ipynb"))
        cells = [
            f"# %%kubeflow step s{n}\nimport time\ntime.sleep(0.05)\ny{n} = {n}" for n in range(context.size(400, 12))
        ]
        notebooks.write(lab.root / "many.ipynb", cells)
        one = asyncio.run(_round(lab, 1))
        many = asyncio.run(_round(lab, count))
    one_client = f"{one.cpu_share:.2g} with 1 client"
    return [
        Row(
            f"server's memory, {count} clients, a run of {len(cells)} steps",
            "MB",
            many.memory,
            {"1 client": one.memory, "Lab's server without the extension, idle": without},
            1.1,
            "ratio",
            "1 client",
        ),
        Row(
            f"between two messages that each of {count} clients gets",
            "ms",
            1000 / many.rate,
            {"1 client": 1000 / one.rate},
            note=f"{many.rate:.2g} a second; at most about ten are sent",
        ),
        Row(f"messages missed by {count} clients", "", float(many.gaps), goal=0.0),
        Row(f"from the first of {count} clients to the last, p95", "ms", many.spread, goal=60.0),
        Row("server's CPU", "share of a core", many.cpu_share, note=one_client),
    ]


async def _round(lab: LabServer, count: int) -> _Round:
    from tornado.websocket import websocket_connect

    address = f"{lab.base.replace('http', 'ws', 1)}api/events/subscribe?token={lab.token}"
    sockets = [await websocket_connect(address) for _ in range(count)]
    heard = [_Heard() for _ in sockets]
    pid = server_pid(lab)
    cpu, begin = cpu_seconds(pid), time.perf_counter()
    run = await asyncio.to_thread(start_run, lab, "many.ipynb")

    async def listen(socket: Any, what: _Heard) -> None:
        while not what.over:
            text = await socket.read_message()
            if text is None:
                raise RuntimeError("the server closed a socket")
            event = json.loads(text)
            if event.get("schema_id") == CHANGES:
                what.take(event, run)

    try:
        await asyncio.wait_for(asyncio.gather(*map(listen, sockets, heard)), _PATIENCE)
    except TimeoutError as exc:
        raise RuntimeError("a client did not hear of the run's end") from exc
    finally:
        for socket in sockets:
            socket.close()
    seconds = time.perf_counter() - begin
    everywhere = set.intersection(*(set(h.at) for h in heard))
    spread = [1000 * (max(h.at[c] for h in heard) - min(h.at[c] for h in heard)) for c in everywhere]
    return _Round(
        memory_mb(pid),
        (cpu_seconds(pid) - cpu) / seconds,
        sum(len(h.at) for h in heard) / count / seconds,
        sum(h.gaps for h in heard),
        percentile(spread, 0.95),
    )

"""A store with very many runs.

Milliseconds to list, filter, sort and open in a SQLite store, in a process that has it open already, with the newest
fifty asked for. The floor reads fifty rows of the table of runs with plain `sqlite3`.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measure import Context, Row, take_turns
from jupyter_kf.config import load_settings
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.store import open_store


def _history(number: int, rng: random.Random, start: float) -> Iterator[Event]:
    """The events of one run with two steps, as an engine would record them."""
    run, moment = new_id(start + number), start + number
    yield Event(
        "run.submitted",
        run,
        moment,
        data={
            "name": f"study-{number % 97}",
            "kind": "pipeline",
            "experiment": f"experiment {number % 23}",
            "notebook": f"/home/me/notebooks/study{number % 97}.ipynb",
            "pipeline": f"study{number % 97}",
            "engine": "local",
            "parameters": {"lr": rng.random(), "depth": number % 7},
            "tags": {"team": "abc"[number % 3]},
            "snapshot": "",
            "environment": "",
        },
    )
    yield Event("run.started", run, moment, data={"pid": 1})
    for step in ("load", "train"):
        execution = new_id(moment)
        about = {"attempt": 1, "inputs": {}, "cache_key": "", "reason": "", "folder": "", "pid": 1}
        yield Event("execution.started", run, moment, step, execution, about)
        points = [["acc", rng.random(), None, moment], ["loss", rng.random(), None, moment]] if step == "train" else []
        if points:
            yield Event("metrics.logged", run, moment, step, execution, {"points": points})
        done = {"state": "SUCCEEDED", "cached": False, "attempt": 1, "cache_key": "", "reason": "", "seconds": 0.1}
        empty = {"inputs": {}, "outputs": {}, "report": None, "error": None, "artifacts": []}
        yield Event("execution.finished", run, moment + 0.2, step, execution, done | empty)
    yield Event(
        "run.finished", run, moment + 0.3, data={"state": "FAILED" if number % 11 == 0 else "SUCCEEDED", "error": None}
    )


def measure(context: Context) -> list[Row]:
    count = context.size(100_000, 200)
    rng = random.Random(0)
    start = time.time() - count - 10
    with context.home() as home:
        settings = load_settings({"JUPYTER_KF_HOME": str(home.path / "home")})
        store = open_store(settings)
        batch: list[Event] = []
        filling = time.perf_counter()
        for number in range(count):
            batch += _history(number, rng, start)
            if len(batch) > 10_000:
                store.metadata.append(batch)
                batch = []
        store.metadata.append(batch)
        filling = time.perf_counter() - filling
        metadata = store.metadata
        middle = metadata.runs(limit=1, offset=count // 2)[0].id
        plain = sqlite3.connect(home.path / "home" / "kf.db")
        asked: dict[str, Callable[[], Any]] = {
            "list the newest 50": lambda: metadata.runs(limit=50),
            "filter by metric and tag": lambda: metadata.runs('metrics.acc > 0.9 and tags.team = "a"', limit=50),
            "filter by parameter and state": lambda: metadata.runs("params.depth = 3 and state = FAILED", limit=50),
            "sort by metric": lambda: metadata.runs(sort="-metrics.acc", limit=50),
            "one experiment": lambda: metadata.runs(experiment="experiment 5", limit=50),
            "open one run": lambda: (metadata.run(middle), metadata.executions(middle), metadata.metrics(middle)),
        }
        rows = []
        for label, question in asked.items():
            question()

            def floor() -> float:
                begin = time.perf_counter()
                plain.execute("SELECT * FROM kf_runs ORDER BY rowid DESC LIMIT 50").fetchall()
                return (time.perf_counter() - begin) * 1000

            def ours(question: Callable[[], Any] = question) -> float:
                begin = time.perf_counter()
                question()
                return (time.perf_counter() - begin) * 1000

            found = take_turns(context.turns * 2, ours=ours, floor=floor)
            others = {"plain sqlite3, 50 rows": found["floor"]}
            rows.append(Row(f"{count} runs: {label}", "ms", found["ours"], others, 50.0))
        plain.close()
        store.close()
    rows.append(Row(f"{count} runs: record one (in batches)", "ms", filling / count * 1000))
    return rows

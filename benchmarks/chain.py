"""A chain of trivial steps.

Seconds a step of a chain in which each step adds one to a number. *run* counts from the run's start to its end as
recorded, *command* the whole of `jupyter kf run`, Python's start and the analysis included. `python -c pass` is the
start of an interpreter that does nothing, once for each step. KFP: `SubprocessRunner(use_venv=False)`, components
without its default `pip install`.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from benchmarks import notebooks
from benchmarks.environments import peer
from benchmarks.measure import ROOT, Context, Home, Row, process, take_turns


def run_seconds(document: dict[str, Any]) -> float:
    """Seconds from the start to the end of a run, as recorded with it."""
    run = document["run"]
    if run["state"] != "SUCCEEDED":
        raise RuntimeError(f"the run ended {run['state']}")
    return (datetime.fromisoformat(run["finished"]) - datetime.fromisoformat(run["started"])).total_seconds()


def kfp_seconds(context: Context, home: Home, steps: int, key: str) -> Any:
    """Return a function that runs KFP's chain once and gives seconds a step (``key``: ``first`` or ``second``)."""
    python = peer("kfp", context)
    if isinstance(python, str):
        return python
    turn = iter(range(10_000))

    def measured() -> float:
        folder = home.path / f"kfp-{key}-{next(turn)}"
        folder.mkdir()
        words = [python, "-m", "benchmarks.peers.kfp_chain", steps, folder, int(key == "second")]
        return float(process([str(w) for w in words], cwd=ROOT).json()[key])

    return measured


def measure(context: Context) -> list[Row]:
    steps = context.size(50, 5)
    with context.home() as home:
        notebooks.chain(home.path / "chain.ipynb", steps)
        home.kf("run", "chain.ipynb", "--no-cache")  # starts the fork server
        command: list[float] = []

        def ours() -> float:
            document = home.kf("run", "chain.ipynb", "--no-cache")
            command.append(document["seconds"] / steps)
            return run_seconds(document) / steps

        def floor() -> float:
            return sum(process([sys.executable, "-c", "pass"]).wall for _ in range(steps)) / steps

        kfp = kfp_seconds(context, home, steps, "first")
        found = take_turns(context.turns, ours=ours, floor=floor, kfp=kfp if callable(kfp) else None)
    others: dict[str, float | str] = {"python -c pass": found["floor"], "KFP 2.17.3": found.get("kfp", kfp)}
    whole = sorted(command)[len(command) // 2]
    return [
        Row(f"{steps} steps, run", "s/step", found["ours"], others, 0.5, "ratio", "python -c pass"),
        Row(f"{steps} steps, command", "s/step", whole, others),
    ]

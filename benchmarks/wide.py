"""A wide run.

Seconds for independent steps that each compute for a few hundredths of a second. The floor is a
`multiprocessing.Pool` of forked workers, one a core, that calls the same sums in processes which are already there:
no isolation, no record, nothing stored.
"""

from __future__ import annotations

import os
import time
from multiprocessing import get_context

from benchmarks import notebooks
from benchmarks.chain import run_seconds
from benchmarks.measure import Context, Row, take_turns


def work(size: int) -> int:
    return sum(i * i for i in range(size))


def measure(context: Context) -> list[Row]:
    steps, size = context.size(200, 8), context.size(300_000, 1000)
    with context.home() as home:
        notebooks.wide(home.path / "wide.ipynb", steps, size)
        home.kf("run", "wide.ipynb", "--no-cache")

        def ours() -> float:
            return run_seconds(home.kf("run", "wide.ipynb", "--no-cache"))

        def floor() -> float:
            with get_context("fork").Pool(os.cpu_count()) as pool:
                start = time.perf_counter()
                pool.map(work, [size] * steps, chunksize=1)
                return time.perf_counter() - start

        found = take_turns(context.turns, ours=ours, floor=floor)
    return [Row(f"{steps} steps on {os.cpu_count()} cores", "s", found["ours"], {"pool of processes": found["floor"]})]

"""Analysis of a notebook.

CPU seconds from the notebook's file to the pipeline, imports apart, for notebooks of functions, loops and
comprehensions with two cells a step. Kale: `NotebookProcessor.run()` on the same cells with Kale's tags, which is its
analysis only, without the code that it generates afterwards.
"""

from __future__ import annotations

import sys

from benchmarks import notebooks
from benchmarks.environments import peer
from benchmarks.measure import ROOT, Context, Row, process, take_turns

_OURS = """
import json, sys, time
from jupyter_kf.notebook import convert
convert(sys.argv[2])     # a small one first, which pays for the imports
start = time.process_time()
conversion = convert(sys.argv[1])
cpu = time.process_time() - start
assert conversion.ok, conversion.diagnostics[:3]
print(json.dumps({"cpu": cpu, "steps": len(conversion.pipeline.steps)}))
"""


def measure(context: Context) -> list[Row]:
    rows = []
    kale = peer("kale", context)
    with context.home() as home:
        small = notebooks.study(home.path / "small.ipynb", 5)
        for cells in [10, 20] if context.quick else [10, 100, 500, 1000]:
            ours = notebooks.study(home.path / f"ours-{cells}.ipynb", cells)
            theirs = notebooks.kale_study(home.path / f"kale-{cells}.ipynb", cells)

            def measured(path: object = ours) -> float:
                return float(process([sys.executable, "-c", _OURS, str(path), str(small)], cwd=ROOT).json()["cpu"])

            def measured_kale(path: object = theirs) -> float:
                words = [str(kale), "-m", "benchmarks.peers.kale_analysis", str(path)]
                return float(process(words, cwd=ROOT).json()["cpu"])

            # Kale takes minutes from some hundred cells on
            turns = 1 if cells > 100 else context.turns
            with_kale = measured_kale if not isinstance(kale, str) and (cells <= 500) else None
            found = take_turns(turns, ours=measured, kale=with_kale)
            reason = kale if isinstance(kale, str) else "not run: minutes"
            others: dict[str, float | str] = {"Kale 2.3.0": found.get("kale", reason)}
            goal = 0.3 if cells == 100 else None
            rows.append(Row(f"{cells} cells", "CPU s", found["ours"], others, goal))
    return rows

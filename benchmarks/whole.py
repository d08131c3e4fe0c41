"""A whole notebook.

Seconds to execute a notebook of trivial cells, start of the kernel included, imports not. nbclient executes and
writes once at the end, and is the floor; papermill's own engine writes the whole notebook twice a cell, ours every
few seconds.
"""

from __future__ import annotations

import sys

from benchmarks import notebooks
from benchmarks.measure import Context, Row, process, take_turns

_RUN = """
import json, logging, sys, time
logging.disable(logging.CRITICAL)
how, source, target = sys.argv[1:]
import nbformat, papermill
from nbclient import NotebookClient
start = time.perf_counter()
if how == "nbclient":
    notebook = nbformat.read(source, 4)
    NotebookClient(notebook, kernel_name="python3").execute()
    nbformat.write(notebook, target)
else:
    engine = {"engine_name": "jupyter_kf"} if how == "jupyter_kf" else {}
    papermill.execute_notebook(source, target, progress_bar=False, **engine)
seconds = time.perf_counter() - start
done = nbformat.read(target, 4)
assert done.cells[-1].outputs[0].text.strip() == "done"
print(json.dumps({"seconds": seconds}))
"""


def measure(context: Context) -> list[Row]:
    cells = context.size(1000, 10)
    with context.home() as home:
        source = notebooks.write(home.path / "many.ipynb", ["x = 0", *["x = x + 1"] * (cells - 2), "print('done')"])

        def executed(how: str) -> float:
            words = [sys.executable, "-c", _RUN, how, str(source), str(home.path / f"{how}.ipynb")]
            return float(process(words, env=home.environ, cwd=home.path).json()["seconds"])

        found = take_turns(
            min(context.turns, 3), ours=lambda: executed("jupyter_kf"), nbclient=lambda: executed("nbclient")
        )
        found |= take_turns(1, papermill=lambda: executed("papermill"))
    others: dict[str, float | str] = {"nbclient": found["nbclient"], "papermill": found["papermill"]}
    return [Row(f"{cells} cells", "s", found["ours"], others, 1.1, "ratio", "nbclient", note="papermill once")]

"""Logging metrics.

Microseconds a metric inside a step: `log_metric` one by one, and `log_metrics` with a hundred at a time. The floor
appends the same line to a file, flushed for each call.
"""

from __future__ import annotations

import json
import statistics
import sys

from benchmarks.measure import ROOT, Context, Row, process

_OURS = """
import json, time
import jupyter_kf as kf
n = {count}
kf.log_metric("warm", 0.0)
start = time.perf_counter()
for i in range(n):
    kf.log_metric("loss", 0.5, step=i)
single = (time.perf_counter() - start) / n
batch = {{f"m{{i}}": 0.5 for i in range(100)}}
start = time.perf_counter()
for i in range(n // 100):
    kf.log_metrics(batch, step=i)
print(json.dumps({{"single": single * 1e6, "batch": (time.perf_counter() - start) / (n // 100 * 100) * 1e6}}))
"""
_FLOOR = """
import json, sys, time
n = {count}
with open(sys.argv[1], "a") as file:
    start = time.perf_counter()
    for i in range(n):
        file.write(json.dumps(["loss", 0.5, i, time.time()]) + "\\n")
        file.flush()
    single = (time.perf_counter() - start) / n
    start = time.perf_counter()
    for i in range(n // 100):
        file.write("".join([json.dumps([f"m{{k}}", 0.5, i, time.time()]) + "\\n" for k in range(100)]))
        file.flush()
print(json.dumps({{"single": single * 1e6, "batch": (time.perf_counter() - start) / (n // 100 * 100) * 1e6}}))
"""


def measure(context: Context) -> list[Row]:
    count = context.size(20_000, 500)
    rows = []
    with context.home() as home:
        folder = home.path / "execution"
        folder.mkdir()
        environ = home.environ | {"JUPYTER_KF_FOLDER": str(folder)}
        taken: dict[str, list[dict[str, float]]] = {"ours": [], "floor": []}
        for _ in range(context.turns):
            words = [sys.executable, "-c", _OURS.format(count=count)]
            taken["ours"].append(process(words, env=environ, cwd=ROOT).json())
            words = [sys.executable, "-c", _FLOOR.format(count=count), str(home.path / "floor.jsonl")]
            taken["floor"].append(process(words, env=environ, cwd=ROOT).json())
        lines = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
        if len(lines) != context.turns * (1 + count + count // 100 * 100) or json.loads(lines[-1])[0] != "m99":
            raise RuntimeError(f"{len(lines)} metrics were recorded")
    for key, label, goal in (("single", "log_metric", 50.0), ("batch", "log_metrics, 100 at a time", 5.0)):
        ours, floor = (statistics.median(sample[key] for sample in taken[who]) for who in ("ours", "floor"))
        rows.append(Row(label, "µs", ours, {"append a line of JSON": floor}, goal))
    return rows

"""Handing over large values.

Seconds to store a value at the end of one step and load it at the start of the next, as the steps themselves report
it, finding out what changed and the SHA-256 digest included. The floor is `np.save` and `np.load(mmap_mode='r')` of
an array of as many bytes, 1.15 times, plus the digest of those bytes measured on its own. dill is what Kale uses.
Nobody waits for the disk. Text in a frame is memory that can be mapped where pyarrow is installed; without it pandas
keeps a Python object for each, which has to be pickled.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
import time
from importlib.util import find_spec
from typing import Any

from benchmarks import notebooks
from benchmarks.environments import peer
from benchmarks.measure import ROOT, Context, Home, Row, process, take_turns


def make(what: str, size: int) -> Any:
    """Return an ``array`` of float64, or a mixed data ``frame``, of about ``size`` bytes."""
    import numpy as np

    if what == "array":
        return np.random.default_rng(0).random(size // 8)
    import pandas as pd

    rows = size // 64
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.random(rows),
            "b": rng.random(rows),
            "c": rng.random(rows),
            "i": rng.integers(0, 1 << 40, rows),
            "j": rng.integers(0, 1 << 20, rows, dtype="int32"),
            "flag": rng.random(rows) > 0.5,
            "kind": pd.Categorical.from_codes(rng.integers(0, 8, rows), list("abcdefgh")),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
            "name": pd.Series(rng.integers(0, 10**6, rows)).astype("str"),
        }
    )


def _ours(home: Home, what: str) -> float:
    document = home.kf("run", f"{what}.ipynb", "--no-cache")
    folder = home.path / "home" / "runs" / document["run"]["id"]
    timings = {}
    for report in folder.rglob("report.json"):
        step = json.loads((report.parent / "manifest.json").read_text("utf-8"))["step"]
        timings[step] = json.loads(report.read_text("utf-8"))["timings"]
    return float(timings["make"]["store"] + timings["use"]["load"])


def _digest(size: int) -> float:
    data = bytearray(size)
    start = time.perf_counter()
    hashlib.sha256(data).digest()
    return time.perf_counter() - start


def measure(context: Context) -> list[Row]:
    rows = []
    dill = peer("dill", context)
    for what, size in (
        ("array", context.size(1_000_000_000, 1_000_000)),
        ("frame", context.size(500_000_000, 1_000_000)),
    ):
        with context.home() as home:
            notebooks.write(
                home.path / f"{what}.ipynb",
                [
                    # replayed before the value is loaded, whose time an import is none of
                    "import numpy as np\nimport pandas as pd",
                    inspect.getsource(make).replace("-> Any", ""),
                    f"# %%kubeflow step make\nvalue = make({what!r}, {size})",
                    "# %%kubeflow step use\nprint(np.shape(value), pd.__version__)",
                ],
            )

            _ours(home, what)  # starts the fork server

            def peer_seconds(python: object, how: str, of: str, size: int = size, folder: Any = home.path) -> float:
                words = [python, "-m", "benchmarks.peers.hand_over", how, of, size, folder]
                found = process([str(w) for w in words], cwd=ROOT).json()
                return float(found["write"] + found["read"])

            found = take_turns(
                min(context.turns, 3),
                ours=lambda what=what, home=home: _ours(home, what),
                floor=lambda seconds=peer_seconds: seconds(sys.executable, "numpy", "array"),
                digest=lambda size=size: _digest(size),
                dill=None
                if isinstance(dill, str)
                else lambda seconds=peer_seconds, what=what: seconds(dill, "dill", what),
            )
        bound = 1.15 * found["floor"] + found["digest"]
        others: dict[str, float | str] = {
            "np.save + np.load": found["floor"],
            "digest": found["digest"],
            "1.15 × floor + digest": bound,
            "dill": found.get("dill", dill if isinstance(dill, str) else ""),
        }
        label = f"{size / 1e9:g} GB {what}"
        text = "with pyarrow" if find_spec("pyarrow") else "without pyarrow"
        note = text if what == "frame" else ""
        rows.append(Row(label, "s", found["ours"], others, 1.0, "ratio", "1.15 × floor + digest", note))
    return rows

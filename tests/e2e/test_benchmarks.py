"""The benchmarks still work, at sizes whose numbers mean nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import NAMES
from benchmarks.measure import ROOT, Row, take_turns
from tests.e2e.lab_server import chromium, need
from tests.e2e.lab_workbench_page import need_extension


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs(name: str, tmp_path: Path) -> None:
    if name == "lab":
        need("jupyterlab", "JupyterLab")
        need_extension()
        with chromium():  # skips where there is none
            pass
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick", "--folder", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| --- |" in done.stdout
    assert not list(tmp_path.glob("kfb-*")), "the benchmark leaves no folder behind"


def test_goals_are_judged_by_value_or_ratio() -> None:
    assert Row("a", "s", 1.0, {"floor": 2.0}, 0.5, "ratio", "floor").met is True
    assert Row("a", "s", 1.1, {"floor": 2.0}, 0.5, "ratio", "floor").met is False
    assert Row("a", "s", 1.0, {"floor": "could not be installed"}, 0.5, "ratio", "floor").met is None
    assert Row("a", "s", 0.2, goal=0.1).met is False
    assert Row("a", "s", 0.2).met is None


def test_table_shows_ratio_and_missed_goal() -> None:
    text = report.table([Row("chain", "s", 3.0, {"floor": 2.0, "peer": "absent"}, 1.0, "ratio", "floor")])
    assert "floor: 2 (×1.5); peer: absent" in text
    assert "**missed**" in text


def test_subjects_take_turns() -> None:
    order: list[str] = []

    def subject(name: str, values: list[float]) -> float:
        order.append(name)
        return values.pop()

    a, b = [3.0, 1.0, 2.0], [5.0, 5.0, 5.0]
    found = take_turns(3, a=lambda: subject("a", a), b=lambda: subject("b", b), absent=None)
    assert found == {"a": 2.0, "b": 5.0}
    assert order == ["a", "b", "a", "b", "a", "b"]

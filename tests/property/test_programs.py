"""Random programs print as a pipeline of processes what they print in one namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.property.programs import Program, generate

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("JUPYTER_KF_PROGRAMS", "2000"))
WHOLE = int(os.environ.get("JUPYTER_KF_WHOLE_PROGRAMS", "100"))


@pytest.mark.timeout(1800)
def test_programs_through_analysis_scheduler_fork_server_and_steps(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONHASHSEED": "0", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.property.oracle", "--count", str(COUNT)],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    totals = json.loads(done.stdout.splitlines()[-1])
    assert totals["same"] + totals.get("unfit", 0) + totals.get("refused", 0) == COUNT, done.stdout
    assert totals["same"] >= 0.85 * COUNT, totals
    assert totals["superseded"] > 0, "no bet was ever lost, so nothing was learnt about lost bets"


@pytest.mark.timeout(1800)
def test_programs_through_the_command_line(tmp_path: Path) -> None:
    wanted = {}
    script = "import json, sys; from tests.property import programs as p; print(json.dumps({s: p.expected(p.generate(s)) for s in range(*map(int, sys.argv[1:]))}))"  # noqa: E501
    environ = {**os.environ, "PYTHONHASHSEED": "0", "JUPYTER_KF_HOME": str(tmp_path / "home")}
    told = subprocess.run(
        [sys.executable, "-c", script, "50000", str(50000 + 2 * WHOLE)],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    wanted = {int(seed): steps for seed, steps in json.loads(told.stdout).items() if steps is not None}

    def run(program: Program) -> tuple[int, dict[str, str] | str]:
        path = tmp_path / f"program{program.seed}.ipynb"
        path.write_bytes(program.notebook())
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_kf", "run", str(path), "--json"],
            cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout)
        if answer["run"] is None:
            return program.seed, "refused"
        if answer["run"]["state"] != "SUCCEEDED":
            return program.seed, json.dumps(answer["run"].get("error"))
        last = {e["step"]: e["stdout"] for e in answer["executions"]}
        return program.seed, last

    with ThreadPoolExecutor(2) as pool:
        results = dict(pool.map(run, (generate(seed) for seed in list(wanted)[: WHOLE + WHOLE // 4])))
    ran = {seed: printed for seed, printed in results.items() if printed != "refused"}
    different = {seed: printed for seed, printed in ran.items() if printed != wanted[seed]}
    assert not different, different
    assert len(ran) >= WHOLE

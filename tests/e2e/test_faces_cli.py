"""The command line as a script sees it: exit codes, JSON, signals, on real runs in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.keeps_processes  # a warm fork server outlives the tests

RUN_KEYS = {"id", "name", "experiment", "state", "parameters", "started", "finished"}
EXECUTION_KEYS = {"step", "state", "cached", "seconds", "stdout", "stderr", "error", "metrics", "attempt"}
CHECK_KEYS = {"code", "severity", "cell", "cell_index", "line", "message", "fix"}

GOOD = (
    "%%kubeflow params\nn = 3\nname = 'x'",
    "%%kubeflow step a\nimport sys\nxs = list(range(n))\nprint('hello', name)\nprint('oops', file=sys.stderr)",
    "%%kubeflow step b\nimport jupyter_kf as kf\ntotal = sum(xs)\nkf.log_metric('total', total)",
    "%%kubeflow step c\nprint(total, xs)",
)
BAD = ("%%kubeflow step a\nxs = 1\n\n1/0", "%%kubeflow step b\nprint(xs)")
REFUSED = ("%%kubeflow step a\nprint(undefined_thing)", "%%kubeflow stp b\nx = 1")
SLOW = (
    "%%kubeflow step a\nimport time, random\nprint('begun', flush=True)\nfor i in range(600):\n    time.sleep(0.1)",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faces")


def notebook(folder: Path, name: str, cells: tuple[str, ...]) -> Path:
    path = folder / f"{name}.ipynb"
    listed = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for i, text in enumerate(cells)
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": listed}))
    return path


def start(place: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "JUPYTER_KF_HOME": str(place / "home"), "NO_COLOR": "1", **env}
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_kf", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=place, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def kf(place: Path, *words: str) -> tuple[int, str, str]:
    process = start(place, *words)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def kf_json(place: Path, *words: str) -> tuple[int, dict]:
    code, out, _ = kf(place, *words, "--json")
    return code, json.loads(out)


def test_check_says_what_the_pipeline_is(place: Path) -> None:
    path = notebook(place, "good", GOOD)
    code, said = kf_json(place, "check", str(path))
    assert code == 0
    assert said["dialect"] == "kubeflow"
    assert said["diagnostics"] == []
    pipeline = said["pipeline"]
    assert pipeline["name"] == "good"
    assert pipeline["parameters"][0] == {"name": "n", "type": "int", "default": 3}
    steps = {step["name"]: step for step in pipeline["steps"]}
    assert list(steps) == ["a", "b", "c"]
    assert steps["c"] == {"name": "c", "cells": ["c3"], "inputs": ["total", "xs"], "outputs": [], "after": ["a", "b"]}


def test_check_exits_1_where_a_finding_is_an_error(place: Path) -> None:
    code, said = kf_json(place, "check", str(notebook(place, "refused", REFUSED)))
    assert code == 1
    assert all(set(finding) >= CHECK_KEYS for finding in said["diagnostics"])
    found = {finding["code"]: finding for finding in said["diagnostics"]}
    assert found["KF121"]["cell"] == "c0"
    assert (found["KF121"]["cell_index"], found["KF121"]["line"]) == (0, 2)
    assert "step" in found["KF107"]["fix"]


@pytest.mark.parametrize("content", ["", "no json", "[1]", '{"cells": 1}', '{"nbformat": 3, "worksheets": []}', "\xff"])
def test_a_file_that_is_no_notebook_is_a_finding(place: Path, content: str) -> None:
    path = place / "odd.ipynb"
    path.write_bytes(content.encode("latin-1"))
    code, said = kf_json(place, "check", str(path))
    assert code == 1
    assert said["pipeline"] is None
    assert said["diagnostics"][0]["severity"] == "error"
    code, said = kf_json(place, "run", str(path))
    assert code == 1
    assert said["run"] is None
    assert said["diagnostics"]


def test_run_and_run_again_from_the_cache(place: Path) -> None:
    path = notebook(place, "good", GOOD)
    code, said = kf_json(
        place, "run", str(path), "-p", "n=4", "--experiment", "trials", "--tag", "who=me", "--name", "one"
    )
    assert code == 0, said
    assert set(said["run"]) >= RUN_KEYS
    assert said["run"]["state"] == "SUCCEEDED"
    assert (said["run"]["experiment"], said["run"]["name"]) == ("trials", "one")
    assert said["run"]["parameters"] == {"n": 4, "name": "x"}
    assert said["run"]["started"].endswith("Z")
    assert all(set(execution) >= EXECUTION_KEYS for execution in said["executions"])
    first, second, third = said["executions"]
    assert (first["stdout"], first["stderr"]) == ("hello x\n", "oops\n")
    assert second["metrics"] == {"total": 6.0}
    assert third["stdout"] == "6 [0, 1, 2, 3]\n"
    assert [e["cached"] for e in said["executions"]] == [False] * 3
    code, again = kf_json(place, "run", str(path), "-p", "n=4")
    assert [e["cached"] for e in again["executions"]] == [True] * 3
    assert again["executions"][2]["stdout"] == "6 [0, 1, 2, 3]\n"
    code, anew = kf_json(place, "run", str(path), "-p", "n=4", "--no-cache")
    assert [e["cached"] for e in anew["executions"]] == [False] * 3


def test_a_failed_run_says_where(place: Path) -> None:
    path = notebook(place, "bad", BAD)
    code, said = kf_json(place, "run", str(path))
    assert code == 1
    states = {e["step"]: e["state"] for e in said["executions"]}
    assert states == {"a": "FAILED", "b": "SKIPPED"}
    error = said["executions"][0]["error"]
    assert (error["cell"], error["cell_index"], error["line"], error["quote"]) == ("c0", 0, 4, "1/0")
    code, out, err = kf(place, "run", str(path))
    assert code == 1
    assert "Cell [0] step:a, line 4" in out
    assert "Traceback (most recent call last)" in out
    assert "jupyter_kf/" not in out + err


def test_a_refused_run_is_null(place: Path) -> None:
    path = notebook(place, "refused", REFUSED)
    code, said = kf_json(place, "run", str(path))
    assert code == 1
    assert (said["run"], said["executions"]) == (None, [])
    assert {d["code"] for d in said["diagnostics"]} == {"KF121", "KF107"}
    code, out, err = kf(place, "run", str(path))
    assert (code, out) == (1, "")
    assert "undefined_thing" in err


def test_a_parameter_that_is_not_there_is_refused_with_the_nearest(place: Path) -> None:
    path = notebook(place, "good", GOOD)
    code, said = kf_json(place, "run", str(path), "-p", "nam=4")
    assert code == 1
    assert said["diagnostics"][0]["code"] == "KF300"
    assert "'name'" in said["diagnostics"][0]["fix"]


@pytest.mark.parametrize(
    ("words", "code", "near"),
    [
        (["rnu"], "KF400", "'run'"),
        (["run", "x.ipynb", "--detahc"], "KF401", "--detach"),
        (["run"], "KF402", "--help"),
        (["tune", "x.ipynb"], "KF400", "reserved"),
        (["check", "godo.ipynb"], "KF404", "'good.ipynb'"),
        (["show", "nosuchrun"], "KF410", ""),
        (["runs", "--state", "FAILD"], "KF405", "FAILED"),
        (["runs", "--filter", "metrics.acc >"], "KF412", ""),
        (["run", "good.ipynb", "-p", "n"], "KF403", "NAME=VALUE"),
        (["run", "good.ipynb", "--only", "d"], "KF450", ""),
    ],
)
def test_wrong_usage_exits_2(place: Path, words: list[str], code: str, near: str) -> None:
    notebook(place, "good", GOOD)
    status, said = kf_json(place, *words)
    assert status == 2
    assert said["error"]["code"] == code
    assert near in said["error"]["fix"] + said["error"]["message"]
    status, out, err = kf(place, *words)
    assert (status, out) == (2, "")
    assert code in err


def test_an_interrupt_cancels(place: Path) -> None:
    path = notebook(place, "slow", SLOW)
    process = start(place, "run", str(path), "--json")
    _until_printed(place, "slow")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    said = json.loads(out)
    assert said["run"]["state"] == "CANCELED"
    assert said["executions"][0]["state"] == "CANCELED"


def test_a_hang_up_leaves_the_run_alone_and_cancel_ends_it(place: Path) -> None:
    path = notebook(place, "slow2", (SLOW[0] + "\n# another",))
    process = start(place, "run", str(path))
    run = _until_printed(place, "slow2")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 129
    assert kf_json(place, "show", run)[1]["run"]["state"] == "RUNNING"
    follower = start(place, "logs", "-f", run)
    assert follower.stdout is not None
    assert "begun" in follower.stdout.readline()
    assert kf_json(place, "cancel", run)[1]["run"]["state"] in {"CANCELING", "CANCELED"}
    follower.communicate(timeout=60)
    assert follower.returncode == 0
    assert kf_json(place, "show", run)[1]["run"]["state"] == "CANCELED"


def _until_printed(place: Path, name: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        code, said = kf_json(place, "show", name)
        if code == 0 and any("begun" in e["stdout"] for e in said["executions"]):
            return str(said["run"]["id"])
        time.sleep(0.1)
    raise AssertionError("the step did not begin")


def test_detached_runs_go_on_by_themselves(place: Path) -> None:
    path = notebook(place, "good", GOOD)
    code, said = kf_json(place, "run", str(path), "-p", "n=5", "--detach", "--name", "alone")
    assert code == 0
    code, out, _ = kf(place, "logs", "-f", said["run"]["id"])
    assert "10 [0, 1, 2, 3, 4]" in out


def test_reading_a_run(place: Path, tmp_path: Path) -> None:
    path = notebook(place, "good", GOOD)
    run = kf_json(place, "run", str(path), "-p", "n=4", "--name", "read")[1]["run"]["id"]
    assert kf(place, "get", run, "a", "xs")[1] == "[0, 1, 2, 3]\n"
    assert kf(place, "get", run[:-2], "c", "total", "--inputs")[1] == "6\n"
    listed = kf_json(place, "get", run, "b")[1]
    assert {v["name"]: (v["type"], v["preview"]) for v in listed["values"]}["total"] == ("int", "6")
    assert kf(place, "get", run, "a", "xs", "-o", str(tmp_path / "xs.json"))[0] == 0
    assert json.loads((tmp_path / "xs.json").read_text()) == [0, 1, 2, 3]
    code, out, err = kf(place, "get", run, "a", "xss")
    assert (code, out) == (2, "")
    assert "'xs'" in err
    made = kf_json(place, "artifacts", run)[1]["artifacts"]
    assert {(a["step"], a["name"]) for a in made} >= {("a", "xs"), ("b", "total")}
    lineage = kf_json(place, "lineage", run, "a", "xs")[1]
    assert lineage["made_by"][0]["step"] == "a"
    assert {use["step"] for use in lineage["used_by"]} == {"b", "c"}
    assert kf(place, "logs", run, "c")[1] == "6 [0, 1, 2, 3]\n"
    assert "same code, inputs and environment" in kf(place, "show", run)[1]
    page = Path(kf(place, "report", run, "-o", str(tmp_path / "r.html"))[1].strip())
    text = page.read_text()
    assert "hello x" in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_comparing_tagging_and_deleting(place: Path) -> None:
    path = notebook(place, "good", GOOD)
    a = kf_json(place, "run", str(path), "-p", "n=4", "--name", "left")[1]["run"]["id"]
    notebook(place, "good", (*GOOD[:3], "%%kubeflow step c\nprint('changed', total, xs)"))
    b = kf_json(place, "run", str(path), "-p", "n=6", "--name", "right")[1]["run"]["id"]
    said = kf_json(place, "compare", a, b)[1]
    assert {"name": "n", "a": 4, "b": 6} in said["parameters"]
    assert {"name": "total", "a": 6.0, "b": 15.0} in said["metrics"]
    assert "+print('changed', total, xs)" in said["code"]["c"]
    assert said["environment"] == []
    assert kf(place, "tag", b, "team=ours")[0] == 0
    assert kf(place, "note", b, "looks", "good")[0] == 0
    found = kf_json(place, "runs", "--filter", 'tags.team = "ours" and metrics.total > 10', "--sort", "-metrics.total")
    assert [run["id"] for run in found[1]["runs"]] == [b]
    assert found[1]["runs"][0]["note"] == "looks good"
    assert kf(place, "delete", b)[0] == 0
    assert kf(place, "show", b)[0] == 2
    assert kf_json(place, "gc", "--dry-run")[0] == 0


def test_resume_with_the_corrected_notebook(place: Path) -> None:
    path = notebook(place, "mend", ("%%kubeflow step a\nx = 2", "%%kubeflow step b\nprint(x / 0)"))
    code, said = kf_json(place, "run", str(path))
    run = said["run"]["id"]
    notebook(place, "mend", ("%%kubeflow step a\nx = 2", "%%kubeflow step b\nprint(x / 1)"))
    code, said = kf_json(place, "resume", run, "--edited")
    assert (code, said["run"]["state"], said["run"]["id"]) == (0, "SUCCEEDED", run)
    last = {e["step"]: e for e in said["executions"]}
    assert last["b"]["stdout"] == "2.0\n"


def test_graphs(place: Path, tmp_path: Path) -> None:
    path = notebook(place, "good", GOOD)
    assert kf(place, "graph", str(path))[1].split()[:2] == ["●", "a"]
    assert kf(place, "graph", str(path), "--mermaid")[1].startswith("flowchart LR")
    assert kf(place, "graph", str(path), "-o", str(tmp_path / "g.svg"))[0] == 0
    assert (tmp_path / "g.svg").read_text().startswith("<svg")
    assert kf_json(place, "graph", str(path))[1]["edges"] == [["a", "b"], ["a", "c"], ["b", "c"]]


def test_a_whole_notebook(place: Path) -> None:
    path = notebook(place, "plain", ("n = 2", "import jupyter_kf\njupyter_kf.log_metric('n', n)\nprint('n is', n)"))
    checked = kf_json(place, "check", str(path))[1]
    assert checked["whole"] is True
    assert checked["pipeline"]["steps"] == []
    code, said = kf_json(place, "run", str(path))
    assert code == 0, said
    assert said["run"]["metrics"] == {"n": 2.0}
    assert "n is 2" in said["executions"][0]["stdout"]


def test_a_whole_notebook_is_resumed_as_it_is_today(place: Path) -> None:
    notebook(place, "whole", ("print('first')", "1 / 0"))
    run = kf_json(place, "run", "whole.ipynb")[1]["run"]["id"]
    notebook(place, "whole", ("print('second')", "print(1 / 1)"))
    code, said = kf_json(place, "resume", run)
    assert (code, said["executions"][-1]["stdout"]) == (1, "first\n")
    code, said = kf_json(place, "resume", run, "--edited")
    assert (code, said["run"]["state"]) == (0, "SUCCEEDED")
    assert said["executions"][-1]["stdout"] == "second\n1.0\n"


def test_a_value_of_the_wrong_type_is_told_with_the_place_of_its_parameter(place: Path) -> None:
    path = notebook(place, "typed", ("import math", "%%kubeflow params\nn = 3", "%%kubeflow step a\nprint(n)"))
    code, said = kf_json(place, "run", str(path), "-p", "n=many")
    assert code == 1
    found = said["diagnostics"][0]
    assert (found["code"], found["cell"], found["cell_index"], found["line"]) == ("KF301", "c1", 1, 2)


def test_doctor(place: Path) -> None:
    code, said = kf_json(place, "doctor")
    assert code == 0, said
    assert {f["topic"] for f in said["findings"]} >= {"jupyter_kf", "state folder", "database", "steps", "slots"}


def test_help_starts_fast_and_imports_little(place: Path) -> None:
    script = (
        "import sys\nfrom jupyter_kf.cli.main import main\nmain(['--help'])\n"
        "heavy = {'sqlalchemy', 'IPython', 'papermill', 'jupyter_client', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Notebooks:" in done.stdout


def test_the_output_fits_80_columns(place: Path) -> None:
    path = notebook(place, "good", GOOD)
    kf(place, "run", str(path), "--name", "a name that is long enough to be cut somewhere before the end of the line")
    process = start(place, "runs", COLUMNS="80")
    out, _ = process.communicate(timeout=60)
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "\x1b" not in out

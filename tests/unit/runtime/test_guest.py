"""The guest: cells run as in a notebook, and what comes of them is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.runtime.guest_steps import Ran, run_step


def texts(ran: Ran, cell: str = "c0") -> list[str]:
    return [o.get("text") or o.get("data", {}).get("text/plain", "") for o in ran.outputs.get(cell, [])]


def test_streams_and_displays_keep_their_order(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "import sys, subprocess\nprint('one')\ndisplay(2)\nprint('three', file=sys.stderr)\n"
        "_ = subprocess.run(['echo', 'four'])\n'five'",
    )
    assert ran.status == 0
    assert texts(ran) == ["one\n", "2", "four\n", "three\n", "'five'"] or texts(ran) == [
        "one\n", "2", "three\n", "four\n", "'five'",
    ]  # fmt: skip
    assert ran.stdout == "one\nfour\n"


def test_a_cell_is_run_as_in_a_kernel(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "%load_ext jupyter_kf\n%kubeflow runs\nimport asyncio, sys\n"
        "async def later():\n    await asyncio.sleep(0.01)\n    return 7\ntask = asyncio.create_task(later())",
        "%%kubeflow step train\nprint(await task, __name__, '__file__' in globals())",
        "%%kubeflow step train\n%%bash\necho from bash",
        "# %%kubeflow step train\n%time x = 3\nfiles = !echo a b\nprint(files, x, In[2][:12], sys.path[0])",
        "Out",
        "1 + 1;",
    )
    assert ran.report["error"] is None
    assert "7 __main__ False\n" in ran.stdout
    assert "from bash\n" in ran.stdout
    assert f"['a b'] 3 # %%kubeflow {tmp_path / 'notebook'}\n" in ran.stdout
    assert "c5" not in ran.outputs


def test_an_error_points_at_the_cell(tmp_path: Path) -> None:
    ran = run_step(tmp_path, "def f(x):\n    return 1 / x", "%%kubeflow step train\n\ny = 2\nf(0)", "print('not run')")
    error = ran.error
    assert ran.status == 1
    assert (error["code"], error["cell"], error["cell_index"], error["line"]) == ("KF201", "c1", 1, 4)
    assert error["quote"] == "f(0)"
    assert "  Cell [0] step:train, line 2, in f" in error["traceback"]
    assert error["traceback"][-1] == "ZeroDivisionError: division by zero"
    assert not any("IPython" in line or "runtime" in line for line in error["traceback"])
    assert ran.outputs["c1"][-1]["output_type"] == "error"
    assert "not run" not in ran.stdout


@pytest.mark.parametrize(
    ("source", "ename", "line"),
    [
        ("x = 1\ndef f(:\n    pass", "SyntaxError", 2),
        ("def f(n):\n    return f(n + 1)\nf(0)", "RecursionError", 2),
        ("class E(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise E()", "E", 4),
        ("x = 1\nraise ExceptionGroup('many', [ValueError('a'), KeyError('b')])", "ExceptionGroup", 2),
        ("x = 1\nraise KeyboardInterrupt", "KeyboardInterrupt", 2),
        ("import sys\nsys.exit(3)", "SystemExit", 2),
        ("x = 1\ninput('name? ')", "RuntimeError", 2),
        ("%%time\nx = 1\n1 / 0", "ZeroDivisionError", 3),
        ("x = 1\n%nosuchmagic", "UsageError", 2),
        ("x = 1\nraise MemoryError", "MemoryError", 2),
    ],
)
def test_whatever_is_raised_is_reported(tmp_path: Path, source: str, ename: str, line: int) -> None:
    ran = run_step(tmp_path, source)
    assert ran.report["state"] == "FAILED"
    assert ran.error["ename"] == ename
    assert ran.error["fix"]
    assert ename in ran.stderr
    if ename != "UsageError":
        assert ran.error["line"] == line


def test_exit_ends_the_step_without_failure(tmp_path: Path) -> None:
    for number, source in enumerate(["import sys\nprint('a')\nsys.exit()", "print('a')\nexit()"]):
        ran = run_step(tmp_path, source, "print('b')", execution=f"e{number}")
        assert (ran.status, ran.report["state"], ran.stdout) == (0, "SUCCEEDED", "a\n")


def test_hostile_code_does_not_lose_the_report(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "import os, sys, io\nos.mkdir('sub'); os.chdir('sub')\nsys.stdout.close()\nprint('still there é\\udc80')\n"
        "sys.stdout.buffer.write(bytes(range(256)))\nsys.stdout = io.StringIO()\nprint('hidden')",
        "pid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)\nopen('f', 'w').write('x')",
        "os.close(1)\nimport threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
    )
    assert ran.report["error"] is None
    assert "still there é\\udc80" in ran.stdout
    assert "hidden" not in ran.stdout
    assert list(ran.report["files_written"]) == [str(tmp_path / "notebook" / "sub" / "f")]


def test_processes_and_threads_work(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "import multiprocessing, concurrent.futures as cf, math, signal\n"
        "with cf.ThreadPoolExecutor() as pool:\n    print(list(pool.map(math.sqrt, [4, 9])))\n"
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n    print(pool.map(math.sqrt, [16]))\n"
        "def f(x):\n    return x * x\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n    print(pool.map(f, [5]))\n"
        "p = multiprocessing.get_context('fork').Process(target=signal.pause); p.start(); p.terminate(); p.join()\n"
        "print(p.exitcode)\nif __name__ == '__main__':\n    print('main')",
    )
    assert ran.report["error"] is None, ran.stderr
    assert ran.stdout == "[2.0, 3.0]\n[4.0]\n[25]\n-15\nmain\n"


def test_a_child_that_does_not_end_itself_ends_as_a_process_does(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "import os, sys\n"
        "def status(leave):\n    pid = os.fork()\n    if pid == 0:\n        leave()\n"
        "    return os.waitpid(pid, 0)[1] >> 8\n"
        "print(status(lambda: sys.exit(3)), status(lambda: 1 / 0), status(lambda: sys.exit('gone')))",
        "if os.fork():\n    print(os.wait()[1])",
    )
    assert ran.report["error"] is None
    assert ran.stdout == "3 1 1\n0\n"
    assert "ZeroDivisionError" in ran.stderr
    assert "gone" in ran.stderr


def test_text_held_back_comes_before_what_a_process_writes(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "import os, subprocess\nprint('a', end=' ')\n_ = subprocess.run(['echo', 'b'])\nprint('c', end=' ')\n"
        "if os.fork() == 0:\n    print('d')\n    os._exit(0)\nos.wait()\nprint('e')\n"
        "print('f', end=' ')\n!echo g",
    )
    assert ran.stdout == "a b\nc d\ne\nf g\n"


def test_setup_is_replayed_without_being_shown_again(tmp_path: Path) -> None:
    fragment = {
        "id": "s", "kind": "setup", "names": ["k"], "source": "print('from setup')\nk = !echo 5", "cell": "z",
        "cell_index": 0, "line": 1, "needs": [], "late": [], "future": [], "ipython": True,
    }  # fmt: skip
    ran = run_step(tmp_path, "", "print(k)", fragments=[fragment], replay=["s"])
    assert ran.stdout == "['5']\n"
    assert (ran.folder / "replay.log").read_text() == "from setup\n"
    fragment["source"] = "x = 1\n1 / 0"
    failed = run_step(tmp_path, "", "print(k)", execution="e2", fragments=[fragment], replay=["s"])
    assert (failed.error["ename"], failed.error["cell"], failed.error["line"]) == ("ZeroDivisionError", "z", 2)


def test_large_output_is_bounded_in_outputs_and_whole_in_the_file(tmp_path: Path) -> None:
    ran = run_step(tmp_path, "for i in range(300_000):\n    print('line', i)", limits={"cell": 20_000})
    assert ran.stdout.endswith("line 299999\n")
    kept = "".join(texts(ran))
    assert kept.startswith("line 0\n") and kept.endswith("line 299999\n")
    assert len(kept) < 21_000 and "left out here" in kept
    capped = run_step(tmp_path, "for i in range(1000):\n    print('line', i)", execution="e2", limits={"stream": 500})
    assert capped.report["state"] == "SUCCEEDED"
    assert len(capped.stdout) < 2000 or "left out" in capped.stdout


def test_figures_are_shown_once_at_the_end_of_the_cell(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path, "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])\nprint('drawn')", "fig"
    )
    assert ran.report["error"] is None, ran.stderr
    assert sum("image/png" in o.get("data", {}) for o in ran.outputs["c0"]) == 1
    assert sum("image/png" in o.get("data", {}) for o in ran.outputs["c1"]) == 1
    assert isinstance(ran.outputs["c1"][0]["data"]["image/png"], str)


def test_displays_are_updated_and_cleared(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "from IPython.display import HTML, clear_output\nprint('gone')\nclear_output(wait=True)\n"
        "h = display('first', display_id=True)\nh.update('second')\nHTML('<b>x</b>')",
    )
    assert texts(ran)[0] == "'second'"
    assert ran.outputs["c0"][1]["data"]["text/html"] == "<b>x</b>"
    assert len(ran.outputs["c0"]) == 2


def test_what_a_step_touches_is_noted(tmp_path: Path) -> None:
    notebook = tmp_path / "notebook"
    notebook.mkdir()
    (notebook / "mine.py").write_text("value = 3\n")
    (notebook / "data.csv").write_text("a,b\n1,2\n")
    ran = run_step(
        tmp_path,
        "import mine, socket, datetime\nprint(open('data.csv').read())\nopen('out.txt', 'w').write('x')\n"
        "s = socket.socket()\ns.settimeout(0.1)\n"
        "try:\n    s.connect(('127.0.0.1', 9))\nexcept OSError: pass\ns.close()\n"
        "datetime.datetime.now()",
    )
    assert list(ran.report["modules"]) == [str(notebook / "mine.py")]
    assert list(ran.report["files_read"]) == [str(notebook / "data.csv")]
    assert list(ran.report["files_written"]) == [str(notebook / "out.txt")]
    assert ran.report["impure"] == ["clock", "network"]


def test_tracking_inside_a_step(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "import jupyter_kf as kf\nkf.log_metric('loss', 2, step=1)\nkf.log_metrics({'loss': 1.5, 'acc': True})\n"
        "kf.log_param('lr', 0.1); kf.set_tag('a', 1); kf.set_note('n')\nopen('f.txt', 'w').write('x')\n"
        "kf.log_artifact('f.txt'); kf.log_artifact('f.txt')\nprint(kf.logdir())",
        "kf.log_metric('x', 'text')",
    )
    assert ran.report["metrics"] == {"loss": 1.5, "acc": 1.0}
    logged = [json.loads(line) for line in (ran.folder / "logged.jsonl").read_text().splitlines()]
    assert [record["kind"] for record in logged] == ["param", "tag", "note", "artifact", "artifact"]
    assert len({record["path"] for record in logged if record["kind"] == "artifact"}) == 2
    assert ran.error["ename"] == "TypeError" and "metric 'x'" in ran.error["message"]


def test_random_states_travel(tmp_path: Path) -> None:
    live = ["<random>", "<numpy.random>"]
    source = "import random, numpy as np\nrandom.seed(1); np.random.seed(2)\nrandom.random()"
    first = run_step(tmp_path, source, live=live, random=live)
    names = first.report["names"]
    assert {names[n]["state"] for n in live} == {"stored"}
    inputs = [{"digest": names[n]["digest"], "path": _path(tmp_path, names[n]["digest"]), "names": [n]} for n in live]
    source = "import random, numpy as np\nprint(random.random(), np.random.rand())"
    second = run_step(tmp_path, source, execution="e2", inputs=inputs, live=live, random=live)
    import random

    import numpy as np

    random.seed(1)
    random.random()
    assert second.stdout == f"{random.random()} {np.random.RandomState(2).rand()}\n"
    assert {v["state"] for v in second.report["names"].values()} == {"stored"}
    third = run_step(tmp_path, "1", execution="e3", inputs=inputs, live=live, random=live)
    assert {v["state"] for v in third.report["names"].values()} == {"unchanged"}


def _path(base: Path, digest: str) -> str:
    return str(base / "artifacts" / digest[:2] / digest)


def test_what_cannot_travel_fails_the_step_that_makes_it(tmp_path: Path) -> None:
    ran = run_step(tmp_path, "g = (i for i in range(3))\nok = 1", live=["g", "ok"], wanted=["g"])
    assert ran.error["code"] == "KF210"
    assert "'g'" in ran.error["message"] and ran.error["fix"]
    only_live = run_step(tmp_path, "g = (i for i in range(3))", execution="e2", live=["g"])
    assert only_live.report["names"]["g"]["state"] == "unstorable"


def test_future_features_of_cells_above_hold(tmp_path: Path) -> None:
    cell = "def f(x: Missing) -> None:\n    pass\nprint(f.__annotations__['x'])"
    assert run_step(tmp_path, cell).error["ename"] == "NameError"
    ran = run_step(tmp_path, cell, execution="e2", future=["annotations"])
    assert (ran.report["error"], ran.stdout) == (None, "Missing\n")


def test_context_variables_that_setup_sets_hold_in_the_cells(tmp_path: Path) -> None:
    source = "import contextvars\nVAR = contextvars.ContextVar('v', default='no')\nVAR.set('yes')"
    fragment = {"id": "f", "kind": "setup", "names": ["VAR"], "source": source, "cell": "s", "cell_index": 0, "line": 1}
    cells = ("print(VAR.get())\nVAR.set('more')", "print(VAR.get())")
    for ipython in (True, False):
        execution = f"e{ipython}"
        table = [{**fragment, "ipython": ipython}]
        ran = run_step(tmp_path, *cells, execution=execution, fragments=table, replay=["f"])
        assert ran.stdout == "yes\nmore\n"

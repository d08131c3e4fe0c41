"""Runs on this machine, with real processes: what the user gets told, and what is left when things go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_kf.engine.locks import RunLock, holder
from jupyter_kf.errors import ConfigError, EngineError, UsageError
from jupyter_kf.model.pipeline import Parameter, Pipeline
from jupyter_kf.model.run import State
from tests.unit.engine.conftest import Bench, is_running, make_pipeline, make_step

CHAIN = make_pipeline(
    make_step("a", "x = [n]\nprint('a', x)", needs="n", binds="x"),
    make_step("b", "y = x + [1]\nprint('b', y)", needs="x", binds="y"),
    make_step("c", "print('c', x + y)", needs="x y"),
    parameters={"n": 3},
)
WAIT = "while not os.path.exists('{}'): time.sleep(0.01)"
SLEEPER = "import time\nprint('here', flush=True)\ntime.sleep(60)"


def test_values_travel_and_everything_is_written_down(bench: Bench) -> None:
    run = bench.run(CHAIN, parameters={"n": "5"}, name="first", experiment="E", tags={"k": "v"}, note="hm")
    assert run.state is State.SUCCEEDED
    assert (run.name, run.experiment, run.note, dict(run.tags)) == ("first", "E", "hm", {"k": "v"})
    assert run.parameters == {"n": 5}
    assert bench.printed(run.id, "c") == "c [5, 5, 1]\n"
    executions = bench.executions(run.id)
    assert executions["b"].inputs == {"x": executions["a"].outputs["x"]}
    assert executions["c"].seconds is not None
    assert executions["c"].reason == "not cached: first run"
    assert bench.store.artifacts.has(run.snapshot)
    assert bench.store.artifacts.has(run.environment)
    with RunLock(bench.settings.home / "runs" / run.id) as lock:
        assert lock.acquire(10.0)  # its process has let go


def test_a_second_run_is_taken_from_the_cache_with_its_records(bench: Bench) -> None:
    pipeline = make_pipeline(
        make_step(
            "a",
            "import jupyter_kf as kf\nfor i in range(3): kf.log_metric('m', i, step=i)\nkf.set_tag('t', 'v')\nprint(1)",
        ),
        make_step("b", "print(2)", after="a", cache=False),
    )
    first = bench.run(pipeline)
    second = bench.run(pipeline)
    done = bench.executions(second.id)
    assert (done["a"].cached, done["b"].cached) == (True, False)
    assert done["a"].reason == "cached: same code, inputs and environment"
    assert done["b"].reason == "not cached: --no-cache"
    assert bench.printed(second.id, "a") == "1\n"
    assert first.metrics == second.metrics == {"m": 2.0}
    assert [p.value for p in bench.store.metadata.metrics(second.id)] == [0.0, 1.0, 2.0]
    assert dict(second.tags) == {"t": "v"}
    third = bench.run(pipeline, no_cache=True)
    assert not any(e.cached for e in bench.executions(third.id).values())


def test_a_change_reruns_what_it_reaches_and_no_more(bench: Bench) -> None:
    bench.run(CHAIN)
    changed = replace(CHAIN.steps[0], cells=(replace(CHAIN.steps[0].cells[0], source="x = [n + 0]\nprint('changed')"),))
    run = bench.run(replace(CHAIN, steps=(changed, *CHAIN.steps[1:])))
    done = bench.executions(run.id)
    assert done["a"].reason == "not cached: the code changed"
    assert done["b"].cached  # the value came out the same
    bench.run(CHAIN)
    run = bench.run(CHAIN, parameters={"n": 4})
    done = bench.executions(run.id)
    assert done["a"].reason == "not cached: parameter n changed"
    assert done["b"].reason == "not cached: input x changed"


def test_files_read_and_written_are_looked_at_before_a_hit(bench: Bench) -> None:
    data = bench.notebook.parent / "data.txt"
    data.write_text("one")
    pipeline = make_pipeline(
        make_step("read", "x = open('data.txt').read()\nprint(x)", binds="x"),
        make_step("write", "with open('out.txt', 'w') as f: n = f.write(x)", needs="x"),
    )
    bench.run(pipeline)
    assert all(e.cached for e in bench.executions(bench.run(pipeline).id).values())
    (bench.notebook.parent / "out.txt").unlink()
    run = bench.run(pipeline)
    assert bench.executions(run.id)["write"].reason == "not cached: file out.txt is gone"
    data.write_text("two")
    run = bench.run(pipeline)
    assert bench.executions(run.id)["read"].reason == "not cached: file data.txt changed"
    assert (bench.notebook.parent / "out.txt").read_text() == "two"


def test_a_failure_names_its_cell_and_skips_what_depends_on_it(bench: Bench) -> None:
    pipeline = make_pipeline(
        make_step("good", "g = 1", binds="g"),
        make_step("bad", "print('so far')\n1 / 0", binds="b"),
        make_step("later", "print(b)", needs="b"),
        make_step("apart", "print('ran', g)", needs="g"),
    )
    run = bench.run(pipeline)
    assert run.state is State.FAILED
    assert run.error is not None
    assert (run.error["code"], run.error["cell"], run.error["line"]) == ("KF201", "bad", 2)
    assert bench.states(run.id) == {"good": "SUCCEEDED", "bad": "FAILED", "apart": "SUCCEEDED", "later": "SKIPPED"}
    assert bench.executions(run.id)["later"].reason == "step 'bad' did not succeed"
    assert bench.printed(run.id, "bad") == "so far\n"


def test_a_failed_run_is_resumed_from_what_is_done(bench: Bench) -> None:
    flag = bench.notebook.parent / "flag"
    pipeline = make_pipeline(
        make_step("a", "x = 1\nprint('a ran')", binds="x", cache=False),
        make_step("b", f"import os\nassert os.path.exists({str(flag)!r})\nprint(x)", needs="x"),
    )
    run = bench.run(pipeline)
    assert run.state is State.FAILED
    before = bench.executions(run.id)["a"].id
    flag.touch()
    assert bench.engine.resume(run.id) == run.id
    assert bench.engine.wait(run.id, timeout=60) is State.SUCCEEDED
    done = bench.executions(run.id)
    assert done["a"].id == before
    assert (done["b"].attempt, done["b"].state) == (2, State.SUCCEEDED)
    assert bench.store.metadata.run(run.id).resumes == 1
    with pytest.raises(UsageError) as caught:
        bench.engine.resume(run.id)
    assert caught.value.code == "KF456"


def test_a_run_is_resumed_with_an_edited_notebook(bench: Bench) -> None:
    broken = make_pipeline(
        make_step("a", "x = 1", binds="x", cache=False), make_step("b", "y = x / 0", needs="x", binds="y")
    )
    run = bench.run(broken)
    mended = make_pipeline(
        make_step("a", "x = 1  # the same", binds="x", cache=False),
        make_step("b", "y = x / 2\nprint(y)", needs="x", binds="y"),
        make_step("c", "print('new', y)", needs="y"),
    )
    bench.engine.resume(run.id, bench.request(mended))
    assert bench.engine.wait(run.id, timeout=60) is State.SUCCEEDED
    done = bench.executions(run.id)
    assert done["a"].cached
    assert done["a"].reason.startswith("kept: ")
    assert bench.printed(run.id, "c") == "new 0.5\n"


def test_an_edited_default_is_the_parameter_of_the_resumed_run(bench: Bench) -> None:
    def pipeline(default: int) -> Pipeline:
        made = make_pipeline(make_step("a", "print(10 / n)", needs="n"))
        return replace(made, parameters=(Parameter("n", "int", default),))

    run = bench.run(pipeline(0))
    assert (run.state, dict(run.parameters)) == (State.FAILED, {"n": 0})
    bench.engine.resume(run.id, replace(bench.request(pipeline(5)), parameters={"n": 5}))
    assert bench.engine.wait(run.id, timeout=60) is State.SUCCEEDED
    assert bench.store.metadata.run(run.id).parameters == {"n": 5}


def test_retries_go_on_until_it_works(bench: Bench) -> None:
    source = "f = open('tries', 'a+')\nf.write('.')\nf.seek(0)\nassert len(f.read()) > 2"
    run = bench.run(make_pipeline(make_step("flaky", source, retries=3)))
    assert run.state is State.SUCCEEDED
    tried = bench.store.metadata.executions(run.id)
    assert [(e.attempt, e.state.value) for e in tried] == [(1, "FAILED"), (2, "FAILED"), (3, "SUCCEEDED")]
    assert "attempt 3" in tried[2].reason


def test_a_time_limit_ends_a_step_and_says_so(bench: Bench) -> None:
    run = bench.run(make_pipeline(make_step("slow", SLEEPER, timeout=0.5)))
    assert run.state is State.FAILED
    assert run.error is not None
    assert run.error["code"] == "KF221"
    assert "0.5 s" in run.error["message"]


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "KF220", "SIGKILL"),
        ("import os\nos._exit(3)", "KF222", "exit code 3"),
    ],
)
def test_a_process_that_dies_is_a_failure_that_says_how(bench: Bench, source: str, code: str, words: str) -> None:
    run = bench.run(make_pipeline(make_step("dies", source), make_step("other", "print(1)")))
    assert run.error is not None
    assert run.error["code"] == code
    assert words in run.error["message"]
    assert run.error["cell"] == "dies"
    assert bench.states(run.id)["other"] is State.SUCCEEDED


def test_cancel_ends_the_whole_tree(bench: Bench) -> None:
    source = (
        "import subprocess as s\nchild = s.Popen(['sleep', '60'])\nprint('child', child.pid, flush=True)\nchild.wait()"
    )
    run = bench.submit(make_pipeline(make_step("a", source), make_step("b", "pass", after="a")))
    execution = bench.wait_for_text(run, "a", "child")
    child = int(Path(execution.folder, "stdout").read_text().split()[1])
    bench.engine.cancel(run)
    assert bench.engine.wait(run, timeout=30) is State.CANCELED
    assert bench.states(run) == {"a": State.CANCELED, "b": State.SKIPPED}
    assert not is_running(child)
    bench.engine.cancel(run)  # of a finished run: nothing happens
    assert bench.store.metadata.run(run).state is State.CANCELED


def test_a_killed_supervisor_leaves_an_interrupted_run_that_goes_on(bench: Bench) -> None:
    flag = bench.notebook.parent / "flag"
    source = f"import os, time\nprint('pid', os.getpid(), flush=True)\n{WAIT.format(flag)}\nprint(x)"
    pipeline = make_pipeline(make_step("a", "x = 1", binds="x", cache=False), make_step("b", source, needs="x"))
    run = bench.submit(pipeline)
    execution = bench.wait_for_text(run, "b", "pid")
    before = bench.executions(run)["a"].id
    pid = holder(bench.settings.home / "runs" / run)
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert bench.engine.wait(run, timeout=30) is State.INTERRUPTED
    step = int(Path(execution.folder, "stdout").read_text().split()[1])
    assert not is_running(step)
    assert bench.states(run)["b"] is State.INTERRUPTED
    flag.touch()
    bench.engine.resume(run)
    assert bench.engine.wait(run, timeout=30) is State.SUCCEEDED
    assert bench.executions(run)["a"].id == before


def test_recover_finds_runs_that_nobody_looks_after(bench: Bench) -> None:
    run = bench.submit(make_pipeline(make_step("a", SLEEPER)))
    bench.wait_for_text(run, "a", "here")
    assert bench.engine.recover() == []
    pid = holder(bench.settings.home / "runs" / run)
    assert pid
    os.kill(pid, signal.SIGKILL)
    while holder(bench.settings.home / "runs" / run) is not None:
        pass
    assert bench.engine.recover() == [run]
    assert bench.store.metadata.run(run).state is State.INTERRUPTED
    assert bench.engine.recover() == []


def test_a_lost_bet_runs_again_and_the_outcome_is_the_notebooks(bench: Bench) -> None:
    pipeline = make_pipeline(
        make_step("make", "xs = [1]", binds="xs"),
        make_step("append", "import time\ntime.sleep(0.5)\ngetattr(xs, 'app' + 'end')(2)", needs="xs"),
        make_step("read", "print(xs)", needs="xs"),
    )
    run = bench.run(pipeline)
    assert run.state is State.SUCCEEDED
    assert bench.printed(run.id, "read") == "[1, 2]\n"
    read = [e for e in bench.store.metadata.executions(run.id) if e.step == "read"]
    assert [e.reason.startswith("superseded: append") for e in read] == [True, False]
    again = bench.run(pipeline, no_cache=True)
    ran = [e.step for e in bench.store.metadata.executions(again.id)]
    assert ran == ["make", "append", "read"]  # what was seen once is not bet on again


def test_independent_steps_run_at_the_same_time(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(cpu=2.0)
    meet = (
        "from pathlib import Path\nimport time\nPath('{0}').touch()\nwhile not Path('{1}').exists(): time.sleep(0.01)"
    )
    pipeline = make_pipeline(make_step("a", meet.format("a", "b")), make_step("b", meet.format("b", "a")))
    assert bench.run(pipeline).state is State.SUCCEEDED


def test_what_does_not_fit_waits_and_says_for_whom(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(cpu=1.0)
    flag = bench.notebook.parent / "flag"
    first = bench.submit(make_pipeline(make_step("long", "import os, time\n" + WAIT.format(flag))))
    bench.wait_for(first, lambda e: e.kind == "execution.started")
    second = bench.submit(make_pipeline(make_step("short", "print('at last')")))
    event = bench.wait_for(second, lambda e: e.kind == "execution.waiting")
    assert event.data["reason"] == f"waits for 1 CPU; held by run {first} step 'long'"
    assert bench.states(second) == {"short": State.PENDING}
    flag.touch()
    assert bench.engine.wait(second, timeout=30) is State.SUCCEEDED
    assert bench.engine.wait(first, timeout=30) is State.SUCCEEDED


def test_gpus_are_shown_to_the_step_that_has_them(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(gpus="4,7")
    show = "import os\nprint(os.environ.get('CUDA_VISIBLE_DEVICES'))"
    run = bench.run(make_pipeline(make_step("both", show, gpu=2)))
    assert bench.printed(run.id, "both") == "4,7\n"
    with pytest.raises(EngineError) as caught:
        bench.submit(make_pipeline(make_step("three", show, gpu=3)))
    assert caught.value.code == "KF703"


def test_secrets_reach_the_step_and_nothing_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = make_pipeline(make_step("a", "import os\nprint(len(os.environ['TOKEN_X']))", secrets=("TOKEN_X",)))
    with pytest.raises(ConfigError) as caught:
        bench.submit(pipeline)
    assert caught.value.code == "KF507"
    secrets = bench.settings.home / "secrets"
    secrets.write_text("# mine\nTOKEN_X=hush-hush-42\n")
    secrets.chmod(0o644)
    with pytest.raises(ConfigError):
        bench.submit(pipeline)
    secrets.chmod(0o600)
    run = bench.run(pipeline)
    assert bench.printed(run.id, "a") == "12\n"
    monkeypatch.setenv("TOKEN_X", "other-hush")
    second = bench.run(pipeline)
    assert bench.executions(second.id)["a"].cached  # a secret is no part of the key
    for path in bench.settings.home.rglob("*"):
        if path.is_file() and path != secrets:
            assert b"hush-hush-42" not in path.read_bytes()
            assert b"other-hush" not in path.read_bytes()


def test_parts_of_a_pipeline_take_values_from_an_earlier_run(bench: Bench) -> None:
    with pytest.raises(UsageError) as caught:
        bench.submit(CHAIN, only=("c",))
    assert caught.value.code == "KF451"
    until = bench.run(CHAIN, until="b")
    assert bench.states(until.id) == {"a": State.SUCCEEDED, "b": State.SUCCEEDED}
    only = bench.run(CHAIN, only=("c",), no_cache=True)
    assert only.state is State.SUCCEEDED
    done = bench.executions(only.id)
    assert (done["a"].cached, done["b"].cached, done["c"].cached) == (True, True, False)
    assert done["a"].reason == f"taken from run {until.id}"
    assert bench.printed(only.id, "c") == "c [3, 3, 1]\n"
    later = bench.run(CHAIN, from_="b", base_run=until.id, parameters={"n": 9}, no_cache=True)
    assert bench.printed(later.id, "c") == "c [3, 3, 1]\n"
    with pytest.raises(UsageError) as caught:
        bench.submit(CHAIN, until="bb")
    assert caught.value.code == "KF450"
    assert "'b'" in caught.value.fix


def test_a_missing_import_is_told_before_anything_runs(bench: Bench) -> None:
    pipeline = make_pipeline(make_step("a", "import no_such_module_x"), modules=("no_such_module_x", "json"))
    with pytest.raises(ConfigError) as caught:
        bench.submit(pipeline)
    assert caught.value.code == "KF509"
    assert (caught.value.cell, caught.value.line) == ("a", 1)
    assert "pip install no_such_module_x" in caught.value.fix
    assert bench.store.metadata.runs() == []
    (bench.notebook.parent / "no_such_module_x.py").write_text("here = 1")
    assert bench.run(pipeline).state is State.SUCCEEDED


def test_a_run_of_a_finished_pipeline_is_deleted_with_its_folder(bench: Bench) -> None:
    run = bench.run(CHAIN)
    folder = bench.settings.home / "runs" / run.id
    assert folder.is_dir()
    bench.engine.delete(run.id)
    assert not folder.exists()
    assert bench.store.metadata.runs() == []


def test_what_a_cached_step_printed_outlives_the_run_that_printed_it(bench: Bench) -> None:
    first, second = bench.run(CHAIN), bench.run(CHAIN)
    bench.engine.delete(first.id)
    third = bench.run(CHAIN)
    for run in (second, third):
        assert all(e.cached for e in bench.executions(run.id).values())
        assert bench.printed(run.id, "c") == "c [3, 3, 1]\n"
    for run in (second, third):
        bench.engine.delete(run.id)
    anew = bench.run(CHAIN)  # nobody has the text any more
    assert not any(e.cached for e in bench.executions(anew.id).values())
    assert bench.printed(anew.id, "c") == "c [3, 3, 1]\n"


def test_a_going_run_is_neither_deleted_nor_resumed(bench: Bench) -> None:
    run = bench.submit(make_pipeline(make_step("a", SLEEPER)))
    with pytest.raises(UsageError):
        bench.engine.delete(run)
    with pytest.raises(UsageError) as caught:
        bench.engine.resume(run)
    assert caught.value.code == "KF455"


def test_a_program_that_does_not_start_is_told_with_its_log(bench: Bench) -> None:
    with pytest.raises(EngineError) as caught:
        bench.submit(CHAIN, program="jupyter_kf.no_such_program")
    assert caught.value.code == "KF701"
    assert "no_such_program" in caught.value.message
    assert bench.store.metadata.run("last").state is State.FAILED


def test_in_order_keeps_the_notebooks_order(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(cpu=2.0)
    pipeline = make_pipeline(
        make_step("a", "import time\ntime.sleep(0.3)\nopen('log', 'a').write('a')"),
        make_step("b", "open('log', 'a').write('b')"),
    )
    assert bench.run(pipeline, in_order=True).state is State.SUCCEEDED
    assert (bench.notebook.parent / "log").read_text() == "ab"


def test_values_of_a_store_that_others_write_to_are_not_loaded(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    pipeline = make_pipeline(make_step("a", "x = 1", binds="x"), make_step("b", "x / 0", needs="x"))
    run = bench.run(pipeline)
    bench.settings.home.chmod(0o777)
    try:
        again = bench.run(pipeline)
        assert not bench.executions(again.id)["a"].cached
        assert "not trusted" in bench.executions(again.id)["a"].reason
        for ask in (lambda: bench.engine.resume(run.id), lambda: bench.submit(pipeline, only=("b",), base_run=run.id)):
            with pytest.raises(UsageError) as caught:
                ask()
            assert caught.value.code == "KF458"
    finally:
        bench.settings.home.chmod(0o700)


def test_cancel_of_a_run_that_only_waits(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(cpu=1.0)
    first = bench.submit(make_pipeline(make_step("long", SLEEPER)))
    bench.wait_for_text(first, "long", "here")
    second = bench.submit(make_pipeline(make_step("short", "print(1)")))
    bench.engine.cancel(second)
    assert bench.engine.wait(second, timeout=30) is State.CANCELED
    assert bench.states(second) == {"short": State.SKIPPED}
    assert bench.store.metadata.run(first).state is State.RUNNING


def test_a_step_that_waited_aloud_is_told_of_once_when_its_run_is_canceled(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(cpu=1.0)
    first = bench.submit(make_pipeline(make_step("long", SLEEPER)))
    bench.wait_for_text(first, "long", "here")
    second = bench.submit(make_pipeline(make_step("short", "print(1)"), make_step("after", "print(2)", after="short")))
    bench.wait_for(second, lambda e: e.kind == "execution.waiting")
    bench.engine.cancel(second)
    assert bench.engine.wait(second, timeout=30) is State.CANCELED
    told = [(e.step, e.state) for e in bench.store.metadata.executions(second)]
    assert sorted(told) == [("after", State.SKIPPED), ("short", State.CANCELED)]


def test_values_and_logged_files_are_in_a_store_elsewhere_before_a_step_counts_as_done(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(artifacts=f"file://{tmp_path}/bucket")
    source = (
        "import jupyter_kf as kf, os\nos.makedirs('d/e')\nopen('d/e/f.txt', 'w').write('in a folder')\n"
        "kf.log_artifact('d')\nkf.log_artifact('d/e/f.txt', name='file')\nkf.log_param('p', [1])\nkf.set_note('n')\n"
        "x = 5"
    )
    pipeline = make_pipeline(make_step("a", source, binds="x"), make_step("b", "print(x)", needs="x"))
    run = bench.run(pipeline)
    assert run.state is State.SUCCEEDED, run.error
    assert (dict(run.parameters), run.note) == ({"p": [1]}, "n")
    kept = {p.name for p in (tmp_path / "bucket").rglob("*") if p.is_file()}
    assert set(bench.executions(run.id)["a"].outputs.values()) < kept
    logged = {a.names: a for a in bench.store.metadata.artifacts(run.id) if a.kind in {"file", "folder"}}
    assert {n: a.kind for n, a in logged.items()} == {("d",): "folder", ("file",): "file"}
    assert bench.store.artifacts.path(logged["file",].digest).read_text() == "in a folder"
    with tarfile.open(bench.store.artifacts.path(logged["d",].digest)) as archive:
        assert archive.getnames() == ["e", "e/f.txt"]
    assert all(e.cached for e in bench.executions(bench.run(pipeline).id).values())


#: A program that submits a pipeline and prints the run's id: format it with a home, the pipeline's file, a notebook.
SUBMITTER = """
import json
from pathlib import Path
from jupyter_kf.config import Settings
from jupyter_kf.engine.base import RunRequest
from jupyter_kf.engine.local import LocalEngine
from jupyter_kf.model.pipeline import pipeline_from_dict
from jupyter_kf.store import open_store
settings = Settings(home=Path("{0}"), grace=0.3, warm=5.0)
pipeline = pipeline_from_dict(json.loads(Path("{1}").read_text()))
print(LocalEngine(settings, open_store(settings)).submit(RunRequest("{2}", b"x", pipeline)), flush=True)
"""


def test_a_run_outlives_whoever_submitted_it(bench: Bench) -> None:
    flag = bench.notebook.parent / "flag"
    pipeline = make_pipeline(make_step("a", "import os, time\nprint('here', flush=True)\n" + WAIT.format(flag)))
    (bench.notebook.parent / "plan.json").write_text(json.dumps(pipeline.to_dict()))
    program = SUBMITTER.format(bench.settings.home, bench.notebook.parent / "plan.json", bench.notebook)
    program += "import time; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as who:
        assert who.stdout is not None
        run = who.stdout.readline().strip()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL):
            os.killpg(who.pid, number)
    bench.wait_for_text(run, "a", "here")
    assert bench.engine.recover() == []
    flag.touch()
    assert bench.engine.wait(run, timeout=30) is State.SUCCEEDED


def test_a_run_that_a_step_starts_is_a_run_of_its_own(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(start="spawn")
    flag, plan = bench.notebook.parent / "flag", bench.notebook.parent / "plan.json"
    source = f"import os, time\nimport jupyter_kf as kf\n{WAIT.format(flag)}\nkf.log_metric('inner', 1)"
    plan.write_text(json.dumps(make_pipeline(make_step("inside", source)).to_dict()))
    program = SUBMITTER.format(bench.settings.home, plan, bench.notebook)
    source = f"import subprocess, sys\nprint(subprocess.check_output([sys.executable, '-c', {program!r}], text=True))"
    outer = bench.run(make_pipeline(make_step("a", source)))
    assert outer.state is State.SUCCEEDED, outer.error
    inner = bench.printed(outer.id, "a").strip()
    flag.touch()  # the step that started it has ended, with all that belonged to it
    assert bench.engine.wait(inner, timeout=30) is State.SUCCEEDED
    assert bench.store.metadata.run(inner).metrics == {"inner": 1.0}
    assert bench.store.metadata.run(outer.id).metrics == {}


def test_a_step_that_will_not_end_is_killed_after_the_grace_time(bench: Bench) -> None:
    source = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('here', flush=True)\ntime.sleep(60)"
    )
    run = bench.submit(make_pipeline(make_step("a", source)))
    bench.wait_for_text(run, "a", "here")
    bench.engine.cancel(run)
    assert bench.engine.wait(run, timeout=30) is State.CANCELED

"""Cells that take the short way through IPython look no different from those that take the long one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_kf.runtime import loops
from tests.unit.runtime.guest_steps import run_step

LONG_WAY = "%pwd\n"


@pytest.mark.parametrize("above", ["", LONG_WAY], ids=["short", "long"])
def test_history_and_numbers_go_on_over_both_ways(tmp_path: Path, above: str) -> None:
    ran = run_step(
        tmp_path,
        "1 + 1",
        f"{above}_ + 1",
        "%pwd",
        f"{above}2;",
        f"{above}print(In[1], _i, _ii, _iii, _i4, Out[1], __, sorted(Out), get_ipython().execution_count, sep='|')",
        f"{above}print(_i5[:3], len(In))",
    )
    assert ran.report["error"] is None
    told = ran.stdout.replace(above.strip() + "\n", "") if above else ran.stdout
    first, second = told.splitlines()
    assert first.split("|")[:6] == ["1 + 1", "2;", "%pwd", "_ + 1", "2;", "2"]
    assert first.split("|")[7].startswith("[1, 2, 3")
    assert second.endswith("7")
    assert [o["data"]["text/plain"] for o in ran.outputs["c1"]] == ["3"]
    assert "c3" not in ran.outputs


def test_a_plain_cell_finds_a_running_loop(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "from asyncio import events, tasks, runners, sleep\nmade = []\n"
        "def begin():\n    made.append(tasks.create_task(later()))\n    return events.get_running_loop().is_running()",
        "async def later():\n    await sleep(0)\n    print('later')",
        "print(begin(), events.get_event_loop() is events.get_running_loop())",
        "again = later()\ntry:\n    runners.run(again)\nexcept RuntimeError as e:\n    print(e)\nagain.close()",
        "await made[0]",
    )
    assert ran.report["error"] is None, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == "True True"
    assert "later" in lines
    assert any("cannot be called from a running event loop" in line for line in lines)


def test_what_a_cell_does_to_ipython_holds_in_the_next_one(tmp_path: Path) -> None:
    ran = run_step(
        tmp_path,
        "shell = get_ipython()\nshell.ast_node_interactivity = 'all'",
        "1\n2",
        "shell.ast_node_interactivity = 'last_expr'\n"
        "shell.events.register('pre_run_cell', lambda info: print('before', info.raw_cell))",
        "x = 3",
    )
    assert ran.report["error"] is None
    assert [o["data"]["text/plain"] for o in ran.outputs["c1"]] == ["1", "2"]
    assert "before x = 3" in ran.stdout


def test_a_statement_that_means_nothing_stops_the_cell_where_it_stands(tmp_path: Path) -> None:
    ran = run_step(tmp_path, "print('one')\nreturn\nprint('two')")
    assert ran.error["ename"] == "SyntaxError"
    assert ran.error["line"] == 2
    assert ran.stdout == "one\n"


@pytest.mark.parametrize(
    "source",
    [
        "text = '''\n>>> 1\n'''\nprint(len(text))",
        "x = 7\nprint(x % 4,\n  x\n  % 2)",
        "print('50%')\nimport sys; sys.exit(0)",
    ],
)
def test_cells_that_look_like_magics_run_all_the_same(tmp_path: Path, source: str) -> None:
    ran = run_step(tmp_path, source)
    assert ran.report["error"] is None
    assert ran.stdout


def test_a_sleeping_loop_wakes_when_it_is_used() -> None:
    loop = loops.SleepingLoop()
    loops.present(loop)
    try:
        assert asyncio.get_running_loop() is loop
        assert not loops.is_awake(loop)
        assert loop.is_running()
        assert loops.is_awake(loop)
        assert type(loop) is asyncio.SelectorEventLoop
    finally:
        loops.withdraw(loop)
    assert not loop.is_running()
    assert loop.run_until_complete(asyncio.sleep(0, "done")) == "done"
    loop.close()

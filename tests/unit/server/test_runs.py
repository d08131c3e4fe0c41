"""Runs: started, listed, looked at, stopped, gone on with, labelled, compared, forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.server.conftest import FAILING, PIPELINE, WAITING, Call, over, write


async def test_a_run_is_started_with_all_that_can_be_said(call: Call, started: Any) -> None:
    detail = await started(parameters={"n": "4"}, experiment="e", tags={"run": "x"}, note="why", no_cache=True)
    run = detail["run"]
    assert run["state"] == "SUCCEEDED"
    assert run["path"] == "nb.ipynb"
    assert (run["experiment"], run["tags"], run["note"]) == ("e", {"run": "x"}, "why")
    assert run["parameters"]["n"] == 4
    assert run["metrics"] == {"loss": 0.2}
    assert run["progress"] == {"done": 3, "total": 3, "failed": 0, "running": 0, "cached": 0, "failed_step": None}
    assert [e["step"] for e in detail["executions"]] == ["make", "total", "show"]
    edges = [(e["source"], e["target"], e["names"]) for e in detail["pipeline"]["edges"]]
    assert edges == [("make", "total", ["values"]), ("total", "show", ["total"])]


async def test_until_and_only_run_a_part(call: Call, started: Any) -> None:
    part = await started(until="total")
    assert part["run"]["progress"]["total"] == 2
    assert {e["step"] for e in part["executions"]} == {"make", "total"}
    one = await started(only=["show"], base=part["run"]["id"])
    ran = [e["step"] for e in one["executions"] if not e["cached"]]
    assert ran == ["show"]
    assert one["run"]["progress"]["done"] == one["run"]["progress"]["total"] == 3


async def test_a_notebook_without_steps_runs_whole(call: Call, started: Any) -> None:
    detail = await started({"a": "print('hello')", "b": "1 + 1"}, "whole.ipynb")
    assert detail["run"]["kind"] == "notebook"
    assert detail["pipeline"] is None
    assert detail["executions"][0]["progress"] == {"done": 2, "total": 2}
    assert detail["run"]["progress"]["done"] == 2
    run = detail["run"]["id"]
    executed = await call("GET", "/runs/{run}/notebook", run=run, query={"executed": "true"})
    assert executed.data["cells"][1]["outputs"][0]["data"]["text/plain"] == ["2"]
    source = await call("GET", "/runs/{run}/source", run=run)
    assert [c["source"] for c in source.data["steps"][0]["cells"]] == ["print('hello')", "1 + 1"]


async def test_lists_are_filtered_and_paged(call: Call, started: Any, jp_root_dir: Path) -> None:
    first = await started(name="sub dir/é.ipynb", experiment="one", tags={"team": "red"})
    second = await started(name="b.ipynb", experiment="two")

    async def ids(**query: Any) -> list[str]:
        answer = await call("GET", "/runs", query=query)
        assert answer.status == 200, answer.data
        return [run["id"] for run in answer.data["runs"]]

    one, two = first["run"]["id"], second["run"]["id"]
    assert await ids() == [two, one]
    assert await ids(sort="created") == [one, two]
    assert await ids(experiment="one") == [one]
    assert await ids(search="RED") == [one]
    assert await ids(notebook="sub dir/é.ipynb") == [one]
    assert await ids(filter='metrics.loss < 1 and tags.team = "red"') == [one]
    assert await ids(state="failed,canceled") == []
    assert await ids(kind="notebook") == []
    page = (await call("GET", "/runs", query={"limit": 1, "offset": 1})).data
    assert ([r["id"] for r in page["runs"]], page["total"], page["offset"]) == ([one], 2, 1)
    assert page["runs"][0]["path"] == "sub dir/é.ipynb"
    experiments = (await call("GET", "/experiments")).data["experiments"]
    assert {e["name"]: e["runs"] for e in experiments} == {"one": 1, "two": 1}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"filter": "metrics.acc >"}, "KF412"),
        ({"filter": "colour = 1"}, "KF413"),
        ({"state": "RUNING"}, "KF405"),
        ({"kind": "thing"}, "KF440"),
        ({"limit": "0"}, "KF440"),
        ({"limit": "many"}, "KF440"),
        ({"fliter": "x"}, "KF440"),
    ],
)
async def test_wrong_questions_are_refused(call: Call, query: dict[str, str], code: str) -> None:
    answer = await call("GET", "/runs", query=query)
    assert (answer.status, answer.data["code"]) == (400, code)
    assert answer.data["message"]


@pytest.mark.parametrize(
    "body", ["{", "[]", "", '{"path": 1}', '{"path": "nb.ipynb", "only": "make"}', '{"pth": "nb"}']
)
async def test_wrong_bodies_are_refused(call: Call, body: str) -> None:
    answer = await call("POST", "/runs", body)
    assert (answer.status, answer.data["code"]) == (400, "KF440")


async def test_what_cannot_run_is_refused_with_reasons(call: Call, jp_root_dir: Path) -> None:
    write(jp_root_dir / "broken.ipynb", {"a": "%%kubeflow step a --cpuu 2\nx = ("})
    refused = await call("POST", "/runs", {"path": "broken.ipynb"})
    assert refused.status == 422
    assert {d["code"] for d in refused.data["diagnostics"]} >= {refused.data["code"]}
    write(jp_root_dir / "nb.ipynb", PIPELINE)
    for more, status, code in (
        ({"parameters": {"m": 1}}, 400, "KF300"),
        ({"parameters": {"n": "many"}}, 400, "KF301"),
        ({"until": "mke"}, 400, "KF450"),
        ({"base": "no such run"}, 404, "KF410"),
    ):
        answer = await call("POST", "/runs", {"path": "nb.ipynb", **more})
        assert (answer.status, answer.data["code"]) == (status, code)
    assert (await call("POST", "/runs", {"path": "none.ipynb"})).data["code"] == "KF404"
    assert (await call("GET", "/runs")).data["total"] == 0


async def test_a_run_is_cancelled_resumed_and_deleted(call: Call, started: Any, jp_root_dir: Path) -> None:
    run = (await started(WAITING, wait=False))["run"]["id"]
    early = await call("DELETE", "/runs/{run}", run=run)
    assert (early.status, early.data["code"]) == (409, "KF415")
    both = await call("POST", "/runs/delete", {"runs": [run]})
    assert both.status == 409
    assert (await call("POST", "/runs/{run}/resume", run=run)).status == 409
    assert (await call("POST", "/runs/{run}/cancel", run=run)).status == 202
    assert (await over(call, run))["run"]["state"] == "CANCELED"
    (jp_root_dir / "go").touch()
    resumed = await call("POST", "/runs/{run}/resume", run=run)
    assert resumed.status == 202
    done = await over(call, run)
    assert (done["run"]["state"], done["run"]["resumes"]) == ("SUCCEEDED", 1)
    assert done["run"]["progress"]["done"] == 2
    again = await call("POST", "/runs/{run}/resume", run=run)
    assert (again.status, again.data["code"]) == (409, "KF456")
    assert (await call("DELETE", "/runs/{run}", run=run)).status == 204
    assert (await call("GET", "/runs/{run}", run=run)).status == 404


async def test_resume_with_the_edited_notebook(call: Call, started: Any, jp_root_dir: Path) -> None:
    failed = await started(FAILING)
    assert failed["run"]["progress"]["failed_step"] == "bad"
    assert failed["run"]["error"]["code"].startswith("KF2")
    bad = next(e for e in failed["executions"] if e["step"] == "bad")
    assert (bad["error"]["cell"], bad["error"]["line"]) == ("bad", 3)
    write(jp_root_dir / "nb.ipynb", {**FAILING, "bad": "%%kubeflow step bad\nprint(x)"})
    assert (await call("POST", "/runs/{run}/resume", {"edited": True}, run=failed["run"]["id"])).status == 202
    done = await over(call, failed["run"]["id"])
    assert done["run"]["state"] == "SUCCEEDED"
    assert [e["attempt"] for e in done["executions"] if e["step"] == "bad"] == [1, 2]


async def test_several_are_deleted_all_or_none(call: Call, started: Any) -> None:
    one, two = (await started())["run"]["id"], (await started(FAILING, "f.ipynb"))["run"]["id"]
    waiting = (await started(WAITING, "w.ipynb", wait=False))["run"]["id"]
    assert (await call("POST", "/runs/delete", {"runs": [one, waiting]})).status == 409
    assert (await call("GET", "/runs/{run}", run=one)).status == 200
    assert (await call("POST", "/runs/delete", {"runs": []})).status == 400
    gone = await call("POST", "/runs/delete", {"runs": [one, two]})
    assert gone.data["deleted"] == [one, two]
    freed = await call("POST", "/gc", {"dry_run": True})
    assert freed.data["freed"] >= 0
    await call("POST", "/runs/{run}/cancel", run=waiting)
    await over(call, waiting)


async def test_tags_and_note_are_edited(call: Call, started: Any) -> None:
    run = (await started(tags={"a": "1", "b": "2"}))["run"]["id"]
    edited = await call("PATCH", "/runs/{run}", {"tags": {"a": None, "self": "3"}, "note": "é"}, run=run)
    assert edited.data["tags"] == {"b": "2", "self": "3"}
    assert edited.data["note"] == "é"
    assert (await call("PATCH", "/runs/{run}", {"note": None}, run=run)).status == 400
    assert (await call("PATCH", "/runs/{run}", {"note": "x"}, run="zzzz")).status == 404


async def test_runs_side_by_side(call: Call, started: Any) -> None:
    first = (await started())["run"]["id"]
    second = (await started({**PIPELINE, "show": "%%kubeflow step show\nprint('now', total)"}, parameters={"n": 5}))[
        "run"
    ]["id"]
    third = (await started(parameters={"n": 5}))["run"]["id"]
    table = (await call("GET", "/runs/compare", query=[("run", first), ("run", second), ("run", third)])).data
    assert [run["id"] for run in table["runs"]] == [first, second, third]
    rows = {row["name"]: row for row in table["parameters"]}
    assert (rows["n"]["values"], rows["n"]["differs"]) == ([3, 5, 5], True)
    assert not rows["name"]["differs"]
    assert [(c["run"], c["step"]) for c in table["code"]] == [(second, "show")]
    assert "+print('now', total)" in table["code"][0]["diff"]
    assert {row["name"] for row in table["environment"]} >= {"python", "pip"} - {"pip"}
    assert not any(row["differs"] for row in table["environment"])
    alone = await call("GET", "/runs/compare", query=[("run", first)])
    assert (alone.status, alone.data["code"]) == (400, "KF440")
    assert (await call("GET", "/runs/compare", query=[("run", first), ("run", "zzzz")])).status == 404


async def test_numbers_that_json_does_not_have(call: Call, started: Any) -> None:
    cell = (
        "%%kubeflow step a\nimport jupyter_kf as kf\nkf.log_metric('m', float('nan'))\nkf.log_metric('i', float('inf'))"
    )
    detail = await started({"a": cell}, "odd.ipynb")
    assert detail["run"]["metrics"] == {"i": "Infinity", "m": "NaN"}
    curves = (await call("GET", "/runs/{run}/metrics", run=detail["run"]["id"])).data["curves"]
    assert {c["name"]: c["points"][0]["value"] for c in curves} == {"i": "Infinity", "m": "NaN"}
    assert json.loads((await call("GET", "/runs")).body)["runs"][0]["metrics"]["m"] == "NaN"

"""What lies behind a run: its source, curves, attempts, logs, outputs, artifacts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_kf.server.handlers import executions
from tests.unit.server.conftest import PIPELINE, WAITING, Call, over


def execution_of(detail: Any, step: str) -> str:
    return next(e["id"] for e in reversed(detail["executions"]) if e["step"] == step)


async def test_what_was_written_down(call: Call, started: Any) -> None:
    detail = await started(
        {"own": "def twice(x):\n    return 2 * x", **PIPELINE, "show": "%%kubeflow step show\ntwice(total)"}
    )
    run = detail["run"]["id"]
    source = (await call("GET", "/runs/{run}/source", run=run)).data
    assert [s["name"] for s in source["steps"]] == ["make", "total", "show"]
    assert source["steps"][0]["cells"][0]["source"] == PIPELINE["make"]
    assert [(f["kind"], f["names"], f["steps"]) for f in source["fragments"]] == [("definition", ["twice"], ["show"])]
    kept = await call("GET", "/runs/{run}/notebook", run=run)
    assert kept.headers["Content-Type"] == "application/x-ipynb+json"
    assert [c["id"] for c in kept.data["cells"]] == ["own", *PIPELINE]
    none = await call("GET", "/runs/{run}/notebook", run=run, query={"executed": "true"})
    assert (none.status, none.data["code"]) == (404, "KF443")
    assert (await call("GET", "/runs/{run}/environment", run=run)).data["python"].startswith("3.")
    curves = (await call("GET", "/runs/{run}/metrics", run=run)).data["curves"]
    assert [(c["name"], c["step"], c["count"]) for c in curves] == [("loss", "total", 5)]
    assert [p["at"] for p in curves[0]["points"]] == [0, 1, 2, 3, 4]
    few = (await call("GET", "/runs/{run}/metrics", run=run, query={"points": 2, "name": "loss"})).data["curves"]
    assert [p["at"] for p in few[0]["points"]] == [0, 4]
    assert (await call("GET", "/runs/{run}/metrics", run=run, query={"step": "make"})).data["curves"] == []
    for path in ("source", "notebook", "environment", "metrics", "artifacts", "lineage"):
        assert (await call("GET", f"/runs/{{run}}/{path}", run="zzzz")).status == 404


async def test_an_attempt_with_its_values(call: Call, started: Any) -> None:
    detail = await started()
    run, total = detail["run"]["id"], execution_of(detail, "total")
    found = (await call("GET", "/runs/{run}/executions/{execution}", run=run, execution=total)).data
    assert [(v["name"], v["producer"], v["type"], v["preview"]) for v in found["inputs"]] == [
        ("values", "make", "list", "[0, 1, 2]")
    ]
    assert [(v["name"], v["preview"]) for v in found["outputs"]] == [("total", "3")]
    assert [e["name"] for e in found["logged"]] == ["page.html", "table.csv"]
    assert [Path(p).name for p in found["files"]["written"]] == ["page.html", "table.csv"]
    assert found["usage"]["cpu_seconds"] > 0
    assert found["usage"]["memory_peak"] > 1_000_000
    make = execution_of(detail, "make")
    given = (await call("GET", "/runs/{run}/executions/{execution}", run=run, execution=make)).data["inputs"]
    assert [(v["name"], v["preview"], v["digest"], v["size"]) for v in given] == [("n", "3", "", None)]
    assert (await call("GET", "/runs/{run}/executions/{execution}", run=run, execution="x" * 20)).status == 404
    other = await started(name="other.ipynb", no_cache=True)
    strange = await call("GET", "/runs/{run}/executions/{execution}", run=other["run"]["id"], execution=total)
    assert (strange.status, strange.data["code"]) == (404, "KF416")


async def test_outputs_come_in_order_and_from_an_offset(call: Call, started: Any) -> None:
    detail = await started()
    names = {"run": detail["run"]["id"], "execution": execution_of(detail, "show")}
    path = "/runs/{run}/executions/{execution}/outputs"
    first = (await call("GET", path, **names)).data
    assert [(o["cell"], o["output"]["output_type"]) for o in first["outputs"]] == [
        ("show", "stream"),
        ("show", "execute_result"),
    ]
    assert first["outputs"][1]["output"]["data"]["text/plain"] == "3"
    rest = (await call("GET", path, query={"after": first["next"]}, **names)).data
    assert rest == {"outputs": [], "next": first["next"], "more": False}
    assert (await call("GET", path, query={"after": -1}, **names)).status == 400


async def test_logs_from_an_offset(call: Call, started: Any) -> None:
    detail = await started({"a": "%%kubeflow step a\nprint('grüße', 'x' * 20)"})
    names = {"run": detail["run"]["id"], "execution": execution_of(detail, "a"), "stream": "stdout"}
    path = "/runs/{run}/executions/{execution}/logs/{stream}"
    whole = await call("GET", path, **names)
    text = "grüße " + "x" * 20 + "\n"
    assert whole.body.decode() == text
    assert (whole.headers["X-Offset"], whole.headers["X-Next-Offset"]) == ("0", str(len(text.encode())))
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    end = await call("GET", path, query={"offset": -26}, **names)  # in the middle of a character
    assert end.body.decode() == "ße " + "x" * 20 + "\n"
    assert (await call("GET", path, query={"offset": 1000}, **names)).body == b""
    assert (await call("GET", path, query={"follow": "true", "offset": 7}, **names)).body.decode() == text[5:]
    assert (await call("GET", path, **{**names, "stream": "stderr"})).body == b""
    assert (await call("GET", path, **{**names, "stream": "secrets"})).status == 404


async def test_logs_are_followed_to_the_end(call: Call, started: Any, jp_root_dir: Path, jp_fetch: Any) -> None:
    run = (await started(WAITING, wait=False))["run"]["id"]
    while not (detail := (await call("GET", "/runs/{run}", run=run)).data)["executions"]:
        await asyncio.sleep(0.05)
    heard: list[bytes] = []
    parts = f"jupyter-kf/api/runs/{run}/executions/{execution_of(detail, 'wait')}/logs/stdout".split("/")
    reading = asyncio.ensure_future(jp_fetch(*parts, params={"follow": "true"}, streaming_callback=heard.append))
    while b"".join(heard) != b"begun\n":
        await asyncio.sleep(0.02)
    assert not reading.done()
    (jp_root_dir / "go").touch()
    await reading
    assert b"".join(heard) == b"begun\ndone\n"
    await over(call, run)


async def test_a_reader_who_leaves_is_noticed(
    call: Call, started: Any, jp_fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    size = executions._size

    def counted(path: Path | None) -> int:
        nonlocal looks
        looks += 1
        return size(path)

    monkeypatch.setattr(executions, "_size", counted)
    run = (await started(WAITING, wait=False))["run"]["id"]
    while not (detail := (await call("GET", "/runs/{run}", run=run)).data)["executions"]:
        await asyncio.sleep(0.05)
    parts = f"jupyter-kf/api/runs/{run}/executions/{execution_of(detail, 'wait')}/logs/stdout".split("/")
    with pytest.raises(HTTPClientError):  # the client gives up and closes the connection
        await jp_fetch(*parts, params={"follow": "true"}, request_timeout=0.5)
    while True:
        before = looks
        await asyncio.sleep(5 * executions._LOOK)
        if looks == before:
            break
    assert (await call("GET", "/runs/{run}", run=run)).data["run"]["state"] == "RUNNING"
    await call("POST", "/runs/{run}/cancel", run=run)
    await over(call, run)


async def test_artifacts_and_where_they_came_from(call: Call, started: Any) -> None:
    run = (await started())["run"]["id"]
    entries = (await call("GET", "/runs/{run}/artifacts", run=run)).data["artifacts"]
    named = {(e["step"], e["name"]): e["artifact"] for e in entries}
    values = named["make", "values"]
    assert (values["kind"], values["types"], values["gone"]) == ("bundle", {"values": "list"}, False)
    lineage = (await call("GET", "/artifacts/{digest}", digest=values["digest"][:10])).data
    assert [u["step"] for u in lineage["made_by"]] == ["make"]
    assert [u["step"] for u in lineage["used_by"]] == ["total"]
    graph = (await call("GET", "/runs/{run}/lineage", run=run)).data
    assert {a["digest"] for a in graph["artifacts"]} >= {values["digest"]}
    assert {"input", "output", "logged", "snapshot"} <= {u["role"] for u in graph["uses"]}
    assert (await call("GET", "/artifacts/{digest}", digest="0" * 64)).status == 404


async def test_previews_run_nothing(call: Call, started: Any) -> None:
    cells = {
        "a": "%%kubeflow step a\nimport numpy as np, pandas as pd\n"
        "class Loud:\n    def __repr__(self): raise SystemExit('never')\n"
        "frame = pd.DataFrame({'x': range(50), 'y': ['é'] * 50})\nmatrix = np.eye(3)\n"
        "loud = Loud()\ntext = 'long ' * 100",
        "b": "%%kubeflow step b\nprint(frame.shape, matrix.shape, loud.__class__, len(text))",
    }
    run = (await started(cells))["run"]
    assert run["state"] == "SUCCEEDED", run["error"]
    entries = (await call("GET", "/runs/{run}/artifacts", run=run["id"])).data["artifacts"]
    digests = {e["name"]: e["artifact"]["digest"] for e in entries}

    async def look(name: str) -> Any:
        answer = await call("GET", "/artifacts/{digest}/preview", query={"name": name}, digest=digests[name])
        assert answer.status == 200, answer.data
        return answer.data

    frame = await look("frame")
    assert (frame["kind"], frame["shape"], frame["truncated"]) == ("table", [50, 2], True)
    assert [c["name"] for c in frame["columns"]] == ["x", "y"]
    assert (len(frame["rows"]), frame["rows"][1]) == (20, ["1", "é"])
    matrix = await look("matrix")
    assert (matrix["kind"], matrix["shape"]) == ("table", [3, 3])
    assert [row[0] for row in matrix["rows"]] == ["1.0", "0.0", "0.0"]
    assert (await look("loud"))["text"] == "<Loud>"
    assert (await look("text"))["text"] == "long " * 100
    wrong = await call("GET", "/artifacts/{digest}/preview", query={"name": "nope"}, digest=digests["frame"])
    assert (wrong.status, wrong.data["code"]) == (404, "KF443")


async def test_downloads_cannot_do_harm(call: Call, started: Any) -> None:
    run = (await started())["run"]["id"]
    entries = (await call("GET", "/runs/{run}/artifacts", run=run)).data["artifacts"]
    digests = {e["name"]: e["artifact"]["digest"] for e in entries}
    content = "/artifacts/{digest}/content"
    page = await call("GET", content, digest=digests["page.html"])
    assert page.body == b"<script>alert(1)</script>"
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''page.html")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in page.headers["Content-Security-Policy"]
    seen = (await call("GET", "/artifacts/{digest}/preview", digest=digests["page.html"])).data
    assert (seen["kind"], seen["text"]) == ("html", "<script>alert(1)</script>")
    part = await call("GET", content, headers={"Range": "bytes=2-5"}, digest=digests["table.csv"])
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"b\n1,", "bytes 2-5/12")
    beyond = await call("GET", content, headers={"Range": "bytes=100-"}, digest=digests["table.csv"])
    assert beyond.status == 416
    assert (await call("GET", content, digest="../../etc/passwd")).status == 404
    assert (await call("GET", content, digest="ab")).status == 404


async def test_files_of_a_logged_folder(call: Call, started: Any) -> None:
    cell = (
        "%%kubeflow step a\nimport jupyter_kf as kf, base64\nfrom pathlib import Path\n"
        "root = Path('out'); (root / 'in').mkdir(parents=True)\n"
        "(root / 'in' / 'a.txt').write_text('hello')\n"
        "(root / 'p.png').write_bytes(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(8))\nkf.log_artifact(root)"
    )
    run = (await started({"a": cell}))["run"]["id"]
    entry = (await call("GET", "/runs/{run}/artifacts", run=run)).data["artifacts"][0]
    digest = entry["artifact"]["digest"]
    preview = "/artifacts/{digest}/preview"
    listing = (await call("GET", preview, digest=digest)).data
    assert listing["files"] == [{"name": "in/a.txt", "size": 5}, {"name": "p.png", "size": 16}]
    assert (await call("GET", preview, query={"name": "in/a.txt"}, digest=digest)).data["text"] == "hello"
    image = (await call("GET", preview, query={"name": "p.png"}, digest=digest)).data
    assert (image["kind"], image["media_type"]) == ("image", "image/png")
    assert (await call("GET", preview, query={"name": "../a"}, digest=digest)).status == 404
    content = "/artifacts/{digest}/content"
    assert (await call("GET", content, query={"name": "in/a.txt"}, digest=digest)).body == b"hello"
    headers = {"Range": "bytes=1-2"}
    assert (await call("GET", content, headers=headers, query={"name": "in/a.txt"}, digest=digest)).body == b"el"
    whole = await call("GET", content, digest=digest)
    assert whole.headers["Content-Disposition"].endswith("out.tar")
    assert entry["artifact"]["kind"] == "folder"

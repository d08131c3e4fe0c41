"""The client at a server that refuses, is busy, or is none at all; and where it finds who it is."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.errors import ClusterError
from jupyter_kf.kube.blocking import BlockingClient
from jupyter_kf.kube.client import Client
from jupyter_kf.kube.kinds import CONFIG_MAP
from jupyter_kf.kube.watch import WatchEvent, _lines, watch
from tests.unit.kube.scripted_server import (
    Answer,
    ScriptedServer,
    config_map,
    lists,
    refuses,
    says,
    watches,
    write_kubeconfig,
)

pytest.importorskip("kubernetes")


def ask(folder: Path, *answers: Answer, user: dict[str, Any] | None = None, patience: float = 5.0) -> ScriptedServer:
    """List config maps once; returns the server with what it was asked, or raises the client's error."""

    async def run() -> ScriptedServer:
        async with ScriptedServer(folder, *answers, user=user) as server:
            async with await Client.connect(server.kubeconfig, patience=patience) as client:
                await client.list_all(CONFIG_MAP, "test")
            return server

    return asyncio.run(run())


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    server = ask(tmp_path, refuses(429, Retry_After="0.01"), refuses(503, Retry_After="0.01"), lists("a"))
    assert len(server.asked) == 3


def test_a_server_that_stays_busy_is_told_of_after_a_while(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        ask(tmp_path, refuses(429, "TooManyRequests", "busy", Retry_After="60"), patience=2)
    assert (caught.value.code, caught.value.details["retry_after"]) == ("KF810", 60)


@pytest.mark.parametrize("status", [500, 503, 409, 403])
def test_other_refusals_are_not_repeated(tmp_path: Path, status: int) -> None:
    with pytest.raises(ClusterError):
        ask(tmp_path, refuses(status), lists("a"), patience=60)


def test_a_page_of_something_else_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="Please log in") as caught:
        ask(tmp_path, says(200, b"<html>Please log in</html>"))
    assert caught.value.code == "KF811"


def test_pages_that_expire_are_asked_for_in_one_piece(tmp_path: Path) -> None:
    server = ask(tmp_path, lists("a", more="token"), refuses(410, "Expired"), lists("a", "b"))
    assert ["limit=500" in path for _, path in server.asked] == [True, True, False]
    assert "continue=token" in server.asked[1][1]


def test_nobody_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / "none.conf", "http://127.0.0.1:9", {})

    async def run() -> None:
        async with await Client.connect(tmp_path / "none.conf") as client:
            await client.list_all(CONFIG_MAP)

    with pytest.raises(ClusterError, match=r"KF801.*127\.0\.0\.1:9") as caught:
        asyncio.run(run())
    assert caught.value.fix


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    async def silent(request: Any) -> Any:
        await asyncio.sleep(3600)

    async def run() -> None:
        async with (
            ScriptedServer(tmp_path, silent) as server,
            await Client.connect(server.kubeconfig, timeout=0.2) as client,
        ):
            await client.list_all(CONFIG_MAP)

    with pytest.raises(ClusterError) as caught:
        asyncio.run(run())
    assert caught.value.code == "KF801"


# who we are


def test_a_token_file_may_end_with_a_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    server = ask(tmp_path, lists("a"), user={"tokenFile": str(tmp_path / "token")})
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_a_token_that_is_refused_is_asked_for_again(tmp_path: Path) -> None:
    server = ask(tmp_path, refuses(401, "Unauthorized"), lists("a"), user=counting_plugin(tmp_path))
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_stays_refused_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        ask(tmp_path, refuses(401, "Unauthorized"), user=counting_plugin(tmp_path))
    assert caught.value.code == "KF802"
    assert (tmp_path / "count").read_text() == "xx", "asked twice, not for ever"


def test_a_kubeconfig_that_was_written_anew_is_read_when_the_old_one_is_refused(tmp_path: Path) -> None:
    async def run() -> list[str]:
        server = ScriptedServer(tmp_path, refuses(401), lists("a"), user={"token": "old"})
        async with server, await Client.connect(server.kubeconfig) as client:
            server.kubeconfig.write_text(server.kubeconfig.read_text().replace('"old"', '"new"'))
            await client.list_all(CONFIG_MAP)
        return [headers["Authorization"] for headers in server.headers]

    assert asyncio.run(run()) == ["Bearer old", "Bearer new"]


def counting_plugin(folder: Path) -> dict[str, Any]:
    """An exec plugin whose tokens are counted and are promised to be good for a long time."""
    script = folder / "plugin.py"
    script.write_text(
        "import json, pathlib, sys\n"
        f"count = pathlib.Path({str(folder / 'count')!r})\n"
        "count.write_text((count.read_text() if count.exists() else '') + 'x')\n"
        "status = {'token': f'token-{len(count.read_text())}', 'expirationTimestamp': '2099-01-01T00:00:00Z'}\n"
        "api = 'client.authentication.k8s.io/v1'\n"
        "json.dump({'apiVersion': api, 'kind': 'ExecCredential', 'status': status}, sys.stdout)\n"
    )
    command = {"command": sys.executable, "args": [str(script)], "apiVersion": "client.authentication.k8s.io/v1"}
    return {"exec": command}


def test_a_login_command_that_fails_is_named(tmp_path: Path) -> None:
    failing = {"exec": {"command": "false", "apiVersion": "client.authentication.k8s.io/v1"}}
    with pytest.raises(ClusterError, match="'false' gave no credentials") as caught:
        ask(tmp_path, lists("a"), user=failing)
    assert caught.value.code == "KF812"


@pytest.mark.parametrize("text", ["", "[]", "{", "clusters: []", '{"current-context": "x", "contexts": []}'])
def test_a_configuration_that_is_none_is_told_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.conf").write_text(text)
    with pytest.raises(ClusterError, match=r"broken\.conf") as caught:
        asyncio.run(Client.connect(tmp_path / "broken.conf"))
    assert caught.value.code == "KF812"


def test_no_configuration_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    with pytest.raises(ClusterError, match="absent is not there"):
        asyncio.run(Client.connect())


def test_the_context_names_the_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_kubeconfig(tmp_path / "one.conf", "http://127.0.0.1:9", {}, namespace="mine")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'absent'}:{tmp_path / 'one.conf'}")

    async def run() -> str:
        async with await Client.connect() as client:
            return client.namespace

    assert asyncio.run(run()) == "mine"


# watches


def test_lines_are_whole_however_they_are_cut() -> None:
    async def cut(data: bytes, size: int) -> list[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(data), size):
                yield data[start : start + size]

        return [line async for line in _lines(pieces())]

    data = b'{"a": 1}\n{"b": "' + b"x" * 5000 + b'"}\n{"c": 3}\n{"cut'
    for size in (1, 2, 7, 100, 10_000):
        assert asyncio.run(cut(data, size)) == data.split(b"\n")[:-1]


def watched(folder: Path, answer: Answer, **options: Any) -> tuple[list[WatchEvent], ClusterError | None, str]:
    async def run() -> tuple[list[WatchEvent], ClusterError | None, str]:
        events: list[WatchEvent] = []
        async with ScriptedServer(folder, answer) as server, await Client.connect(server.kubeconfig) as client:
            try:
                async for event in watch(client, CONFIG_MAP, "test", resource_version="5", **options):
                    events.append(event)
            except ClusterError as exc:
                return events, exc, server.asked[0][1]
            return events, None, server.asked[0][1]

    return asyncio.run(run())


def test_a_watch_says_what_happens_and_ends_in_good_order(tmp_path: Path) -> None:
    bookmark = {"metadata": {"resourceVersion": "9"}}
    answer = watches(("ADDED", config_map("a", "6")), ("BOOKMARK", bookmark))
    events, error, asked = watched(tmp_path, answer, labels="a=b")
    assert error is None
    assert [(event.type, event.resource_version) for event in events] == [("ADDED", "6"), ("BOOKMARK", "9")]
    assert "resourceVersion=5" in asked
    assert "labelSelector=a%3Db" in asked
    assert "allowWatchBookmarks=true" in asked


def test_a_watch_that_falls_silent_is_broken(tmp_path: Path) -> None:
    events, error, _ = watched(tmp_path, watches(("ADDED", config_map("a")), ends=False), silence=0.2)
    assert len(events) == 1
    assert error is not None
    assert error.code == "KF801"


@pytest.mark.parametrize(("code", "expected"), [(410, "KF808"), (500, "KF811"), (None, "KF811")])
def test_an_error_in_a_watch_is_one(tmp_path: Path, code: int | None, expected: str) -> None:
    _, error, _ = watched(tmp_path, watches(("ERROR", {"code": code, "message": "too old"})))
    assert error is not None
    assert error.code == expected


def test_what_is_no_event_is_an_error(tmp_path: Path) -> None:
    for body in (b"<html>\n", b"[]\n", b'{"type": "ADDED"}\n', b'{"type": "ADDED", "object": {}}\n', b"null\n"):
        _, error, _ = watched(tmp_path, says(200, body))
        assert error is not None
        assert error.code == "KF811"


# without an event loop


def test_code_without_a_loop_asks_and_follows(tmp_path: Path) -> None:
    ready, done = threading.Event(), threading.Event()
    server = ScriptedServer(tmp_path, lists("a"), says(200, b"one\ntwo\n"), refuses(404, "NotFound"))

    async def serve() -> None:
        async with server:
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        with BlockingClient(server.kubeconfig) as cluster:
            page = cluster.do(lambda client: client.list_all(CONFIG_MAP))
            assert [item["metadata"]["name"] for item in page.items] == ["a"]
            assert b"".join(cluster.each(lambda client: client.logs("p", "test", tail=2))) == b"one\ntwo\n"
            with pytest.raises(ClusterError, match="KF804"):
                cluster.do(lambda client: client.get(CONFIG_MAP, "x", "test"))
    finally:
        done.set()
        thread.join()
    assert "kubernetes" not in {one.name for one in threading.enumerate()}


def test_a_blocking_client_without_configuration_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="KF812"):
        BlockingClient(tmp_path / "absent")
    assert "kubernetes" not in {one.name for one in threading.enumerate()}


# what is sent


def test_writes_carry_manager_preconditions_and_kind(tmp_path: Path) -> None:
    async def run() -> ScriptedServer:
        async with ScriptedServer(tmp_path, says(200)) as server, await Client.connect(server.kubeconfig) as client:
            body = {"metadata": {"name": "a", "namespace": "test"}}
            await client.apply(CONFIG_MAP, body, manager="me", force=True, dry_run=True)
            await client.delete(CONFIG_MAP, "a", "test", uid="u", resource_version="3", grace_seconds=0)
            await client.patch(CONFIG_MAP, "a", "test", patch=[{"op": "remove", "path": "/data"}], form="json")
            return server

    server = asyncio.run(run())
    assert server.asked[0] == (
        "PATCH", "/api/v1/namespaces/test/configmaps/a?fieldManager=me&force=true&dryRun=All",
    )  # fmt: skip
    types = [headers["Content-Type"] for headers in server.headers]
    assert types == ["application/apply-patch+yaml", "application/json", "application/json-patch+json"]
    applied, deleted, patched = map(json.loads, server.bodies)
    assert (applied["apiVersion"], applied["kind"]) == ("v1", "ConfigMap")
    assert deleted["preconditions"] == {"uid": "u", "resourceVersion": "3"}
    assert deleted["gracePeriodSeconds"] == 0
    assert patched == [{"op": "remove", "path": "/data"}]
    assert server.headers[0]["User-Agent"] == "jupyter-kf"

"""The reflector at a server that refuses and forgets: it gets there, and tells of each change once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_kf.errors import ClusterError
from jupyter_kf.kube.backoff import Backoff
from jupyter_kf.kube.client import Client
from jupyter_kf.kube.kinds import CONFIG_MAP
from jupyter_kf.kube.reflector import Reflector
from jupyter_kf.kube.store import Store, owner_uids
from tests.unit.kube.scripted_server import Answer, ScriptedServer, config_map, lists, refuses, says, watches

pytest.importorskip("kubernetes")

Told = list[tuple[str, bool, bool]]


def reflect(
    folder: Path, *answers: Answer, until: Callable[[Reflector], bool], store: Store | None = None
) -> tuple[Told, Reflector, ScriptedServer]:
    """Run a reflector until it is where the test wants it, and return what handlers heard (name, old, new)."""
    told: Told = []

    async def run() -> tuple[Reflector, ScriptedServer]:
        kept = store if store is not None else Store()
        kept.add_handler(lambda change: told.append((change.key[1], change.old is not None, change.new is not None)))
        async with (
            ScriptedServer(folder, *answers) as server,
            await Client.connect(server.kubeconfig, patience=0) as client,
            Reflector(client, CONFIG_MAP, kept, namespace="test", backoff=Backoff(first=0.01)) as reflector,
            asyncio.timeout(20),
        ):
            while not until(reflector):
                await asyncio.sleep(0.01)
        return reflector, server

    reflector, server = asyncio.run(run())
    return told, reflector, server


ADDED, CHANGED, GONE = (False, True), (True, True), (True, False)


def test_an_expired_state_is_listed_again_and_compared(tmp_path: Path) -> None:
    told, reflector, server = reflect(
        tmp_path,
        lists("kept", "gone", version="10"),
        watches(("MODIFIED", config_map("kept", "11")), ("ERROR", {"code": 410, "reason": "Expired"})),
        says(
            200, {"metadata": {"resourceVersion": "20"}, "items": [config_map("kept", "11"), config_map("new", "15")]}
        ),
        watches(("ADDED", config_map("last", "21")), ends=False),
        until=lambda one: one.store.get("last", "test") is not None,
    )
    assert told == [
        ("kept", *ADDED), ("gone", *ADDED), ("kept", *CHANGED), ("new", *ADDED), ("gone", *GONE), ("last", *ADDED),
    ]  # fmt: skip
    assert reflector.lists == 2
    assert "resourceVersion=20" in server.asked[3][1]


def test_a_watch_that_ends_is_resumed_from_the_last_bookmark(tmp_path: Path) -> None:
    _, reflector, server = reflect(
        tmp_path,
        lists("a", version="10"),
        watches(("BOOKMARK", {"metadata": {"resourceVersion": "99"}})),
        watches(("ADDED", config_map("b", "100")), ends=False),
        until=lambda one: len(one.store) == 2,
    )
    assert reflector.lists == 1
    assert ["resourceVersion=10" in server.asked[1][1], "resourceVersion=99" in server.asked[2][1]] == [True, True]


def test_events_that_were_heard_already_are_not_handled_twice(tmp_path: Path) -> None:
    again = config_map("a", "12")
    told, _, _ = reflect(
        tmp_path,
        lists("a", version="10"),
        watches(("MODIFIED", again), ("MODIFIED", again)),
        watches(("MODIFIED", again), ("DELETED", again), ("DELETED", again), ("ADDED", config_map("z")), ends=False),
        until=lambda one: one.store.get("z", "test") is not None,
    )
    assert told == [("a", *ADDED), ("a", *CHANGED), ("a", *GONE), ("z", *ADDED)]


def test_refusals_of_every_kind_are_outlived(tmp_path: Path) -> None:
    told, reflector, _ = reflect(
        tmp_path,
        refuses(500),
        refuses(429, Retry_After="0.05"),
        refuses(403, "Forbidden"),
        says(200, b"<html>not the API server</html>"),
        lists("a"),
        refuses(500),
        refuses(429, Retry_After="0.05"),
        watches(),
        says(200, b'{"type": "ADDED", "obj'),
        watches(("ERROR", {"code": 500, "message": "etcd"})),
        watches(("ADDED", config_map("b")), ends=False),
        until=lambda one: len(one.store) == 2,
    )
    assert told == [("a", *ADDED), ("b", *ADDED)]
    assert reflector.lists == 1
    assert reflector.problem is None


def test_what_is_wrong_meanwhile_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            ScriptedServer(tmp_path, refuses(403, "Forbidden", "cannot list configmaps")) as server,
            await Client.connect(server.kubeconfig) as client,
            Reflector(client, CONFIG_MAP, backoff=Backoff(first=0.01, cap=0.02)) as reflector,
        ):
            assert not reflector.synced
            await reflector.wait_until_synced(0.5)

    with pytest.raises(ClusterError, match="cannot list configmaps") as caught:
        asyncio.run(run())
    assert caught.value.code == "KF803"


def test_pages_that_expire_lose_nothing(tmp_path: Path) -> None:
    told, _, _ = reflect(
        tmp_path,
        lists("a", "b", more="token"),
        refuses(410, "Expired"),
        lists("a", "c", version="10"),
        watches(ends=False),
        until=lambda one: one.synced and one.watches == 1,
    )
    assert told == [("a", *ADDED), ("b", *ADDED), ("c", *ADDED), ("b", *GONE)]


def test_an_odd_object_keeps_no_other_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    odd = config_map("odd")
    odd["metadata"]["ownerReferences"] = [{"name": "without a uid"}]
    told, _, _ = reflect(
        tmp_path,
        says(200, {"metadata": {"resourceVersion": "10"}, "items": [odd, config_map("good")]}),
        watches(ends=False),
        until=lambda one: one.synced,
        store=Store(indexes={"owner": owner_uids}),
    )
    assert told == [("good", *ADDED)]
    assert "ConfigMap test/odd cannot be kept" in caplog.text

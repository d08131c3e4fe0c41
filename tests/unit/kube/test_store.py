"""The store tells each change once, finds objects by its indexes, and keeps what it is told to keep."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_kf.kube.store import Change, Store, involved_object, keep, label, namespaces, owner_uids
from tests.unit.kube.scripted_server import config_map


def recorded(store: Store) -> list[tuple[str, str | None, str | None]]:
    """Record changes as name, old version, new version."""
    told: list[tuple[str, str | None, str | None]] = []

    def version(item: dict[str, Any] | None) -> str | None:
        return None if item is None else item["metadata"]["resourceVersion"]

    store.add_handler(lambda change: told.append((change.key[1], version(change.old), version(change.new))))
    return told


def test_each_change_is_told_once() -> None:
    store = Store()
    told = recorded(store)
    for version in ("1", "1", "2"):
        store.put(config_map("a", version))
    store.remove(("test", "a"))
    store.remove(("test", "a"))
    assert told == [("a", None, "1"), ("a", "1", "2"), ("a", "2", None)]


def test_another_object_of_the_same_name_comes_after_the_first_one_went() -> None:
    store = Store()
    told = recorded(store)
    store.put(config_map("a", "1", uid="first"))
    store.put(config_map("a", "5", uid="second"))
    assert told == [("a", None, "1"), ("a", "1", None), ("a", None, "5")]


def test_a_list_tells_of_what_went_while_nobody_watched() -> None:
    store = Store()
    for name in "abc":
        store.put(config_map(name, "1"))
    told = recorded(store)
    store.keep_only({("test", "b")})
    assert told[3:] == [("a", "1", None), ("c", "1", None)]
    assert [item["metadata"]["name"] for item in store] == ["b"]


def test_a_late_handler_hears_of_what_is_there() -> None:
    store = Store()
    store.put(config_map("a", "1"))
    assert recorded(store) == [("a", None, "1")]


def test_a_handler_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fails(change: Change) -> None:
        raise ValueError("broken handler")

    store = Store()
    store.add_handler(fails)
    told = recorded(store)
    store.put(config_map("a", "1"))
    assert told == [("a", None, "1")]
    assert "broken handler" in caplog.text


def test_trim_and_indexes_that_fail_change_nothing() -> None:
    store = Store(indexes={"owner": owner_uids, "namespace": namespaces})
    store.put(config_map("a", "1"))
    odd = config_map("a", "2")
    odd["metadata"]["ownerReferences"] = [{"name": "without a uid"}]
    with pytest.raises(KeyError):
        store.put(odd)
    assert store.get("a", "test") is not None
    assert [item["metadata"]["resourceVersion"] for item in store.by("namespace", "test")] == ["1"]


def test_objects_are_found_by_owner_label_and_what_an_event_is_about() -> None:
    store = Store(indexes={"owner": owner_uids, "notebook": label("notebook-name"), "about": involved_object})
    one = config_map("one", involvedObject={"kind": "Notebook", "namespace": "test", "name": "n"})
    one["metadata"] |= {"ownerReferences": [{"uid": "u1"}], "labels": {"notebook-name": "n"}}
    store.put(one)
    store.put(config_map("two"))
    for index, value in (("owner", "u1"), ("notebook", "test/n"), ("about", "Notebook/test/n")):
        assert [item["metadata"]["name"] for item in store.by(index, value)] == ["one"]
    moved = config_map("one", "11")
    store.put(moved)
    assert store.by("owner", "u1") == store.by("notebook", "test/n") == store.by("about", "Notebook/test/n") == []


def test_what_only_the_api_server_reads_is_dropped() -> None:
    store = Store()
    item = config_map("a", data={"x": "1"})
    item["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    item["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    store.put(item)
    kept = store.get("a", "test")
    assert kept == config_map("a", data={"x": "1"}) | {
        "metadata": config_map("a")["metadata"] | {"annotations": {"mine": "1"}}
    }
    assert "managedFields" in item["metadata"], "the object that was given is not ours to change"


def test_keep_keeps_the_paths_it_names() -> None:
    trim = keep("spec.replicas", "status", "spec.template.spec.containers", "spec.absent.deep")
    item = config_map(
        "a",
        apiVersion="apps/v1",
        kind="StatefulSet",
        spec={"replicas": 1, "selector": {}, "template": {"spec": {"containers": [{"name": "c"}], "volumes": []}}},
        status={"readyReplicas": 1},
        data={},
    )
    assert trim(item) == {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": item["metadata"],
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "c"}]}}},
        "status": {"readyReplicas": 1},
    }


steps = st.tuples(st.sampled_from("abcd"), st.sampled_from(["put", "remove"]), st.sampled_from(["x", "y", ""]))


@given(st.lists(steps, max_size=30))
def test_indexes_and_handlers_always_agree_with_the_objects(sequence: list[tuple[str, str, str]]) -> None:
    store = Store(indexes={"colour": label("colour")})
    mirror: dict[tuple[str, str], dict[str, Any]] = {}

    def follow(change: Change) -> None:
        assert mirror.get(change.key) == change.old
        if change.new is None:
            del mirror[change.key]
        else:
            mirror[change.key] = change.new

    store.add_handler(follow)
    for number, (name, action, colour) in enumerate(sequence):
        if action == "remove":
            store.remove(("test", name))
            continue
        item = config_map(name, str(number), uid=str(number // 5))
        if colour:
            item["metadata"]["labels"] = {"colour": colour}
        store.put(item)
    assert list(mirror.values()) == list(store)
    for colour in "xy":
        expected = [item for item in store if item["metadata"].get("labels", {}).get("colour") == colour]
        assert store.by("colour", f"test/{colour}") == sorted(expected, key=lambda item: item["metadata"]["name"])

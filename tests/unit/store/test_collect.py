"""Garbage collection: what it frees, and above all what it must not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.model.event import Event
from jupyter_kf.store import Store, open_store

OLD = time.time() - 30 * 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(Settings(home=tmp_path / "home")) as opened:
        yield opened


def put(store: Store, content: bytes, *, old: bool = True) -> str:
    digest = store.artifacts.put_bytes(content)
    if old:
        os.utime(store.artifacts.path(digest), (OLD, OLD))
    return digest


def forget_uses(store: Store) -> None:
    """Let a month go by."""
    with store.database.writing() as session:
        session.execute("UPDATE kf_usage SET used = :old", {"old": OLD})


def run_of(
    store: Store, run: str, *, made: str = "", used: str = "", finish: bool = True, at: float = OLD, **data: Any
) -> None:
    finished = {"state": "SUCCEEDED", "cache_key": f"key-{made}", "outputs": {"v": made} if made else {}}
    events = [
        Event("run.submitted", run, at, data={"name": run, **data}),
        Event("run.started", run, at),
        Event("execution.started", run, at, "s", f"{run}-e", {"inputs": {"x": used} if used else {}}),
        Event("execution.finished", run, at, "s", f"{run}-e", finished),
    ]
    if finish:
        events.append(Event("run.finished", run, at, data={"state": "SUCCEEDED"}))
    store.metadata.append(events)
    folder = store.settings.home / "runs" / run / f"{run}-e"
    folder.mkdir(parents=True)
    (folder / "stdout").write_bytes(b"12345")


def held(store: Store) -> set[str]:
    return {s.digest for s in store.artifacts.iterate()}


def test_a_deleted_run_is_freed_at_once_but_for_the_last_minute(store: Store) -> None:
    made = put(store, b"young")
    os.utime(store.artifacts.path(made), (time.time() - 120, time.time() - 120))
    run_of(store, "r1", made=made, at=time.time() - 200)
    store.metadata.delete("r1")
    assert store.gc(dry_run=False).artifacts == ()
    with store.database.writing() as session:
        session.execute("UPDATE kf_usage SET used = used - 90")
    assert store.gc(dry_run=False, grace=3600.0).artifacts == ()
    assert store.gc(dry_run=False).artifacts == (made,)


def test_what_a_kept_run_needs_stays(store: Store) -> None:
    made, used, logged, snapshot, shared, lonely = (put(store, name.encode()) for name in "abcdef")
    run_of(store, "kept", made=made, used=used, snapshot=snapshot)
    artifact = {"digest": logged, "size": 1, "kind": "file"}
    store.metadata.append([Event("artifact.logged", "kept", OLD, data={"name": "plot", "artifact": artifact})])
    run_of(store, "deleted", made=shared, used=made)
    store.metadata.append([Event("run.deleted", "deleted", OLD)])
    forget_uses(store)
    would = store.gc()
    assert would.dry_run
    assert held(store) == {made, used, logged, snapshot, shared, lonely}
    done = store.gc(dry_run=False)
    assert set(done.artifacts) == set(would.artifacts) == {shared, lonely}
    assert done.freed == would.freed == 2 + 5
    assert held(store) == {made, used, logged, snapshot}
    assert sorted(p.name for p in (store.settings.home / "runs").iterdir()) == ["kept"]
    assert store.gc(dry_run=False).artifacts == ()


def test_what_was_just_used_or_written_stays(store: Store) -> None:
    fresh = put(store, b"fresh", old=False)
    hit = put(store, b"hit")
    run_of(store, "deleted", made=hit)
    forget_uses(store)
    assert store.metadata.cached(f"key-{hit}") is not None
    store.metadata.append([Event("run.deleted", "deleted", OLD)])
    assert store.metadata.cached(f"key-{hit}") is None  # what it printed is gone with it
    assert store.gc(dry_run=False).artifacts == ()
    assert held(store) == {fresh, hit}
    forget_uses(store)
    assert store.gc(dry_run=False).artifacts == (hit,)
    assert store.metadata.cached(f"key-{hit}") is None


def test_a_collected_artifact_that_is_made_again_is_as_good_as_new(store: Store) -> None:
    made = put(store, b"again")
    run_of(store, "r1", made=made)
    store.metadata.append([Event("run.deleted", "r1", OLD)])
    forget_uses(store)
    store.gc(dry_run=False)
    assert put(store, b"again", old=False) == made
    assert store.metadata.cached(f"key-{made}") is None
    run_of(store, "r2", made=made)
    found = store.metadata.cached(f"key-{made}")
    assert found is not None
    assert found.run == "r2"


def test_while_a_run_goes_on_only_what_is_older_is_garbage(store: Store) -> None:
    before, since = put(store, b"before"), put(store, b"since")
    os.utime(store.artifacts.path(since), (OLD + 100, OLD + 100))
    run_of(store, "live", finish=False, at=OLD + 50)
    forget_uses(store)
    assert store.gc(dry_run=False).artifacts == (before,)
    assert held(store) == {since}
    store.metadata.append([Event("run.finished", "live", OLD, data={"state": "FAILED"})])
    assert store.gc(dry_run=False).artifacts == (since,)


def test_old_and_surplus_runs(store: Store) -> None:
    for number in range(4):
        run_of(store, f"r{number}", at=OLD + number, tags={"keep": "yes"} if number == 0 else {})
    run_of(store, "new", at=time.time(), experiment="other")
    run_of(store, "live", finish=False)
    assert set(store.gc(older_than=86400.0).runs) == {"r1", "r2", "r3"}
    assert set(store.gc(keep_last=1).runs) == {"r1", "r2"}
    assert set(store.gc(keep_last=2, older_than=86400.0).runs) == {"r1"}
    assert [r.id for r in store.metadata.runs(sort="created")] == ["r0", "live", "r1", "r2", "r3", "new"]
    assert set(store.gc(keep_last=1, dry_run=False).runs) == {"r1", "r2"}
    assert {r.id for r in store.metadata.runs()} == {"r0", "r3", "new", "live"}
    assert {p.name for p in (store.settings.home / "runs").iterdir()} == {"r0", "r3", "new", "live"}


def test_what_dead_writers_left_goes(store: Store) -> None:
    folder = store.artifacts.folder / "tmp"
    folder.mkdir(parents=True)
    child = os.posix_spawn("/bin/true", ["true"], os.environ)
    os.waitpid(child, 0)
    host = os.uname().nodename
    dead, mine, strange, ancient = (
        folder / name for name in (f"{host}.{child}.a", f"{host}.{os.getpid()}.b", "elsewhere.1.c", "elsewhere.1.d")
    )
    for path in (dead, mine, strange, ancient):
        path.write_bytes(b"1234")
    os.utime(ancient, (OLD, OLD))
    assert store.gc().freed == 8
    assert store.gc(dry_run=False).freed == 8
    assert sorted(folder.iterdir()) == sorted([mine, strange])


def test_a_folder_of_an_unknown_run_goes_when_it_is_old(store: Store) -> None:
    runs = store.settings.home / "runs"
    for name in ("young", "old"):
        (runs / name).mkdir(parents=True)
    os.utime(runs / "old", (OLD, OLD))
    (runs / "link").symlink_to(store.settings.home)
    os.utime(runs / "link", (OLD, OLD), follow_symlinks=False)
    assert [f.name for f in store.gc(dry_run=False).folders] == ["old"]
    assert {p.name for p in runs.iterdir()} == {"young", "link"}


def test_a_cache_hit_and_a_collection_at_once(tmp_path: Path) -> None:
    """Whatever ``cached`` promises is there afterwards, however the two meet."""
    settings = Settings(home=tmp_path)
    with open_store(settings) as store, open_store(settings) as other:
        digests = [put(store, b"%d" % number) for number in range(60)]
        for number, digest in enumerate(digests):
            run_of(store, f"r{number}", made=digest)
        store.metadata.append([Event("run.deleted", f"r{n}", OLD) for n in range(60)])
        forget_uses(store)
        hits: list[str] = []

        def hit() -> None:
            for digest in digests:
                if other.metadata.cached(f"key-{digest}") is not None:
                    hits.append(digest)

        thread = threading.Thread(target=hit)
        thread.start()
        store.gc(dry_run=False)
        thread.join()
        assert set(hits) <= held(store)
        assert set(digests) - held(store) <= set(digests) - set(hits)
        assert all(store.metadata.cached(f"key-{digest}") for digest in hits)

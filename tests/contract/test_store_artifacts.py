"""One suite for all places that artifacts can lie in."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.errors import ConfigError, StoreError
from jupyter_kf.store import Artifacts, open_store
from jupyter_kf.store.remote import RemoteArtifacts

PLACES = ("folder", "file", "memory", "local-fsspec", "s3")


@pytest.fixture(params=PLACES)
def opener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Artifacts]]:
    """Open the artifacts of one place as the machine with this name sees them."""
    place = request.param
    url = {
        "folder": "",
        "file": f"file://{tmp_path}/shared",
        "memory": f"memory://kf-{tmp_path.name}",
    }.get(place)
    if place == "s3":
        server = request.getfixturevalue("s3_server")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        url = server.new_bucket()
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()  # another address may be in the environment now
    stores = []

    def machine(name: str) -> Artifacts:
        if place == "local-fsspec":  # a remote place without atomic puts
            return RemoteArtifacts(f"local://{tmp_path}/remote", tmp_path / name / "cache")
        home = tmp_path / ("home" if place == "folder" else name)
        stores.append(open_store(Settings(home=home, artifacts=url or "")))
        return stores[-1].artifacts

    yield machine
    for store in stores:
        store.close()


@pytest.fixture
def artifacts(opener: Callable[[str], Artifacts]) -> Artifacts:
    return opener("one")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_bytes_come_back_on_every_machine(opener: Callable[[str], Artifacts]) -> None:
    one, other = opener("one"), opener("other")
    content = bytes(range(256)) * 9000
    name = one.put_bytes(content)
    assert name == digest(content)
    for artifacts in (one, other):
        assert artifacts.has(name)
        assert artifacts.size(name) == len(content)
        assert artifacts.path(name).read_bytes() == content
        assert artifacts.whole(name, len(content))
        assert not artifacts.whole(name, 5)
        with artifacts.open(name) as stream:
            assert stream.read(3) == content[:3]
    assert [(s.digest, s.size) for s in other.iterate()] == [(name, len(content))]


def test_files_are_copied_moved_or_taken_at_their_word(artifacts: Artifacts, tmp_path: Path) -> None:
    copied, moved, told, again = (tmp_path / n for n in ("copied", "moved", "told", "again"))
    for path in (copied, moved, told):
        path.write_bytes(path.name.encode())
    again.write_bytes(b"copied")
    assert artifacts.put_file(copied) == digest(b"copied")
    assert artifacts.put_file(moved, move=True) == digest(b"moved")
    assert artifacts.put_file(told, digest(b"told"), move=True) == digest(b"told")
    assert artifacts.put_file(again, digest(b"copied"), move=True) == digest(b"copied")
    assert [p.exists() for p in (copied, moved, told, again)] == [True, False, False, False]
    assert sorted(s.digest for s in artifacts.iterate()) == sorted(map(digest, (b"copied", b"moved", b"told")))
    stored = artifacts.path(digest(b"copied"))
    assert stored.stat().st_mode & 0o222 == 0
    assert copied.stat().st_mode & 0o200
    with pytest.raises(StoreError) as caught:
        artifacts.put_file(tmp_path / "none")
    assert caught.value.code == "KF613"
    assert list((artifacts.folder / "tmp").iterdir()) == []


def test_a_file_that_was_cut_short_is_written_again(artifacts: Artifacts, tmp_path: Path) -> None:
    name = artifacts.put_bytes(b"in full")
    whole = tmp_path / "whole"
    whole.write_bytes(b"in full")
    for again in (lambda: artifacts.put_bytes(b"in full"), lambda: artifacts.put_file(whole, name)):
        artifacts.local(name).chmod(0o600)
        artifacts.local(name).write_bytes(b"in")
        again()
        assert artifacts.path(name).read_bytes() == b"in full"


def test_what_a_guest_wrote_is_published(opener: Callable[[str], Artifacts]) -> None:
    one, other = opener("one"), opener("other")
    name = digest(b"guest")
    path = one.local(name)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"guest")
    one.publish(name)
    one.publish(name)
    assert other.path(name).read_bytes() == b"guest"


def test_what_is_missing_is_said(artifacts: Artifacts) -> None:
    name = digest(b"never")
    assert not artifacts.has(name)
    assert not artifacts.whole(name, 0)
    asked: list[Callable[[str], Any]] = [artifacts.size, artifacts.path, artifacts.publish, artifacts.open]
    for ask in asked:
        with pytest.raises(StoreError) as caught:
            ask(name)
        assert caught.value.code == "KF611"
    assert artifacts.delete(name) == 0
    assert list(artifacts.iterate()) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a/" * 32, "g" * 64]
)
def test_only_digests_lead_to_files(artifacts: Artifacts, name: str) -> None:
    for ask in (artifacts.has, artifacts.path, artifacts.size, artifacts.delete, artifacts.publish, artifacts.local):
        with pytest.raises(StoreError) as caught:
            ask(name)
        assert caught.value.code == "KF610"


def test_deleting(artifacts: Artifacts) -> None:
    name = artifacts.put_bytes(b"gone")
    assert artifacts.delete(name, before=0.0) == 0
    assert artifacts.has(name)
    assert artifacts.delete(name) == 4
    assert not artifacts.has(name)
    assert not artifacts.local(name).exists()
    assert artifacts.put_bytes(b"gone") == name
    assert artifacts.path(name).read_bytes() == b"gone"


def test_many_writers_of_the_same_bytes(opener: Callable[[str], Artifacts]) -> None:
    content = b"same" * 50000
    machines = [opener(f"machine{i}") for i in range(4)]
    failures: list[BaseException] = []

    def put(artifacts: Artifacts) -> None:
        try:
            for _ in range(3):
                artifacts.put_bytes(content)
                assert artifacts.path(digest(content)).read_bytes() == content
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=put, args=(a,)) for a in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [s.digest for s in opener("reader").iterate()] == [digest(content)]


def test_a_remote_object_that_was_replaced_is_not_used(opener: Callable[[str], Artifacts]) -> None:
    one, other = opener("one"), opener("other")
    name = one.put_bytes(b"good")
    if not isinstance(one, RemoteArtifacts):
        return  # a folder's files are trusted or not as a whole: Store.trusted
    one._filesystem.pipe_file(one._key(name), b"evil")
    with pytest.raises(StoreError) as caught:
        other.path(name)
    assert caught.value.code == "KF612"
    assert not other.local(name).exists()
    assert one.path(name).read_bytes() == b"good"


def test_urls_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(Settings(home=tmp_path, artifacts="nosuch://bucket"))
    assert caught.value.code == "KF504"


def test_a_service_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with open_store(Settings(home=tmp_path, artifacts="s3://nowhere/x")) as store, pytest.raises(StoreError) as caught:
        store.artifacts.put_bytes(b"x")
    assert caught.value.code == "KF614"

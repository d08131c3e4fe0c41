"""Opening a store: where it lies, whom it trusts, what is said when it cannot be."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.errors import ConfigError, KFError, StoreError
from jupyter_kf.model.event import Event
from jupyter_kf.store import open_store
from jupyter_kf.store.filesystem import network_type, private
from jupyter_kf.store.sqlite import SqliteDatabase

OLD_DATABASES = sorted((Path(__file__).parent / "databases").glob("*.sql"))


def test_a_store_of_ones_own_is_trusted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_store(Settings(home=home)) as store:
        assert store.trusted
        assert home.stat().st_mode & 0o077 == 0
        store.artifacts.put_bytes(b"x")
        assert store.trusted
        store.artifacts.folder.chmod(0o777)
        assert not store.trusted
        store.artifacts.folder.chmod(0o755)
        (home / "kf.db").chmod(0o666)
        assert not store.trusted
    with open_store(Settings(home=home, trust=True)) as store:
        assert store.trusted


def test_a_folder_that_others_may_write_to_is_not_private(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert private(folder)
    folder.chmod(0o757)
    assert not private(folder)
    assert not private(tmp_path / "missing")
    if os.getuid() == 0:
        folder.chmod(0o755)
        os.chown(folder, 12345, 12345)
        assert not private(folder)


def test_network_file_systems_are_found(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    root = str(tmp_path)
    mounts.write_text(
        "rootfs / ext4 rw 0 0\n"
        f"server:/home {root}/home nfs4 rw 0 0\n"
        f"server:/x {root}/with\\040space fuse.sshfs rw 0 0\n"
        f"tmpfs {root}/home/local tmpfs rw 0 0\n"
        "broken\n"
    )
    assert network_type(tmp_path / "home" / "me", mounts) == "nfs4"
    assert network_type(tmp_path / "homeless", mounts) is None
    assert network_type(tmp_path / "home" / "local" / "me", mounts) is None
    assert network_type(tmp_path / "with space" / "me", mounts) == "fuse.sshfs"
    assert network_type(tmp_path, tmp_path / "none") is None


@pytest.mark.parametrize(("network", "journal"), [(None, "wal"), ("nfs", "delete")])
def test_the_journal_follows_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str | None, journal: str
) -> None:
    monkeypatch.setattr("jupyter_kf.store.sqlite.network_type", lambda path: network)
    with open_store(Settings(home=tmp_path)) as store, store.database.reading() as session:
        assert session.rows("PRAGMA journal_mode") == [(journal,)]
        assert session.rows("PRAGMA synchronous") == [(2 if network else 1,)]


@pytest.mark.parametrize("name", ["with space", "per%20cent", "quest?ion", "ha#sh", "ümlaut"])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    home = tmp_path / name / "deep"
    with open_store(Settings(home=home)) as store:
        store.metadata.append([Event("run.submitted", "r1", 1.0)])
    assert (home / "kf.db").is_file()


def test_a_database_elsewhere(tmp_path: Path) -> None:
    with open_store(Settings(home=tmp_path / "h", database=f"sqlite:///{tmp_path}/x/y.db")) as store:
        store.metadata.append([Event("run.submitted", "r1", 1.0)])
    assert (tmp_path / "x" / "y.db").is_file()


@pytest.mark.parametrize(
    ("database", "code"),
    [
        ("sqlite://", "KF504"),
        ("sqlite:///:memory:", "KF504"),
        ("nonsense", "KF504"),
        ("oracle://u:secret@h/x", "KF504"),
        ("postgresql://u:secret@127.0.0.1:1/x?connect_timeout=2", "KF601"),
        ("mysql://u:secret@127.0.0.1:1/x", "KF601"),
        ("postgresql://u:secret@h:port/x", "KF504"),
    ],
)
def test_databases_that_cannot_be_used(tmp_path: Path, database: str, code: str) -> None:
    with pytest.raises(KFError) as caught:
        open_store(Settings(home=tmp_path, database=database))
    assert caught.value.code == code
    assert caught.value.fix
    assert "secret" not in str(caught.value)


def test_a_missing_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"jupyter-kf\[postgres\]") as caught:
        open_store(Settings(home=tmp_path, database="postgresql://h/x"))
    assert caught.value.code == "KF503"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "kf.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StoreError) as caught:
        open_store(Settings(home=tmp_path))
    assert caught.value.code == "KF603"


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        open_store(Settings(home=tmp_path / "file" / "home"))
    assert caught.value.code == "KF601"
    assert "JUPYTER_KF_HOME" in caught.value.fix


def test_a_lock_that_is_never_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_kf.store.sqlite.BUSY_SECONDS", 0.05)
    with open_store(Settings(home=tmp_path)) as store:
        holder = sqlite3.connect(tmp_path / "kf.db", isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError) as caught:
                store.metadata.append([Event("run.submitted", "r1", 1.0)])
        finally:
            holder.close()
        assert caught.value.code == "KF604"
        assert store.metadata.append([Event("run.submitted", "r1", 1.0)]) == [1]


def test_a_forked_child_has_a_connection_of_its_own(tmp_path: Path) -> None:
    with open_store(Settings(home=tmp_path)) as store:
        store.metadata.append([Event("run.submitted", "r1", 1.0)])
        child = os.fork()
        if child == 0:
            code = 1
            try:
                store.metadata.append([Event("run.submitted", "r2", 2.0)])
                code = 0 if store.metadata.count_runs() == 2 else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        store.metadata.append([Event("run.submitted", "r3", 3.0)])
        assert store.metadata.count_runs() == 3


def test_a_closed_store_opens_again(tmp_path: Path) -> None:
    store = open_store(Settings(home=tmp_path))
    store.close()
    assert store.metadata.cursor() == 0
    store.close()


def test_a_store_on_sqlite_needs_no_heavy_import(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jupyter_kf.config import Settings\n"
        "from jupyter_kf.store import open_store\n"
        f"open_store(Settings(home=Path({str(tmp_path)!r}))).close()\n"
        "print(sorted({'sqlalchemy', 'fsspec', 'IPython', 'numpy', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_there_is_an_old_database_for_each_schema() -> None:
    from jupyter_kf.store.schema import MIGRATIONS

    assert [p.stem for p in OLD_DATABASES] == [f"schema{n + 1}" for n in range(len(MIGRATIONS))]


@pytest.mark.parametrize("old", OLD_DATABASES, ids=lambda p: p.stem)
def test_old_databases_open(tmp_path: Path, old: Path) -> None:
    connection = sqlite3.connect(tmp_path / "kf.db")
    connection.executescript(old.read_text("utf-8"))
    connection.close()
    with open_store(Settings(home=tmp_path)) as store:
        assert isinstance(store.database, SqliteDatabase)
        assert store.metadata.count_runs("state = SUCCEEDED and metrics.acc > 0") == 8
        run = store.metadata.run("last")
        assert run.parameters["model"] in {"forest", "boosting", "linear"}
        assert [e.step for e in store.metadata.executions(run.id)] == ["train"]
        before = store.metadata.runs(limit=None)
        assert store.metadata.rebuild() > 0
        assert store.metadata.runs(limit=None) == before

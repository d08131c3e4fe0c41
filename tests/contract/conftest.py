"""Back ends that the contract suites run against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.store import Store, open_store
from tests import store_servers

DATABASES = ("sqlite", "sqlite-network", "postgresql", "mariadb")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[store_servers.Server]:
    with store_servers.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[store_servers.Server]:
    with store_servers.mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[store_servers.S3]:
    with store_servers.s3_server() as server:
        yield server


@pytest.fixture(params=DATABASES)
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an empty store, once for each database."""
    if request.param == "sqlite-network":
        monkeypatch.setattr("jupyter_kf.store.sqlite.network_type", lambda path: "nfs4")
    url = ""
    if request.param in {"postgresql", "mariadb"}:
        url = request.getfixturevalue(request.param).new_database()
    return Settings(home=tmp_path / "home", database=url)


@pytest.fixture
def opener(settings: Settings) -> Iterator[Callable[[], Store]]:
    """Open the store once more, as another process would."""
    opened: list[Store] = []

    def again() -> Store:
        opened.append(open_store(settings))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def store(opener: Callable[[], Store]) -> Store:
    return opener()

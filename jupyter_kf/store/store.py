"""Store room, the store itself: metadata and artifacts that belong together."""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType

from jupyter_kf.config import Settings
from jupyter_kf.errors import ConfigError, StoreError
from jupyter_kf.store.artifacts import Artifacts, FolderArtifacts
from jupyter_kf.store.collect import Collection, Collector
from jupyter_kf.store.database import Database
from jupyter_kf.store.filesystem import private
from jupyter_kf.store.metadata import Metadata
from jupyter_kf.store.schema import migrate
from jupyter_kf.store.sqlite import SqliteDatabase

logger = logging.getLogger(__name__)


class Store:
    """Metadata and artifacts; close it, or use it in ``with``."""

    def __init__(self, settings: Settings, database: Database, artifacts: Artifacts) -> None:
        self.settings = settings
        self.database = database
        self.metadata = Metadata(database, artifacts)
        self.artifacts = artifacts

    @property
    def trusted(self) -> bool:
        """True where what the database names may be unpickled.

        Either the user says so (``trust``), or nobody but the user can write to the database and to what is taken
        from the artifacts unverified: a shared store is not a way to run code. What comes from a URL is verified
        against its digest, so there the database alone decides.
        """
        if self.settings.trust:
            return True
        if not isinstance(self.database, SqliteDatabase):
            return False
        path = self.database.path
        own = private(path) and private(path.parent)
        return own and (not self.artifacts.folder.exists() or private(self.artifacts.folder))

    def gc(
        self,
        *,
        dry_run: bool = True,
        older_than: float | None = None,
        keep_last: int | None = None,
        grace: float | None = None,
    ) -> Collection:
        """Remove what no kept run needs; see :meth:`jupyter_kf.store.collect.Collector.collect`."""
        collector = Collector(self.database, self.metadata, self.artifacts, self.settings.home)
        return collector.collect(dry_run=dry_run, older_than=older_than, keep_last=keep_last, grace=grace)

    def close(self) -> None:
        """Close all connections; the next use opens them again."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name; make it, or bring it to this version's schema, where it must.

    Raises:
        ConfigError: KF503 for an extra that is not installed, KF504 for a URL that cannot be used.
        StoreError: KF601 where the database is away, KF602 where it is newer than this version.
    """
    database = _database(settings)
    try:
        migrate(database)
        artifacts = _artifacts(settings)
    except BaseException:
        database.close()
        raise
    return Store(settings, database, artifacts)


def _database(settings: Settings) -> Database:
    url = settings.database
    if not url:
        return SqliteDatabase(_folder(settings.home) / "kf.db")
    scheme, sign, rest = url.partition("://")
    if scheme.partition("+")[0] == "sqlite":
        name = rest[1:].partition("?")[0]
        if not name or name == ":memory:":
            raise ConfigError(
                "A database in memory cannot be shared by the processes of a run.",
                code="KF504",
                fix="Name a file: sqlite:////path/to/kf.db, or leave `database` out.",
            )
        path = Path(name).expanduser().absolute()
        _folder(path.parent)
        return SqliteDatabase(path)
    if not sign:
        raise ConfigError(
            f"database = {url!r} is no URL.",
            code="KF504",
            fix="For example sqlite:////path/to/kf.db, postgresql://user@host/name or mysql://user@host/name.",
        )
    from jupyter_kf.store.server import ServerDatabase

    return ServerDatabase(url)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(
            f"The folder {path} cannot be made: {exc.strerror}.",
            code="KF601",
            fix="Set JUPYTER_KF_HOME to a folder that you may write to.",
        ) from exc
    return path


def _artifacts(settings: Settings) -> Artifacts:
    url = settings.artifacts_url
    scheme, sign, rest = url.partition("://")
    if not sign:
        return FolderArtifacts(Path(url).expanduser().absolute())
    if scheme in {"file", "local"}:
        return FolderArtifacts(Path(rest).expanduser().absolute())
    from jupyter_kf.store.remote import RemoteArtifacts

    return RemoteArtifacts(url, settings.home / "cache" / "artifacts")

"""Store room: artifacts behind any fsspec URL (``s3://bucket/prefix``, ``memory://x``, ``gs://…``).

Guests write into a folder of this machine, which is also the cache of what was fetched: a file appears in it only after
its bytes were found to have its digest, once for each machine. :meth:`RemoteArtifacts.publish` uploads under a
temporary key and moves it (where a single put is atomic, as on S3, it puts), so that nobody ever sees half an object;
concurrent writers of one digest write the same bytes.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from jupyter_kf.errors import ConfigError, KFError, StoreError
from jupyter_kf.model.names import new_id
from jupyter_kf.store.artifacts import TEMPORARY, Artifacts, Stored, checked, digest_of, missing, named_digest

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: File systems on which an upload becomes visible all at once, when it is complete.
_ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "memory"})
#: An object older than this is written again when it is published, lest it be collected as old just then.
_REFRESH = 3600.0


class RemoteArtifacts(Artifacts):
    """Artifacts at ``url``, with a cache in ``folder``."""

    remote = True

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.rstrip("/")
        self.folder = folder
        self._filesystem: Any = None
        self._root = ""
        self._seen: dict[str, int] = {}
        self._connect()

    def _connect(self) -> None:
        import fsspec  # type: ignore[import-untyped,unused-ignore]

        protocol = self.url.partition("://")[0]
        extra = {"s3": "s3", "s3a": "s3"}.get(protocol)
        install = f'pip install "jupyter-kf[{extra}]"' if extra else f"install the fsspec package for {protocol}://"
        try:
            self._filesystem, self._root = fsspec.core.url_to_fs(self.url)
        except ImportError as exc:
            raise ConfigError(
                f"Artifacts at {self.url} need a package that is not installed: {exc}.",
                code="KF503",
                fix=f"Install it: {install}.",
            ) from exc
        except ValueError as exc:
            raise ConfigError(
                f"artifacts = {self.url!r} cannot be used: {exc}.",
                code="KF504",
                fix="Give a folder, or a URL that fsspec knows, such as s3://bucket/prefix.",
            ) from exc
        self._root = self._root.rstrip("/")
        self._atomic = protocol in _ATOMIC

    def _key(self, digest: str) -> str:
        checked(digest)
        return f"{self._root}/{digest[:2]}/{digest}"

    def _do(self, what: str, action: Callable[[], T]) -> T:
        """Run something on the file system; its errors of a thousand kinds become one of ours."""
        try:
            return action()
        except (FileNotFoundError, KFError):
            raise
        except Exception as exc:
            raise StoreError(
                f"{self.url} cannot be {what}: {type(exc).__name__}: {exc}.",
                code="KF614",
                fix="Check the URL, the credentials in the environment, and that the service can be reached.",
            ) from exc

    def has(self, digest: str) -> bool:
        """True where the object exists (asked once in this process, then remembered)."""
        key = self._key(digest)
        if digest in self._seen:
            return True
        try:
            self._seen[digest] = self._info(key)[0]
        except FileNotFoundError:
            return False
        return True

    def _info(self, key: str) -> tuple[int, float]:
        """Return the size and the time of the last change. Raises FileNotFoundError."""

        def ask() -> dict[str, Any]:
            self._filesystem.invalidate_cache(key.rpartition("/")[0])
            found: dict[str, Any] = self._filesystem.info(key)
            return found

        info = self._do("read", ask)
        return int(info.get("size") or 0), _changed(info)

    def size(self, digest: str) -> int:
        """Return the object's size in bytes."""
        if not self.has(digest):
            raise missing(digest, self.url)
        return self._seen[digest]

    def path(self, digest: str) -> Path:
        """Return the file in the cache; the first time it is fetched, and verified."""
        path = self.local(digest)
        if path.is_file():
            return path
        key = self._key(digest)
        with self._temporary() as name:
            try:
                self._do("read", lambda: self._filesystem.get_file(key, str(name)))
            except FileNotFoundError:
                raise missing(digest, self.url) from None
            found = digest_of(name)
            if found != digest:
                raise StoreError(
                    f"What {self.url} holds as {digest[:12]}… has digest {found[:12]}…: it was damaged or replaced.",
                    code="KF612",
                    fix="Do not use it. Delete the object there and run its step again.",
                    details={"digest": digest},
                )
            self._place(name, digest)
        return path

    def publish(self, digest: str) -> None:
        """Upload what lies in the cache unless the object is there already, and young enough to be safe."""
        key = self._key(digest)
        path = self.local(digest)
        try:
            size, changed = self._info(key)
        except FileNotFoundError:
            size, changed = -1, 0.0
        if not path.is_file():
            if size < 0:
                raise missing(digest, self.url)
            return
        if size == path.stat().st_size and changed > time.time() - _REFRESH:
            self._seen[digest] = size
            return
        self._do("written to", lambda: self._upload(path, key))
        self._seen[digest] = path.stat().st_size

    def _upload(self, path: Path, key: str) -> None:
        if self._atomic:  # no folders there; asking for one may make a bucket
            self._filesystem.put_file(str(path), key)
            return
        self._filesystem.makedirs(key.rpartition("/")[0], exist_ok=True)
        temporary = f"{self._root}/{TEMPORARY}/{new_id()}"
        self._filesystem.makedirs(temporary.rpartition("/")[0], exist_ok=True)
        try:
            self._filesystem.put_file(str(path), temporary)
            self._filesystem.mv(temporary, key)
        except BaseException:
            with contextlib.suppress(OSError):
                self._filesystem.rm_file(temporary)
            raise

    def delete(self, digest: str, *, before: float | None = None) -> int:
        """Remove the object and the cached file; return the object's size."""
        key = self._key(digest)
        try:
            size, changed = self._info(key)
        except FileNotFoundError:
            size = 0
        else:
            if before is not None and changed >= before:
                return 0
            self._do("written to", lambda: self._filesystem.rm_file(key))
        self._seen.pop(digest, None)
        self.local(digest).unlink(missing_ok=True)
        return size

    def iterate(self) -> Iterator[Stored]:
        """Yield all objects whose names are digests."""

        def listing() -> dict[str, dict[str, Any]]:
            self._filesystem.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._filesystem.find(self._root, detail=True)
            return found

        try:
            entries = self._do("listed", listing)
        except FileNotFoundError:
            return
        for name, info in sorted(entries.items()):
            digest = name.rpartition("/")[2]
            if named_digest(digest):
                yield Stored(digest, int(info.get("size") or 0), _changed(info))


def _changed(info: dict[str, Any]) -> float:
    """Return the time of the last change in seconds; file systems tell it under several names."""
    for field in ("LastModified", "last_modified", "mtime", "updated", "created"):
        moment = info.get(field)
        if isinstance(moment, datetime):
            return moment.timestamp()
        if isinstance(moment, int | float):
            return float(moment)
        if isinstance(moment, str):
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(moment).timestamp()
    return time.time()  # unknown: never old enough to be collected

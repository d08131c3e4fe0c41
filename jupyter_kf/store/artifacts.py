"""Store room: artifacts, stored under the SHA-256 of their bytes and never changed.

A folder holds ``<first two characters>/<digest>``. Files appear there whole, by a rename from ``tmp/`` beside them, and
read-only; two writers of the same bytes do no harm to each other. Nothing is forced to the disk here: file systems
write a file's data before its size, so after a power cut a file of the right size has the right bytes, and
:meth:`Artifacts.whole` compares sizes before a result is taken from the cache.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import logging
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jupyter_kf.errors import StoreError
from jupyter_kf.model.names import new_id

logger = logging.getLogger(__name__)

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_BLOCK = 1 << 20
TEMPORARY = "tmp"


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the store under ``digest``: ``size`` in bytes, ``changed`` when it was put there or used last."""

    digest: str
    size: int
    changed: float


def checked(digest: str) -> str:
    """Return ``digest`` if it is one, so that no path can lead out of the store.

    Raises:
        StoreError: KF610.
    """
    if not isinstance(digest, str) or not _DIGEST.match(digest):
        raise StoreError(
            f"{digest!r} is no artifact digest.", code="KF610", fix="A digest is 64 hexadecimal characters, lower case."
        )
    return digest


def named_digest(name: str) -> bool:
    """True where a file name is a digest."""
    return bool(_DIGEST.match(name))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Artifacts(abc.ABC):
    """Bytes by digest.

    ``folder`` is on this machine: guests write ``folder/<d[:2]>/<digest>`` themselves, and :meth:`publish` then makes
    it known to everybody who uses the store.
    """

    folder: Path
    url: str
    #: True where other machines see the same artifacts and they do not lie in a folder of this one.
    remote: bool

    @abc.abstractmethod
    def has(self, digest: str) -> bool:
        """True where the store holds the artifact, for everybody."""

    @abc.abstractmethod
    def size(self, digest: str) -> int:
        """Return the size in bytes. Raises StoreError KF611 where the store does not hold it."""

    @abc.abstractmethod
    def path(self, digest: str) -> Path:
        """Return a file on this machine with the artifact's bytes; fetches and verifies it where it must.

        Raises:
            StoreError: KF611 where it is missing, KF612 where its bytes are not those of its digest.
        """

    @abc.abstractmethod
    def publish(self, digest: str) -> None:
        """Make sure that what lies in ``folder`` is held by the store, and is not collected as old.

        Raises:
            StoreError: KF611 where it is missing.
        """

    @abc.abstractmethod
    def delete(self, digest: str, *, before: float | None = None) -> int:
        """Remove an artifact; with ``before`` only if it was neither put nor used since. Return the bytes freed."""

    @abc.abstractmethod
    def iterate(self) -> Iterator[Stored]:
        """Yield all that is stored, in no order."""

    def whole(self, digest: str, size: int) -> bool:
        """True where the store holds the artifact in full (``size`` 0: not known)."""
        try:
            return self.has(digest) and (not size or self.size(digest) == size)
        except StoreError:
            return False

    def open(self, digest: str) -> BinaryIO:
        """Open the artifact for reading."""
        return self.path(digest).open("rb")

    def put_bytes(self, content: bytes) -> str:
        """Store ``content``; return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        if not self._known(digest, len(content)):
            with self._temporary() as name:
                name.write_bytes(content)
                self._place(name, digest)
        self.publish(digest)
        return digest

    def put_file(self, source: Path | str, digest: str | None = None, *, move: bool = False) -> str:
        """Store a file; return its digest.

        Args:
            source: the file.
            digest: its SHA-256 where the caller computed it while writing; trusted.
            move: the file is the caller's own and may be taken instead of copied.

        Raises:
            StoreError: KF613 where the file cannot be read.
        """
        source = Path(source)
        try:
            if digest is not None and self._known(checked(digest), source.stat().st_size):
                if move:
                    source.unlink()
            else:
                digest = self._take(source, digest, move=move)
        except FileNotFoundError as exc:
            raise StoreError(f"There is no file {source} to store.", code="KF613", fix="Check its path.") from exc
        except OSError as exc:
            fix = f"Check its rights and the space on {self.folder}."
            raise StoreError(f"{source} cannot be stored: {exc}.", code="KF613", fix=fix) from exc
        self.publish(digest)
        return digest

    def _take(self, source: Path, digest: str | None, *, move: bool) -> str:
        with self._temporary() as name:
            if move and _moved(source, name):
                found = digest or digest_of(name)
            else:
                found = digest or ""
                with source.open("rb") as reader, name.open("xb") as writer:
                    if digest is None:
                        found = _copy_with_digest(reader, writer)
                    else:
                        shutil.copyfileobj(reader, writer, _BLOCK)
                if move:
                    source.unlink()
            self._place(name, found)
        return found

    def local(self, digest: str) -> Path:
        """Return where the artifact lies, or would lie, in ``folder``."""
        checked(digest)
        return self.folder / digest[:2] / digest

    def _known(self, digest: str, size: int | None = None) -> bool:
        """True where the file is there, in full: a power cut may have cut it short."""
        path = self.local(digest)
        try:
            return path.is_file() and size in {None, path.stat().st_size}
        except FileNotFoundError:
            return False

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """A path in ``tmp/`` whose name tells who writes it; removed at the end if it is still there."""
        folder = self.folder / TEMPORARY
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / f"{socket.gethostname()}.{os.getpid()}.{new_id()}"
        try:
            yield name
        finally:
            name.unlink(missing_ok=True)

    def _place(self, name: Path, digest: str) -> None:
        target = self.local(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        name.chmod(0o444)
        name.replace(target)

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Remove what dead writers left in ``tmp/``; return the bytes freed.

        A writer of this machine is dead where its process is; anything else where it is older than ``older_than``
        (seconds since the epoch).
        """
        freed = 0
        host = socket.gethostname()
        for name in sorted((self.folder / TEMPORARY).glob("*")):
            with contextlib.suppress(FileNotFoundError):
                status = name.lstat()
                writer, _, rest = name.name.rpartition(".")[0].rpartition(".")
                ours = writer == host and rest.isdigit()
                dead = not _alive(int(rest)) if ours else status.st_mtime < older_than
                if dead:
                    freed += status.st_size
                    if not dry_run:
                        name.unlink()
        return freed


class FolderArtifacts(Artifacts):
    """Artifacts in a folder of this machine (or one that is mounted)."""

    remote = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = str(folder)

    def has(self, digest: str) -> bool:
        """True where the folder holds it."""
        return self._known(digest)

    def size(self, digest: str) -> int:
        """Return the size in bytes."""
        try:
            return self.local(digest).stat().st_size
        except FileNotFoundError:
            raise missing(digest, self.url) from None

    def path(self, digest: str) -> Path:
        """Return the file itself."""
        path = self.local(digest)
        if not path.is_file():
            raise missing(digest, self.url)
        return path

    def publish(self, digest: str) -> None:
        """Note on the file that it is in use, so that garbage collection lets it be."""
        path = self.local(digest)
        with self._guard(exclusive=False):
            try:
                os.utime(path)
            except FileNotFoundError:
                raise missing(digest, self.url) from None
            except PermissionError:  # somebody else's file in a shared folder: the database still guards it
                if not path.is_file():
                    raise missing(digest, self.url) from None

    def delete(self, digest: str, *, before: float | None = None) -> int:
        """Remove the file; return its size, 0 where it is missing or newer than ``before``."""
        path = self.local(digest)
        with self._guard(exclusive=True):
            try:
                status = path.stat()
            except FileNotFoundError:
                return 0
            if before is not None and status.st_mtime >= before:
                return 0
            path.unlink(missing_ok=True)
        return status.st_size

    def iterate(self) -> Iterator[Stored]:
        """Yield all files whose names are digests."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            for entry in os.scandir(folder):
                if _DIGEST.match(entry.name):
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat()
                        yield Stored(entry.name, status.st_size, status.st_mtime)

    @contextmanager
    def _guard(self, *, exclusive: bool) -> Iterator[None]:
        """Keep "it is there, I use it" and "it is old, I delete it" apart."""
        try:
            import fcntl
        except ImportError:  # Windows: a file in use cannot be deleted there
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield


def _copy_with_digest(reader: BinaryIO, writer: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := reader.read(_BLOCK):
        digest.update(block)
        writer.write(block)
    return digest.hexdigest()


def _moved(source: Path, target: Path) -> bool:
    try:
        source.rename(target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def missing(digest: str, url: str) -> StoreError:
    """Return the error for an artifact that should be there."""
    return StoreError(
        f"The artifact {digest[:12]}… is not in {url}.",
        code="KF611",
        fix="It was collected or removed by hand: run its step again (`jupyter kf resume`, or run with --no-cache).",
        details={"digest": digest},
    )

"""The guest's room, storage: the bundle's file format, version 1.

::

    "KFB1"  u32 length of the header  header (JSON)
    pickle stream (protocol 5, of the tuple of values)
    table: for each buffer its place in the file and its size, two little-endian u64
    buffers, each range at a multiple of 64 bytes

The header has ``version names python code stream table digest late definitions size``: where stream and table lie, the
stream's SHA-256, whether the stream holds code (which only the same Python version can load), the names that functions
inside read late. The file's name is the SHA-256 of its bytes, its folder the first two characters. A bundle is loaded
through one private copy-on-write map, so that nothing is read until it is used.
"""

from __future__ import annotations

import array
import hashlib
import io
import json
import mmap
import os
import struct
import sys
import threading
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from . import arrays
from .namespace import Namespace, UnknownName
from .pickler import Pickled
from .rebuild import BundleUnpickler

MAGIC = b"KFB1"
VERSION = 1
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
_ALIGN = 64
_SMALL = 1 << 16
_CHECKED = 4 << 20
_BLOCK = 4 << 20


class BundleError(Exception):
    """A bundle cannot be read or its values cannot be made again. ``fix`` says what to do."""

    def __init__(self, message: str, fix: str = "Run the step that made it again (--no-cache).") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.message, self.fix)


class Stored:
    """A bundle on disk, mapped privately."""

    def __init__(self, path: str, header: Dict[str, Any], mapping: mmap.mmap) -> None:
        self.path = path
        self.header = header
        self.names: Tuple[str, ...] = tuple(header["names"])
        self.mapping = mapping
        self._whole = memoryview(mapping)
        self.base = arrays.address_of(self._whole) if header["table"][1] else 0
        place, count = header["table"]
        words = array.array("Q", bytes(self._whole[place : place + 16 * count]))
        if sys.byteorder == "big":
            words.byteswap()
        self.table: List[Tuple[int, int]] = list(zip(words[::2], words[1::2]))

    @property
    def stream(self) -> memoryview:
        """The pickle stream."""
        place, size = self.header["stream"]
        return self._whole[place : place + size]

    def buffers(self) -> List[memoryview]:
        """Return the out-of-band buffers: writable views of the private map."""
        return [self._whole[place : place + size] for place, size in self.table]

    def offset_of(self, address: int, size: int) -> Optional[int]:
        """Return where in the file the memory at ``address`` lies, None if outside this map."""
        if not self.base or not self.base <= address <= address + size <= self.base + len(self._whole):
            return None
        return address - self.base


class Given(NamedTuple):
    """A bundle that a step has loaded: the names it bound and the identities of what it bound them to."""

    stored: Stored
    digest: str
    bound: Dict[str, int]


class Written(NamedTuple):
    """A bundle that was written, or was there before."""

    digest: str
    size: int
    path: str


def open_bundle(path: str) -> Stored:
    """Map a bundle.

    Raises:
        BundleError: it is missing, cut short, not a bundle, or of a Python version that cannot load it.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            if len(head) < 8 or head[:4] != MAGIC:
                raise BundleError(f"{path} is not a bundle of values.")
            (length,) = struct.unpack("<I", head[4:])
            text = file.read(length)
            size = os.fstat(file.fileno()).st_size
            header = json.loads(text) if len(text) == length else None
            if not isinstance(header, dict) or header.get("size") != size:
                raise BundleError(f"{path} is cut short or damaged.")
            if header.get("version") != VERSION:
                raise BundleError(f"{path} has the bundle format {header.get('version')}, known is {VERSION}.")
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError:
        raise BundleError(f"The stored value {path} is gone.") from None
    except ValueError as exc:
        raise BundleError(f"{path} is damaged: {exc}") from None
    except OSError as exc:
        raise BundleError(f"{path} cannot be read: {exc}", "Look at the disk and the file's rights.") from exc
    if header["code"] and header["python"] != PYTHON:
        names = ", ".join(header["names"])
        raise BundleError(
            f"{names} holds functions or classes stored by Python {header['python']}; this is Python {PYTHON}.",
            f"Use Python {header['python']}, or run the step that made it again.",
        )
    return Stored(path, header, mapping)


def unpickled(stored: Stored, namespace: Namespace) -> Tuple[Any, ...]:
    """Make the values of a bundle, in the order of its names.

    Raises:
        BundleError: the stream is damaged, or something it needs is not there.
    """
    stream = stored.stream
    names = ", ".join(stored.names)
    if len(stream) <= _CHECKED and hashlib.sha256(stream).hexdigest() != stored.header["digest"]:
        raise BundleError(f"The stored value of {names} is damaged ({stored.path}).")
    try:
        values = BundleUnpickler(io.BytesIO(stream), namespace, stored.buffers()).load()
    except UnknownName as exc:
        raise BundleError(f"{names} needs the definition of {exc}, which the notebook does not have any more.") from exc
    except ImportError as exc:
        raise BundleError(
            f"{names} cannot be loaded: {exc}.", "Install the missing package where the step runs."
        ) from exc
    except Exception as exc:
        raise BundleError(f"{names} cannot be loaded: {type(exc).__name__}: {exc}") from exc
    if not isinstance(values, tuple) or len(values) != len(stored.names):
        raise BundleError(f"{stored.path} is damaged.")
    return values


def write_bundle(
    folder: str, names: Sequence[str], made: Pickled, definitions: Sequence[str] = (), sync: bool = False
) -> Written:
    """Write a bundle under its digest in ``folder``; a bundle that is there already is left alone."""
    head, ranges = _laid_out(names, made, definitions)
    size = len(head) + sum(len(p) for p in ranges)
    if size <= _SMALL:
        return _write_small(folder, b"".join([head, *ranges]), sync)
    return _write_large(folder, [head, *ranges], size, sync)


def _laid_out(names: Sequence[str], made: Pickled, definitions: Sequence[str]) -> Tuple[bytes, List[Any]]:
    placed, sizes = arrays.layout(arrays.spans_of(made.buffers))
    starts: List[int] = []
    position = 0
    for size in sizes:
        starts.append(position)
        position += -(-size // _ALIGN) * _ALIGN
    total = starts[-1] + sizes[-1] if sizes else 0
    count = len(made.buffers)
    header: Dict[str, Any] = {
        "version": VERSION,
        "names": list(names),
        "python": PYTHON,
        "code": made.has_code,
        "digest": made.digest,
        "late": sorted(made.late),
        "definitions": list(definitions),
    }
    room = -(-(len(json.dumps(header)) + 160) // _ALIGN) * _ALIGN - 8
    stream_at = 8 + room
    table_at = -(-(stream_at + len(made.stream)) // 8) * 8
    data_at = table_at + 16 * count
    data_at = -(-data_at // _ALIGN) * _ALIGN if count else data_at
    header.update(stream=[stream_at, len(made.stream)], table=[table_at, count], size=data_at + total)
    words = array.array("Q", [w for p in placed for w in (data_at + starts[p.range] + p.start, p.size)])
    if sys.byteorder == "big":
        words.byteswap()
    text = json.dumps(header).encode().ljust(room)
    parts = [MAGIC, struct.pack("<I", room), text, made.stream, bytes(table_at - stream_at - len(made.stream))]
    parts += [words.tobytes(), bytes(data_at - table_at - 16 * count)]
    return b"".join(parts), list(_range_bytes(made.buffers, placed, sizes))


def _range_bytes(
    buffers: Sequence[arrays.Buffer], placed: Sequence[arrays.Placed], sizes: Sequence[int]
) -> Iterable[Any]:
    """Yield the bytes of each range, pieced together from the buffers that cover it, and the gaps in between."""
    members: List[List[int]] = [[] for _ in sizes]
    for i, place in enumerate(placed):
        members[place.range].append(i)
    for number, size in enumerate(sizes):
        reached = 0
        for i in sorted(members[number], key=lambda i: placed[i].start):
            end = placed[i].start + placed[i].size
            if end > reached:
                yield buffers[i].view[reached - placed[i].start :]
                reached = end
        gap = -size % _ALIGN
        if gap and number + 1 < len(sizes):
            yield bytes(gap)


def _target(folder: str, digest: str) -> str:
    return os.path.join(folder, digest[:2], digest)


def _temporary(folder: str) -> str:
    """Return a path whose name tells the store's sweep who writes it: host, process, something random."""
    drafts = os.path.join(folder, "tmp")
    os.makedirs(drafts, exist_ok=True)
    return os.path.join(drafts, "%s.%d.%s" % (os.uname().nodename, os.getpid(), os.urandom(8).hex()))


def _is_there(target: str, size: int) -> bool:
    """Say whether a bundle is stored already, whole; if so it counts as new, so that no collection takes it now."""
    try:
        if os.stat(target).st_size != size:
            return False  # cut short by a power failure
        os.utime(target)
    except FileNotFoundError:
        return False
    return True


def _write_small(folder: str, data: bytes, sync: bool) -> Written:
    digest = hashlib.sha256(data).hexdigest()
    target = _target(folder, digest)
    if not _is_there(target, len(data)):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = _temporary(folder)
        _write(temporary, [data], sync)
        os.replace(temporary, target)
    return Written(digest, len(data), target)


def _write_large(folder: str, parts: List[Any], size: int, sync: bool) -> Written:
    os.makedirs(folder, exist_ok=True)
    temporary = _temporary(folder)
    digest = hashlib.sha256()

    def hash_all() -> None:
        for part in parts:
            digest.update(part)

    hasher = threading.Thread(target=hash_all, name="kf-digest")
    hasher.start()
    try:
        try:
            _write(temporary, parts, sync)
        finally:
            hasher.join()
        target = _target(folder, digest.hexdigest())
        if _is_there(target, size):
            os.unlink(temporary)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return Written(digest.hexdigest(), size, target)


def _write(path: str, parts: Iterable[Any], sync: bool) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o444)
    try:
        for part in parts:
            view = memoryview(part)
            for start in range(0, len(view), _BLOCK):
                block = view[start : start + _BLOCK]
                while block:
                    block = block[os.write(file, block) :]
        if sync:
            os.fsync(file)
    finally:
        os.close(file)


def verify(path: str, digest: str) -> None:
    """Read the whole file and compare its SHA-256.

    Raises:
        BundleError: the bytes are not those the digest was made of, or cannot be read.
    """
    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(_BLOCK), b""):
                found.update(block)
    except OSError as exc:
        raise BundleError(f"The stored value {path} cannot be read: {exc}") from exc
    if found.hexdigest() != digest:
        raise BundleError(f"{path} is damaged: its content does not have the digest {digest}.")

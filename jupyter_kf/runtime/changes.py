"""The guest's room, changes: whether what a step was given is still what it was given, without reading it all.

A value is pickled again and compared with the stored stream; where the two differ, with the pickle of a fresh load, as
pickling is not stable in its first round. Memory is compared only where the kernel says that a page was written.
"""

from __future__ import annotations

import array
import contextlib
import mmap
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import aliases, arrays
from .namespace import Namespace
from .pickler import Pickled, pickled
from .storage import Given, Stored, open_bundle, unpickled

_CHUNK = 1 << 20
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61


class Reference(NamedTuple):
    """What to compare with: the stream, where its buffers lie, their untouched bytes and their places in the file."""

    stream: Any
    placed: List[arrays.Placed]
    views: Sequence[memoryview]
    offsets: Sequence[Optional[int]]
    held: Any


def written_spans(address: int, size: int) -> Optional[List[Tuple[int, int]]]:
    """Return the parts of a private mapping that were written to, as (start, end) from ``address``.

    None where the system does not tell. A page of a private mapping that was written is anonymous memory
    (``/proc/PID/pagemap``, bits 61 to 63, of the Linux kernel's documentation).
    """
    page = mmap.PAGESIZE
    first, last = address // page, (address + size - 1) // page
    try:
        file = os.open("/proc/self/pagemap", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    spans: List[Tuple[int, int]] = []
    try:
        position = first
        while position <= last:
            data = os.pread(file, min(last - position + 1, 1 << 15) * 8, position * 8)
            if not data or len(data) % 8:
                return None
            if any(data):
                for i, entry in enumerate(array.array("Q", data)):
                    if entry & (_PRESENT | _SWAPPED) and not entry & _OF_FILE:
                        start = (position + i) * page - address
                        spans.append((max(start, 0), min(start + page, size)))
            position += len(data) // 8
    except OSError:
        return None
    finally:
        os.close(file)
    return spans


class Judge:
    """Compares what is in the namespace at the end with the bundles it was given."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._fresh: Dict[int, Tuple[Stored, Dict[str, Any]]] = {}
        self._accepted: Dict[int, List[Tuple[str, ...]]] = {}

    def unchanged(self, given: Given, names: Tuple[str, ...], now: Pickled) -> bool:
        """Say whether ``now``, the pickle of the tuple of ``names``, is what ``given`` holds of them."""
        if names == given.stored.names and self._same(now, self._stored_reference(given), given):
            return True
        return self._same(now, self._fresh_reference(given, names), given)

    def accept(self, given: Given, names: Tuple[str, ...]) -> bool:
        """Take ``names`` as still held by ``given``, unless they were tied in it to names accepted apart from them."""
        earlier = self._accepted.setdefault(id(given), [])
        if earlier:
            _, values = self._load(given)
            sets = [*earlier, names]
            pickles = [pickled(tuple(values[n] for n in group), self._namespace) for group in sets]
            if any(len(sets) - 1 in group and len(group) > 1 for group in aliases.groups(pickles)):
                return False
        earlier.append(names)
        return True

    def _load(self, given: Given) -> Tuple[Stored, Dict[str, Any]]:
        found = self._fresh.get(id(given))
        if found is None:
            stored = open_bundle(given.stored.path)
            found = self._fresh[id(given)] = (stored, dict(zip(stored.names, unpickled(stored, self._namespace))))
        return found

    def _stored_reference(self, given: Given) -> Reference:
        stored = given.stored
        placed, _ = arrays.layout([(o, s, False) for o, s in stored.table])
        offsets = [o for o, _ in stored.table]
        fresh = open_bundle(stored.path) if stored.table else stored
        return Reference(stored.stream, placed, fresh.buffers(), offsets, fresh)

    def _fresh_reference(self, given: Given, names: Tuple[str, ...]) -> Reference:
        stored, values = self._load(given)
        made = pickled(tuple(values[n] for n in names), self._namespace)
        placed, _ = arrays.layout(arrays.spans_of(made.buffers))
        offsets = [stored.offset_of(b.address, b.size) for b in made.buffers]
        return Reference(made.stream, placed, [b.view for b in made.buffers], offsets, made)

    def _same(self, now: Pickled, reference: Reference, given: Given) -> bool:
        if len(now.buffers) != len(reference.views) or now.stream != reference.stream:
            return False
        placed, _ = arrays.layout(arrays.spans_of(now.buffers))
        if placed != reference.placed:
            return False
        return all(
            _same_bytes(buffer, view, given.stored.offset_of(buffer.address, buffer.size), offset)
            for buffer, view, offset in zip(now.buffers, reference.views, reference.offsets)
        )


def _same_bytes(buffer: arrays.Buffer, view: memoryview, lies: Optional[int], offset: Optional[int]) -> bool:
    spans: Optional[List[Tuple[int, int]]] = None
    if buffer.size and lies is not None and lies == offset:
        spans = written_spans(buffer.address, buffer.size)
    for start, end in [(0, buffer.size)] if spans is None else spans:
        for i in range(start, end, _CHUNK):
            if bytes(buffer.view[i : min(i + _CHUNK, end)]) != bytes(view[i : min(i + _CHUNK, end)]):
                return False
    return True


def close_quietly(stored: Stored) -> None:
    """Unmap a bundle that nothing looks at any more."""
    with contextlib.suppress(BufferError):
        stored.mapping.close()

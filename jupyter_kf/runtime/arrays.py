"""The guest's room, arrays: memory outside the stream, and which values look at the same memory.

numpy and pandas are never imported here; where the notebook has loaded them, their arrays get reducers of their own:
strided views keep looking at their base, and arrays inside copy-on-write frames are each stored by themselves, because
the frames' own account of what shares what does not travel.
"""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import rebuild

if TYPE_CHECKING:
    from .pickler import Reducer, Reducing

#: A strided view is stored with its gaps up to this many times its own size; beyond that it is copied if alone.
_SPARSE = 2


class Buffer:
    """One out-of-band buffer. ``private``: never to share memory after loading; ``sparse``: id of a gappy view."""

    def __init__(self, buffer: Any, private: bool, sparse: Optional[int]) -> None:
        self.view: memoryview = buffer.raw()
        self.private = private
        self.sparse = sparse
        self.readonly = self.view.readonly
        self.size = self.view.nbytes
        self._address: Optional[int] = None

    @property
    def address(self) -> int:
        """Where the memory lies; 0 for an empty buffer."""
        if self._address is None:
            self._address = address_of(self.view) if self.size else 0
        return self._address


class Placed(NamedTuple):
    """Where a buffer lies: the number of its range, counted by first appearance, and its place in it."""

    range: int
    start: int
    size: int


def address_of(view: memoryview) -> int:
    """Return the address of a memory view's first byte."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        return int(numpy.frombuffer(view, dtype="u1").__array_interface__["data"][0])
    import ctypes

    if not view.readonly:
        return ctypes.addressof(ctypes.c_char.from_buffer(view))
    info = (ctypes.c_void_p * 16)()  # a Py_buffer is 80 bytes and starts with the address
    ctypes.pythonapi.PyObject_GetBuffer.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int]
    ctypes.pythonapi.PyBuffer_Release.argtypes = [ctypes.c_void_p]
    ctypes.pythonapi.PyObject_GetBuffer(view, ctypes.byref(info), 0)
    address = int(info[0] or 0)
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(info))
    return address


def layout(spans: Sequence[Tuple[int, int, bool]]) -> Tuple[List[Placed], List[int]]:
    """Return where each of the spans ``(address, size, private)`` lies, and the sizes of the ranges they make up.

    Spans that overlap share a range, but for private ones; ranges are counted by first appearance.
    """
    owner = list(range(len(spans)))
    start_of: Dict[int, int] = {}
    end_of: Dict[int, int] = {}
    current = -1
    for i in sorted((i for i, s in enumerate(spans) if s[1] and not s[2]), key=lambda i: spans[i][0]):
        begin, end = spans[i][0], spans[i][0] + spans[i][1]
        if current >= 0 and begin < end_of[current]:
            end_of[current] = max(end_of[current], end)
        else:
            current = i
            start_of[i], end_of[i] = begin, end
        owner[i] = current
    numbers: Dict[int, int] = {}
    sizes: List[int] = []
    placed = []
    for i, (address, size, _) in enumerate(spans):
        head = owner[i]
        if head not in numbers:
            numbers[head] = len(numbers)
            sizes.append(end_of[head] - start_of[head] if head in end_of else size)
        placed.append(Placed(numbers[head], address - start_of[head] if head in start_of else 0, size))
    return placed, sizes


def spans_of(buffers: Sequence[Buffer]) -> List[Tuple[int, int, bool]]:
    """Return the spans of buffers, as :func:`layout` takes them."""
    return [(b.address, b.size, b.private) for b in buffers]


def overlapping(groups: Sequence[Sequence[Buffer]]) -> List[Tuple[int, int]]:
    """Return pairs of groups that look at the same memory, which at least one of the two may write."""
    spans = sorted(
        (b.address, b.address + b.size, not b.readonly, i)
        for i, group in enumerate(groups)
        for b in group
        if b.size and not b.private
    )
    pairs: List[Tuple[int, int]] = []
    active: List[Tuple[int, int, bool, int]] = []
    for span in spans:
        active = [s for s in active if s[1] > span[0]]
        pairs += [(s[3], span[3]) for s in active if s[3] != span[3] and (s[2] or span[2])]
        if not any(s[1] >= span[1] and s[3] == span[3] and s[2] >= span[2] for s in active):
            active.append(span)
    return pairs


def wasteful(buffers: Sequence[Buffer]) -> List[int]:
    """Return the ids of gappy views that are alone in their range and better stored as copies."""
    placed, _ = layout(spans_of(buffers))
    alone: Dict[int, List[int]] = {}
    for i, place in enumerate(placed):
        alone.setdefault(place.range, []).append(i)
    found = [buffers[members[0]].sparse for members in alone.values() if len(members) == 1]
    return [s for s in found if s is not None]


# -- reducers --------------------------------------------------------------------------------------
def reducer_for(kind: type) -> Optional[Reducer]:
    """Return the reducer for numpy arrays and pandas' parts."""
    if kind.__module__ == "numpy":
        return {"ndarray": _array, "memmap": _memmap}.get(kind.__name__)
    if kind.__module__.split(".")[0] == "pandas":
        names = {c.__name__ for c in kind.__mro__}
        if "NDFrame" in names:
            return _frame
        if "Index" in names:
            return _index
        if frames_copy_on_write():
            return _block if "Block" in names else _column if "ExtensionArray" in names else None
    return None


def frames_copy_on_write() -> bool:
    """Say whether pandas is loaded and its frames copy on write."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "__version__"):
        return False
    if int(pandas.__version__.split(".")[0]) >= 3:
        return True
    try:
        return pandas.get_option("mode.copy_on_write") is True
    except (AttributeError, KeyError):
        return False


def _array(pickler: Reducing, array: Any) -> Any:
    dtype = array.dtype
    if id(array) in pickler.private:
        return _private(pickler, array)
    if dtype.hasobject:
        return _object_array(array)
    if array.flags.forc or not array.size or id(array) in pickler.compact:
        if id(array) in pickler.compact:
            array = array.copy()
            pickler.kept.append(array)
        return array.__reduce_ex__(5) if id(array) in pickler.compact else NotImplemented
    low = sum((n - 1) * s for n, s in zip(array.shape, array.strides) if s < 0)
    high = sum((n - 1) * s for n, s in zip(array.shape, array.strides) if s > 0) + array.itemsize
    pickler.origin = id(array) if high - low > _SPARSE * array.nbytes else None
    memory = pickle.PickleBuffer(_bytes_at(array, low, high - low))
    return rebuild.array_view, (memory, dtype, array.shape, array.strides, -low)


def _bytes_at(array: Any, low: int, size: int) -> Any:
    """Return ``size`` bytes of memory, from ``low`` before the array's first element, as an array of bytes."""
    import numpy

    address, readonly = array.__array_interface__["data"]

    return numpy.asarray(_Memory(array, address + low, size, readonly))


class _Memory:
    """Shows numpy a piece of an array's memory, and keeps the array."""

    def __init__(self, array: Any, address: int, size: int, readonly: bool) -> None:
        self.held = array
        interface = {"data": (address, readonly), "shape": (size,), "typestr": "|u1", "version": 3}
        self.__array_interface__: Dict[str, Any] = interface


def _private(pickler: Reducing, array: Any) -> Any:
    if array.dtype.hasobject or not array.flags.forc:
        return NotImplemented
    reduced = array.__reduce_ex__(5)
    for part in reduced[1]:
        if isinstance(part, pickle.PickleBuffer):
            pickler.private.add(id(part))
            pickler.kept.append(part)
    return reduced


def _object_array(array: Any) -> Any:
    root = array
    while type(root.base) is type(array):
        root = root.base
    if root is array or root.dtype != array.dtype or not root.flags.c_contiguous:
        return NotImplemented
    offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return rebuild.object_view, (root, array.shape, array.strides, offset)


def _memmap(pickler: Reducing, array: Any) -> Any:
    if (
        type(array.base).__name__ != "mmap"
        or array.filename is None
        or not array.flags.c_contiguous
        or array.mode == "c"
    ):
        return NotImplemented
    mode = "r" if array.mode == "r" else "r+"
    return rebuild.make_memmap, (str(array.filename), array.dtype, mode, array.offset, array.shape)


def _frame(pickler: Reducing, frame: Any) -> Any:
    """Leave a frame to its own reducer; the list of its extra attributes' names belongs to its class."""
    pickler.references.add(id(type(frame)._metadata))
    return NotImplemented


def _index(pickler: Reducing, index: Any) -> Any:
    """Leave an index to its own reducer; what it holds never changes."""
    held = getattr(index, "_data", None)
    pickler.references.add(id(held))
    pickler.kept.append(held)
    if type(held).__module__ == "numpy":
        pickler.private.add(id(held))
    return NotImplemented


def _block(pickler: Reducing, block: Any) -> Any:
    builder, (values, *rest) = block.__reduce_ex__(5)[:2]
    fresh = values.view()
    pickler.kept.append(fresh)
    if type(fresh).__module__ == "numpy":
        pickler.private.add(id(fresh))
    return builder, (fresh, *rest)


def _column(pickler: Reducing, column: Any) -> Any:
    """Reduce an extension array with views of its own of its arrays, so that no other column writes to them."""
    reduced = column.__reduce_ex__(5)
    return tuple(_apart(pickler, part) if isinstance(part, (tuple, dict)) else part for part in reduced)


def _apart(pickler: Reducing, part: Any) -> Any:
    if type(part).__module__ == "numpy" and type(part).__name__ == "ndarray":
        fresh = part.view()
        pickler.kept.append(fresh)
        pickler.private.add(id(fresh))
        return fresh
    if type(part) is tuple:
        return tuple(_apart(pickler, p) for p in part)
    return {k: _apart(pickler, v) for k, v in part.items()} if type(part) is dict else part

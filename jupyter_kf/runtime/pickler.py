"""The guest's room, pickling: one C pickler that also knows functions, classes, views and the notebook's definitions.

::

    pickled(value, namespace, compact=()) -> Pickled    stream, buffers and everything the stream speaks of
    snapshot_of(value, namespace) -> str | None         digest of a value as it is now; None where it cannot be told

Functions and classes of ``__main__`` go by reference where a fragment replays them and nobody touched them, else by
value (``by_value``). Everything else is left to the objects' own reducers, so that streams are plain pickles.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import pickle
import sys
import threading
import types
import warnings
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

from . import arrays, by_value, rebuild
from .namespace import Namespace

log = logging.getLogger(__name__)

Reducer = Callable[["Reducing", Any], Any]

#: Stack of the thread that pickles deeply nested values, in bytes, and the recursion limit in force there.
_DEEP_STACK = 512 << 20
_DEEP_LIMIT = 200_000

#: Types that carry nothing that could change and are pickled without a look at their parts.
ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented)})


class Pickled:
    """A pickled value. ``memo`` maps ids to the objects met; all of them live as long as this does."""

    def __init__(self, stream: bytes, pickler: "Reducing") -> None:
        self.stream = stream
        self.buffers: List[arrays.Buffer] = pickler.buffers
        self.late: Set[str] = pickler.late
        self.definitions: Set[str] = pickler.definitions
        self.by_value: Set[int] = pickler.by_value
        self.references: Set[int] = pickler.references
        self.has_code = pickler.has_code
        self._pickler = pickler
        self._memo: Optional[Dict[int, Any]] = None

    @property
    def memo(self) -> Dict[int, Any]:
        """Every object the pickler remembered, by id, as ``(position, object)``."""
        if self._memo is None:
            self._memo = self._pickler.memo.copy()
        return self._memo

    @property
    def digest(self) -> str:
        """SHA-256 of the stream, as hex."""
        return hashlib.sha256(self.stream).hexdigest()


class Reducing:
    """What the picklers below have in common: a namespace, and reducers of their own."""

    memo: Any
    dump: Any

    def __init__(self, file: Any, namespace: Namespace, compact: Any = ()) -> None:
        self.namespace = namespace
        self.buffers: List[arrays.Buffer] = []
        self.late: Set[str] = set()
        self.definitions: Set[str] = set()
        self.by_value: Set[int] = set()
        self.references: Set[int] = set()
        self.has_code = False
        self.compact = compact
        self.private: Set[int] = set()
        self.origin: Any = None
        self.kept: List[Any] = []
        self.foreign: Dict[int, rebuild.ForeignGlobals] = {}
        self._reducers: Dict[type, Optional[Reducer]] = {}
        super().__init__(file, 5, buffer_callback=self._buffer)  # type: ignore[call-arg]

    def _buffer(self, buffer: Any) -> bool:
        private = id(buffer) in self.private
        self.buffers.append(arrays.Buffer(buffer, private, self.origin if private is False else None))
        self.origin = None
        return False

    def reducer_override(self, obj: Any) -> Any:
        """Reduce what the objects themselves would reduce wrongly or not at all."""
        kind = type(obj)
        try:
            reducer = self._reducers[kind]
        except KeyError:
            reducer = self._reducers[kind] = self._choose(kind)
        return NotImplemented if reducer is None else reducer(self, obj)

    def _choose(self, kind: type) -> Optional[Reducer]:
        return by_value.reducer_for(kind, self) or arrays.reducer_for(kind) or by_value.marker_reducer_for(kind)

    def refer(self, obj: Any) -> Any:
        """Return a reduction of ``obj`` by reference where a fragment replays it, else None."""
        found = self.namespace.reference(obj)
        if found is None:
            return None
        self.definitions.add(found[1])
        self.namespace.late_of(found[1], self.late)
        self.references.add(id(obj))
        return rebuild.replayed, (found[0],)


class BundlePickler(Reducing, pickle.Pickler):
    """Pickles values of a namespace with protocol 5, buffers out of band."""


class DeepPickler(Reducing, pickle._Pickler):
    """The same in Python: slow, but as deep as the recursion limit, where the C pickler's depth is fixed."""


def pickled(value: Any, namespace: Namespace, compact: Any = ()) -> Pickled:
    """Pickle ``value``; deep nesting is tried again with a large stack.

    Raises:
        Exception: whatever the value's own reducers raise; ``refusals.explain`` says what is to blame.
    """
    rebuild.expose()
    with _quiet_main(namespace):
        try:
            return _pickled(value, namespace, compact)
        except RecursionError:
            kind = DeepPickler if sys.version_info >= (3, 12) else BundlePickler
            return _deeply(lambda: _pickled(value, namespace, compact, kind))


def _pickled(value: Any, namespace: Namespace, compact: Any, kind: Any = BundlePickler) -> Pickled:
    file = io.BytesIO()
    pickler = kind(file, namespace, compact)
    pickler.dump(value)
    return Pickled(file.getvalue(), pickler)


@contextlib.contextmanager
def _quiet_main(namespace: Namespace) -> Iterator[None]:
    """Let ``__main__`` mean the namespace, and keep reducers' deprecation warnings from the user's output."""
    present = sys.modules.get("__main__")
    stand_in = None
    if present is None or present.__dict__ is not namespace.variables:
        stand_in = sys.modules["__main__"] = _ModuleOver(namespace.variables)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if stand_in is not None and sys.modules.get("__main__") is stand_in:
            if present is None:
                del sys.modules["__main__"]
            else:
                sys.modules["__main__"] = present


class _ModuleOver(types.ModuleType):
    """A module that reads a given dictionary."""

    def __init__(self, variables: Dict[str, Any]) -> None:
        super().__init__("__main__")
        self.__dict__["_variables"] = variables

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_variables"][name]
        except KeyError:
            raise AttributeError(name) from None


def _deeply(work: Callable[[], Pickled]) -> Pickled:
    """Run ``work`` in a thread with a large stack and a high recursion limit."""
    results: List[Pickled] = []
    failures: List[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as exc:  # noqa: BLE001
            failures.append(exc)

    limit, size = sys.getrecursionlimit(), threading.stack_size()
    try:
        threading.stack_size(_DEEP_STACK)
        sys.setrecursionlimit(max(limit, _DEEP_LIMIT))
        thread = threading.Thread(target=run, name="kf-pickle")
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if failures:
        raise failures[0]
    return results[0]


def snapshot_of(value: Any, namespace: Namespace) -> Optional[str]:
    """Return a digest of ``value`` and its buffers as they are now, or None where it is fixed or cannot be pickled."""
    if type(value) in ATOMS or isinstance(value, (types.ModuleType, type, types.FunctionType)):
        return None
    try:
        return content_of(pickled((value,), namespace))
    except Exception:
        log.debug("no snapshot of a %s", type(value).__name__, exc_info=True)
        return None


def content_of(made: Pickled) -> str:
    """Return a digest of the stream and of what the buffers hold now."""
    digest = hashlib.sha256(made.stream)
    for buffer in made.buffers:
        digest.update(buffer.view)
    return digest.hexdigest()

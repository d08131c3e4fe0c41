"""Kubernetes: what we know of a kind's objects, trimmed and indexed; a reflector keeps it true."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_kf.kube.kinds import Key, Object, key

logger = logging.getLogger(__name__)

Trim = Callable[[Object], Object]
Index = Callable[[Object], Iterable[str]]

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Change:
    """An object that came (``old`` is None), changed, or went (``new`` is None). Objects are read, never written to."""

    key: Key
    old: Object | None
    new: Object | None


Handler = Callable[[Change], None]


class Store:
    """Objects of one kind by namespace and name, each trimmed before it is kept.

    Used from one event loop. Handlers are called in order, once for each change, after the store has it; they queue
    work and return.

    Args:
        trim: what is kept of an object; the default drops what only the API server reads. See :func:`keep`.
        indexes: by name, which values an object is found under.
    """

    def __init__(self, trim: Trim | None = None, indexes: Mapping[str, Index] | None = None) -> None:
        self._trim = trim or without_bookkeeping
        self._items: dict[Key, Object] = {}
        self._indexes = dict(indexes or {})
        self._found: dict[str, dict[str, set[Key]]] = {name: {} for name in self._indexes}
        self._handlers: list[Handler] = []

    # reading

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._items.values()))

    def get(self, name: str, namespace: str = "") -> Object | None:
        """Return an object, None where there is none."""
        return self._items.get((namespace, name))

    def by(self, index: str, value: str) -> list[Object]:
        """Return the objects that an index has under a value, in order of namespace and name."""
        return [self._items[found] for found in sorted(self._found[index].get(value, ()))]

    def add_handler(self, handler: Handler) -> None:
        """Tell ``handler`` of every change from now on, and at once of all objects that are here."""
        self._handlers.append(handler)
        for where, item in list(self._items.items()):
            _tell(handler, Change(where, None, item))

    # writing, by the reflector

    def put(self, item: Object) -> None:
        """Take an object as it is now; if trim or an index fails on it, nothing is changed."""
        where = key(item)
        old = self._items.get(where)
        if old is not None and _same(old, item):
            return  # told already
        new = self._trim(item)
        values = self._values(new)
        if old is not None and old["metadata"].get("uid") != item["metadata"].get("uid"):
            self.remove(where)  # another one of the same name, and nobody saw the first one go
            old = None
        self._items[where] = new
        self._reindex(where, {} if old is None else self._values(old), values)
        self._changed(Change(where, old, new))

    def remove(self, where: Key) -> None:
        """Take note that an object is gone."""
        old = self._items.pop(where, None)
        if old is not None:
            self._reindex(where, self._values(old), {})
            self._changed(Change(where, old, None))

    def keep_only(self, keys: set[Key]) -> None:
        """Take note that there are no objects but these."""
        for where in [where for where in self._items if where not in keys]:
            self.remove(where)

    def _values(self, item: Object) -> dict[str, set[str]]:
        return {name: set(index(item)) for name, index in self._indexes.items()}

    def _reindex(self, where: Key, old: dict[str, set[str]], new: dict[str, set[str]]) -> None:
        for name, found in self._found.items():
            before, after = old.get(name, set()), new.get(name, set())
            for value in before - after:
                found[value].discard(where)
                if not found[value]:
                    del found[value]
            for value in after - before:
                found.setdefault(value, set()).add(where)

    def _changed(self, change: Change) -> None:
        for handler in self._handlers:
            _tell(handler, change)


def _tell(handler: Handler, change: Change) -> None:
    try:
        handler(change)
    except Exception:  # one handler's fault must not end the watch that all others live on
        logger.exception("A handler failed on %s", "/".join(change.key))


def _same(old: Object, new: Object) -> bool:
    a, b = old["metadata"], new["metadata"]
    return bool(a.get("resourceVersion") == b.get("resourceVersion") and a.get("uid") == b.get("uid"))


# what is kept


def without_bookkeeping(item: Object) -> Object:
    """Return an object without the fields' owners and kubectl's copy of itself: often more than half of it."""
    metadata = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    annotations = metadata.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        metadata["annotations"] = {name: value for name, value in annotations.items() if name != _LAST_APPLIED}
    kept: Object = _interned({**item, "metadata": metadata})
    return kept


def keep(*paths: str) -> Trim:
    """Return a trim that keeps metadata, ``apiVersion``, ``kind`` and the fields that these paths name, whole.

    Args:
        paths: as ``spec.replicas``; a field's own name must have no dot.
    """
    wanted = [tuple(path.split(".")) for path in paths]

    def trim(item: Object) -> Object:
        head: Object = {name: item[name] for name in ("apiVersion", "kind", "metadata") if name in item}
        kept = without_bookkeeping(head)
        for path in wanted:
            _copy(item, kept, path)
        return kept

    return trim


def _copy(source: Object, target: Object, path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        inner = source.get(name)
        if not isinstance(inner, dict):
            return
        source, target = inner, target.setdefault(sys.intern(name), {})
    last = path[-1]
    if last in source:
        target[sys.intern(last)] = _interned(source[last])


def _interned(value: Any) -> Any:
    """Return a copy whose keys are shared with all other objects': thousands of them have the same ones."""
    if isinstance(value, dict):
        return {sys.intern(name): _interned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_interned(inner) for inner in value]
    return value


# indexes


def owner_uids(item: Object) -> Iterable[str]:
    """Index: the uids of an object's owners."""
    return [owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()]


def namespaces(item: Object) -> Iterable[str]:
    """Index: the object's namespace."""
    return [item["metadata"].get("namespace", "")]


def label(name: str) -> Index:
    """Return an index by namespace and the value of a label, joined as ``NAMESPACE/VALUE``."""

    def index(item: Object) -> Iterable[str]:
        metadata = item["metadata"]
        value = (metadata.get("labels") or {}).get(name)
        return [] if value is None else [f"{metadata.get('namespace', '')}/{value}"]

    return index


def involved_object(item: Object) -> Iterable[str]:
    """Index of events: what they are about, as ``KIND/NAMESPACE/NAME``."""
    about = item.get("involvedObject") or {}
    return [f"{about.get('kind', '')}/{about.get('namespace', '')}/{about.get('name', '')}"]

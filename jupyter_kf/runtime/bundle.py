"""The guest's room, bundles: what a step is given and leaves. The door to the format, aliases and change detection.

::

    load(path, names, namespace, *, digest=None) -> dict    bind names of a bundle in namespace.variables
    store(namespace, live, wanted, folder, *, sync=False) -> Outcome    .names .artifacts of the report, .refused
    dump(values, folder, namespace=None, *, sync=False) -> Outcome      store plain values, from a kernel for example
    read_header(path) -> dict
    verify(path, digest)                                     raises BundleError where the file is damaged
    BundleError(message, fix)

``namespace`` is a ``namespace.Namespace``; ``folder`` the artifact folder, in which a bundle is ``<d[:2]>/<digest>``.
The rules are in ``docs/design/0001-data-flow.md``.
"""

from __future__ import annotations

import gc
import types
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import aliases, arrays
from .changes import Judge
from .namespace import Namespace
from .pickler import ATOMS, Pickled, content_of, pickled
from .preview import looks, preview, type_name
from .refusals import explain
from .storage import PYTHON, BundleError, Given, open_bundle, unpickled, verify, write_bundle

__all__ = ["BundleError", "Outcome", "dump", "load", "read_header", "store", "verify"]


class Outcome(NamedTuple):
    """``names`` and ``artifacts`` as in the report; ``refused`` the entries of wanted names that cannot be stored."""

    names: Dict[str, Dict[str, Any]]
    artifacts: List[Dict[str, Any]]
    refused: Dict[str, Dict[str, Any]]


class _Unit:
    """Names that are pickled together, and where their values came from."""

    def __init__(self, names: Tuple[str, ...], given: Optional[Given], snapshot: Optional[str] = None) -> None:
        self.names = names
        self.given = given
        self.snapshot = snapshot
        self.made: Pickled
        self.same: Optional[bool] = None


def load(path: str, names: Iterable[str], namespace: Namespace, *, digest: Optional[str] = None) -> Dict[str, Any]:
    """Load a bundle and bind ``names`` of it; definitions it refers to are replayed on demand.

    Returns:
        The values by name, those bound only.

    Raises:
        BundleError: the file is damaged or gone, of another Python, or something it needs is missing.
    """
    stored = open_bundle(path)
    values = dict(zip(stored.names, unpickled(stored, namespace)))
    wanted = list(names)
    unknown = [n for n in wanted if n not in values]
    if unknown:
        raise BundleError(f"{path} does not hold {', '.join(unknown)}.")
    bound = {n: values[n] for n in wanted}
    namespace.variables.update(bound)
    namespace.loaded.update(bound)
    namespace.given.append(Given(stored, digest or "", {n: id(v) for n, v in bound.items()}))
    namespace.provide_late(stored.header["late"])
    return bound


def read_header(path: str) -> Dict[str, Any]:
    """Return a bundle's header; raises :class:`BundleError` like :func:`load`."""
    stored = open_bundle(path)
    return dict(stored.header)


def dump(
    values: Mapping[str, Any], folder: str, namespace: Optional[Namespace] = None, *, sync: bool = False
) -> Outcome:
    """Store ``values``, grouped by what they share. Without a namespace, ``__main__`` of this process is it."""
    if namespace is None:
        import sys

        namespace = Namespace(sys.modules["__main__"].__dict__)
    return _Storing(namespace, values, folder, sync).run(list(values), frozenset(values))


def store(
    namespace: Namespace, live: Iterable[str], wanted: Iterable[str], folder: str, *, sync: bool = False
) -> Outcome:
    """Report every live name at the end of a step, and store what is new or changed.

    Args:
        namespace: the step's namespace, with the bundles it was given.
        live: names that later steps may want; definitions that were touched are reported besides.
        wanted: those of them that some later step needs; refused ones are listed in the outcome.
        folder: the artifact folder.
        sync: flush each new file to the disk before it gets its name.
    """
    namespace.adopt()
    names = list(dict.fromkeys([*live, *namespace.touched()]))
    return _Storing(namespace, namespace.variables, folder, sync).run(names, frozenset(wanted))


class _Storing:
    """One pass at the end of a step."""

    def __init__(self, namespace: Namespace, values: Mapping[str, Any], folder: str, sync: bool) -> None:
        self.namespace = namespace
        self.values = values
        self.folder = folder
        self.sync = sync
        self.judge = Judge(namespace)
        self.names: Dict[str, Dict[str, Any]] = {}
        self.artifacts: Dict[str, Dict[str, Any]] = {}

    def run(self, live: List[str], wanted: Any) -> Outcome:
        """Report ``live``; the collector of cycles rests meanwhile, as memos of millions of objects would wake it."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._run(live, wanted)
        finally:
            if collecting:
                gc.enable()

    def _run(self, live: List[str], wanted: Any) -> Outcome:
        units = [u for unit in self._units(live) for u in self._prepared(unit)]
        groups = [[units[i] for i in group] for group in aliases.groups([u.made for u in units])]
        for group in sorted(groups, key=lambda group: any(self._moved(u) for u in group)):
            self._settle(group)
        names = {n: self.names[n] for n in live}
        refused = {n: e for n, e in names.items() if n in wanted and e["state"] == "unstorable"}
        return Outcome(names, list(self.artifacts.values()), refused)

    def _units(self, live: Sequence[str]) -> List[_Unit]:
        """Return what is to be pickled together: all that came from one bundle, every other name by itself."""
        owner = {n: g for g in self.namespace.given for n in g.bound}
        together: Dict[int, _Unit] = {}
        units: List[_Unit] = []
        present = set()
        for name in live:
            if name not in self.values:
                self.names[name] = {"state": "absent"}
            elif self._as_replayed(name):
                self.names[name] = {"state": "unchanged"}
            else:
                present.add(name)
        for name in live:
            if name not in present:
                continue
            value, given = self.values[name], owner.get(name)
            if given is None:
                origin = self.namespace.origins.get(name)
                units.append(_Unit((name,), None, origin.snapshot if origin and origin.value is value else None))
            elif id(value) != given.bound[name] and type(value) not in ATOMS:
                units.append(_Unit((name,), given))
            elif id(given) not in together:
                kept = [n for n in given.stored.names if n in present and owner.get(n) is given]
                together[id(given)] = _Unit(tuple(n for n in kept if self._kept(given.bound[n], n)), given)
                units.append(together[id(given)])
        return units

    def _kept(self, identity: int, name: str) -> bool:
        value = self.values[name]
        return id(value) == identity or type(value) in ATOMS

    def _moved(self, unit: _Unit) -> bool:
        """Say whether a name was bound to something else than what it was given as."""
        return unit.given is not None and not all(self._kept(unit.given.bound[n], n) for n in unit.names)

    def _as_replayed(self, name: str) -> bool:
        """Say whether a name is, without a closer look, what a fragment or a parameter made it."""
        origin = self.namespace.origins.get(name)
        if origin is None or name in self.namespace.loaded:
            return False
        value = self.values[name]
        if type(value) in ATOMS:
            return type(value) is type(origin.value) and bool(
                value == origin.value or repr(value) == repr(origin.value)
            )
        if value is not origin.value:
            return False
        if origin.kind == "import" or isinstance(value, types.ModuleType):
            return True
        return self.namespace.intact(name) and origin.snapshot is None

    def _prepared(self, unit: _Unit) -> List[_Unit]:
        """Pickle a unit; a joint one that changed or fails is taken apart."""
        try:
            unit.made = self._pickled(unit.names)
        except Exception as exc:  # noqa: BLE001
            if len(unit.names) == 1:
                self._refuse(unit.names[0], exc)
                return []
        else:
            if len(unit.names) == 1:
                return [unit]
            unit.same = unit.given is not None and self.judge.unchanged(unit.given, unit.names, unit.made)
            if unit.same:
                return [unit]
        return [u for name in unit.names for u in self._prepared(_Unit((name,), unit.given))]

    def _pickled(self, names: Sequence[str]) -> Pickled:
        return pickled(tuple(self.values[n] for n in names), self.namespace)

    def _refuse(self, name: str, error: BaseException) -> None:
        refusal = explain(name, self.values[name], self.namespace, error)
        self.names[name] = {"state": "unstorable", "why": refusal.why, "type": refusal.type, "fix": refusal.fix}

    def _settle(self, group: List[_Unit]) -> None:
        """Decide about units that share objects: unchanged as a whole, or stored as one."""
        names = tuple(n for u in group for n in u.names)
        given = group[0].given
        made = group[0].made
        if len(group) > 1:
            ordered = given.stored.names if given and all(u.given is given for u in group) else sorted(names)
            names = tuple(n for n in ordered if n in names)
            try:
                made = self._pickled(names)
            except Exception as exc:  # noqa: BLE001
                for name in names:
                    self._refuse(name, exc)
                return
        if self._unchanged(group, names, made):
            for name in names:
                self.names[name] = {"state": "unchanged"}
        else:
            self._write(names, made)

    def _unchanged(self, group: List[_Unit], names: Tuple[str, ...], made: Pickled) -> bool:
        unit = group[0]
        if unit.given is None:
            return len(group) == 1 and unit.snapshot is not None and unit.snapshot == content_of(made)
        if any(u.given is not unit.given for u in group):
            return False
        same = unit.same if len(group) == 1 and unit.same is not None else self.judge.unchanged(unit.given, names, made)
        return same and self.judge.accept(unit.given, names)

    def _write(self, names: Tuple[str, ...], made: Pickled) -> None:
        gappy = arrays.wasteful(made.buffers) if any(b.sparse for b in made.buffers) else []
        if gappy:
            made = pickled(tuple(self.values[n] for n in names), self.namespace, frozenset(gappy))
        definitions = sorted(made.definitions)
        written = write_bundle(self.folder, names, made, definitions, self.sync)
        for name in names:
            self.names[name] = {"state": "stored", "digest": written.digest}
        self.artifacts[written.digest] = {
            "digest": written.digest,
            "size": written.size,
            "kind": "bundle",
            "names": list(names),
            "types": {n: type_name(self.values[n]) for n in names},
            "late": sorted(made.late),
            "definitions": definitions,
            "meta": {"python": PYTHON, "preview": {n: preview(self.values[n]) for n in names}},
        }
        seen = looks(self.values, names)
        if seen:
            self.artifacts[written.digest]["meta"]["look"] = seen

"""The guest's room, namespace: the step's ``__main__`` and the fragments that are executed again in it.

::

    Namespace(variables, fragments=(), *, live=(), until=None, own=(), filename=None, run_setup=None)
        .replay(ids)            execute these fragments, with what they need, each once
        .provide(name) -> bool  replay on demand what binds ``name``, its late names included
        .lookup(dotted) -> obj  what ``__main__.dotted`` means inside a stored value
        .parameters(mapping)    bind the run's parameters
        .adopt()                take definitions that the step's own cells executed for replayed ones
        .reference(obj)         (dotted name, fragment id) where a fragment makes exactly this object, else None
        .given                  the bundles loaded so far (see ``bundle``)

A fragment is a plain dictionary, as in the manifest (``docs/design/0001-data-flow.md``).
"""

from __future__ import annotations
import __future__

import logging
import types
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Set, Tuple

log = logging.getLogger(__name__)

#: Class attributes that the interpreter or the standard library add on their own, after the class was made.
_LAZY_ATTRIBUTES = frozenset(
    {
        "__annotations__", "__annotations_cache__", "__abstractmethods__", "_abc_impl", "__protocol_attrs__", "__doc__",
        "__non_callable_proto_members__", "__weakref__", "__dict__", "__parameters__", "__signature__", "__slotnames__",
    }
)  # fmt: skip

#: Kinds of fragments whose values are told to be unchanged by a snapshot of what they were.
_SNAPSHOT_KINDS = frozenset({"literal", "derived", "setup", "parameter"})


#: Print of a definition that a step's own cell made: compared with another making only when it matters.
_UNCHECKED = object()


def future_flags(features: Iterable[str]) -> int:
    """Return the compiler flags of ``__future__`` features; a feature unknown to this Python is passed over."""
    return sum(getattr(__future__, name).compiler_flag for name in set(features) if hasattr(__future__, name))


class UnknownName(Exception):
    """A stored value speaks of a definition that this notebook does not have."""


class Origin(NamedTuple):
    """Where a replayed name came from. ``print`` tells a later touch of a definition, ``snapshot`` of a value."""

    kind: str
    fragment: str
    value: Any
    print: Any
    snapshot: Optional[str]


class Namespace:
    """The variables of a step's ``__main__`` and the table of fragments that can be replayed in it.

    Args:
        variables: the dictionary of the ``__main__`` module.
        fragments: the manifest's fragment table, in notebook order.
        live: names that later steps may want; only their values are watched for changes.
        until: index of the step's last cell; fragments of later cells are not replayed for the sake of late names.
        own: ids of the step's own cells; what they define is there once they have run, not before.
        filename: gives the file name under which a fragment's code is compiled.
        run_setup: executes a fragment that holds IPython text.
    """

    def __init__(
        self,
        variables: Dict[str, Any],
        fragments: Iterable[Mapping[str, Any]] = (),
        *,
        live: Iterable[str] = (),
        until: Optional[int] = None,
        own: Iterable[str] = (),
        filename: Optional[Callable[[Dict[str, Any]], str]] = None,
        run_setup: Optional[Callable[[Dict[str, Any]], None]] = None,
    ) -> None:
        self.variables = variables
        self.fragments: Dict[str, Dict[str, Any]] = {f["id"]: dict(f) for f in fragments}
        self.live = frozenset(live)
        self.origins: Dict[str, Origin] = {}
        self.given: List[Any] = []
        self.loaded: Set[str] = set()
        self._until = until
        self._own = frozenset(own)
        self._filename = filename or (lambda fragment: f"<cell {fragment.get('cell_index', '?')}>")
        self._run_setup = run_setup
        self._done: Set[str] = set()
        self._names: Dict[str, List[str]] = {}
        self._by_id: Dict[int, str] = {}
        for fragment in self.fragments.values():
            for name in fragment["names"]:
                self._names.setdefault(name, []).append(fragment["id"])

    # -- replay ----------------------------------------------------------------------------------
    def replay(self, ids: Iterable[str]) -> None:
        """Execute fragments in the given order, each once and after what it needs."""
        for identifier in ids:
            self._execute(self.fragments[identifier], late=False)

    def provide(self, name: str) -> bool:
        """Replay the fragment that binds ``name``, with its needs and late names; false where there is none."""
        candidates = [self.fragments[i] for i in self._names.get(name, ())]
        if not candidates:
            return False
        before = [f for f in candidates if self._ahead(f)]
        self._execute((before or candidates[:1])[-1], late=True)
        return name in self.origins

    def provide_late(self, names: Iterable[str]) -> None:
        """Replay what functions inside loaded values read when they are called, where it is not there yet."""
        for name in names:
            if name not in self.variables and any(self._ahead(self.fragments[i]) for i in self._names.get(name, ())):
                self.provide(name)

    def _ahead(self, fragment: Mapping[str, Any]) -> bool:
        """Say whether a fragment may be replayed ahead of the step's cells for the sake of a late name."""
        return self._above(fragment) and fragment.get("cell") not in self._own

    def _above(self, fragment: Mapping[str, Any]) -> bool:
        return self._until is None or fragment.get("cell_index", 0) <= self._until

    def _execute(self, fragment: Dict[str, Any], *, late: bool) -> None:
        identifier = fragment["id"]
        if identifier in self._done:
            return
        self._done.add(identifier)
        for need in fragment.get("needs", ()):
            if need not in self.variables and need in self._names:
                self.provide(need)
        kept = {n: self.variables[n] for n in fragment["names"] if n in self.loaded and n in self.variables}
        try:
            if fragment.get("ipython") and self._run_setup is not None:
                self._run_setup(fragment)
            else:
                exec(self._compiled(fragment), self.variables)  # noqa: S102
        except BaseException:
            self._done.discard(identifier)
            raise
        self._record(fragment)
        self.variables.update(kept)
        if late:
            self.provide_late(fragment.get("late", ()))

    def _compiled(self, fragment: Dict[str, Any]) -> types.CodeType:
        flags = future_flags(fragment.get("future", ()))
        source = "\n" * (int(fragment.get("line", 1)) - 1) + fragment["source"]
        code: types.CodeType = compile(source, self._filename(fragment), "exec", flags=flags, dont_inherit=True)
        return code

    def _record(self, fragment: Mapping[str, Any]) -> None:
        for name in fragment["names"]:
            if name in self.variables:
                self._remember(name, fragment["kind"], fragment["id"])

    def _remember(self, name: str, kind: str, fragment: str) -> None:
        value = self.variables[name]
        snapshot = None
        if kind in _SNAPSHOT_KINDS and name in self.live:
            from .pickler import snapshot_of

            snapshot = snapshot_of(value, self)
        self.origins[name] = Origin(kind, fragment, value, _print_of(value), snapshot)
        if kind not in {"parameter", "import"}:
            self._by_id[id(value)] = name

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Bind the run's parameters; a parameter that is not changed is never shipped."""
        for name, value in values.items():
            self.variables[name] = value
            self._remember(name, "parameter", "")

    def adopt(self) -> None:
        """Treat definitions and imports that the step's own cells have executed as replayed ones."""
        for fragment in self.fragments.values():
            if (
                fragment["id"] in self._done
                or fragment["kind"] not in {"definition", "import"}
                or not self._above(fragment)
            ):
                continue
            names = fragment["names"]
            if not names or any(n in self.loaded or n in self.origins or n not in self.variables for n in names):
                continue
            if fragment["kind"] == "definition" and not all(_made_here(self.variables[n], n) for n in names):
                continue
            self._done.add(fragment["id"])
            self._record(fragment)
            if fragment["kind"] == "definition":
                for name in names:
                    self.origins[name] = self.origins[name]._replace(print=_UNCHECKED)

    def touched(self) -> List[str]:
        """Return the definitions that are still bound to what a fragment made, but were changed since."""
        return [
            name
            for name, origin in self.origins.items()
            if origin.kind == "definition" and self.variables.get(name) is origin.value and not self.intact(name)
        ]

    # -- questions -------------------------------------------------------------------------------
    def reference(self, value: Any) -> Optional[Tuple[str, str]]:
        """Return (dotted name, fragment id) where a replayed definition is or holds exactly ``value``."""
        name = self._by_id.get(id(value))
        if name is not None and self.origins[name].value is value and self.intact(name):
            return name, self.origins[name].fragment
        qualified = getattr(value, "__qualname__", None)
        if not isinstance(qualified, str) or "." not in qualified:
            return None
        top, *rest = qualified.split(".")
        origin = self.origins.get(top)
        if origin is None or origin.kind in {"import", "parameter"} or not self.intact(top):
            return None
        found = origin.value
        for part in rest:
            found = _unwrapped(vars(found).get(part)) if hasattr(found, "__dict__") else None
        return (qualified, origin.fragment) if found is value else None

    def intact(self, name: str) -> bool:
        """Say whether what a fragment bound to ``name`` still is as it was made (definitions: not touched)."""
        origin = self.origins.get(name)
        if origin is None:
            return False
        if origin.print is _UNCHECKED:
            alike = _alike(origin.value, self._made_again(origin.fragment, name))
            origin = self.origins[name] = origin._replace(print=_print_of(origin.value) if alike else {"": name})
        return _same_print(origin.print, _print_of(origin.value))

    def _made_again(self, identifier: str, name: str) -> Any:
        """Return what executing a definition once more makes, with the namespace left as it is."""
        scratch = dict(self.variables)
        try:
            exec(self._compiled(self.fragments[identifier]), scratch)  # noqa: S102
        except Exception:
            log.debug("%s cannot be defined once more", name, exc_info=True)
            return None
        return scratch.get(name)

    def late_of(self, fragment: str, found: Set[str]) -> None:
        """Add to ``found`` every name that the fragment's definitions read when called, directly or by others."""
        for name in self.fragments.get(fragment, {}).get("late", ()):
            if name not in found:
                found.add(name)
                for identifier in self._names.get(name, ()):
                    self.late_of(identifier, found)

    def lookup(self, dotted: str) -> Any:
        """Return what ``__main__.dotted`` means, replaying a definition on demand.

        Raises:
            UnknownName: no fragment makes it and the namespace does not have it.
        """
        top, *rest = dotted.split(".")
        if top in self.origins or self.provide(top):
            found = self.origins[top].value
        elif top in self.variables:
            found = self.variables[top]
        else:
            raise UnknownName(dotted)
        for part in rest:
            held = vars(found).get(part) if hasattr(found, "__dict__") else None
            found = _unwrapped(held) if held is not None else getattr(found, part)
        return found


def _unwrapped(value: Any) -> Any:
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value


def _made_here(value: Any, name: str) -> bool:
    return getattr(value, "__module__", None) == "__main__" and getattr(value, "__qualname__", None) == name


def _print_of(value: Any) -> Any:
    """Return what tells whether a definition was touched: its attributes, by identity."""
    if isinstance(value, type):
        return {k: v for k, v in vars(value).items() if k not in _LAZY_ATTRIBUTES}
    if isinstance(value, types.FunctionType):
        parts = (value.__code__, value.__defaults__, value.__kwdefaults__)
        return {**{str(i): p for i, p in enumerate(parts)}, **{f".{k}": v for k, v in value.__dict__.items()}}
    return None


def _alike(value: Any, again: Any) -> bool:
    """Say whether a definition has the attributes that making it once more gives it."""
    if type(value) is not type(again):
        return False
    old, new = _print_of(value), _print_of(again)
    if old is None or new is None:
        return True
    plain = (bool, int, float, complex, str, bytes, type(None))

    def same(one: Any, other: Any) -> bool:
        if type(one) is value and type(other) is again:
            return True  # a member of an enumeration, an instance that the class keeps of itself
        return type(one) is type(other) and (one == other if isinstance(one, plain) else True)

    return bool(old.keys() == new.keys()) and all(same(v, new[k]) for k, v in old.items())


def _same_print(old: Any, new: Any) -> bool:
    if old is None or new is None:
        return old is new
    return old.keys() == new.keys() and all(new[k] is v for k, v in old.items())

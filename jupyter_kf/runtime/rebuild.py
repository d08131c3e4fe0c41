"""The guest's room, rebuilding: what stored streams call to make functions, classes and views again.

Streams name these builders by the module name :data:`MODULE`, which is no importable module, so that a bundle does not
depend on the name under which the guest's folder was loaded.
"""

from __future__ import annotations

import importlib
import marshal
import pickle
import sys
import types
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .namespace import Namespace

#: The module name that streams use for the builders below.
MODULE = "_kf_bundle"


class BundleUnpickler(pickle.Unpickler):
    """Unpickles in a namespace: ``__main__.X`` is looked up or replayed there, functions get its globals."""

    def __init__(self, file: Any, namespace: Namespace, buffers: Any = None) -> None:
        super().__init__(file, buffers=buffers)
        self._namespace = namespace

    def find_class(self, module: str, name: str) -> Any:
        """Return the global that the stream names."""
        if module == MODULE:
            bound = _BOUND.get(name)
            return bound(self._namespace) if bound is not None else BUILDERS[name]
        if module in {"__main__", "__mp_main__"}:
            return self._namespace.lookup(name)
        return super().find_class(module, name)


def replayed(dotted: str) -> Any:
    """Stand for ``Namespace.lookup`` of the loading namespace."""
    raise pickle.UnpicklingError(f"{dotted} can only be loaded into a namespace")


def main_module() -> types.ModuleType:
    """Return the module the step's cells run in."""
    return sys.modules["__main__"]


def make_function(code: types.CodeType, cells: Optional[Tuple[Any, ...]], where: Any) -> types.FunctionType:
    """Stand for the builder of functions that is bound to the loading namespace's variables."""
    raise pickle.UnpicklingError("a function can only be loaded into a namespace")


def _function_maker(namespace: Namespace) -> Callable[..., types.FunctionType]:
    def make(code: types.CodeType, cells: Optional[Tuple[Any, ...]], where: Any) -> types.FunctionType:
        if where is None:
            variables = namespace.variables
        elif isinstance(where, str):
            variables = importlib.import_module(where).__dict__
        else:
            variables = where.variables
        return types.FunctionType(code, variables, None, None, cells)

    return make


def set_function(function: Any, state: Mapping[str, Any]) -> None:
    """Complete a function made by :func:`make_function`."""
    for name, value in state.items():
        if name == "__dict__":
            function.__dict__.update(value)
        else:
            setattr(function, name, value)


class ForeignGlobals:
    """The globals of a function that was made by ``exec`` in a dictionary of its own."""

    def __init__(self, variables: Optional[Dict[str, Any]] = None) -> None:
        self.variables: Dict[str, Any] = {} if variables is None else variables


def set_globals(holder: ForeignGlobals, values: Mapping[str, Any]) -> None:
    """Fill the globals made by an empty :class:`ForeignGlobals`."""
    holder.variables.update(values)


def make_cell() -> Any:
    """Return an empty closure cell."""
    return types.CellType()


def set_cell(cell: Any, contents: Tuple[Any, ...]) -> None:
    """Fill a cell with the one value in ``contents``, or leave it empty."""
    if contents:
        cell.cell_contents = contents[0]


def make_code(data: bytes) -> types.CodeType:
    """Return marshalled code; the bundle's header was checked for the interpreter's version before."""
    code: types.CodeType = marshal.loads(data)  # noqa: S302
    return code


def make_class(
    metaclass: type, bases: Tuple[type, ...], named: Tuple[str, str, str], slots: Optional[Tuple[str, ...]]
) -> type:
    """Return an empty class without firing hooks of metaclass, ``__init_subclass__`` or ``__set_name__``."""
    name, module, qualname = named
    body: Dict[str, Any] = {"__module__": module, "__qualname__": qualname}
    if slots is not None:
        body["__slots__"] = slots
    silenced: List[Tuple[type, Any]] = []
    for base in dict.fromkeys(c for b in bases for c in b.__mro__):
        hook = vars(base).get("__init_subclass__")
        if hook is not None and base.__flags__ & (1 << 9):  # a class made at run time, which can be changed
            silenced.append((base, hook))
            type.__setattr__(base, "__init_subclass__", classmethod(_quiet))
    try:
        made: type = type.__new__(metaclass, name, bases, body)
    finally:
        for base, hook in silenced:
            type.__setattr__(base, "__init_subclass__", hook)
    if _is_abstract_metaclass(metaclass):
        importlib.import_module("_abc")._abc_init(made)
        made.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return made


def _quiet(cls: Any, /, **options: Any) -> None:
    """Take the place of ``__init_subclass__`` while a class is rebuilt."""


def _is_abstract_metaclass(metaclass: type) -> bool:
    import abc

    return issubclass(metaclass, abc.ABCMeta)


def set_class(cls: type, state: Mapping[str, Any]) -> None:
    """Set attributes as they stood in the class's dictionary, then the abstract methods and virtual subclasses."""
    for name, value in state["attributes"].items():
        type.__setattr__(cls, name, value)
    if "abstract" in state:
        cls.__abstractmethods__ = frozenset(state["abstract"])  # type: ignore[attr-defined]
    for other in state.get("registered", ()):
        cls.register(other)  # type: ignore[attr-defined]


def make_member(cls: type, base: type, value: Tuple[Any, ...]) -> Any:
    """Return an enum member before its class knows it."""
    return base.__new__(cls, *value)


def set_member(member: Any, state: Mapping[str, Any]) -> None:
    """Set an enum member's own attributes."""
    member.__dict__.update(state)


def make_cached(function: Any, maxsize: Optional[int], typed: bool) -> Any:
    """Return a ``functools.lru_cache`` wrapper with an empty cache."""
    import functools

    return functools.lru_cache(maxsize=maxsize, typed=typed)(function)


def set_attributes(target: Any, state: Mapping[str, Any]) -> None:
    """Set instance attributes directly."""
    target.__dict__.update(state)


def make_property(kind: type, *parts: Any) -> Any:
    """Return a property, static method or class method."""
    return kind(*parts)


def module_named(name: str) -> types.ModuleType:
    """Import a module by its name."""
    return importlib.import_module(name)


def type_named(name: str) -> Any:
    """Return a type of the interpreter that only ``types`` names."""
    return getattr(types, name)


def attribute_named(module: str, name: str) -> Any:
    """Return a module's attribute: a marker object that is compared by identity."""
    return getattr(importlib.import_module(module), name)


def make_type_variable(kind: type, name: str, constraints: Tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Return a ``TypeVar``, ``ParamSpec`` or ``TypeVarTuple`` of the notebook."""
    made = kind(name, *constraints, **options)
    made.__module__ = "__main__"
    return made


def array_view(buffer: Any, dtype: Any, shape: Tuple[int, ...], strides: Tuple[int, ...], offset: int) -> Any:
    """Return a strided numpy array over the bytes of ``buffer``, from ``offset`` on."""
    import numpy

    return numpy.ndarray(shape, dtype, buffer=buffer, offset=offset, strides=strides)


def object_view(root: Any, shape: Tuple[int, ...], strides: Tuple[int, ...], offset: int) -> Any:
    """Return a view of an array of objects."""
    import numpy

    return numpy.ndarray(shape, root.dtype, buffer=root, offset=offset, strides=strides)


def make_memmap(path: str, dtype: Any, mode: str, offset: int, shape: Tuple[int, ...]) -> Any:
    """Open a memory-mapped array again."""
    import numpy

    return numpy.memmap(path, dtype=dtype, mode=mode, offset=offset, shape=shape)  # type: ignore[call-overload]


def make_memoryview(held: Any, form: str, shape: Tuple[int, ...]) -> memoryview:
    """Return a view of a whole bytes-like object."""
    view = memoryview(held)
    return view if view.format == form else view.cast("B").cast(form, shape)  # type: ignore[call-overload]


def make_proxy(held: Any) -> Any:
    """Return a read-only view of a dictionary."""
    return types.MappingProxyType(held)


def _lookup(namespace: Namespace) -> Callable[[str], Any]:
    return namespace.lookup


def _main(namespace: Namespace) -> Callable[[], types.ModuleType]:
    def main() -> types.ModuleType:
        module = sys.modules.get("__main__")
        if module is not None and module.__dict__ is namespace.variables:
            return module
        raise pickle.UnpicklingError("the module __main__ is not the namespace that is loaded into")

    return main


_BOUND: Dict[str, Callable[[Namespace], Any]] = {
    "replayed": _lookup,
    "make_function": _function_maker,
    "main_module": _main,
}

BUILDERS: Dict[str, Any] = {
    f.__name__: f
    for f in (
        replayed,
        main_module,
        make_function,
        set_function,
        ForeignGlobals,
        set_globals,
        make_cell,
        set_cell,
        make_code,
        make_class,
        set_class,
        make_member,
        set_member,
        make_cached,
        set_attributes,
        make_property,
        module_named,
        type_named,
        attribute_named,
        make_type_variable,
        array_view,
        object_view,
        make_memmap,
        make_memoryview,
        make_proxy,
    )
}


def expose() -> None:
    """Make the builders known under :data:`MODULE`, as the pickler's own check of globals asks."""
    present = sys.modules.get(MODULE)
    if present is not None and getattr(present, "make_function", None) is make_function:
        return
    module = types.ModuleType(MODULE)
    for name, builder in BUILDERS.items():
        builder.__module__ = MODULE
        setattr(module, name, builder)
    sys.modules[MODULE] = module

"""The guest's room, by value: reductions of functions, classes and other objects that only the notebook has.

A function is its code (``marshal``), its closure's cells and its attributes; its globals are the ``__main__`` of
whoever loads it. A class is its metaclass, name, bases and dictionary; it is made empty first, so that methods,
closures and instances inside may refer to it, and completed by a state setter. No hook of the user's runs meanwhile.
"""

from __future__ import annotations

import abc
import enum
import functools
import importlib.util
import marshal
import opcode
import sys
import types
import typing
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple

from . import rebuild

if TYPE_CHECKING:
    from .pickler import Reducer, Reducing

_MAINS = frozenset({"__main__", "__mp_main__"})

#: Dictionary entries of a class that its making brings back.
_MADE_WITH_CLASS = frozenset(
    {
        "__dict__", "__doc__", "__weakref__", "__module__", "__slots__", "__qualname__", "_abc_impl", "__slotnames__",
        "__abstractmethods__", "__annotations_cache__", "__classdictcell__", "__classcell__",
    }
)  # fmt: skip

_INDEX_SHIFT = 1 if sys.version_info >= (3, 11) else 0
_GLOBAL_LOADS: Dict[int, int] = {
    opcode.opmap[name]: (_INDEX_SHIFT if name == "LOAD_GLOBAL" else 0)
    for name in ("LOAD_GLOBAL", "LOAD_NAME", "DELETE_GLOBAL", "DELETE_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
    if name in opcode.opmap
}
_EXTENDED = opcode.EXTENDED_ARG

_TYPE_NAMES: Dict[int, str] = {}


def importable(obj: Any) -> bool:
    """Say whether ``module.qualname`` of ``obj`` is ``obj`` itself, outside the notebook."""
    module = getattr(obj, "__module__", None)
    qualified = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    if not isinstance(module, str) or module in _MAINS or not isinstance(qualified, str):
        return False
    found: Any = sys.modules.get(module)
    if found is None:
        return False
    for part in qualified.split("."):
        found = getattr(found, part, None)
        if found is None:
            return False
    return found is obj


@functools.lru_cache(maxsize=4096)
def late_names(code: types.CodeType) -> Tuple[str, ...]:
    """Return the globals that ``code``, nested code included, reads or deletes, in order of their first use."""
    names: Dict[str, None] = {}
    data, extended = code.co_code, 0
    for position in range(0, len(data), 2):
        operation, argument = data[position], data[position + 1] | extended
        extended = argument << 8 if operation == _EXTENDED else 0
        shift = _GLOBAL_LOADS.get(operation)
        if shift is not None:
            names[code.co_names[argument >> shift]] = None
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.update(dict.fromkeys(late_names(constant)))
    return tuple(names)


# -- functions -------------------------------------------------------------------------------------
def _function(pickler: Reducing, function: types.FunctionType) -> Any:
    if importable(function):
        return NotImplemented
    reference = pickler.refer(function)
    if reference is not None:
        return reference
    pickler.by_value.add(id(function))
    pickler.kept.append(function)
    where = _globals_of(pickler, function)
    return (
        rebuild.make_function,
        (function.__code__, function.__closure__, where),
        _function_state(function),
        None,
        None,
        rebuild.set_function,
    )


def _globals_of(pickler: Reducing, function: types.FunctionType) -> Any:
    variables = function.__globals__
    if variables is pickler.namespace.variables:
        pickler.late.update(late_names(function.__code__))
        return None
    for name in (function.__module__, variables.get("__name__")):
        module = sys.modules.get(name) if isinstance(name, str) else None
        if module is not None and module.__dict__ is variables and name not in _MAINS:
            return name
    if variables is getattr(sys.modules.get("__main__"), "__dict__", None):
        pickler.late.update(late_names(function.__code__))
        return None
    holder = pickler.foreign.get(id(variables))
    if holder is None:
        holder = pickler.foreign[id(variables)] = rebuild.ForeignGlobals(variables)
    return holder


def _foreign_globals(pickler: Reducing, holder: rebuild.ForeignGlobals) -> Any:
    values = {k: v for k, v in holder.variables.items() if k != "__builtins__" or v == {}}
    return rebuild.ForeignGlobals, (), values, None, None, rebuild.set_globals


def _function_state(function: types.FunctionType) -> Dict[str, Any]:
    code = function.__code__
    state: Dict[str, Any] = {"__module__": function.__module__}
    if function.__name__ != code.co_name:
        state["__name__"] = function.__name__
    if function.__qualname__ != getattr(code, "co_qualname", code.co_name):
        state["__qualname__"] = function.__qualname__
    documented = code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else None
    if function.__doc__ != documented:
        state["__doc__"] = function.__doc__
    for name in ("__defaults__", "__kwdefaults__", "__type_params__"):
        value = getattr(function, name, None)
        if value:
            state[name] = value
    if sys.version_info >= (3, 14) and function.__annotate__ is not None:
        state["__annotate__"] = function.__annotate__
    elif function.__annotations__:
        state["__annotations__"] = function.__annotations__
    if function.__dict__:
        state["__dict__"] = function.__dict__
    return state


def _cell(pickler: Reducing, cell: Any) -> Any:
    try:
        contents: Tuple[Any, ...] = (cell.cell_contents,)
    except ValueError:
        contents = ()
    return rebuild.make_cell, (), contents, None, None, rebuild.set_cell


def _code(pickler: Reducing, code: types.CodeType) -> Any:
    pickler.has_code = True
    try:
        data = marshal.dumps(code, 2)  # version 2 has no back references, whose use depends on reference counts
    except ValueError:
        data = marshal.dumps(code)
    return rebuild.make_code, (data,)


def _method(pickler: Reducing, method: types.MethodType) -> Any:
    if getattr(method.__func__, "__module__", None) in _MAINS:
        return types.MethodType, (method.__func__, method.__self__)
    return NotImplemented


def _cached(pickler: Reducing, wrapper: Any) -> Any:
    if importable(wrapper):
        return NotImplemented
    reference = pickler.refer(wrapper)
    if reference is not None:
        return reference
    options = wrapper.cache_parameters()
    state = {k: v for k, v in wrapper.__dict__.items() if k != "cache_parameters"}
    return (
        rebuild.make_cached,
        (wrapper.__wrapped__, options["maxsize"], options["typed"]),
        state,
        None,
        None,
        rebuild.set_attributes,
    )


def _cached_property(pickler: Reducing, held: Any) -> Any:
    state = {k: v for k, v in vars(held).items() if k != "lock"}
    return functools.cached_property, (held.func,), state, None, None, rebuild.set_attributes


def _property(pickler: Reducing, held: property) -> Any:
    return rebuild.make_property, (property, held.fget, held.fset, held.fdel, held.__doc__)


def _wrapped_method(pickler: Reducing, held: Any) -> Any:
    return rebuild.make_property, (type(held), held.__func__)


def _module(pickler: Reducing, module: types.ModuleType) -> Any:
    if module.__dict__ is pickler.namespace.variables or module.__name__ in _MAINS:
        return rebuild.main_module, ()
    if sys.modules.get(module.__name__) is module or _findable(module.__name__):
        pickler.references.add(id(module))
        return rebuild.module_named, (module.__name__,)
    state = {k: v for k, v in vars(module).items() if k not in {"__builtins__", "__loader__", "__spec__"}}
    return types.ModuleType, (module.__name__,), state, None, None, rebuild.set_attributes


def _findable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _proxy(pickler: Reducing, proxy: Any) -> Any:
    import gc

    held = [r for r in gc.get_referents(proxy) if isinstance(r, dict)]
    return rebuild.make_proxy, (held[0] if held else dict(proxy),)


def _memoryview(pickler: Reducing, view: memoryview) -> Any:
    held = view.obj
    if isinstance(held, (bytes, bytearray)) and view.nbytes == len(held) and view.c_contiguous:
        return rebuild.make_memoryview, (held, view.format, tuple(view.shape or ()))
    return NotImplemented


def _weak_dictionary(pickler: Reducing, held: Any) -> Any:
    return type(held), (), None, None, iter(list(held.items()))


def _weak_set(pickler: Reducing, held: Any) -> Any:
    return type(held), (list(held),)


def _type_variable(pickler: Reducing, variable: Any) -> Any:
    if importable(variable):
        return NotImplemented
    reference = pickler.refer(variable)
    if reference is not None:
        return reference
    options: Dict[str, Any] = {}
    if isinstance(variable, typing.TypeVar):
        options = {"covariant": variable.__covariant__, "contravariant": variable.__contravariant__}
        if variable.__bound__ is not None:
            options["bound"] = variable.__bound__
    constraints = getattr(variable, "__constraints__", ())
    return rebuild.make_type_variable, (type(variable), variable.__name__, constraints, options)


# -- classes ---------------------------------------------------------------------------------------
def _class(pickler: Reducing, cls: type) -> Any:
    if importable(cls):
        pickler.references.add(id(cls))
        return NotImplemented
    if cls.__module__ == "builtins":
        name = _types_name(cls)
        return NotImplemented if name is None else (rebuild.type_named, (name,))
    reference = pickler.refer(cls)
    if reference is not None:
        return reference
    pickler.by_value.add(id(cls))
    slots = vars(cls).get("__slots__")
    if slots is not None:
        slots = (slots,) if isinstance(slots, str) else tuple(slots)
    arguments = (type(cls), cls.__bases__, (cls.__name__, cls.__module__, cls.__qualname__), slots)
    return rebuild.make_class, arguments, _class_state(cls, slots), None, None, rebuild.set_class


def _class_state(cls: type, slots: Optional[Tuple[str, ...]]) -> Dict[str, Any]:
    attributes: Dict[str, Any] = {} if vars(cls).get("__doc__") is None else {"__doc__": vars(cls)["__doc__"]}
    for name, value in vars(cls).items():
        if name in _MADE_WITH_CLASS or (isinstance(value, types.MemberDescriptorType) and value.__objclass__ is cls):
            continue
        attributes["__annotate__" if name == "__annotate_func__" else name] = value
    state: Dict[str, Any] = {"attributes": attributes}
    if slots is not None:
        state["attributes"] = {"__slots__": vars(cls)["__slots__"], **attributes}
    if isinstance(cls, abc.ABCMeta):
        state["abstract"] = sorted(vars(cls).get("__abstractmethods__", ()))
        state["registered"] = _registered(cls)
    return state


def _registered(cls: Any) -> List[type]:
    found = [reference() for reference in importlib.import_module("_abc")._get_dump(cls)[0]]
    return sorted((c for c in found if c is not None), key=lambda c: (c.__module__, c.__qualname__))


def _types_name(cls: type) -> Optional[str]:
    if not _TYPE_NAMES:
        _TYPE_NAMES.update({id(v): k for k, v in vars(types).items() if isinstance(v, type)})
    return _TYPE_NAMES.get(id(cls))


def _member(pickler: Reducing, member: Any) -> Any:
    cls = type(member)
    base = vars(cls).get("_member_type_", object)
    value = (
        () if base is object else (base.__getnewargs__(member) if hasattr(base, "__getnewargs__") else (base(member),))
    )
    return rebuild.make_member, (cls, base, tuple(value)), dict(member.__dict__), None, None, rebuild.set_member


# -- choice ----------------------------------------------------------------------------------------
REDUCERS: Dict[type, Reducer] = {
    types.FunctionType: _function,
    types.CodeType: _code,
    types.CellType: _cell,
    types.MethodType: _method,
    types.ModuleType: _module,
    types.MappingProxyType: _proxy,
    memoryview: _memoryview,
    property: _property,
    staticmethod: _wrapped_method,
    classmethod: _wrapped_method,
    functools.cached_property: _cached_property,
    type(functools.lru_cache(lambda: None)): _cached,
    weakref.WeakKeyDictionary: _weak_dictionary,
    weakref.WeakValueDictionary: _weak_dictionary,
    weakref.WeakSet: _weak_set,
    rebuild.ForeignGlobals: _foreign_globals,
    **{
        getattr(typing, name): _type_variable
        for name in ("TypeVar", "ParamSpec", "TypeVarTuple")
        if hasattr(typing, name)
    },
}


def reducer_for(kind: type, pickler: Reducing) -> Optional[Reducer]:
    """Return the reducer for instances of ``kind``; None where their own will do."""
    found = REDUCERS.get(kind)
    if found is not None:
        return found
    if issubclass(kind, type):
        return _class
    if issubclass(kind, types.ModuleType):
        return _module
    if isinstance(kind, enum.EnumMeta) and not importable(kind) and pickler.namespace.reference(kind) is None:
        return _member
    return None


def marker_reducer_for(kind: type) -> Optional[Reducer]:
    """Return a reducer by name for a module's markers: stateless objects that are compared by identity."""
    module = sys.modules.get(kind.__module__)
    if module is None or kind.__module__ in _MAINS or kind.__module__ == "builtins":
        return None
    if any(vars(c).keys() & {"__reduce__", "__reduce_ex__"} for c in kind.__mro__[:-1]):
        return None
    markers = {id(v): k for k, v in list(vars(module).items()) if type(v) is kind and _stateless(v)}
    return _marker(module.__name__, markers) if markers else None


def _stateless(value: Any) -> bool:
    if type(value).__module__ == "dataclasses":
        return True
    return not getattr(value, "__dict__", None) and not any(vars(c).get("__slots__") for c in type(value).__mro__)


def _marker(module: str, markers: Mapping[int, str]) -> Callable[[Reducing, Any], Any]:
    def reduce(pickler: Reducing, value: Any) -> Any:
        name = markers.get(id(value))
        if name is None:
            return NotImplemented
        pickler.references.add(id(value))
        return rebuild.attribute_named, (module, name)

    return reduce

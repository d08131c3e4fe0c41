"""The guest's room, preview: a value's type and a short text of it, made without running code of the user's."""

from __future__ import annotations

import sys
from typing import Any, Dict

_LIMIT = 120
_PLAIN = (bool, int, float, complex, type(None))


def type_name(value: Any) -> str:
    """Return the plain name of the value's type, such as ``DataFrame``."""
    return type(value).__name__


def preview(value: Any) -> str:
    """Return a text of at most 120 characters: built-in values as written, arrays and frames by shape and type."""
    try:
        text = _array(value) or _text(value, 3, _LIMIT)
    except Exception:  # noqa: BLE001
        text = f"<{type_name(value)}>"
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def _array(value: Any) -> str:
    module = type(value).__module__.split(".")[0]
    if module not in {"numpy", "pandas", "torch", "polars", "pyarrow", "scipy", "xarray"} or module not in sys.modules:
        return ""
    name, shape = type_name(value), getattr(value, "shape", None)
    if shape is None:
        return ""
    size = " × ".join(str(n) for n in shape) if len(shape) else "scalar"
    if name == "DataFrame":
        return f"DataFrame {size}: {', '.join(str(c) for c in list(value.columns)[:12])}"
    return f"{name} {size} {getattr(value, 'dtype', '')}".rstrip()


def _text(value: Any, depth: int, room: int) -> str:
    kind = type(value)
    if kind in _PLAIN:
        return repr(value) if kind is not int or value.bit_length() < 400 else "<int>"
    if kind is str or kind is bytes:
        return repr(value[:room]) if len(value) > room else repr(value)
    if kind in {list, tuple, set, frozenset, dict} and depth and room > 0:
        return _container(value, depth, room)
    if isinstance(value, type):
        return f"class {value.__name__}"
    name = getattr(value, "__qualname__", None) if kind.__module__ == "builtins" else None
    return f"<{kind.__name__} {name}>" if isinstance(name, str) else f"<{kind.__name__}>"


def _container(value: Any, depth: int, room: int) -> str:
    pairs: Dict[type, str] = {list: "[]", tuple: "()"}
    opening, closing = tuple(pairs.get(type(value), "{}"))
    parts = []
    for item in value.items() if type(value) is dict else value:
        if room <= 0:
            parts.append("…")
            break
        if type(value) is dict:
            part = f"{_text(item[0], depth - 1, room)}: {_text(item[1], depth - 1, room)}"
        else:
            part = _text(item, depth - 1, room)
        parts.append(part)
        room -= len(part) + 2
    if type(value) is tuple and len(value) == 1:
        parts.append("")
    text = opening + ", ".join(parts).rstrip(" ") + closing
    return "set()" if text == "{}" and type(value) is not dict else text

"""The guest's room, preview: a value's type, a short text of it, and a look at it, made without running user code.

A look is plain JSON data: ``{"kind": "table", "columns": [[name, type]], "rows": [[text]], "shape", "truncated"}`` of
frames, series and small arrays, ``{"kind": "text", "text", "truncated"}`` of text and containers that are longer than
their short text.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, List, Mapping, Optional

_LIMIT = 120
_ROWS = 20
_COLUMNS = 20
_CELL = 100
_TEXT = 4000
_LOOKS = 64000
"""Characters of all looks of one artifact together."""
_STRAIGHT = ("numpy", "pandas", "polars", "datetime", "decimal", "uuid", "fractions", "pyarrow")
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


def looks(values: Mapping[str, Any], names: Iterable[str]) -> Dict[str, Any]:
    """Return a look at each of ``names`` that there is more to see of than its short text, within bounds of size."""
    found: Dict[str, Any] = {}
    room = _LOOKS
    for name in names:
        seen = look(values[name])
        if seen is not None:
            room -= sum(map(len, seen["text"] if seen["kind"] == "text" else map("".join, seen["rows"])))
            if room < 0:
                break
            found[name] = seen
    return found


def look(value: Any) -> Optional[Dict[str, Any]]:
    """Return a look at a value, ``None`` where its short text says all or nothing can be seen of it."""
    kind = type(value)
    if kind in _PLAIN:
        return None
    try:
        if kind is str:
            return _long(value[:_TEXT], len(value) > _TEXT) if len(value) > _LIMIT - 20 else None
        if kind in {list, tuple, set, frozenset, dict}:
            text = _text(value, 4, _TEXT)
            return (
                _long(text[:_TEXT], len(text) > _TEXT or text.endswith("…" + text[-1:])) if len(text) > _LIMIT else None
            )
        module = kind.__module__.split(".")[0]
        maker = {"pandas": _pandas, "numpy": _numpy, "polars": _polars}.get(module) if module in sys.modules else None
        return maker(value) if maker is not None else None
    except Exception:  # noqa: BLE001 - whatever a library does not like: nothing is to be seen
        return None


def _long(text: str, truncated: bool) -> Dict[str, Any]:
    return {"kind": "text", "text": text, "truncated": truncated}


def _cell(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return str(value[:_CELL])
    if kind.__module__.split(".")[0] not in _STRAIGHT:
        return _text(value, 2, _CELL)[:_CELL]
    text: str = _array(value) if getattr(value, "shape", ()) else str(value)
    return text[:_CELL]


def _tabled(names: List[Any], types: List[Any], columns: List[List[Any]], shape: Iterable[int]) -> Dict[str, Any]:
    whole = tuple(int(n) for n in shape)
    return {
        "kind": "table",
        "columns": [[_cell(name), str(kind)] for name, kind in zip(names, types)],
        "rows": [[_cell(column[row]) for column in columns] for row in range(len(columns[0]) if columns else 0)],
        "shape": list(whole),
        "truncated": whole[0] > _ROWS or (len(whole) > 1 and whole[1] > _COLUMNS),
    }


def _pandas(value: Any) -> Optional[Dict[str, Any]]:
    kind = type_name(value)
    if kind not in {"DataFrame", "Series"}:
        return None
    head = value.iloc[:_ROWS].to_frame() if kind == "Series" else value.iloc[:_ROWS, :_COLUMNS]
    parts = [head.iloc[:, number] for number in range(head.shape[1])]
    names: List[Any] = list(head.columns)
    columns = [part.tolist() for part in parts]
    types = [part.dtype for part in parts]
    index = head.index
    if type_name(index) != "RangeIndex" or index.name is not None:
        names.insert(0, "" if index.name is None else index.name)
        columns.insert(0, index.tolist())
        types.insert(0, "index")
    return _tabled(names, types, columns, value.shape)


def _numpy(value: Any) -> Optional[Dict[str, Any]]:
    if type_name(value) != "ndarray" or value.ndim not in {1, 2} or value.dtype.names:
        return None
    head = value[:_ROWS] if value.ndim == 1 else value[:_ROWS, :_COLUMNS]
    columns = [head.tolist()] if value.ndim == 1 else head.T.tolist()
    return _tabled(list(map(str, range(len(columns)))), [value.dtype] * len(columns), columns, value.shape)


def _polars(value: Any) -> Optional[Dict[str, Any]]:
    kind = type_name(value)
    if kind not in {"DataFrame", "Series"}:
        return None
    head = (value.to_frame() if kind == "Series" else value)[:_ROWS, :_COLUMNS]
    columns = [head[name].to_list() for name in head.columns]
    return _tabled(list(head.columns), list(head.dtypes), columns, value.shape)

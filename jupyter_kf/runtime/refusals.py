"""The guest's room, refusals: why a value cannot travel, which part of it is to blame, and what to do instead.

The search runs only after pickling has failed: it walks down to the smallest part that fails by itself.
"""

from __future__ import annotations

import types
from typing import Any, Iterator, List, NamedTuple, Set, Tuple

from .namespace import Namespace
from .pickler import pickled

_DEPTH = 24
_WIDTH = 10_000

#: (type name or prefix, what it is, what to do instead)
_ADVICE: Tuple[Tuple[str, str, str], ...] = (
    ("builtins.generator", "a generator", "Keep its values instead: list(…)."),
    ("builtins.async_generator", "an asynchronous generator", "Keep its values instead: [x async for x in …]."),
    ("builtins.coroutine", "a coroutine that was never awaited", "Await it and keep the result."),
    ("builtins.frame", "a stack frame", "Keep the values you need from it."),
    ("builtins.traceback", "a traceback", "Keep its text: traceback.format_exc()."),
    ("_io.", "an open file", "Close it and keep its path, or read what later steps need."),
    ("io.", "an open file", "Close it and keep its path, or read what later steps need."),
    ("tempfile.", "a temporary file", "Keep a path that stays."),
    ("socket.", "a socket", "Keep host and port, and connect in the step that uses it."),
    ("ssl.", "a secure connection", "Keep host and port, and connect in the step that uses it."),
    (
        "sqlite3.",
        "a database connection",
        "Keep its path or URL, and connect in the step that uses it (or in a setup cell).",
    ),
    ("psycopg", "a database connection", "Keep its URL, and connect in the step that uses it (or in a setup cell)."),
    ("_thread.", "a lock", "Make it in the step that uses it."),
    ("threading.", "a thread or lock", "Make it in the step that uses it."),
    ("queue.", "a queue between threads", "Keep its items in a list."),
    ("_queue.", "a queue between threads", "Keep its items in a list."),
    ("concurrent.futures", "a pool or its pending result", "Wait for the results and keep those."),
    ("multiprocessing", "a process, or something between processes", "Make it in the step that uses it."),
    ("subprocess.", "a running process", "Wait for it and keep its output."),
    ("_asyncio.", "a task or future of an event loop", "Await it and keep the result."),
    ("asyncio.", "a part of an event loop", "Await it and keep the result."),
    ("weakref.", "a weak reference", "Keep the object itself."),
    ("builtins.weakref", "a weak reference", "Keep the object itself."),
    ("builtins.weakproxy", "a weak reference", "Keep the object itself."),
    ("_ctypes.", "a C pointer or structure", "Keep the plain values it holds."),
    ("ctypes.", "a C pointer or structure", "Keep the plain values it holds."),
    ("mmap.", "a memory map", "Keep the file's path."),
    ("builtins.memoryview", "a view of memory", "Keep bytes(…) of it."),
    ("_contextvars.", "a context", "Set it in the step that uses it."),
    ("contextlib.", "a context manager", "Enter it in the step that uses it."),
    ("itertools.", "an iterator", "Keep its values instead: list(…)."),
    ("_csv.", "a reader or writer of an open file", "Keep the rows: list(…)."),
    ("hashlib.", "an unfinished digest", "Keep its hexdigest()."),
    ("_hashlib.", "an unfinished digest", "Keep its hexdigest()."),
    ("select.", "a system resource", "Make it in the step that uses it."),
)
_OTHERWISE = "Make it in the step that uses it, or in a setup cell."


class Refusal(NamedTuple):
    """Why a value cannot travel: one sentence, the culprit's type, and what to do."""

    why: str
    type: str
    fix: str


def explain(name: str, value: Any, namespace: Namespace, error: BaseException) -> Refusal:
    """Say which part of ``value`` made pickling raise ``error``, as a path from the variable's name."""
    if isinstance(error, RecursionError):
        return Refusal(
            "it is nested too deeply", type(value).__name__, "Keep it in a flatter form: a list of its parts."
        )
    path, culprit, cause = _search(name, value, namespace, error)
    kind = type(culprit)
    told = f"{kind.__module__}.{kind.__qualname__}"
    what, fix = _known(kind)
    if what:
        label = getattr(culprit, "name", None) if "file" in what else None
        what += f" ({label!r})" if isinstance(label, str) else ""
    else:
        what = f"a {told}, which says: {_text(cause)}"
    why = f"it is {what}" if path == name else f"{path} is {what}"
    return Refusal(why, told if kind.__module__ != "builtins" else kind.__qualname__, fix)


def _known(kind: type) -> Tuple[str, str]:
    for base in kind.__mro__:
        full = f"{base.__module__}.{base.__qualname__}"
        for start, what, fix in _ADVICE:
            if full.startswith(start) and full != "io.StringIO":
                return what, fix
    return "", _OTHERWISE


def _text(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:300] if text else type(error).__name__


def _search(path: str, value: Any, namespace: Namespace, error: BaseException) -> Tuple[str, Any, BaseException]:
    seen: Set[int] = set()
    for _ in range(_DEPTH):
        seen.add(id(value))
        if _known(type(value))[0]:
            break
        for step, part in _parts(value):
            if id(part) in seen:
                continue
            failure = _failure(part, namespace)
            if failure is not None:
                path, value, error = step.format(path), part, failure
                break
        else:
            break
    return path, value, error


def _failure(value: Any, namespace: Namespace) -> Any:
    try:
        pickled(value, namespace)
    except Exception as exc:  # noqa: BLE001
        return exc
    return None


def _parts(value: Any) -> Iterator[Tuple[str, Any]]:
    """Yield what a value is made of, each with a pattern of its path."""
    found: List[Tuple[str, Any]] = []
    if isinstance(value, dict):
        found += [("{}[" + _escaped(_key(k)) + "]", v) for k, v in list(value.items())[:_WIDTH]]
        found += [("a key of {}", k) for k in list(value)[:_WIDTH]]
    elif isinstance(value, (list, tuple)):
        found += [(f"{{}}[{i}]", v) for i, v in enumerate(value[:_WIDTH])]
    elif isinstance(value, (set, frozenset)):
        found += [("an element of {}", v) for v in list(value)[:_WIDTH]]
    elif isinstance(value, types.FunctionType):
        cells = zip(value.__code__.co_freevars, value.__closure__ or ())
        found += [(f"{n}, in the closure of {{}},", c.cell_contents) for n, c in cells if _filled(c)]
        found += [("a default of {}", d) for d in value.__defaults__ or ()]
        found += [("a default of {}", d) for d in (value.__kwdefaults__ or {}).values()]
    elif isinstance(value, types.MethodType):
        found += [("the object of {}", value.__self__), ("the function of {}", value.__func__)]
    try:
        held = object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        held = {}
    if not isinstance(value, types.ModuleType):
        found += [(f"{{}}.{_escaped(str(k))}", v) for k, v in list(dict(held).items())[:_WIDTH]]
    for cls in type(value).__mro__:
        for slot, member in vars(cls).items():
            if isinstance(member, types.MemberDescriptorType) and cls.__module__ != "builtins":
                try:
                    found.append((f"{{}}.{_escaped(slot)}", member.__get__(value)))
                except AttributeError:
                    continue
    return iter(found)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _key(key: Any) -> str:
    return repr(key)[:60] if type(key) in {str, int, float, bool, bytes, type(None)} else "…"

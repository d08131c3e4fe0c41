"""The guest's room, preloading: which modules a fork server may load ahead of its steps.

A module is loaded ahead only if its import leaves the process with one thread, no descriptor more, and nothing that
comes from outside the interpreter's own folders: judged once in a child that tries it, and remembered per state of the
environment. A module is asked for as ``package.module`` or, for ``from package import name``, ``package:name``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import sysconfig
import warnings
from typing import Any, Dict, Iterable, List, Optional, Tuple

#: Never loaded ahead, nor anything that loads them: they start threads, hold devices, or must not be forked.
NEVER = frozenset({"torch", "tensorflow", "jax", "jaxlib", "polars", "grpc", "cupy", "pyspark", "ray", "mxnet"})


class Verdicts:
    """What is known of modules, kept in a file. A verdict says why not, and is empty for a module that may."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: Dict[str, str] = {}
        try:
            with open(path, encoding="utf-8") as file:
                held = json.load(file)
        except (OSError, ValueError):
            return  # nothing known yet, or a file cut by a crash: modules are judged again
        if isinstance(held, dict) and held.get("state") == environment_state():
            self._known = dict(held["verdicts"])

    def get(self, module: str) -> Optional[str]:
        """Return the verdict on a module, None where it was not judged yet."""
        return "never loaded ahead" if module.partition(".")[0] in NEVER else self._known.get(module)

    def set(self, module: str, verdict: str) -> None:
        """Keep a verdict."""
        self._known[module] = verdict
        temporary = "%s.%d" % (self._path, os.getpid())
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"state": environment_state(), "verdicts": self._known}, file)
        os.replace(temporary, self._path)


def environment_state() -> List[Any]:
    """Return what tells one state of the interpreter's packages from another: installing changes a folder's time."""
    return [sys.version, *([path, _time_of(path)] for path in sys.path if path.endswith("-packages"))]


def _time_of(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def load(module: str) -> None:
    """Import a module; its warnings are not shown, its failures are raised."""
    package, _, name = module.partition(":")
    shown = warnings.showwarning
    warnings.showwarning = _show_nothing
    try:
        imported = importlib.import_module(package)
        if name and not hasattr(imported, name):
            importlib.import_module(package + "." + name)
    finally:
        warnings.showwarning = shown


def _show_nothing(*args: Any, **kwargs: Any) -> None:
    """Take a warning's place."""


def judge(module: str) -> str:
    """Import a module in this process, which is given up afterwards; return the verdict, ``""`` for good."""
    top = module.partition(":")[0].partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
        if spec is None:
            return "not found"
        places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
        if not all(is_installed(place) for place in places):
            return "not an installed package"
        before, descriptors = set(sys.modules), _descriptors()
        streams = (sys.stdout, sys.stderr)
        load(module)
    except BaseException as exc:  # noqa: BLE001 - whatever an import does, the verdict says it
        return "import failed: %s: %s" % (type(exc).__name__, exc)
    if thread_count() > 1:
        return "starts threads"
    banned = NEVER.intersection(name.partition(".")[0] for name in sys.modules)
    if banned:
        return "loads " + ", ".join(sorted(banned))
    if _descriptors() - descriptors:
        return "opens files"
    if streams != (sys.stdout, sys.stderr):
        return "replaces the standard streams"
    for name in set(sys.modules) - before:
        path = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(path, str) and not is_installed(path):
            return "loads %s from outside the packages" % name
    return ""


def is_installed(path: str) -> bool:
    """True for what lies in the interpreter's own folders (or is built in)."""
    if path in ("built-in", "frozen"):
        return True
    paths = sysconfig.get_paths()
    roots = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    roots += [entry for entry in sys.path if entry.endswith("-packages")]
    resolved = os.path.realpath(path)
    return any(
        candidate.startswith(os.path.join(root, "")) for root in roots for candidate in (path, resolved) if root
    ) or resolved.startswith(tuple(os.path.join(os.path.realpath(root), "") for root in roots if root))


def thread_count() -> int:
    """Return the number of this process's threads as the kernel counts them."""
    return len(os.listdir("/proc/self/task"))


def _descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def shadowed(folder: str, modules: Iterable[str]) -> Tuple[str, ...]:
    """Return the modules that a file or package of ``folder`` would stand before, had they not been loaded ahead."""
    try:
        entries = set(os.listdir(folder))
    except OSError:
        return ()
    return tuple(
        name
        for name in modules
        if name + ".py" in entries or (name in entries and os.path.exists(os.path.join(folder, name, "__init__.py")))
    )

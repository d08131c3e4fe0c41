"""Notebook room: the names behind ``from module import *``, read from the module's file and never by importing it."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import sys
import warnings
from pathlib import Path

from jupyter_kf.notebook.scopes import bound_names

_DEEP = 4


class StarModules:
    """Finds and reads modules as the notebook's kernel would: its folder first, then the interpreter's packages."""

    def __init__(self, folder: str, kernel_python: str | None) -> None:
        self.paths = [folder] if folder else []
        if kernel_python and Path(kernel_python).absolute() != Path(sys.executable).absolute():
            root = Path(kernel_python).absolute().parent.parent
            self.paths += [str(p) for p in sorted(root.glob("lib/python3*/site-packages"))]
            self.paths += [p for p in sys.path if p and "site-packages" not in p]
        else:
            self.paths += [p for p in sys.path if p]
        self.known: dict[str, tuple[frozenset[str], bool]] = {}

    def names(self, module: str, level: int = 0) -> tuple[frozenset[str], bool]:
        """Return (public names, whether these are surely all) of a module."""
        if level or not module:
            return frozenset(), False
        if module not in self.known:
            self.known[module] = (frozenset(), False)
            self.known[module] = self._read(module, 0)
        return self.known[module]

    def _read(self, module: str, depth: int) -> tuple[frozenset[str], bool]:
        if depth > _DEEP:
            return frozenset(), False
        origin = self._origin(module)
        if origin is None:
            return _compiled(module)
        try:
            data = Path(origin).read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(data)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset(), False
        declared = _declared_all(tree)
        if declared is not None:
            return declared, True
        return self._public(module, tree, origin, depth)

    def _public(self, module: str, tree: ast.Module, origin: str, depth: int) -> tuple[frozenset[str], bool]:
        bound, _, _ = bound_names(tree.body)
        names = {n for n in bound if not n.startswith("_")}
        complete = "__all__" not in bound and "__getattr__" not in bound
        package = module if Path(origin).name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
                base = package
                for _ in range(node.level - 1):
                    base = base.rpartition(".")[0]
                target = ".".join(p for p in (base if node.level else "", node.module or "") if p)
                inner, whole = self._read(target, depth + 1)
                names |= inner
                complete = complete and whole
        return frozenset(names), complete

    def _origin(self, module: str) -> str | None:
        paths: list[str] | None = self.paths
        origin: str | None = None
        for part in _prefixes(module):
            try:
                spec = importlib.machinery.PathFinder.find_spec(part, paths)
            except (ImportError, ValueError, OSError):
                return None
            if spec is None:
                return None
            origin = spec.origin
            paths = list(spec.submodule_search_locations or ())
        return origin if origin and origin.endswith(".py") else None


def _prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _compiled(module: str) -> tuple[frozenset[str], bool]:
    """Modules of the standard library that have no source file, such as ``math``, are safe to import."""
    root = module.partition(".")[0]
    if root not in sys.stdlib_module_names or "." in module:
        return frozenset(), False
    try:
        loaded = importlib.import_module(module)
    except ImportError:
        return frozenset(), False
    return frozenset(n for n in dir(loaded) if not n.startswith("_")), True


def _declared_all(tree: ast.Module) -> frozenset[str] | None:
    """Return ``__all__`` where it is made of literals only."""
    found: set[str] | None = None
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if not any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
                continue
            value = statement.value
            if not isinstance(value, ast.List | ast.Tuple):
                return None
            names = {e.value for e in value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)}
            if len(names) != len({ast.dump(e) for e in value.elts}):
                return None
            found = names | (found or set() if isinstance(statement, ast.AugAssign) else set())
        elif any(isinstance(n, ast.Name) and n.id == "__all__" for n in ast.walk(statement)):
            return None
    return frozenset(found) if found is not None else None

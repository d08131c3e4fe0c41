"""Notebook room: what the text of a statement promises: a loop that surely runs, a handler that catches a missing
name, a decorator that does not call, a context that lets exceptions through.
"""

from __future__ import annotations

import ast
from collections.abc import Container

_BUILT_IN = frozenset({"staticmethod", "classmethod", "property"})
_OF_FUNCTIONS = frozenset({"setter", "getter", "deleter", "register"})
#: Decorators that wrap a function without calling it.
_PATIENT = frozenset(
    {
        "staticmethod", "classmethod", "property", "setter", "getter", "deleter", "wraps", "lru_cache", "cache",
        "cached_property", "singledispatch", "register", "contextmanager", "asynccontextmanager", "dataclass",
        "define", "frozen", "total_ordering", "abstractmethod", "overload", "override", "final", "jit", "njit",
        "vectorize", "guvectorize", "no_grad", "inference_mode", "function", "checkpoint", "profile", "fixture",
        "unique", "delayed", "pmap", "vmap", "grad", "compile", "deprecated", "runtime_checkable", "retry", "udf",
        "pandas_udf",
    }
)  # fmt: skip
#: Context managers known to let exceptions through.
_OPEN_CONTEXTS = frozenset(
    {
        "open", "errstate", "no_grad", "enable_grad", "inference_mode", "catch_warnings", "option_context",
        "rc_context", "context", "Timer", "timer", "closing", "redirect_stdout", "redirect_stderr", "nullcontext",
        "TemporaryDirectory", "NamedTemporaryFile", "TemporaryFile", "ZipFile", "connect", "Session",
        "ThreadPoolExecutor", "ProcessPoolExecutor", "Pool", "autocast", "device", "scope", "strategy",
        "GradientTape", "Lock", "RLock", "lock", "tqdm", "localcontext", "printoptions", "config_context",
        "parallel_backend", "ExcelWriter", "urlopen", "start_run", "begin", "Parallel",
    }
)  # fmt: skip
_CATCH_ALL = frozenset({"NameError", "Exception", "BaseException"})


def surely_not_empty(node: ast.expr) -> bool:
    """True for an iterable that the text shows to have an element."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return any(not isinstance(e, ast.Starred) for e in node.elts)
    if isinstance(node, ast.Dict):
        return any(k is not None for k in node.keys)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes) and bool(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        values = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, int)]
        if node.func.id == "range" and len(values) == len(node.args) and 1 <= len(values) <= 3 and 0 not in values[2:]:
            return bool(range(*values))
        if node.func.id in {"enumerate", "sorted", "reversed", "list", "tuple"} and node.args:
            return surely_not_empty(node.args[0])
        if node.func.id == "zip" and node.args:
            return all(surely_not_empty(a) for a in node.args)
    return False


def catches_names(handler: ast.ExceptHandler) -> bool:
    """True for a handler that a ``NameError`` ends in."""
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(t, ast.Name) and t.id in _CATCH_ALL for t in types)


def is_main(test: ast.expr) -> bool:
    """``if __name__ == "__main__"`` always holds in a notebook."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )


def called_name(node: ast.expr) -> str:
    """The last part of what an expression names or calls."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_patient(decorator: ast.expr, imported: Container[str]) -> bool:
    """True for a decorator known not to call what it wraps: a builtin or an imported one of a well-known name."""
    root: ast.expr = decorator
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    name = called_name(decorator)
    if name in _BUILT_IN or (isinstance(decorator, ast.Attribute) and name in _OF_FUNCTIONS):
        return True
    return name in _PATIENT and isinstance(root, ast.Name) and root.id in imported


def lets_through(context: ast.expr) -> bool:
    """True for a context manager known not to swallow exceptions."""
    return called_name(context) in _OPEN_CONTEXTS


def forgives(context: ast.expr) -> bool:
    """True for a context manager that is there to swallow exceptions."""
    return called_name(context) in {"suppress", "raises", "assertRaises"}


def always_matches(pattern: ast.pattern) -> bool:
    """True for a pattern that nothing fails."""
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or always_matches(pattern.pattern)
    return isinstance(pattern, ast.MatchOr) and any(always_matches(p) for p in pattern.patterns)

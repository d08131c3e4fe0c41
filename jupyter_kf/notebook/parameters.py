"""Notebook room: which statements of the parameters cell are parameters, and with what default."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


class _NoValue:
    """Stands for an expression that is no plain value."""


#: What :func:`constant_value` returns for an expression that is no plain value.
NO_VALUE = _NoValue()


def parameter_name(statement: ast.stmt) -> str | None:
    """Return the name that a statement of the parameters cell binds alone, if it does."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def constant_value(node: ast.expr) -> Any:
    """Return the value of a literal, or of arithmetic on numbers, that JSON can hold; else a mark for none."""
    try:
        value = _evaluated(node)
    except (ValueError, TypeError, ArithmeticError, SyntaxError, MemoryError, RecursionError):
        return NO_VALUE
    return value if _fits_json(value) else NO_VALUE


def _evaluated(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = _evaluated(node.left), _evaluated(node.right)
        if not all(type(v) in {int, float} and abs(v) < 2**63 for v in (left, right)):
            raise ValueError("no number of plain size")
        if isinstance(node.op, ast.Pow) and abs(right) > 64:
            raise ValueError("too large")
        return _ARITHMETIC[type(node.op)](left, right)
    return ast.literal_eval(node)


def _fits_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if value is None or isinstance(value, bool | int | str):
        return True
    if isinstance(value, list):
        return all(_fits_json(v) for v in value)
    return isinstance(value, dict) and all(isinstance(k, str) and _fits_json(v) for k, v in value.items())


def type_name(value: Any) -> str:
    """The model's word for the type of a parameter."""
    return "none" if value is None else type(value).__name__

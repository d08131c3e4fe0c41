"""Feature room, whole notebooks: what the parameters cell declares, and values checked against it.

The parameters cell is papermill's: the first cell tagged ``parameters``. A cell that jupyter_kf or Kale knows as one
(tag ``params`` or ``pipeline-parameters``, directive ``%%kubeflow params``) counts where no cell has papermill's tag.
Python cells are read from their syntax tree, since papermill's own reader goes line by line; of other languages no
more is known than papermill's translators know, which is how a value is written.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_kf.engine.base import convert_parameter
from jupyter_kf.errors import ParameterError
from jupyter_kf.model.pipeline import Parameter
from jupyter_kf.notebook.document import Document, DocumentCell

TAG = "parameters"
_OTHER_TAGS = frozenset({"params", "pipeline-parameters"})
_DIRECTIVE = re.compile(r"\s*(?:#\s*)?%%kubeflow\s+params\b")
_MAGIC = re.compile(r"(?m)^(\s*)([%!?].*)$")

#: Type of a parameter of which only the name is known.
ANY = "any"
_TYPES = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "list": "list",
    "dict": "dict",
    "None": "none",
    "List": "list",
    "Sequence": "list",
    "Iterable": "list",
    "Dict": "dict",
    "Mapping": "dict",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """The parameters of a notebook.

    ``cell`` is the parameters cell, if there is one. ``known`` says whether its names could be read: they can for
    Python. ``optional`` lists the names whose annotation admits ``None``, ``required`` those without a value.
    """

    cell: DocumentCell | None
    known: bool
    parameters: tuple[Parameter, ...] = ()
    optional: frozenset[str] = field(default_factory=frozenset)
    required: frozenset[str] = field(default_factory=frozenset)


def parameters_cell(document: Document) -> DocumentCell | None:
    """Return the cell that holds the notebook's parameters."""
    code = document.code
    for cell in code:
        if TAG in cell.tags:
            return cell
    for cell in code:
        if _OTHER_TAGS & set(cell.tags) or _DIRECTIVE.match(cell.source):
            return cell
    return None


def read_parameters(document: Document) -> Declared:
    """Read what the notebook declares; a cell that cannot be parsed declares nothing that is known."""
    cell = parameters_cell(document)
    if document.language not in {"python", "ipython", "python3"}:
        return Declared(cell, known=False)
    if cell is None:
        return Declared(None, known=True)
    try:
        tree = ast.parse(_MAGIC.sub(r"\1pass", cell.source))
    except (SyntaxError, ValueError):
        return Declared(cell, known=False)
    found: dict[str, Parameter] = {}
    optional: set[str] = set()
    required: set[str] = set()
    for name, annotation, value, line in _bindings(tree):
        kind, default, may_be_none = _type(annotation, value)
        if value is None and name in found:
            continue
        found[name] = Parameter(name, kind, default, cell.id, line)
        (optional.add if may_be_none else optional.discard)(name)
        (required.add if value is None else required.discard)(name)
    return Declared(cell, True, tuple(found.values()), frozenset(optional), frozenset(required))


def resolve_values(document: Document, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ``(values, all)``: the given values as they are to be injected, and those with the literal defaults.

    Text is converted to the parameter's type, as it comes from a command line.

    Raises:
        ParameterError: KF300 an unknown name (with the nearest), or no parameters cell; KF301 a value of another type,
            or one that is no plain data; KF302 a parameter without a value.
    """
    declared = read_parameters(document)
    if not declared.known:
        values = {name: _plain(name, _guess(value)) for name, value in given.items()}
        return values, dict(values)
    if given and declared.cell is None:
        raise ParameterError(
            "The notebook has no parameters cell, so it takes no values.",
            fix="Put the assignments in a cell of their own and tag it 'parameters'.",
            details={"parameters": sorted(given)},
        )
    by_name = {p.name: p for p in declared.parameters}
    values = {name: _convert(name, value, by_name, declared) for name, value in given.items()}
    for name in sorted(declared.required - set(values)):
        raise ParameterError(
            f"Parameter {name!r} has no default and was given no value.",
            code="KF302",
            fix=f"Give one: -p {name}=VALUE.",
            cell=declared.cell.id if declared.cell else None,
            cell_index=declared.cell.index if declared.cell else None,
            line=by_name[name].line,
        )
    defaults = {p.name: p.default for p in declared.parameters if p.default is not None or p.type == "none"}
    return values, {**defaults, **values}


def _convert(name: str, value: Any, by_name: Mapping[str, Parameter], declared: Declared) -> Any:
    cell = declared.cell
    if name not in by_name:
        near = difflib.get_close_matches(name, by_name, 1)
        listed = f"The parameters are: {', '.join(by_name)}." if by_name else "The parameters cell binds no name."
        raise ParameterError(
            f"The notebook has no parameter {name!r}.",
            fix=f"Did you mean {near[0]!r}?" if near else listed,
            cell=cell.id if cell else None,
            cell_index=cell.index if cell else None,
        )
    parameter = by_name[name]
    if name in declared.optional and (value is None or value in {"None", "null"}):
        return None
    try:
        known = parameter.type not in {ANY, "none"}
        return _plain(name, convert_parameter(parameter, value) if known else _guess(value))
    except ParameterError as exc:
        exc.cell, exc.cell_index, exc.line = parameter.cell, cell.index if cell else None, parameter.line
        if parameter.type == "int" and isinstance(_guess(value), float):
            exc.fix += f" If fractions are meant, write `{name}: float = {parameter.default!r}` in the notebook."
        raise


def _guess(value: Any) -> Any:
    """Text as a Python literal or JSON where it is one, anything else as it stands."""
    if not isinstance(value, str):
        return value
    for read in (ast.literal_eval, json.loads):
        try:
            return read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return value


def _plain(name: str, value: Any) -> Any:
    """Return the value as papermill can write it in any language: text, numbers, booleans, null, lists, dicts."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(name, v) for v in value]
    if isinstance(value, Mapping) and all(isinstance(k, str) for k in value):
        return {k: _plain(name, v) for k, v in value.items()}
    what = "a dict with keys that are no text" if isinstance(value, Mapping) else f"a {type(value).__name__}"
    raise ParameterError(
        f"Parameter {name!r} cannot be {what}.",
        code="KF301",
        fix="Give text, a number, true or false, null, a list, or a dict with text as keys.",
    )


def _bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None, ast.expr | None, int]]:
    """Yield name, annotation, value and line of what the statements bind; ``value`` is ``None`` only where none is."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from ((name, None, value, node.lineno) for name, value in _pairs(target, node.value))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.annotation, node.value, node.lineno
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id, None, inner, inner.lineno


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        fits = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        unpacked = value.elts if fits and isinstance(value, ast.Tuple | ast.List) else [target] * len(target.elts)
        for inner, part in zip(target.elts, unpacked, strict=True):
            yield from _pairs(inner, part)


def _type(annotation: ast.expr | None, value: ast.expr | None) -> tuple[str, Any, bool]:
    """Return type, default (``None`` where it is no literal) and whether ``None`` is welcome."""
    default: Any = None
    literal = False
    if value is not None:
        try:
            default = ast.literal_eval(value)
            literal = True
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            default = None
    default = list(default) if isinstance(default, tuple) else default
    try:
        _plain("", default)
    except ParameterError:  # a set, bytes, a dict of numbers: legal in the notebook, but nothing to show or to pass on
        default, literal = None, False
    by_value = type(default).__name__ if literal else ANY
    by_value = "none" if by_value == "NoneType" else by_value if by_value in _TYPES.values() else ANY
    if by_value == ANY:
        default = None
    named, optional = _annotated(annotation)
    return named or by_value, default, optional or (literal and default is None)


def _annotated(node: ast.expr | None) -> tuple[str, bool]:
    """Return the type that an annotation names (empty where it is none of ours) and whether it admits ``None``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return "", False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _united([node.left, node.right])
    if isinstance(node, ast.Subscript):
        name = _last_name(node.value)
        if name in {"Optional", "Union"}:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            kind, optional = _united(parts)
            return kind, optional or name == "Optional"
        return _TYPES.get(name, ""), False
    if isinstance(node, ast.Constant) and node.value is None:
        return "", True
    return _TYPES.get(_last_name(node), ""), False


def _united(parts: list[ast.expr]) -> tuple[str, bool]:
    answers = [_annotated(part) for part in parts]
    kinds = {kind for kind, _ in answers if kind}
    optional = any(opt for _, opt in answers)
    if kinds == {"int", "float"}:
        return "float", optional
    return (kinds.pop() if len(kinds) == 1 else ANY), optional


def _last_name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""

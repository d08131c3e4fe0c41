"""Notebook room: what a function, lambda or comprehension means for the names of the notebook.

Answers the compiler's questions (which name is local, free, global) on the tree itself, because cells with magics have
no text that ``symtable`` could be given; the tests hold the answers against ``symtable`` over the standard library.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

#: Methods that change their object in place, whatever it is.
MUTATORS = frozenset(
    {
        "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault",
        "popitem", "add", "discard", "appendleft", "extendleft", "popleft", "rotate", "subtract",
        "intersection_update", "difference_update", "symmetric_difference_update", "move_to_end", "add_", "sub_",
        "mul_", "div_", "zero_", "fill_", "copy_", "put", "itemset", "partial_fit", "load_state_dict", "add_node",
        "add_edge", "add_nodes_from", "add_edges_from", "write", "set_index_", "fill", "resize", "setflags",
        "__setitem__", "__delitem__", "__setattr__", "__iadd__",
    }
)  # fmt: skip

_AT_NAME = re.compile(r"@([A-Za-z_]\w*)")
_FROM_NAME = re.compile(r"\b(?:from|join)\s+([A-Za-z_]\w*)\b(?!\s*[.(])", re.IGNORECASE)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(slots=True)
class Late:
    """What happens to the notebook's names when a piece of code runs later: names with the line of their first sight.

    ``reads`` are looked up as globals; ``writes`` bound or deleted as globals; ``changes`` changed in place; ``calls``
    are the globals called by name.
    """

    reads: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)

    def absorb(self, other: Late) -> None:
        """Add what another piece of code does."""
        for mine, theirs in (
            (self.reads, other.reads),
            (self.writes, other.writes),
            (self.changes, other.changes),
        ):
            for name, line in theirs.items():
                mine.setdefault(name, line)
        self.calls |= other.calls


def function_late(node: FunctionNode, *, future: bool = False, private: str = "") -> Late:
    """Names of the notebook that a function's body touches; its decorators, defaults and annotations do not count.

    ``private`` is the class whose body the function stands in, for names such as ``__x``; ``future`` says that
    annotations are never evaluated.
    """
    cached: Late | None = getattr(node, "kf_late", None)
    if cached is None:
        walk = _Walk(future, private)
        walk.function_body(node, _root(node))
        cached = walk.late
        node.kf_late = cached  # type: ignore[union-attr]
    return cached


def comprehension_late(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, *, private: str = ""
) -> tuple[Late, Late, dict[str, int]]:
    """Names of the notebook that a comprehension touches, without its first iterable.

    Returns what it touches, what of that the lambdas and generators it makes touch, and what its walruses bind.
    """
    walk = _Walk(False, private)
    walk.comprehension_inner(node, None)
    bound, _, _ = bound_names([node])
    return walk.late, walk.made, {walk.mangled(n): line for n, line in bound.items()}


def class_late(node: ast.ClassDef, *, future: bool = False) -> Late:
    """Names of the notebook that the functions of a class touch when they are called, nested classes included."""
    late = Late()
    for inner in ast.walk(node):
        if isinstance(inner, _FUNCTIONS):
            late.absorb(function_late(inner, future=future, private=node.name))
    return late


def root_name(node: ast.AST) -> str | None:
    """Return ``x`` of ``x.a[0].b``, ``None`` where the chain begins with something else."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def changed_by_call(node: ast.Call) -> str | None:
    """Return the name that a call changes in place beyond doubt: ``x.append(…)``, ``df.drop(…, inplace=True)``."""
    func = node.func
    if isinstance(func, ast.Attribute):
        if func.attr in MUTATORS:
            return root_name(func.value)
        for keyword in node.keywords:
            if keyword.arg == "inplace" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
                return root_name(func.value)
    elif isinstance(func, ast.Name) and func.id in {"setattr", "delattr"} and node.args:
        return root_name(node.args[0])
    return None


def names_in_text(node: ast.Call) -> list[str]:
    """Names that a call looks up because a literal text says so.

    ``df.query("a > @x")``, ``eval("x + 1")``, ``pd.eval``, ``numexpr.evaluate``, and frames named in SQL, which DuckDB
    finds in the caller's namespace.
    """
    text = node.args[0] if node.args else None
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return []
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    found: list[str] = []
    if method in {"query", "eval"}:
        found += _AT_NAME.findall(text.value)
    if method in {"sql", "query", "execute"}:
        found += _FROM_NAME.findall(text.value)
    if method == "evaluate" or (isinstance(node.func, ast.Name) and node.func.id == "eval"):
        try:
            tree = ast.parse(text.value.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return found
        found += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return found


def bound_names(nodes: Iterable[ast.AST]) -> tuple[dict[str, int], set[str], set[str]]:
    """Return (bound, declared global, declared nonlocal) of one scope's code, without the scopes inside it."""
    bound: dict[str, int] = {}
    globals_: set[str] = set()
    nonlocals: set[str] = set()
    stack: list[tuple[ast.AST, bool]] = [(n, isinstance(n, _COMPREHENSIONS)) for n in nodes]
    stack.reverse()
    while stack:
        node, inner = stack.pop()
        if isinstance(node, ast.Name):
            if not inner and not isinstance(node.ctx, ast.Load):
                bound.setdefault(node.id, node.lineno)
            continue
        if isinstance(node, ast.Constant):
            continue
        if isinstance(node, _FUNCTIONS):
            bound.setdefault(node.name, node.lineno)
            stack.extend((n, inner) for n in _outer_parts(node))
            continue
        if isinstance(node, ast.ClassDef):
            bound.setdefault(node.name, node.lineno)
            stack.extend((n, inner) for n in [*node.decorator_list, *node.bases, *node.keywords])
            continue
        if isinstance(node, ast.Lambda):
            stack.extend((n, inner) for n in _defaults(node.args))
            continue
        if isinstance(node, ast.NamedExpr):
            bound.setdefault(node.target.id, node.lineno)
            stack.append((node.value, inner))
            continue
        if isinstance(node, ast.Global):
            globals_.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            nonlocals.update(node.names)
        else:
            _bound_by_statement(node, bound)
        inner = inner or isinstance(node, _COMPREHENSIONS)
        stack.extend((child, inner) for child in ast.iter_child_nodes(node))
    return bound, globals_, nonlocals


def _bound_by_statement(node: ast.AST, bound: dict[str, int]) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            if alias.name != "*":
                bound.setdefault(alias.asname or alias.name.partition(".")[0], node.lineno)
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        if node.name:
            bound.setdefault(node.name, node.lineno)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        bound.setdefault(node.rest, node.lineno)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]


def annotations_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    """The annotations of a function's arguments and result."""
    spec = node.args
    arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *(a for a in (spec.vararg, spec.kwarg) if a)]
    found = [a.annotation for a in arguments if a.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def defaults_of(node: FunctionNode) -> list[ast.expr]:
    """The default values of a function's arguments."""
    return _defaults(node.args)


def _outer_parts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST]:
    return [*node.decorator_list, *_defaults(node.args), *annotations_of(node)]


@dataclass(slots=True, eq=False)
class _Scope:
    kind: str
    parent: _Scope | None
    bound: frozenset[str] | set[str]
    globals_: set[str]

    def is_global(self, name: str) -> bool:
        scope: _Scope | None = self
        nearest = True
        while scope is not None:
            if name in scope.globals_:
                return True
            if name in scope.bound and (scope.kind != "class" or nearest):
                return False
            nearest = nearest and scope.kind == "types"
            scope = scope.parent
        return True


def _root(node: ast.AST) -> _Scope | None:
    return _type_scope(node, None)


def _type_scope(node: ast.AST, parent: _Scope | None) -> _Scope | None:
    params = getattr(node, "type_params", None)
    return _Scope("types", parent, {p.name for p in params}, set()) if params else parent


class _Walk:
    """Walks the code of scopes and notes what reaches the notebook's names."""

    def __init__(self, future: bool, private: str) -> None:
        self.late = Late()
        self.made = Late()
        self.future = future
        self.private = private.lstrip("_")

    def mangled(self, name: str) -> str:
        if self.private and name.startswith("__") and not name.endswith("__"):
            return f"_{self.private}{name}"
        return name

    def function_body(self, node: FunctionNode, parent: _Scope | None) -> None:
        spec = node.args
        arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *(a for a in (spec.vararg, spec.kwarg) if a)]
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        bound, globals_, nonlocals = bound_names(body)
        local = (set(bound) - globals_ - nonlocals) | {a.arg for a in arguments}
        scope = _Scope("function", parent, local, globals_)
        for statement in body:
            self.visit(statement, scope)

    def comprehension_inner(self, node: ast.AST, parent: _Scope | None) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        targets, _, _ = bound_names([g.target for g in generators])
        scope = _Scope("comprehension", parent, set(targets), set())
        for position, generator in enumerate(generators):
            self.visit(generator.target, scope)
            if position:
                self.visit(generator.iter, scope)
            for condition in generator.ifs:
                self.visit(condition, scope)
        if isinstance(node, ast.DictComp):
            self.visit(node.key, scope)
            self.visit(node.value, scope)
        else:
            self.visit(node.elt, scope)  # type: ignore[attr-defined]

    def visit(self, node: ast.AST, scope: _Scope | None) -> None:
        if isinstance(node, ast.Name):
            self._name(node, scope)
        elif isinstance(node, ast.Constant):
            return
        elif isinstance(node, _FUNCTIONS):
            self._function(node, scope)
        elif isinstance(node, ast.Lambda):
            for default in _defaults(node.args):
                self.visit(default, scope)
            self._making(lambda: self.function_body(node, scope))
        elif isinstance(node, _COMPREHENSIONS):
            self.visit(node.generators[0].iter, scope)
            if isinstance(node, ast.GeneratorExp):
                self._making(lambda: self.comprehension_inner(node, scope))
            else:
                self.comprehension_inner(node, scope)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, ast.AnnAssign):
            self._annotated(node, scope)
        else:
            if isinstance(node, ast.Call):
                self._call(node, scope)
            elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
                self._changes(root_name(node), node.lineno, scope)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                self._read(node.target.id, node.lineno, scope)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                bound: dict[str, int] = {}
                _bound_by_statement(node, bound)
                for name in bound:
                    self._write(name, node.lineno, scope)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                self._write(node.name, node.lineno, scope)
            for child in ast.iter_child_nodes(node):
                self.visit(child, scope)

    def _making(self, walk: Callable[[], None]) -> None:
        """Walk code that is made here and may run at any time later."""
        outer, self.late = self.late, Late()
        walk()
        outer.absorb(self.late)
        self.made.absorb(self.late)
        self.late = outer

    def _name(self, node: ast.Name, scope: _Scope | None) -> None:
        if isinstance(node.ctx, ast.Store):
            self._write(node.id, node.lineno, scope)
            return
        if getattr(node, "kf_soft", False) and scope is not None and not scope.is_global(node.id):
            return
        self._read(node.id, node.lineno, scope)
        if isinstance(node.ctx, ast.Del):
            self._write(node.id, node.lineno, scope)

    def _read(self, name: str, line: int, scope: _Scope | None) -> None:
        if scope is None or scope.is_global(name):
            self.late.reads.setdefault(self.mangled(name), line)

    def _write(self, name: str, line: int, scope: _Scope | None) -> None:
        """A name is bound; it is the notebook's only where the scope declares it global."""
        if scope is not None and scope.kind != "comprehension" and scope.is_global(name):
            self.late.writes.setdefault(self.mangled(name), line)

    def _changes(self, name: str | None, line: int, scope: _Scope | None) -> None:
        if name is not None and (scope is None or scope.is_global(name)):
            self.late.changes.setdefault(self.mangled(name), line)

    def _call(self, node: ast.Call, scope: _Scope | None) -> None:
        self._changes(changed_by_call(node), node.lineno, scope)
        if isinstance(node.func, ast.Name) and (scope is None or scope.is_global(node.func.id)):
            self.late.calls.add(self.mangled(node.func.id))
        for name in names_in_text(node):
            self._read(name, node.lineno, scope)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope | None) -> None:
        self._write(node.name, node.lineno, scope)
        for part in [*node.decorator_list, *_defaults(node.args)]:
            self.visit(part, scope)
        inner = _type_scope(node, scope)
        if not self.future:
            for annotation in annotations_of(node):
                self.visit(annotation, inner)
        self.function_body(node, inner)

    def _class(self, node: ast.ClassDef, scope: _Scope | None) -> None:
        self._write(node.name, node.lineno, scope)
        for decorator in node.decorator_list:
            self.visit(decorator, scope)
        inner = _type_scope(node, scope)
        outer, self.private = self.private, node.name.lstrip("_")
        bound, globals_, nonlocals = bound_names(node.body)
        for part in [*node.bases, *node.keywords]:
            self.visit(part, inner)
        body = _Scope("class", inner, set(bound) - globals_ - nonlocals, globals_)
        for statement in node.body:
            self.visit(statement, body)
        self.private = outer

    def _annotated(self, node: ast.AnnAssign, scope: _Scope | None) -> None:
        """Annotations of local variables are never evaluated; those in a class body are, those of ``x.a`` as well."""
        if node.value is not None:
            self.visit(node.value, scope)
            self.visit(node.target, scope)
        if not self.future and (scope is None or scope.kind == "class" or not node.simple):
            self.visit(node.annotation, scope)

"""Notebook room: the pieces of source that are replayed in each step that needs them, instead of shipping a value.

Imports, pure definitions and literal bindings of shared cells, whole set-up cells, what the parameters cell derives,
and the imports and pure definitions that stand in step cells. Which statement may be replayed is judged here, in
notebook order; which step replays which piece is decided in ``handoff``.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from jupyter_kf.model.pipeline import Fragment
from jupyter_kf.notebook.document import DocumentCell
from jupyter_kf.notebook.facts import Facts
from jupyter_kf.notebook.scopes import Late, defaults_of
from jupyter_kf.notebook.source import statement_source

#: Names that are there in every step: Python's builtins and IPython's.
BUILTINS = frozenset(dir(builtins)) | {
    "__name__", "__doc__", "__builtins__", "__builtin__", "__spec__", "__loader__", "__package__",
    "__annotations__", "__class__", "__file__", "__session__", "__debug__", "__conditional_annotations__",
    "__classcell__", "__qualname__", "__module__", "get_ipython", "display", "quit", "exit", "In", "Out", "open",
}  # fmt: skip

Kind = Literal["import", "definition", "literal", "setup", "derived"]

#: Calls without effect whose result depends on their arguments alone, by dotted name; those in _MUTABLE_CALLS make
#: an object that may be changed later.
_PURE_CALLS = frozenset(
    {
        "range", "len", "str", "int", "float", "bool", "complex", "bytes", "tuple", "frozenset", "min", "max",
        "sum", "abs", "round", "divmod", "pow", "chr", "ord", "slice", "sorted", "zip", "enumerate", "object",
        "getattr", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.path.join", "os.path.abspath",
        "os.path.expanduser", "os.path.dirname", "os.path.basename", "os.path.normpath", "re.compile",
        "logging.getLogger", "typing.TypeVar", "typing.NewType", "typing.NamedTuple", "typing.TypedDict",
        "typing.cast", "collections.namedtuple", "enum.Enum", "enum.IntEnum", "datetime.datetime", "datetime.date",
        "datetime.timedelta", "datetime.time", "fractions.Fraction", "decimal.Decimal", "math.sqrt", "math.log",
        "math.exp", "math.ceil", "math.floor", "math.radians", "numpy.dtype", "numpy.float32", "numpy.float64",
        "numpy.int64", "numpy.int32", "zoneinfo.ZoneInfo", "uuid.UUID", "operator.itemgetter",
        "operator.attrgetter", "types.MappingProxyType", "pandas.Timestamp", "pandas.Timedelta", "torch.device",
        "functools.partial", "os.getcwd", "os.path.realpath", "pathlib.Path.cwd", "pathlib.Path.home",
    }
)  # fmt: skip
#: Methods of paths that make other paths.
_PATH_METHODS = frozenset({"resolve", "absolute", "expanduser", "joinpath", "as_posix", "with_name", "with_suffix"})
#: What adds folders to those that modules are imported from.
_PATH_EXTENDERS = frozenset({"sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir"})
_MUTABLE_CALLS = frozenset(
    {"list", "dict", "set", "bytearray", "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
     "collections.deque", "types.SimpleNamespace", "argparse.Namespace"}
)  # fmt: skip
_MUTABLE_NODES = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


@dataclass(slots=True, eq=False)
class Piece:
    """A candidate for replay. ``position`` orders pieces and says from where on they are seen; ``owner`` is the index
    of the step it stands in, -1 for a shared one; ``mutable``: what it makes can be changed in place; ``always``:
    replayed whether needed or not; ``effects``: names of other pieces that it changes while it executes, as a decorator
    that registers does.
    """

    id: str
    kind: Kind
    facts: Facts
    position: tuple[int, int]
    cell: str
    cell_index: int
    line: int
    source: str
    names: tuple[str, ...]
    owner: int = -1
    mutable: bool = False
    always: bool = False
    ipython: bool = False
    future: tuple[str, ...] = ()
    effects: set[str] = field(default_factory=set)

    def needs(self) -> set[str]:
        """Names read while it executes."""
        return {n for n in self.facts.uses if n not in BUILTINS}

    def late(self) -> Late:
        """What its functions do when they are called."""
        late = Late()
        for made in self.facts.defs.values():
            for each in made:
                late.absorb(each)
        for each, _, _ in self.facts.active:
            late.absorb(each)
        return late

    def fragment(self, known: Iterable[str] | None = None) -> Fragment:
        """Return the model's word for it."""
        late = {n for n in self.late().reads if n not in BUILTINS} - ({*self.names} if self.kind == "setup" else set())
        return Fragment(
            id=self.id,
            kind=self.kind,
            names=self.names,
            source=self.source,
            cell=self.cell,
            cell_index=self.cell_index,
            line=self.line,
            needs=tuple(sorted(self.needs())),
            late=tuple(sorted(late)),
            future=self.future,
            ipython=self.ipython,
        )


class Aliases:
    """What imported names stand for: ``np`` → ``numpy``, ``connect`` → ``sqlite3.connect``."""

    def __init__(self) -> None:
        self.table: dict[str, str] = {}
        self.modules: dict[str, None] = {}

    def learn(self, tree: ast.AST) -> None:
        """Note the imports anywhere in a tree."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.partition(".")[0]
                    self.modules.setdefault(root)
                    self.table[alias.asname or root] = alias.name if alias.asname else root
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                if not node.level and module:
                    self.modules.setdefault(module.partition(".")[0])
                for alias in node.names:
                    if alias.name != "*":
                        self.table[alias.asname or alias.name] = f"{module}.{alias.name}" if module else alias.name

    def dotted(self, node: ast.AST) -> str:
        """Return the full dotted name of ``np.random.seed``, empty for anything that is no chain of names."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        parts.append(self.table.get(node.id, node.id))
        return ".".join(reversed(parts))


def is_import_like(statement: ast.stmt) -> bool:
    """True for imports, also guarded ones: ``try: import a except ImportError: a = None``."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    if isinstance(statement, ast.Try):
        parts = [*statement.body, *statement.orelse, *statement.finalbody]
        handled = [s for h in statement.handlers for s in h.body]
        return (
            any(isinstance(s, ast.Import | ast.ImportFrom) for s in parts)
            and all(is_import_like(s) or _is_idle(s) for s in parts)
            and all(is_import_like(s) or _is_idle(s) or isinstance(s, ast.Raise) for s in handled)
        )
    if isinstance(statement, ast.If):
        parts = [*statement.body, *statement.orelse]
        return any(is_import_like(s) for s in parts) and all(is_import_like(s) or _is_idle(s) for s in parts)
    return False


def extends_import_path(statement: ast.stmt, aliases: Aliases) -> bool:
    """True for ``sys.path.append(…)`` and its kin, also under ``if``, with an argument that calls nothing but paths."""
    if isinstance(statement, ast.If):
        parts = [*statement.body, *statement.orelse]
        return _only_paths(statement.test, aliases) and all(extends_import_path(s, aliases) for s in parts)
    if isinstance(statement, ast.AugAssign):
        return aliases.dotted(statement.target) == "sys.path" and _only_paths(statement.value, aliases)
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or aliases.dotted(call.func) not in _PATH_EXTENDERS:
        return False
    return all(_only_paths(part, aliases) for part in (*call.args, *(k.value for k in call.keywords)))


def _only_paths(node: ast.expr, aliases: Aliases) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Await | ast.NamedExpr | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(inner, ast.Call):
            name = aliases.dotted(inner.func)
            method = inner.func.attr if isinstance(inner.func, ast.Attribute) else ""
            of_paths = name.startswith(("os.path.", "pathlib.")) or name in {"os.environ.get", "os.getenv", "os.fspath"}
            if not (of_paths or name in _PURE_CALLS or method in _PATH_METHODS):
                return False
    return True


def _is_idle(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, ast.Constant) and all(isinstance(t, ast.Name) for t in statement.targets)
    if isinstance(statement, ast.Expr):
        call = statement.value
        return isinstance(call, ast.Constant) or (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
        )
    return False


def is_definition(statement: ast.stmt) -> bool:
    """True for ``def``, ``class``, a type alias, and a name bound to a lambda."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return not hasattr(statement, "kf_now")
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Lambda)
        and all(isinstance(t, ast.Name) for t in statement.targets)
    )


def is_mutable(value: ast.expr, aliases: Aliases) -> bool:
    """True where a literal expression makes an object that can be changed in place."""
    return any(
        isinstance(n, _MUTABLE_NODES) or (isinstance(n, ast.Call) and aliases.dotted(n.func) in _MUTABLE_CALLS)
        for n in ast.walk(value)
        if not isinstance(n, ast.Constant)
    )


class Shelf:
    """All pieces of a notebook, found by name and place."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.by_name: dict[str, list[Piece]] = {}
        self.by_effect: dict[str, list[Piece]] = {}

    def add(self, piece: Piece) -> None:
        """Put a piece on the shelf; pieces come in order of position."""
        self.pieces.append(piece)
        for name in piece.names:
            self.by_name.setdefault(name, []).append(piece)
        for name in piece.effects:
            self.by_effect.setdefault(name, []).append(piece)

    def drop(self, piece: Piece, name: str) -> None:
        """Take a name away from a piece."""
        self.by_name[name].remove(piece)

    def seen(self, name: str, step: int, limit: int) -> Piece | None:
        """The last piece that makes ``name`` and stands above cell ``limit``, or in a step before ``step``."""
        for piece in reversed(self.by_name.get(name, ())):
            if piece.position[0] < limit if piece.owner < 0 else piece.owner < step:
                return piece
        return None

    def before(self, name: str, piece: Piece) -> Piece | None:
        """The last piece that makes ``name`` and stands above ``piece``."""
        for other in reversed(self.by_name.get(name, ())):
            if other.position < piece.position:
                return other
        return None


@dataclass(slots=True)
class Purity:
    """What must be known to judge a statement: names that steps bind or change as values, imports, parameters."""

    aliases: Aliases
    parameters: Mapping[str, object]
    valued: set[str]
    changed: set[str]
    env: dict[str, Piece | None] = field(default_factory=dict)

    def is_literal(self, statement: ast.stmt) -> bool:
        """True for a binding of plain names to what only constants, imports and other literals make."""
        if isinstance(statement, ast.AnnAssign):
            return statement.value is not None and isinstance(statement.target, ast.Name) and self.pure(statement.value)
        if not isinstance(statement, ast.Assign):
            return False
        names = [e for t in statement.targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
        return all(isinstance(n, ast.Name) for n in names) and self.pure(statement.value)

    def pure(self, node: ast.expr, bound: frozenset[str] = frozenset()) -> bool:
        """True for an expression without effect that gives the same in each process."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.Name):
            return node.id in bound or self._pure_name(node.id)
        if isinstance(node, ast.Attribute):
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            return self.pure(root, bound)
        if isinstance(node, ast.Call):
            name = self.aliases.dotted(node.func)
            parts = [*node.args, *(k.value for k in node.keywords)]
            if self._makes_path(node, bound):
                return all(self.pure(p, bound) for p in parts)
            root_ok = "." not in name or self.aliases.modules.get(name.partition(".")[0], True) is None
            known = name in _PURE_CALLS or name in _MUTABLE_CALLS
            return known and root_ok and name not in self.valued and all(self.pure(p, bound) for p in parts)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp):
            for generator in node.generators:
                names = {n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
                if not self.pure(generator.iter, bound):
                    return False
                bound = bound | names
                if not all(self.pure(i, bound) for i in generator.ifs):
                    return False
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            return all(self.pure(p, bound) for p in parts)
        if isinstance(node, _PURE_NODES):
            return all(self.pure(c, bound) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr))
        return False

    def _makes_path(self, call: ast.Call, bound: frozenset[str]) -> bool:
        """True for ``Path("data").resolve()``, also where a name of a literal stands for the path."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in _PATH_METHODS:
            return False
        root: ast.expr = call.func.value
        while isinstance(root, ast.Attribute):
            root = root.value
        piece = self.env.get(root.id) if isinstance(root, ast.Name) else None
        made = isinstance(root, ast.Call | ast.BinOp) or (piece is not None and piece.kind == "literal")
        return made and self.pure(call.func.value, bound)

    def _pure_name(self, name: str) -> bool:
        if name in self.valued or name in self.changed:
            return False
        if name in self.env:
            piece = self.env[name]
            return piece is not None and not piece.mutable and piece.kind != "setup"
        return name in BUILTINS or isinstance(self.parameters.get(name), str | int | float | bool)

    def resolves(self, name: str) -> bool:
        """True where a name that is read while a piece executes is made by pieces, parameters or Python itself."""
        if name in self.env:
            return self.env[name] is not None and name not in self.valued
        return (name in BUILTINS or name in self.parameters) and name not in self.valued

    def effects(self, statement: ast.stmt) -> set[str]:
        """Names of other pieces that a definition changes through its decorators."""
        found: set[str] = set()
        for decorator in getattr(statement, "decorator_list", ()):
            for node in ast.walk(decorator):
                piece = self.env.get(node.id) if isinstance(node, ast.Name) else None
                if piece is not None and piece.kind in {"definition", "setup"}:
                    found.update(piece.late().changes)
        return found

    def may_replay(self, statement: ast.stmt, facts: Facts, *, in_step: bool) -> bool:
        """True for a definition whose execution in another process makes the same thing, and that keeps no state."""
        if not all(self.resolves(n) for n in facts.uses):
            return False
        decorators = getattr(statement, "decorator_list", ())
        for decorator in decorators:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            piece = self.env.get(called.id) if isinstance(called, ast.Name) else None
            if piece is not None and piece.kind == "definition" and in_step and _has_effects(piece.late()):
                return False
        return not in_step or self._stateless(statement)

    def _stateless(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.ClassDef):
            return not any(self._holds_state(inner) for inner in statement.body) and not _changes_class(statement)
        if isinstance(statement, ast.Assign):
            function: ast.AST = statement.value
        else:
            function = statement
        assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        return not any(_may_hold_state(d, self.aliases) for d in defaults_of(function))

    def _holds_state(self, inner: ast.stmt) -> bool:
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            return any(_may_hold_state(d, self.aliases) for d in defaults_of(inner))
        if isinstance(inner, ast.Assign | ast.AnnAssign):
            return inner.value is not None and is_mutable(inner.value, self.aliases)
        if isinstance(inner, ast.ClassDef):
            return not self._stateless(inner)
        return not isinstance(inner, ast.Pass | ast.Expr)


_PURE_NODES = (
    ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.JoinedStr,
    ast.FormattedValue, ast.Subscript, ast.Slice, ast.Starred,
)  # fmt: skip


def _may_hold_state(default: ast.expr, aliases: Aliases) -> bool:
    calls = [n for n in ast.walk(default) if isinstance(n, ast.Call)]
    return is_mutable(default, aliases) or any(aliases.dotted(c.func) not in _PURE_CALLS for c in calls)


def _has_effects(late: Late) -> bool:
    return bool(late.changes or late.writes)


def _changes_class(node: ast.ClassDef) -> bool:
    """A method stores to an attribute of its own class: ``C.n += 1``, ``cls.n = …``, ``type(self).n = …``."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and not isinstance(inner.ctx, ast.Load):
            owner = inner.value
            if isinstance(owner, ast.Name) and owner.id in {"cls", node.name}:
                return True
            if isinstance(owner, ast.Attribute) and owner.attr == "__class__":
                return True
            if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "type":
                return True
    return False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement stands: its cell, its number in it, the step it belongs to (-1: none), and how far the cell
    counts as standing above its real place (Kale's imports).
    """

    cell: DocumentCell
    ordinal: int
    owner: int = -1
    above: int = 0


def piece_of(kind: Kind, statement: ast.stmt, facts: Facts, place: Place, *, mutable: bool = False) -> Piece:
    """Make a piece of one statement."""
    return Piece(
        id=f"{place.cell.id}:{place.ordinal}",
        kind=kind,
        facts=facts,
        position=(place.cell.index + place.above, place.ordinal),
        cell=place.cell.id,
        cell_index=place.cell.index,
        line=min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))]),
        source=statement_source(statement),
        names=tuple(facts.bindings),
        owner=place.owner,
        mutable=mutable,
        future=tuple(sorted(facts.future)),
    )

"""Notebook room: the marked cells become drafts of steps, parameters, and pieces for replay."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from jupyter_kf.model.pipeline import Parameter
from jupyter_kf.notebook.document import Document, DocumentCell
from jupyter_kf.notebook.facts import Facts, Site
from jupyter_kf.notebook.flow import Walk
from jupyter_kf.notebook.fragments import (
    BUILTINS,
    Aliases,
    Kind,
    Piece,
    Place,
    Purity,
    Shelf,
    extends_import_path,
    is_definition,
    is_import_like,
    is_mutable,
    piece_of,
)
from jupyter_kf.notebook.handoff import Draft
from jupyter_kf.notebook.lint import Report
from jupyter_kf.notebook.marks import Mark, Marking
from jupyter_kf.notebook.parameters import NO_VALUE, constant_value, parameter_name, type_name
from jupyter_kf.notebook.scopes import Late, root_name
from jupyter_kf.notebook.source import translate
from jupyter_kf.notebook.stars import StarModules
from jupyter_kf.notebook.traces import Tracer, Traces

#: Kale's imports and functions stand above everything else, in this order.
_ABOVE = {"imports": -2_000_000, "functions": -1_000_000}
#: Calls that set up the process rather than make a value.
_ENVIRONMENT = frozenset(
    {
        "matplotlib.pyplot.style.use", "matplotlib.style.use", "matplotlib.pyplot.rc", "matplotlib.rc",
        "matplotlib.use", "pandas.set_option", "numpy.set_printoptions", "numpy.seterr", "warnings.filterwarnings",
        "warnings.simplefilter",
        "seaborn.set", "seaborn.set_theme", "seaborn.set_style", "seaborn.set_palette", "seaborn.set_context",
        "logging.basicConfig", "torch.manual_seed", "torch.cuda.manual_seed_all", "torch.set_default_dtype",
        "torch.set_num_threads", "tensorflow.random.set_seed", "tensorflow.keras.utils.set_random_seed", "os.chdir",
        "os.putenv", "locale.setlocale", "sklearn.set_config", "dotenv.load_dotenv", "load_dotenv", "site.addsitedir",
        "sys.path.append", "sys.path.insert", "sys.path.extend",
        "logging.disable", "logging.captureWarnings", "logging.config.dictConfig", "logging.config.fileConfig",
        "sys.setrecursionlimit", "decimal.setcontext", "decimal.getcontext", "torch.set_printoptions",
    }
)  # fmt: skip
#: Methods of a logger that set it up; a logger travels by its name, and is made anew in each process.
_LOGGER = frozenset({"setLevel", "addHandler", "removeHandler", "addFilter", "removeFilter"})
_METRICS_STEP = "pipeline-metrics"


class Reading:
    """What the cells say, before anybody asks who gives what to whom.

    ``drafts`` are the steps; ``shelf`` holds the pieces; ``frozen`` are names that are replayed and never shipped;
    ``explored`` and ``nudged`` are names that cells outside the pipeline bind, and change in place.
    """

    def __init__(
        self,
        document: Document,
        marking: Marking,
        report: Report,
        kernel_python: str | None,
        left_out: frozenset[int] = frozenset(),
    ) -> None:
        self.left_out = left_out
        self.document = document
        self.marking = marking
        self.report = report
        self.late = _late_annotations(kernel_python)
        self.finder = StarModules(str(Path(document.path).parent) if document.path else "", kernel_python)
        self.trees: dict[int, ast.Module] = {}
        self.plain: dict[int, bool] = {}
        self.futures: dict[int, tuple[str, ...]] = {}
        self.aliases = Aliases()
        self.parameters: dict[str, Parameter] = {}
        self.drafts: list[Draft] = []
        self.shelf = Shelf()
        self.stars: list[Piece] = []
        self.frozen: set[str] = set()
        self.valued: set[str] = set()
        self.changed: set[str] = set()
        self.explored: dict[str, list[tuple[Site, str]]] = {}
        self.nudged: dict[str, list[Site]] = {}
        self.seeded: dict[str, Site] = {}
        self.environment: dict[str, Site] = {}
        self.loggers: set[str] = set()
        #: for each step, by its index: the modules it sets up for its process, with the first place
        self.configured: dict[int, dict[str, Site]] = {}
        self.statements: dict[str, tuple[ast.stmt, ...]] = {}
        self.metrics: tuple[str, ...] = ()

    def read(self) -> None:
        """Fill everything."""
        self._translate()
        self._parameters()
        self._drafts()
        self._pieces()
        self._freeze()
        self._trace()

    # -- text

    def deep_cells(self, limit: int = 150) -> frozenset[int]:
        """Indices of cells whose trees are nested deeper than the walks can follow."""
        found = set()
        for mark in self.marking.marks:
            level: list[ast.AST] = [t] if (t := translate(mark.cell.source).tree) is not None else []
            for _ in range(limit):
                level = [child for node in level for child in ast.iter_child_nodes(node)]
            if level:
                found.add(mark.cell.index)
        return frozenset(found)

    def _translate(self) -> None:
        future: tuple[str, ...] = ()
        for mark in self.marking.marks:
            cell = mark.cell
            if cell.index in self.left_out:
                continue
            translation = translate(cell.source)
            if translation.error is not None:
                self._broken(mark, translation.error)
                continue
            assert translation.tree is not None
            self.trees[cell.index] = translation.tree
            self.plain[cell.index] = translation.plain
            if mark.role != "skip":
                self.aliases.learn(translation.tree)
                self.loggers |= {
                    target.id
                    for statement in translation.tree.body
                    if isinstance(statement, ast.Assign) and self._is_logger(statement.value)
                    for target in statement.targets
                    if isinstance(target, ast.Name)
                }
                future = tuple(sorted({*future, *_futures(translation.tree)}))
            self.futures[cell.index] = future

    def _broken(self, mark: Mark, error: tuple[int, str]) -> None:
        if mark.role == "skip":
            return
        used = bool(mark.role)
        self.report.say(
            "KF116",
            Site(mark.cell.index, error[0]),
            f"The cell cannot be read as Python: {error[1]}.",
            "Correct the line." if used else "Correct the line, or mark the cell `%%kubeflow skip`.",
            severity="error" if used else "warning",
            why="" if used else "No step takes anything from this cell.",
        )

    def _walk(self, cells: Iterator[tuple[int, list[ast.stmt]]], future: tuple[str, ...]) -> Facts:
        walk = Walk(self.late, stars=self.finder.names, imported=self.aliases.table)
        walk.facts.future.update(future)
        for index, statements in cells:
            walk.cell = index
            for statement in statements:
                walk.top(statement)
        return walk.finish()

    def _facts(self, cell: DocumentCell, statements: list[ast.stmt]) -> Facts:
        return self._walk(iter([(cell.index, statements)]), self.futures.get(cell.index, ()))

    # -- parameters

    def _parameters(self) -> None:
        for mark in self.marking.marks:
            tree = self.trees.get(mark.cell.index)
            if mark.role != "params" or tree is None:
                continue
            before = len(self.parameters)
            for statement in tree.body:
                self._parameter(mark.cell, statement)
            if len(self.parameters) == before:
                self.report.say(
                    "KF117",
                    Site(mark.cell.index, 1),
                    "The parameters cell has no parameter.",
                    "Write assignments of plain values: `NAME = 0.1`.",
                )

    def _parameter(self, cell: DocumentCell, statement: ast.stmt) -> None:
        name = parameter_name(statement)
        if name is None:
            return
        assert isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        value = constant_value(statement.value)
        if value is NO_VALUE:
            return
        if name in self.parameters:
            self.report.say(
                "KF117",
                Site(cell.index, statement.lineno),
                f"Parameter `{name}` is given twice; the last value is its default.",
                "Keep one of the lines.",
            )
        self.parameters[name] = Parameter(name, type_name(value), value, cell.id, statement.lineno)

    # -- steps

    def _drafts(self) -> None:
        cells: dict[str, list[DocumentCell]] = {}
        for mark in self.marking.marks:
            if mark.role == "step":
                cells.setdefault(mark.step, []).append(mark.cell)
        self._metrics(cells)
        for name, members in cells.items():
            self._draft(name, members)

    def _draft(self, name: str, members: list[DocumentCell]) -> None:
        options = self.marking.options[name]
        future = self.futures.get(members[0].index, ())
        trees = ((c.index, self.trees[c.index].body) for c in members if c.index in self.trees)
        facts = self._walk(trees, future)
        index = len(self.drafts)
        for cell in members:
            for statement in self.trees[cell.index].body if cell.index in self.trees else ():
                module = self._configures(statement)
                if module:
                    site = Site(cell.index, statement.lineno)
                    self.configured.setdefault(index, {}).setdefault(module, site)
        self.drafts.append(Draft(name, index, members, options, facts, future=future))

    def _configures(self, statement: ast.stmt) -> str:
        """Return the name of the module that a statement sets up for the whole process; empty where it does not."""
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
            call: ast.expr | None = statement.targets[0].value  # decimal.getcontext().prec = 5
        else:
            call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call):
            return ""
        if isinstance(call.func, ast.Attribute) and call.func.attr in _LOGGER and self._is_logger(call.func.value):
            return "logging"
        dotted = self.aliases.dotted(call.func)
        return (root_name(call.func) or dotted) if dotted in _ENVIRONMENT else ""

    def _is_logger(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return self.aliases.dotted(node.func) == "logging.getLogger"
        return isinstance(node, ast.Name) and node.id in self.loggers

    def _metrics(self, cells: dict[str, list[DocumentCell]]) -> None:
        """Kale's metrics cell prints names; they become metrics of a step of their own at the end."""
        marks = [m for m in self.marking.marks if m.role == "metrics"]
        names: dict[str, None] = {}
        for mark in marks:
            tree = self.trees.get(mark.cell.index)
            for node in ast.walk(tree) if tree is not None else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                    names.update(dict.fromkeys(a.id for a in node.args if isinstance(a, ast.Name)))
        self.metrics = tuple(names)
        if not marks:
            return
        step = _METRICS_STEP
        while step in cells:
            step += "_"
        last = marks[-1].cell
        logged = "".join(f"\n__import__('jupyter_kf').log_metric({n!r}, {n})" for n in names)
        made = [m.cell for m in marks[:-1]]
        made.append(DocumentCell(last.id, last.index, last.kind, last.source.rstrip("\n") + "\n" + logged, last.tags))
        cells[step] = made
        self.marking.options[step] = type(next(iter(self.marking.options.values())))()
        self.marking.lines[step] = Site(made[0].index, 1)

    # -- pieces

    def _pieces(self) -> None:
        self._value_names()
        purity = Purity(self.aliases, {p.name: p.default for p in self.parameters.values()}, self.valued, self.changed)
        owners = {c.index: d for d in self.drafts for c in d.cells}
        marks = sorted(self.marking.marks, key=lambda m: (_ABOVE.get(m.role, 0), m.cell.index))
        pieces: list[Piece] = []
        for mark in marks:
            tree = self.trees.get(mark.cell.index)
            if tree is None:
                continue
            if mark.role in {"", "skip"}:
                pieces += self._shared(mark, tree, purity)
            elif mark.role == "params":
                pieces += self._derived(mark.cell, tree, purity)
            elif mark.role in {"imports", "functions"}:
                pieces += self._prefixed(mark, tree, purity)
            elif mark.role == "setup":
                pieces += self._setup(mark, tree, purity)
            elif mark.cell.index in owners:
                pieces += self._in_step(mark.cell, tree, purity, owners[mark.cell.index].index)
        for piece in sorted(pieces, key=lambda p: p.position):
            self.shelf.add(piece)
            if piece.facts.stars:
                self.stars.append(piece)
        for piece in self.shelf.pieces:
            if piece.owner >= 0:
                for name in [n for n in piece.names if n in self.valued]:
                    self.shelf.drop(piece, name)

    def _value_names(self) -> None:
        """Names that steps bind to values, and names that anything in the pipeline changes in place."""
        defined: dict[str, int] = {}
        shared = self._shared_definitions()
        lates: list[Late] = [late for statement in shared.values() for late in statement]
        for draft in self.drafts:
            self.valued.update(draft.options.outputs)
            self.changed.update(draft.facts.changes)
            for name, bindings in draft.facts.bindings.items():
                for binding in bindings:
                    statement = binding.statement
                    if binding.kind == "import" and statement is not None and is_import_like(statement):
                        continue
                    if binding.plain and statement is not None and is_definition(statement):
                        defined[name] = defined.get(name, 0) + 1
                        if any(b.kind == "import" for b in bindings):
                            self.valued.add(name)
                        continue
                    if statement is not None and is_import_like(statement):
                        continue
                    self.valued.add(name)
            lates += [late for made in draft.facts.defs.values() for late in made]
            lates += [late for late, _, _ in draft.facts.active]
        for late in lates:
            self.valued.update(late.writes)
            self.changed.update(late.changes)
        self.valued.update(n for n, count in defined.items() if count > 1 or n in self.changed or n in shared)
        self.changed -= {n for n in self.changed if n in self.aliases.table and n not in self.valued}

    def _shared_definitions(self) -> dict[str, list[Late]]:
        found: dict[str, list[Late]] = {}
        for mark in self.marking.marks:
            tree = self.trees.get(mark.cell.index)
            if mark.role in {"step", "skip", "metrics"} or tree is None:
                continue
            for statement in tree.body:
                if is_definition(statement) or mark.role == "setup":
                    for name, lates in self._facts(mark.cell, [statement]).defs.items():
                        found.setdefault(name, []).extend(lates)
        return found

    def _shared(self, mark: Mark, tree: ast.Module, purity: Purity) -> list[Piece]:
        cell, made = mark.cell, []
        for ordinal, statement in enumerate(tree.body):
            facts = self._facts(cell, [statement])
            kind = None if mark.role == "skip" else self._kind(statement, facts, purity)
            extends = kind is None and not mark.role and extends_import_path(statement, self.aliases)
            if extends and all(purity.resolves(n) for n in facts.uses):
                piece = self._make("import", statement, facts, Place(cell, ordinal), purity)
                piece.always = True
                made.append(piece)
            elif kind is None:
                self._explore(mark, statement, facts, purity)
            else:
                made.append(self._make(kind, statement, facts, Place(cell, ordinal), purity))
        return made

    def _kind(self, statement: ast.stmt, facts: Facts, purity: Purity) -> Kind | None:
        if is_import_like(statement):
            return "import" if all(purity.resolves(n) for n in facts.uses) else None
        if is_definition(statement):
            return "definition" if purity.may_replay(statement, facts, in_step=False) else None
        return "literal" if purity.is_literal(statement) else None

    def _explore(self, mark: Mark, statement: ast.stmt, facts: Facts, purity: Purity) -> None:
        role = mark.role or "shared"
        for name, bindings in facts.bindings.items():
            self.explored.setdefault(name, []).append((bindings[0].site, role))
            purity.env[name] = None
        if mark.role == "skip":
            return
        for name, site in facts.changes.items():
            self.nudged.setdefault(name, []).append(site)
            if name in self.aliases.table:
                self.environment.setdefault(name, site)
        module = self._configures(statement)
        if module:
            self.environment.setdefault(module, Site(mark.cell.index, statement.lineno))
        traces = Traces()
        Tracer(self.aliases, {}, frozenset(), set()).trace(mark.cell.index, statement, traces, body=False)
        for name, site in traces.seeds.items():
            self.seeded.setdefault(name, site)

    def _make(self, kind: Kind, statement: ast.stmt, facts: Facts, place: Place, purity: Purity) -> Piece:
        value = getattr(statement, "value", None)
        mutable = kind in {"literal", "derived"} and value is not None and is_mutable(value, self.aliases)
        piece = piece_of(kind, statement, facts, place, mutable=mutable)
        self.statements[piece.id] = (statement,)
        piece.effects = purity.effects(statement)
        for name in piece.names:
            if piece.owner < 0 or name not in self.valued:
                purity.env[name] = piece
        return piece

    def _derived(self, cell: DocumentCell, tree: ast.Module, purity: Purity) -> list[Piece]:
        made = []
        for ordinal, statement in enumerate(tree.body):
            name = parameter_name(statement)
            value = getattr(statement, "value", None)
            if name is not None and value is not None and constant_value(value) is not NO_VALUE:
                continue
            facts = self._facts(cell, [statement])
            if not facts.bindings and not facts.stars:
                continue
            kind: Kind = (
                "import" if is_import_like(statement) else "definition" if is_definition(statement) else "derived"
            )
            made.append(self._make(kind, statement, facts, Place(cell, ordinal), purity))
        return made

    def _prefixed(self, mark: Mark, tree: ast.Module, purity: Purity) -> list[Piece]:
        """Kale's imports and functions: by statement where that is the same, else the whole cell in every step."""
        cell, above = mark.cell, _ABOVE[mark.role]
        made: list[Piece] = []
        for ordinal, statement in enumerate(tree.body):
            facts = self._facts(cell, [statement])
            kind = self._kind(statement, facts, purity)
            if kind is None and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            if kind is None:
                return self._setup(mark, tree, purity, above)
            made.append(self._make(kind, statement, facts, Place(cell, ordinal, above=above), purity))
        return made

    def _setup(self, mark: Mark, tree: ast.Module, purity: Purity, above: int = 0) -> list[Piece]:
        cell = mark.cell
        facts = self._facts(cell, tree.body)
        traces = Traces()
        tracer = Tracer(self.aliases, {}, frozenset(), set())
        for statement in tree.body:
            tracer.trace(cell.index, statement, traces, body=False)
        names = (*facts.bindings, *traces.seeds)
        quiet = all(
            is_import_like(s) or is_definition(s) or isinstance(s, ast.Assign | ast.AnnAssign) for s in tree.body
        )
        piece = Piece(
            id=f"{cell.id}:setup",
            kind="setup",
            facts=facts,
            position=(cell.index + above, 0),
            cell=cell.id,
            cell_index=cell.index,
            line=1,
            source=cell.source,
            names=names,
            always=above < 0 or not quiet,
            ipython=True,
            future=self.futures.get(cell.index, ()),
        )
        self.statements[piece.id] = tuple(tree.body)
        for name in names:
            purity.env[name] = piece
        return [piece]

    def _in_step(self, cell: DocumentCell, tree: ast.Module, purity: Purity, owner: int) -> list[Piece]:
        """Imports and pure definitions of a step cell; a definition that is not pure becomes a value."""
        made = []
        for ordinal, statement in enumerate(tree.body):
            if is_import_like(statement):
                kind: Kind = "import"
            elif is_definition(statement):
                kind = "definition"
            else:
                continue
            facts = self._facts(cell, [statement])
            if kind == "definition":
                if any(n in self.valued for n in facts.bindings):
                    continue
                if not purity.may_replay(statement, facts, in_step=True):
                    self.valued.update(facts.bindings)
                    continue
            elif not all(purity.resolves(n) for n in facts.uses):
                self.valued.update(facts.bindings)
                continue
            made.append(self._make(kind, statement, facts, Place(cell, ordinal, owner), purity))
        return made

    def _freeze(self) -> None:
        for name, pieces in self.shelf.by_name.items():
            if not pieces or name in self.valued or name.startswith("<"):
                continue
            imported = all(p.kind == "import" for p in pieces)
            if imported or (name not in self.changed and not any(p.mutable for p in pieces)):
                self.frozen.add(name)

    # -- traces

    def _trace(self) -> None:
        shadowed = {n for n in self.valued if n in BUILTINS}
        tracer = Tracer(self.aliases, self._paths(), self._generators(), shadowed)
        bodies: dict[str, Traces] = {}
        reads: dict[str, set[str]] = {}
        for mark in self.marking.marks:
            tree = self.trees.get(mark.cell.index)
            if tree is None or mark.role == "skip":
                continue
            for statement in tree.body:
                if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    traces = bodies.setdefault(statement.name, Traces())
                    tracer.trace(mark.cell.index, statement, traces)
        for source in [*(d.facts for d in self.drafts), *(p.facts for p in self.shelf.pieces)]:
            for name, lates in source.defs.items():
                reads.setdefault(name, set()).update(*(late.reads for late in lates))
        for draft in self.drafts:
            for cell in draft.cells:
                tree = self.trees.get(cell.index)
                for statement in tree.body if tree is not None else ():
                    tracer.trace(cell.index, statement, draft.traces, body=False)
            for name in _reachable(draft.facts.loads, reads):
                if name in bodies:
                    draft.traces.absorb(bodies[name])

    def _paths(self) -> dict[str, str]:
        """Names that stand for one text in the whole notebook; parameters stand for themselves."""
        counts: dict[str, int] = {}
        values: dict[str, ast.expr] = {}
        for mark in self.marking.marks:
            tree = self.trees.get(mark.cell.index)
            for statement in tree.body if tree is not None and mark.role != "skip" else ():
                for node in ast.walk(statement):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        counts[node.id] = counts.get(node.id, 0) + 1
                if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                    target = statement.targets[0]
                    if isinstance(target, ast.Name):
                        values[target.id] = statement.value
        tracer = Tracer(self.aliases, {n: f"{{{n}}}" for n in self.parameters}, frozenset(), set())
        for name, value in values.items():
            if counts[name] == 1 and name not in self.parameters:
                path = tracer.path_of(value)
                if path is not None:
                    tracer.paths[name] = path
        return tracer.paths

    def _generators(self) -> frozenset[str]:
        found = set()
        for tree in self.trees.values():
            for statement in tree.body:
                if isinstance(statement, ast.FunctionDef) and not statement.decorator_list and _yields(statement):
                    found.add(statement.name)
        return frozenset(found)


def _reachable(names: Mapping[str, int], reads: Mapping[str, set[str]]) -> list[str]:
    """Names that are read, and what functions of these names read, transitively; in order of first sight."""
    seen = dict.fromkeys(names)
    stack = [n for n in names if n in reads]
    while stack:
        for name in sorted(reads[stack.pop()]):
            if name not in seen:
                seen[name] = None
                if name in reads:
                    stack.append(name)
    return list(seen)


def _yields(function: ast.FunctionDef) -> bool:
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
    return False


def _futures(tree: ast.Module) -> set[str]:
    return {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    }


def _late_annotations(kernel_python: str | None) -> bool:
    """True where annotations wait until they are asked for: Python 3.14 and later (PEP 649)."""
    import re
    import sys

    if kernel_python:
        match = re.search(r"python3\.(\d+)", str(Path(kernel_python).resolve()))
        if match:
            return int(match[1]) >= 14
    return sys.version_info >= (3, 14)

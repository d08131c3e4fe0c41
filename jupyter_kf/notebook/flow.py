"""Notebook room: one forward walk over statements at the top level of cells, with the set of names surely bound.

The walk answers, for a step, a setup cell or a single statement: what is read from before (``Facts.uses``), what
may be bound or deleted, what is bound whenever the code comes to its end, what is changed in place beyond doubt, and
which functions were made, with what they will touch when they are called. The rule is design paper 0001.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from jupyter_kf.notebook.bindings import Bindings, Frame
from jupyter_kf.notebook.facts import Facts, Site
from jupyter_kf.notebook.promises import (
    always_matches,
    catches_names,
    forgives,
    is_main,
    is_patient,
    lets_through,
    surely_not_empty,
)
from jupyter_kf.notebook.scopes import (
    Late,
    annotations_of,
    changed_by_call,
    class_late,
    comprehension_late,
    defaults_of,
    function_late,
    names_in_text,
    root_name,
)

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(slots=True)
class _Loop:
    """States at the ``break`` and ``continue`` statements of a loop."""

    breaks: list[set[str]] = field(default_factory=list)
    again: list[set[str]] = field(default_factory=list)


def analyse(
    cells: Iterable[tuple[int, ast.Module]], *, late_annotations: bool = False, imported: Container[str] = ()
) -> Facts:
    """Walk the cells of one step, in order; ``late_annotations`` for interpreters from 3.14 on, ``imported`` names are
    known to stand for what a library has.
    """
    walk = Walk(late_annotations, imported=imported)
    for index, tree in cells:
        walk.cell = index
        for statement in tree.body:
            walk.top(statement)
    return walk.finish()


class Walk(Bindings):
    """The walk. ``depth`` counts branches around the present statement, ``dead`` says that it cannot be reached."""

    def __init__(
        self,
        late_annotations: bool = False,
        *,
        stars: Callable[[str, int], tuple[frozenset[str], bool]] | None = None,
        imported: Container[str] = (),
    ) -> None:
        self.imported = imported
        super().__init__()
        self.stars = stars
        self.dead = False
        self.loops: list[_Loop] = []
        self.late_annotations = late_annotations

    # -- statements

    def top(self, statement: ast.stmt) -> None:
        """Walk one statement of a cell's top level."""
        self.statement = statement
        self.moment += 1
        before = len(self.facts.bindings)
        self.visit(statement)
        if before != len(self.facts.bindings) or isinstance(
            statement, ast.If | ast.Try | ast.With | ast.Match | ast.For
        ):
            for name in self.frames[0].must:
                self.facts.sure.setdefault(name, self.moment + 1)
        self.moment += 1

    def finish(self) -> Facts:
        """Return what was found."""
        self.facts.surely = set(self.frames[0].must)
        return self.facts

    def block(self, statements: list[ast.stmt]) -> None:
        """Walk statements in order."""
        for statement in statements:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        """Walk a statement or an expression."""
        method = _METHODS.get(type(node))
        if method is not None:
            method(self, node)
        else:
            for child in ast.iter_child_nodes(node):
                self.visit(child)

    def _fork(self, statements: list[ast.stmt], state: set[str]) -> tuple[set[str], bool]:
        """Walk a branch from a state; return its state at the end and whether the end cannot be reached."""
        self.must, dead = set(state), self.dead
        self.depth += 1
        self.block(statements)
        self.depth -= 1
        result, ended = self.must, self.dead
        self.dead = dead
        return result, ended

    def _join(self, ends: list[tuple[set[str], bool]]) -> None:
        living = [state for state, dead in ends if not dead]
        if living:
            self.must = set.intersection(*living) if len(living) > 1 else living[0]
        else:
            self.must = set().union(*(state for state, _ in ends))
            self.dead = True

    def _if(self, node: ast.If) -> None:
        self.visit(node.test)
        if is_main(node.test):
            self.block(node.body)
            return
        asks = any(
            isinstance(n, ast.Name) and n.id in {"globals", "locals", "dir", "vars"} for n in ast.walk(node.test)
        )
        self.guarded += 1
        state = set(self.must)
        if asks and isinstance(node.test, ast.Compare):
            self._asked(node.test)
        ends = [self._fork(node.body, state), self._fork(node.orelse, state)]
        self.guarded -= 1
        self._join(ends)

    def _asked(self, test: ast.Compare) -> None:
        """``if 'x' not in globals()`` looks at a name."""
        if isinstance(test.left, ast.Constant) and isinstance(test.left.value, str):
            self.read(test.left.value, test.lineno, soft=True)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, entry: set[str], runs: bool, endless: bool) -> None:
        """Walk a loop's body and ``else``. ``runs``: at least once; ``endless``: left by ``break`` only."""
        gone = set(self._deleted_in(node.body))
        start = entry - gone
        self.loops.append(_Loop())
        body, ended = self._fork_loop(node, start)
        loop = self.loops.pop()
        rounds = [*loop.again, *([] if ended else [body])]
        if endless:
            self._join([(s, False) for s in loop.breaks] or [(body, True)])
            return
        normal = set.intersection(*rounds) if runs and rounds else start
        if runs and not rounds:
            self._join([(s, False) for s in loop.breaks] or [(body, True)])
            return
        after = self._fork(node.orelse, normal)
        self._join([after, *((s, False) for s in loop.breaks)])

    def _fork_loop(self, node: ast.For | ast.AsyncFor | ast.While, start: set[str]) -> tuple[set[str], bool]:
        self.must, dead = set(start), self.dead
        self.depth += 1
        if not isinstance(node, ast.While):
            self.assign(node.target)
        self.block(node.body)
        self.depth -= 1
        result, ended = self.must, self.dead
        self.dead = dead
        return result, ended

    def _deleted_in(self, body: list[ast.stmt]) -> Iterable[str]:
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
                    yield self.mangled(node.id)
                elif isinstance(node, ast.ExceptHandler) and node.name:
                    yield self.mangled(node.name)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._loop(node, set(self.must), surely_not_empty(node.iter), endless=False)

    def _while(self, node: ast.While) -> None:
        self.visit(node.test)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self._loop(node, set(self.must), endless, endless)

    def _break(self, node: ast.Break) -> None:
        if self.loops and not self.dead:
            self.loops[-1].breaks.append(set(self.must))
        self.dead = True

    def _continue(self, node: ast.Continue) -> None:
        if self.loops and not self.dead:
            self.loops[-1].again.append(set(self.must))
        self.dead = True

    def _raise(self, node: ast.Raise) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)
        self.dead = True

    def _try(self, node: ast.Try) -> None:
        entry = set(self.must)
        entry_dead = self.dead
        forgiving = any(catches_names(h) for h in node.handlers)
        self.guarded += forgiving
        body = self._fork(node.body, entry)
        self.guarded -= forgiving
        if not body[1] and node.orelse:
            body = self._fork(node.orelse, body[0])
        risky = entry - set(self._deleted_in(node.body))
        ends = [body]
        for handler in node.handlers:
            if handler.type is not None:
                self.must = set(risky)
                self.visit(handler.type)
            self.must, self.dead = set(risky), entry_dead
            self.depth += 1
            if handler.name:
                self.bind(handler.name, handler.lineno)
            self.block(handler.body)
            if handler.name:
                self.unbind(handler.name, handler.lineno, read=False)
            self.depth -= 1
            ends.append((self.must, self.dead))
            self.dead = entry_dead
        self._join(ends)
        if node.finalbody:
            state, dead = set(self.must), self.dead
            lost = set(self._deleted_in([*node.orelse, *(s for h in node.handlers for s in h.body)]))
            self.must, self.dead = risky - lost, entry_dead
            self.block(node.finalbody)
            gone = set(self._deleted_in(node.finalbody))
            self.must, self.dead = (state - gone) | self.must, self.dead or dead

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        swallows = False
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars)
            swallows = swallows or not lets_through(item.context_expr)
        if not swallows:
            self.block(node.body)
            return
        entry = set(self.must)
        forgiving = any(forgives(item.context_expr) for item in node.items)
        self.guarded += forgiving
        body, dead = self._fork(node.body, entry)
        self.guarded -= forgiving
        self._join([(body, dead), (entry - set(self._deleted_in(node.body)), False)])

    def _match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        state, ends, total = set(self.must), [], False
        self.guarded += 1
        for case in node.cases:
            self.must = set(state)
            self.depth += 1
            self._pattern(case.pattern)
            if case.guard is not None:
                self.visit(case.guard)
            self.depth -= 1
            ends.append(self._fork(case.body, self.must))
            total = total or (case.guard is None and always_matches(case.pattern))
        self.guarded -= 1
        self._join(ends if total else [*ends, (state, False)])

    def _pattern(self, pattern: ast.pattern) -> None:
        for node in ast.walk(pattern):
            if isinstance(node, ast.Name):
                self.read(node.id, node.lineno)
            elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
                self.bind(node.name, node.lineno)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                self.bind(node.rest, node.lineno)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            self.facts.future.update(a.name for a in node.names)
        for alias in node.names:
            if alias.name == "*":
                level, module = getattr(node, "level", 0), getattr(node, "module", "") or ""
                self._star(module, level, node.lineno)
            else:
                self.bind(alias.asname or alias.name.partition(".")[0], node.lineno, "import")

    def _star(self, module: str, level: int, line: int) -> None:
        names, complete = self.stars(module, level) if self.stars is not None else (frozenset[str](), False)
        for name in sorted(names):
            self.bind(name, line, "import")
        if not complete:
            self.facts.stars.append((module, level, Site(self.cell, line)))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, *defaults_of(node)]:
            self.visit(part)
        hidden = {p.name for p in getattr(node, "type_params", ())}
        if not self._annotations_wait():
            for annotation in annotations_of(node):
                self._annotation(annotation, hidden)
        late = function_late(node, future="annotations" in self.facts.future, private=self.frame.name)
        if getattr(node, "kf_now", False):
            self.at_once(late, node.lineno)
            return
        if self._annotations_wait() and "annotations" not in self.facts.future:
            late = _with_names(late, annotations_of(node), hidden)
        late = _with_names(late, [*node.decorator_list, *defaults_of(node)])
        impatient = any(not is_patient(d, self.imported) for d in node.decorator_list)
        if impatient:
            self.later(late, node.lineno)
        if len(self.frames) > 1:
            self.frame.defs[node.name] = late
        else:
            self.facts.defs.setdefault(node.name, []).append(late)
        self.bind(node.name, node.lineno, "def")

    def _annotations_wait(self) -> bool:
        return self.late_annotations or "annotations" in self.facts.future

    def _annotation(self, annotation: ast.expr, hidden: Iterable[str] = ()) -> None:
        if hidden:
            for node in ast.walk(annotation):
                if isinstance(node, ast.Name) and node.id not in hidden:
                    self.read(node.id, node.lineno)
        else:
            self.visit(annotation)

    def _class(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        params = [p.name for p in getattr(node, "type_params", ())]
        for part in [*node.bases, *(k.value for k in node.keywords)]:
            self._annotation(part, params)
        self.frames.append(Frame(must=set(params), may=set(params), name=node.name))
        loops, self.loops = self.loops, []
        for name in ("__module__", "__qualname__"):
            self.frame.must.add(name)
        depth, self.depth = self.depth, 0
        self.block(node.body)
        self.depth = depth
        self.loops = loops
        self.frames.pop()
        late = class_late(node, future="annotations" in self.facts.future)
        late = _with_names(late, [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)], params)
        if any(not is_patient(d, self.imported) for d in node.decorator_list):
            self.later(late, node.lineno)
        if len(self.frames) > 1:
            self.frame.defs[node.name] = late
        else:
            self.facts.defs.setdefault(node.name, []).append(late)
        self.bind(node.name, node.lineno, "class")

    def _global(self, node: ast.Global) -> None:
        if len(self.frames) > 1:
            self.frame.globals_.update(node.names)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete_one(target)

    def _delete_one(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.unbind(target.id, target.lineno)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._delete_one(element)
        else:
            self.assign(target)

    def assign(self, target: ast.expr) -> None:
        """Store to a target: bind a name, or change what an attribute or item belongs to."""
        if isinstance(target, ast.Name):
            self.bind(target.id, target.lineno)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self.assign(element)
        elif isinstance(target, ast.Starred):
            self.assign(target.value)
        else:
            for child in ast.iter_child_nodes(target):
                self.visit(child)
            self.change(root_name(target), target.lineno)

    def _assign(self, node: ast.Assign) -> None:
        single = node.targets[0] if len(node.targets) == 1 else None
        if isinstance(node.value, ast.Lambda) and isinstance(single, ast.Name) and len(self.frames) == 1:
            for default in defaults_of(node.value):
                self.visit(default)
            self.facts.defs.setdefault(single.id, []).append(function_late(node.value))
        else:
            self.visit(node.value)
        for target in node.targets:
            self.assign(target)

    def _aug_assign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id, node.lineno)
            self.visit(node.value)
            self.bind(node.target.id, node.lineno)
        else:
            self.visit(node.value)
            self.assign(node.target)

    def _ann_assign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        if not self._annotations_wait():
            self.visit(node.annotation)
        if node.value is not None:
            self.assign(node.target)
        elif not isinstance(node.target, ast.Name):
            for child in ast.iter_child_nodes(node.target):
                self.visit(child)

    def _type_alias(self, node: ast.AST) -> None:
        name: ast.Name = node.name  # type: ignore[attr-defined]
        self.bind(name.id, name.lineno)

    # -- expressions

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read(node.id, node.lineno, soft=getattr(node, "kf_soft", False))
        else:
            self.assign(node)

    def _constant(self, node: ast.Constant) -> None:
        return

    def _named(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id, node.lineno)

    def _perhaps(self, nodes: Iterable[ast.expr]) -> set[str]:
        """Walk expressions that may not be evaluated; return the state if they all are."""
        state = set(self.must)
        self.unsure += 1
        self.guarded += 1
        for node in nodes:
            self.visit(node)
        self.guarded -= 1
        self.unsure -= 1
        after, self.must = self.must, state
        return after

    def _bool_op(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        self._perhaps(node.values[1:])

    def _compare(self, node: ast.Compare) -> None:
        self.visit(node.left)
        self.visit(node.comparators[0])
        if len(node.comparators) > 1:
            self._perhaps(node.comparators[1:])

    def _if_exp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self.must = self._perhaps([node.body]) & self._perhaps([node.orelse])

    def _assert(self, node: ast.Assert) -> None:
        self.visit(node.test)
        if node.msg is not None:
            self._perhaps([node.msg])

    def _lambda(self, node: ast.Lambda) -> None:
        for default in defaults_of(node):
            self.visit(default)
        self.later(function_late(node, private=self.frame.name), node.lineno)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.visit(node.generators[0].iter)
        late, made, walrus = comprehension_late(node, private=self.frame.name)
        if isinstance(node, ast.GeneratorExp):
            self.later(late, node.lineno)
        else:
            self.at_once(late, node.lineno)
            if made != Late():
                self.later(made, node.lineno)
        for name, line in walrus.items():
            self.bind_outer(name, line, "assign", sure=False)

    def _call(self, node: ast.Call) -> None:
        self.visit(node.func)
        if isinstance(node.func, ast.Name):
            self.facts.calls.add(node.func.id)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)
        self.change(changed_by_call(node), node.lineno)
        for name in names_in_text(node):
            self.read(name, node.lineno, soft=True)


def _with_names(late: Late, expressions: list[ast.expr], hidden: Iterable[str] = ()) -> Late:
    """Count the names in expressions among the late reads: what a definition is made from runs when it runs."""
    if not expressions:
        return late
    made = Late()
    made.absorb(late)
    for expression in expressions:
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id not in hidden:
                made.reads.setdefault(node.id, node.lineno)
    return made


_METHODS: dict[type[ast.AST], Callable[[Walk, Any], None]] = {
    ast.If: Walk._if,
    ast.For: Walk._for,
    ast.AsyncFor: Walk._for,
    ast.While: Walk._while,
    ast.Break: Walk._break,
    ast.Continue: Walk._continue,
    ast.Raise: Walk._raise,
    ast.Try: Walk._try,
    ast.TryStar: Walk._try,
    ast.With: Walk._with,
    ast.AsyncWith: Walk._with,
    ast.Match: Walk._match,
    ast.Import: Walk._import,
    ast.ImportFrom: Walk._import,
    ast.FunctionDef: Walk._function,
    ast.AsyncFunctionDef: Walk._function,
    ast.ClassDef: Walk._class,
    ast.Global: Walk._global,
    ast.Delete: Walk._delete,
    ast.Assign: Walk._assign,
    ast.AugAssign: Walk._aug_assign,
    ast.AnnAssign: Walk._ann_assign,
    ast.Name: Walk._name,
    ast.Constant: Walk._constant,
    ast.NamedExpr: Walk._named,
    ast.BoolOp: Walk._bool_op,
    ast.Compare: Walk._compare,
    ast.IfExp: Walk._if_exp,
    ast.Assert: Walk._assert,
    ast.Lambda: Walk._lambda,
    ast.ListComp: Walk._comprehension,
    ast.SetComp: Walk._comprehension,
    ast.DictComp: Walk._comprehension,
    ast.GeneratorExp: Walk._comprehension,
    ast.Call: Walk._call,
}
if hasattr(ast, "TypeAlias"):
    _METHODS[ast.TypeAlias] = Walk._type_alias

"""Random programs of several cells, and two ways to run them: in one namespace, and by what the analysis says."""

from __future__ import annotations

import builtins
import contextlib
import io
import random
import types
from typing import Any

from jupyter_kf.model.pipeline import Pipeline

NAMES = ["a", "b", "c", "d"]
FUNCTIONS = ["f", "g", "h"]
SHOW = "show"
_ABSENT = object()


class Writer:
    """Writes one random program; the same seed gives the same one."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def name(self) -> str:
        return self.random.choice(NAMES)

    def value(self, depth: int = 2) -> str:
        kind = self.random.randrange(12 if depth else 3)
        if kind <= 1:
            return str(self.random.randrange(5))
        if kind == 2:
            return self.name()
        return [
            lambda: f"[{self.value(0)}, {self.value(0)}]",
            lambda: f"[{self.name()}, {self.name()}]",
            lambda: f"{{'k': {self.value(depth - 1)}}}",
            lambda: f"[q for q in [{self.value(0)}, 2]]",
            lambda: f"{self.pick(*FUNCTIONS)}({self.value(0)})",
            lambda: f"(lambda: {self.value(depth - 1)})",
            lambda: f"({self.value(0)} if {self.value(0)} else {self.value(0)})",
            lambda: f"[(z := q) for q in [{self.value(0)}]]",
            lambda: f"(lambda q={self.value(0)}: [q, {self.name()}])",
        ][kind - 3]()

    def simple(self) -> list[str]:
        name, other = self.name(), self.name()
        return self.pick(
            [f"{name} = {self.value()}"],
            [f"{name} = {self.value()}"],
            [f"{name} = {other}"],
            [f"{name}.append({self.value(1)})"],
            [f"{name}[0] = {self.value(1)}"],
            [f"{name} += [{self.value(0)}]"],
            [f"del {name}"],
            [f"{SHOW}({name})"],
            [f"{SHOW}({name}, {other})"],
            [f"({name} := {self.value(0)})"],
            [f"{name}, {other} = {self.value(0)}, {self.value(0)}"],
            ["from math import pi as a" if self.random.random() < 0.2 else f"{SHOW}({name})"],
        )

    def definition(self) -> list[str]:
        function, name = self.pick(*FUNCTIONS), self.name()
        body = self.pick(
            [f"return [x, {name}]"],
            [f"{name}.append(x)", f"return {name}"],
            [f"global {name}", f"{name} = x", "return x"],
            [f"{name} = x", f"return {name}"],
            [f"return {self.pick(*FUNCTIONS)}"],
            [f"return [{name} for {name} in [x, 1]]"],
            [f"def inner(): return {name}", "return inner"],
            [f"del {name}"],
            [f"return {self.pick(*FUNCTIONS)}(x) if x == 1 else {name}"],
        )
        default = f", y={self.value(0)}" if self.random.random() < 0.3 else ""
        if self.random.random() < 0.15:
            return [
                f"class {function}:",
                f"    {name} = {self.value(0)}",
                f"    def __init__(self, x): self.x = {name}",
            ]
        return [f"def {function}(x{default}):", *("    " + line for line in body)]

    def statement(self, depth: int = 2) -> list[str]:
        chance = self.random.random()
        if chance < 0.5 or not depth:
            return self.simple()
        if chance < 0.72:
            return self.definition()
        inner = ["    " + line for _ in range(self.pick(1, 2)) for line in self.statement(depth - 1)]
        other = ["    " + line for line in self.statement(depth - 1)]
        test = self.pick(self.name(), "0", "1")
        head = self.pick("if", "if", "for", "while", "try", "match", "with")
        if head == "if":
            return [f"if {test}:", *inner, "else:", *other] if self.random.random() < 0.5 else [f"if {test}:", *inner]
        if head == "for":
            tail = ["else:", *other] if self.random.random() < 0.3 else []
            stop = [f"    if {self.name()}: {self.pick('break', 'continue')}"] if self.random.random() < 0.4 else []
            return [f"for {self.name()} in {self.pick('[]', '[1]', '[1, 2]', '(2, [3])')}:", *stop, *inner, *tail]
        if head == "while":
            return ["while True:", *inner, "    break"]
        if head == "match":
            return [
                f"match {self.value(0)}:",
                "    case 1:",
                *("    " + i for i in inner),
                f"    case {self.name()}:",
            ] + ["        " + line.strip() if not line.startswith("     ") else "    " + line for line in other]
        if head == "with":
            return [f"with contextlib.suppress(Exception) as {self.name()}:", *inner]
        handler = self.pick("except Exception as e:", "except NameError:", f"except Exception as {self.name()}:")
        tail = (
            ["finally:", *other]
            if self.random.random() < 0.3
            else ["else:", *other]
            if self.random.random() < 0.3
            else []
        )
        return ["try:", *inner, handler, *("    " + line for line in self.simple()), *tail]

    def guarded(self) -> list[str]:
        """A statement, most times with what it may raise caught."""
        lines = self.statement()
        if self.random.random() < 0.25:
            return lines
        return ["try:", *("    " + line for line in lines), "except Exception as e:", f"    {SHOW}(e)"]

    def program(self) -> list[str]:
        """Cells: shared and step cells, in random order; the first is the imports and the printing function."""
        cells = ["import contextlib"]
        count = self.pick(2, 3, 4, 5)
        for step in range(count):
            if self.random.random() < 0.25:
                literal = f"{self.name()} = {self.pick('1', '[1, 2]', '{}', '(1, 2)')}"
                cells.append("\n".join(self.pick(self.definition(), [literal])))
            body = [line for _ in range(self.pick(1, 2, 3, 4)) for line in self.guarded()]
            if not step and self.random.random() < 0.8:
                body = [*(f"{n} = {self.pick('[0]', '[[1], 2]', '3', '[]')}" for n in NAMES), *body]
                for function in FUNCTIONS:
                    body += [f"def {function}(x):", f"    return [x, {self.name()}]"]
            ending = [f"{SHOW}({', '.join(self.random.sample(NAMES, 2))})"] if self.random.random() < 0.5 else []
            cells.append("\n".join([f"# %%kubeflow step s{step}", *body, *ending]))
        return cells


def shown(value: Any, depth: int = 3) -> str:
    """A value as text that does not depend on where it lives; functions are called."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(v, depth - 1) if depth else "…" for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {shown(v, depth - 1) if depth else '…'}" for k, v in value.items()) + "}"
    if isinstance(value, type):
        return "class"
    if callable(value):
        if not depth:
            return "call"
        for arguments in ((), (1,)):
            try:
                return "call " + shown(value(*arguments), depth - 1)
            except TypeError:
                continue
            except NameError:
                return "NameError"
        return "TypeError"
    if isinstance(value, BaseException):
        return type(value).__name__
    return repr(value) if isinstance(value, int | float | str | type(None)) else type(value).__name__


def _run(source: str, namespace: dict[str, Any]) -> tuple[str, str]:
    out = io.StringIO()
    namespace[SHOW] = lambda *values: print(*(shown(v) for v in values))
    error = ""
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(source, "<cell>", "exec"), namespace)
        except RecursionError:
            error = "RecursionError"
        except Exception as exc:
            error = type(exc).__name__
    return out.getvalue(), error


def run_as_notebook(cells: list[str]) -> list[tuple[str, str]] | None:
    """Outputs of the step cells, all cells in one namespace, until one fails; ``None`` where a shared cell fails."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    results = []
    for cell in cells:
        result = _run(cell, namespace)
        if cell.startswith("# %%kubeflow step"):
            results.append(result)
        elif result[1]:
            return None
        if result[1]:
            break
    return results


def run_as_pipeline(made: Pipeline) -> list[tuple[str, str]]:
    """Outputs of the steps, each in a namespace that holds what the analysis says, and what values bring along."""
    store: dict[str, Any] = {}
    fragments = {f.id: f for f in made.fragments}
    namespace: dict[str, Any] = {}
    results = []
    for step in made.steps:
        namespace.clear()
        namespace["__name__"] = "__main__"
        for identifier in step.replay:
            exec(compile(fragments[identifier].source, "<fragment>", "exec"), namespace)
        needs = set(step.needs)
        _give(needs, store, namespace, step.cells[-1].index, made)
        before = dict(namespace)
        result = _run("\n".join(c.source for c in step.cells), namespace)
        results.append(result)
        if result[1]:
            break
        for name in {*before, *namespace}:
            if name in {"__builtins__", "__name__", SHOW, "contextlib"}:
                continue
            if name not in namespace:
                store[name] = _ABSENT
            elif name in needs or name in step.binds or name in store:
                store[name] = namespace[name]
    return results


def _give(needs: set[str], store: dict[str, Any], namespace: dict[str, Any], cell: int, made: Pipeline) -> None:
    """Put needed values into the namespace, and what functions inside them read, as the guest reports it."""
    queue = sorted(needs)
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        if store.get(name) is _ABSENT:
            namespace.pop(name, None)
        elif name in store:
            namespace[name] = store[name]
            needs.add(name)
            queue += sorted(_late(store[name], set()))
        elif name not in namespace:
            for fragment in made.fragments:
                if name in fragment.names and fragment.cell_index < cell:
                    exec(compile(fragment.source, "<fragment>", "exec"), namespace)
                    queue += [*fragment.late, *fragment.needs]


def _late(value: Any, seen: set[int]) -> set[str]:
    if id(value) in seen:
        return set()
    seen.add(id(value))
    found: set[str] = set()
    if isinstance(value, types.FunctionType):
        found |= _names(value.__code__)
        for inner in [*(value.__defaults__ or ()), *(c.cell_contents for c in value.__closure__ or ())]:
            found |= _late(inner, seen)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            found |= _late(inner, seen)
    elif isinstance(value, dict):
        for inner in value.values():
            found |= _late(inner, seen)
    elif isinstance(value, type) and value.__module__ == "__main__":
        for inner in list(vars(value).values()):
            found |= _late(inner, seen)
    elif not isinstance(value, type) and hasattr(value, "__dict__") and not isinstance(value, types.ModuleType):
        found |= _late(type(value), seen) | _late(vars(value), seen)
    return found - set(dir(builtins))


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found

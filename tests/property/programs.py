"""Random multi-cell programs, and what they print when all cells share one namespace.

A program is a notebook of marked cells over few names, so that rebinding, aliasing, shadowing and late binding happen
all the time. Whatever may raise is guarded, so that each cell runs to its end and prints what it saw.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import os
import random
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

VALUES = ("a", "b", "c", "d")
FUNCTIONS = ("f", "g", "h")
CLASSES = ("K", "L")
OBJECTS = ("o", "p")
BOXES = ("xs", "box")

PRELUDE = '''\
import asyncio
import copy
import random
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from enum import Enum
import functools
import numpy as np

def show(v, depth=0, seen=()):
    """Text of a value without addresses; says where an object holds itself."""
    if id(v) in seen:
        return "<again>"
    if depth > 5:
        return "..."
    seen = (*seen, id(v))
    if isinstance(v, Enum):
        return f"{type(v).__name__}.{v.name}"
    if isinstance(v, np.ndarray):
        return f"array({v.tolist()})"
    if isinstance(v, dict):
        return type(v).__name__ + "{" + ", ".join(f"{k}: {show(x, depth + 1, seen)}" for k, x in v.items()) + "}"
    if isinstance(v, (list, tuple)):
        return type(v).__name__ + "(" + ", ".join(show(x, depth + 1, seen) for x in v) + ")"
    if isinstance(v, (set, frozenset)):
        return type(v).__name__ + "(" + ", ".join(sorted(map(str, v))) + ")"
    if isinstance(v, type):
        return "class " + v.__name__
    if callable(v) and hasattr(v, "__name__"):
        return "def " + v.__name__
    if hasattr(v, "__slots__") and type(v).__module__ == "__main__":
        return type(v).__name__ + show({k: getattr(v, k, None) for k in v.__slots__}, depth + 1, seen)
    if hasattr(v, "__dict__"):
        return type(v).__name__ + show(vars(v), depth + 1, seen)
    return repr(v)
'''


@dataclass
class Program:
    """Cells in order: ``(step, source)``; the step is ``None`` for an untagged cell."""

    seed: int
    cells: list[tuple[str | None, str]]
    after: dict[str, list[str]] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    ordered: bool = False

    def notebook(self) -> bytes:
        """The program as notebook bytes, directives included."""
        cells = []
        told: set[str] = set()
        for i, (step, source) in enumerate(self.cells):
            head = ""
            if step is not None:
                options = "".join(f" --after {b}" for b in self.after.get(step, ())) if step not in told else ""
                head = f"%%kubeflow step {step}{options}\n"
                told.add(step)
            cells.append(
                {
                    "cell_type": "code",
                    "id": f"c{i}",
                    "metadata": {},
                    "source": head + source,
                    "outputs": [],
                    "execution_count": None,
                }
            )
        meta = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": meta, "cells": cells}).encode()


class Writer:
    """Writes statements for one program."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.mutable = True

    # -- expressions ---------------------------------------------------------------------
    def value(self) -> str:
        r = self.rng
        return r.choice(VALUES)

    def anything(self) -> str:
        return self.rng.choice(VALUES + VALUES + FUNCTIONS + CLASSES + OBJECTS + BOXES)

    def literal(self) -> str:
        r = self.rng
        return r.choice(
            [
                "1",
                "2",
                "'s'",
                "[1, 2]",
                "[]",
                "{'k': [1]}",
                "{}",
                "(1, [2])",
                "{3, 4}",
                "None",
                "[[0], [0]]",
                "1.5",
                "b'x'",
                "OrderedDict(k=1)",
                "defaultdict(list)",
                "np.arange(6)",
                "np.zeros((2, 3))",
            ]
        )

    def expression(self) -> str:
        r = self.rng
        v, w = self.value(), self.value()
        return r.choice(
            [
                self.literal(),
                self.literal(),
                v,
                f"[{v}, {w}]",
                f"({v}, {v})",
                f"{{'k': {v}}}",
                f"[{v}] * 2",
                f"[x for x in [{v}, {w}]]",
                f"{{show(x): x for x in [{v}]}}",
                f"copy.copy({v})",
                f"list({v})",
                f"len({v})",
                f"(lambda q: [q, {v}])({w})",
                f"{v} if {w} else {self.literal()}",
                f"({v} := {self.literal()})",
                f"{v}[1:]",
                f"{v}[0]",
                f"{v}.get('k')",
                f"[i * {w} for i in range(2)]",
                f"functools.partial({r.choice(FUNCTIONS)}, {v})",
                f"[lambda: {v}]",
                f"{r.choice(OBJECTS)}",
                f"{r.choice(BOXES)}",
                f"{v}.T",
                f"{v}.reshape(2, 3)",
                f"{v}[::2]",
                f"{v}[:, 1]",
                f"list(map(lambda z: (z, {w}), [1]))",
                f"sorted({v})",
                f"next(iter({v}))",
                f"tuple({v})",
            ]
        )

    # -- statements ----------------------------------------------------------------------
    def statement(self, depth: int = 0) -> list[str]:
        r = self.rng
        kinds: list[tuple[float, Callable[[int], list[str]]]] = [
            (5, self.bind),
            (4, self.touch),
            (3, self.call),
            (2.5, self.define),
            (1.5, self.classes),
            (1.2, self.make),
            (2, self.tell),
            (1, self.identity),
            (0.8, self.delete),
            (0.7, self.unpack),
        ]
        if depth < 2:
            kinds += [
                (0.8, self.branch),
                (0.8, self.loop),
                (0.5, self.attempt),
                (0.4, self.matching),
                (0.3, self.within),
            ]
        chosen = r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]
        return chosen(depth)

    def block(self, depth: int, least: int = 1, most: int = 2) -> list[str]:
        lines: list[str] = []
        for _ in range(self.rng.randint(least, most)):
            lines += self.statement(depth + 1)
        return ["    " + line for line in lines]

    def guard(self, *lines: str) -> list[str]:
        return [
            "try:",
            *("    " + line for line in lines),
            "except Exception as e:",
            "    print('!', type(e).__name__)",
        ]

    def bind(self, depth: int) -> list[str]:
        r = self.rng
        v = self.value()
        if r.random() < 0.35:
            return [f"{v} = {self.literal()}"]
        if r.random() < 0.15:
            return self.guard(f"{r.choice(BOXES)} = [{self.anything()}, {self.value()}]")
        if r.random() < 0.15:
            return self.guard(f"{v}: list = {self.expression()}")
        return self.guard(f"{v} = {self.expression()}")

    def touch(self, depth: int) -> list[str]:
        r = self.rng
        v, w = r.choice(VALUES + BOXES), self.anything()
        return self.guard(
            r.choice(
                [
                    f"{v}.append({w})",
                    f"{v}['k'] = {w}",
                    f"{v}[0] = {w}",
                    f"{v} += [1]",
                    f"{v} += 1",
                    f"{v}.update(z={w})",
                    f"{v}.pop()",
                    f"{v}[0].append(7)",
                    f"{v}['k'].append(8)",
                    f"del {v}[0]",
                    f"{v}.extend([{w}])",
                    f"{r.choice(OBJECTS)}.x = {w}",
                    f"{r.choice(OBJECTS)}.x.append(1)",
                    f"{r.choice(CLASSES)}.v = {w}",
                    f"{v}.sort()",
                    f"{v}.add(9)",
                    f"setattr({r.choice(OBJECTS)}, 'y', {w})",
                    f"{v}[:] = [{w}]",
                    f"{r.choice(FUNCTIONS)}.mark = {w}",
                    f"{v} *= 2",
                    f"{v}[1:3] = 5",
                    f"{v}.fill(4)",
                    f"{v}.setdefault('m', []).append({w})",
                    f"{r.choice(BOXES)}.append({r.choice(FUNCTIONS)})",
                    f"{r.choice(BOXES)}.append(lambda: {self.value()})",
                ]
            )
        )

    def call(self, depth: int) -> list[str]:
        r = self.rng
        f = r.choice(FUNCTIONS)
        return self.guard(
            r.choice(
                [
                    f"print(show({f}()))",
                    f"print(show({f}({self.anything()})))",
                    f"{self.value()} = {f}()",
                    f"{f}()",
                    f"print(show({r.choice(OBJECTS)}.get()))",
                    f"print(show([z() for z in {r.choice(BOXES)} if callable(z)]))",
                    f"print(show({self.value()}[0]()))",
                    f"{r.choice(BOXES)} = {f}({self.value()})",
                    f"{f}({self.anything()})",
                    f"print(show({r.choice(CLASSES)}({self.value()}).get()))",
                    f"print(show({r.choice(CLASSES)}.v))",
                ]
            )
        )

    def define(self, depth: int) -> list[str]:
        r = self.rng
        f, other = r.choice(FUNCTIONS), r.choice(FUNCTIONS)
        v, w = self.value(), self.value()
        return r.choice(
            [
                [f"def {f}(x=1):", f"    return (x, {v})"],
                [f"def {f}(x=0):", f"    {v}.append(x)", f"    return len({v})"],
                [f"def {f}(x=0):", f"    global {v}", f"    {v} = [x, {w}]", f"    return {v}"],
                [f"def {f}(x=0):", "    if x: return x", f"    return {other}(1)"],
                [
                    "def make(n):",
                    "    def inner(x=1):",
                    "        nonlocal n",
                    "        n += 1",
                    f"        return (n, {v})",
                    "    return inner",
                    f"{f} = make(0)",
                ],
                [f"{f} = lambda x={r.choice(['1', '2'])}: ({v}, x)"],
                [f"def {f}(x=[]):", "    x.append(1) if isinstance(x, list) else None", "    return x"],
                [
                    "def deco(fn):",
                    "    @functools.wraps(fn)",
                    "    def wrapped(*args):",
                    f"        return ('d', fn(*args), {v})",
                    "    return wrapped",
                    "@deco",
                    f"def {f}(x=3):",
                    f"    return {w}",
                ],
                [f"def {f}(x=2):", "    return [lambda: " + v + f", {w}]"],
                [f"def {f}(x=2):", f"    return {r.choice(CLASSES)}(x).get()"],
                [
                    f"def {f}(x=0):",
                    "    try:",
                    f"        return {v}[x]",
                    "    except Exception as err:",
                    "        return type(err).__name__",
                ],
                [f"def {f}(x=0):", f"    global {v}", f"    del {v}"],
                [
                    "async def co(x=0):",
                    "    await asyncio.sleep(0)",
                    f"    return (x, {v})",
                    "try:",
                    "    print(show(await co(2)))",
                    "except Exception as e:",
                    "    print('!', type(e).__name__)",
                ],
                ["@functools.lru_cache", f"def {f}(x=0):", "    return x"],
                [f"def {f}(x=4):", "    def inner():", f"        return (x, {v})", "    return inner"],
            ]
        )

    def classes(self, depth: int) -> list[str]:
        r = self.rng
        k = r.choice(CLASSES)
        v, w = self.value(), self.value()
        get = ["    def get(self):", f"        return (self.x, {w})"]
        return r.choice(
            [
                [f"class {k}:", "    v = 1", "    def __init__(self, x):", "        self.x = x", *get],
                [
                    f"class {k}:",
                    "    v = []",
                    "    def __init__(self, x=0):",
                    "        self.x = x",
                    "        self.v.append(1)",
                    *get,
                ],
                [
                    "try:",
                    f"    class {k}:",
                    f"        v = {v}",
                    "        def __init__(self, x):",
                    "            self.x = x",
                    *("    " + g for g in get),
                    "except Exception as e:",
                    "    print('!', type(e).__name__)",
                ],
                [
                    "@dataclass",
                    f"class {k}:",
                    "    x: object = 1",
                    "    v: int = 2",
                    "    tags: list = field(default_factory=list)",
                    *get,
                ],
                [
                    "class Base:",
                    "    v = 5",
                    "    def __init__(self, x):",
                    "        self.x = x",
                    *get,
                    f"class {k}(Base):",
                    "    def get(self):",
                    "        return ('sub', super().get())",
                ],
                [
                    f"class {k}:",
                    "    made = 0",
                    "    v = 3",
                    "    def __init__(self, x):",
                    "        type(self).made += 1",
                    "        self.x = (x, type(self).made)",
                    *get,
                ],
                [
                    f"class {k}(Enum):",
                    "    v = 1",
                    "    w = 2",
                    "    def get(self):",
                    f"        return (self.value, {w})",
                ],
                [f"{k} = namedtuple('{k}', 'x')", f"{k}.v = 1"],
                [
                    f"class {k}:",
                    "    __slots__ = ('x',)",
                    "    v = 1",
                    "    def __init__(self, x):",
                    "        self.x = x",
                    *get,
                ],
            ]
        )

    def make(self, depth: int) -> list[str]:
        return self.guard(f"{self.rng.choice(OBJECTS)} = {self.rng.choice(CLASSES)}({self.anything()})")

    def tell(self, depth: int) -> list[str]:
        return self.guard(f"print(show({self.anything()}))")

    def identity(self, depth: int) -> list[str]:
        r = self.rng
        v, w = self.value(), self.value()
        return self.guard(
            r.choice(
                [
                    f"print(isinstance({v}, list) and ({v} is {w} or ({v} and {v}[0] is {w})))",
                    f"print(isinstance({r.choice(OBJECTS)}, {r.choice(CLASSES)}))",
                    f"print(isinstance({v}, np.ndarray) and np.shares_memory({v}, {w}))",
                    f"print(isinstance({r.choice(BOXES)}, list) and "
                    f"[z is {r.choice(FUNCTIONS)} for z in {r.choice(BOXES)} if callable(z)])",
                ]
            )
        )

    def delete(self, depth: int) -> list[str]:
        return self.guard(f"del {self.anything()}")

    def unpack(self, depth: int) -> list[str]:
        v, w = self.value(), self.value()
        return self.guard(
            self.rng.choice([f"{v}, *{w} = [{self.value()}, 1, 2]", f"{v}, {w} = {w}, {v}", f"{v} = {w} = []"])
        )

    def branch(self, depth: int) -> list[str]:
        test = self.rng.choice([f"isinstance({self.value()}, list)", "True", "False", f"{self.value()} == 1"])
        lines = [f"if {test}:", *self.block(depth)]
        if self.rng.random() < 0.5:
            lines += ["else:", *self.block(depth)]
        return self.guard(*lines)

    def loop(self, depth: int) -> list[str]:
        v = self.value()
        head = self.rng.choice(
            [f"for {v} in [1, [2]]:", f"for i in {v}:", "for i in range(0):", f"for i, {v} in enumerate('xy'):"]
        )
        lines = [head, *self.block(depth)]
        if self.rng.random() < 0.2:
            lines += ["else:", *self.block(depth)]
        return self.guard(*lines)

    def attempt(self, depth: int) -> list[str]:
        v = self.value()
        return [
            "try:",
            *self.block(depth),
            f"    {v} = {self.value()}",
            "    1 / 0",
            f"except Exception as {self.rng.choice(['e', v])}:",
            "    print('caught')",
            "finally:",
            *self.block(depth),
        ]

    def matching(self, depth: int) -> list[str]:
        v, w = self.value(), self.value()
        return self.guard(
            f"match {v}:",
            f"    case [{w}, *_]:",
            "        print('seq')",
            f"    case {{'k': {w}}}:",
            "        print('map')",
            "    case _:",
            f"        {w} = 0",
        )

    def within(self, depth: int) -> list[str]:
        v = self.value()
        return [
            "import contextlib",
            "with contextlib.suppress(Exception):",
            *self.block(depth),
            f"    {v} = [{self.value()}]",
        ]


def bound_names(source: str) -> set[str]:
    """Names that a cell binds or deletes anywhere, in functions by ``global`` too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Global(names=names):
                found.update(names)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
    return found & {*VALUES, *FUNCTIONS, *CLASSES, *OBJECTS, *BOXES, "make", "deco", "co", "Base", "i"}


def kept_apart(cells: list[tuple[str | None, str]], branch: str, number: int) -> list[tuple[str | None, str]]:
    """Give what a parallel branch binds names of its own; what it only reads or changes in place stays shared."""
    own: set[str] = set()
    for step, source in cells:
        if step == branch:
            own |= bound_names(source)
    if not own:
        return cells
    pattern = re.compile(r"\b(" + "|".join(sorted(own)) + r")\b(?!')")
    return [(s, pattern.sub(rf"\1_{number}", c) if s == branch else c) for s, c in cells]


def generate(seed: int) -> Program:
    """Return the program of ``seed``: a chain, a star, or free branches tied by data only."""
    rng = random.Random(seed)
    writer = Writer(rng)
    count = rng.randint(3, 6)
    names = [f"s{i}" for i in range(count)]
    shape = rng.choice(["chain", "chain", "star", "free", "free"])
    cells: list[tuple[str | None, str]] = [(None, PRELUDE)]
    after: dict[str, list[str]] = {}
    first = [f"{v} = {writer.literal()}" for v in VALUES] + ["xs = []", "box = {}", "o = p = None"]
    if rng.random() < 0.7:
        for _ in range(2):
            first += writer.define(0) + writer.classes(0)
    for i, name in enumerate(names):
        if rng.random() < 0.3:
            cells.append(
                (
                    None,
                    rng.choice(
                        ["t = 5", "def tool(x):\n    return ('tool', x)", "LIMITS = {'lo': [1]}", "import math"]
                    ),
                )
            )
        for part in range(rng.choice([1, 1, 2])):
            lines = list(first) if i == 0 and part == 0 else []
            for _ in range(rng.randint(2, 5)):
                lines += writer.statement()
            if rng.random() < 0.25:
                lines += writer.guard(
                    "await asyncio.sleep(0)", f"print(show(await asyncio.gather(asyncio.sleep(0, {writer.value()}))))"
                )
            if rng.random() < 0.15:
                lines += ["random.seed(3)", "np.random.seed(4)"] if i == 0 or shape == "chain" else []
            if rng.random() < 0.15 and shape == "chain":
                lines += [
                    "print(random.random(), np.random.rand())"
                    if any("random.seed" in c for _, c in cells) or "random.seed(3)" in lines
                    else "print('-')"
                ]
            lines += writer.tell(0)
            if rng.random() < 0.1:
                lines.append(writer.value())
            cells.append((name, "\n".join(lines)))
        if shape == "chain" and i:
            after[name] = [names[i - 1]]
        elif shape == "star" and i:
            after[name] = [names[0]] if i < count - 1 else names[1:-1]
        elif i:
            after[name] = [names[0]]
    if shape != "chain":
        for i, name in enumerate(names[1:-1], 1):
            cells = kept_apart(cells, name, i)
        own = sorted({w for _, source in cells for w in re.findall(r"\b[a-zA-Z]+_\d\b", source)})
        asked = [line for w in rng.sample(own, min(4, len(own))) for line in writer.guard(f"print(show({w}))")]
        cells.append((names[-1], "\n".join(asked or ["pass"])))
    return Program(seed, cells, after, names)


def run_in_one_namespace(program: Program) -> list[str]:
    """Execute the cells top to bottom in this process's fresh ``__main__``; return what each cell printed."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    namespace = main.__dict__
    namespace["__builtins__"] = __builtins__
    loop = asyncio.new_event_loop()
    printed = []
    for _, source in program.cells:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            tree = ast.parse(source)
            for node in tree.body:
                code = compile(ast.Module([node], []), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                if code.co_flags & inspect.CO_COROUTINE:
                    loop.run_until_complete(types.FunctionType(code, namespace)())
                else:
                    exec(code, namespace)
        printed.append(out.getvalue())
    return printed


def expected(program: Program) -> dict[str, str] | None:
    """What each step must print, from a forked process; ``None`` where the program itself does not run through."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            text = json.dumps(run_in_one_namespace(program))
        except BaseException:
            text = json.dumps({"error": traceback.format_exc()})
        with os.fdopen(write, "w") as pipe:
            pipe.write(text)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    printed = json.loads(text or "{}")  # nothing: the program ended the interpreter, by endless recursion for example
    if isinstance(printed, dict):
        return None
    whole: dict[str, str] = dict.fromkeys(program.steps, "")
    for (step, _), text in zip(program.cells, printed, strict=True):
        if step is not None:
            whole[step] += text
    return whole


def programs(start: int, count: int) -> Iterator[Program]:
    """Programs of consecutive seeds."""
    return (generate(seed) for seed in range(start, start + count))

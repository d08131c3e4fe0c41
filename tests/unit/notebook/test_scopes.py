"""Which names of a function are the notebook's: held against the compiler's own answer."""

from __future__ import annotations

import ast
import symtable
import warnings
from pathlib import Path

import pytest

from jupyter_kf.notebook.scopes import changed_by_call, class_late, function_late

LIBRARY = Path(ast.__file__).parent
MODULES = [
    "argparse.py", "ast.py", "dataclasses.py", "typing.py", "asyncio/tasks.py", "enum.py", "inspect.py", "functools.py",
    "contextlib.py", "statistics.py", "unittest/mock.py", "email/_header_value_parser.py", "datetime.py",
]  # fmt: skip


def _globals(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """(names read as globals, names written as globals) in a scope and the scopes inside it."""
    reads, writes = set(), set()
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            reads.add(symbol.get_name())
        if symbol.is_declared_global() and (symbol.is_assigned() or symbol.is_imported()):
            writes.add(symbol.get_name())
    for child in table.get_children():
        inner = _globals(child)
        reads |= inner[0]
        writes |= inner[1]
    return reads, writes


@pytest.mark.parametrize("module", MODULES)
def test_functions_of_the_standard_library(module: str) -> None:
    path = LIBRARY / module
    if not path.exists():
        pytest.skip(f"{module} is not in this Python")
    text = path.read_text("utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree, table = ast.parse(text), symtable.symtable(text, module, "exec")
    scopes = {(c.get_name(), c.get_lineno()): c for c in table.get_children() if c.get_type() == "function"}
    checked = 0
    for node in tree.body:
        scope = scopes.get((node.name, node.lineno)) if isinstance(node, ast.FunctionDef) else None
        if scope is None:
            continue
        late = function_late(node)
        reads, writes = _globals(scope)
        assert reads - set(late.reads) <= {"__class__"} | writes, node.name
        assert set(late.reads) - reads <= writes, node.name
        assert set(late.writes) >= writes, node.name
        checked += 1
    assert checked or module in {"asyncio/tasks.py", "datetime.py", "typing.py"}


def late(text: str):
    node = ast.parse(text).body[0]
    return class_late(node) if isinstance(node, ast.ClassDef) else function_late(node)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("def f(x): return x + k", "k"),
        ("def f(x, y=k): return x", ""),
        ("def f():\n    x = 1\n    def g(): return x + k\n    return g", "k"),
        ("def f():\n    return [k for k in range(3)]", "range"),
        ("def f():\n    return [j for k in a for j in k]", "a"),
        ("def f():\n    global k\n    k += 1", "k"),
        ("def f():\n    try: pass\n    except E as e: print(e)", "E print"),
        ("def f(p):\n    match p:\n        case [a, *b] | {'k': a, **b}: return a, b, c", "c"),
        ("def f():\n    class C:\n        y = 1\n        def m(self): return y\n    return C", "y"),
        ("def f():\n    if (n := len(q)): return n", "len q"),
        ("def f():\n    [(w := v) for v in q]\n    return w", "q"),
        ("def f():\n    import os.path as p, sys\n    return p, sys, os", "os"),
        ("def f():\n    x: T = 1\n    return x", ""),
        ("def f():\n    def g(a: T): pass", "T"),
        ("async def f():\n    async for i in s: await i", "s"),
        ("def f():\n    return lambda y, z=k: y + j", "k j"),
        ("class C:\n    a = 1\n    def m(self): return a + self.a", "a"),
        ("class C:\n    def m(self): return __x", "_C__x"),
        ("def f(): return eval('u + v')", "eval u v"),
        ("def f(d): return d.query('a > @lim')", "lim"),
    ],
)
def test_names_that_a_function_reads(text: str, reads: str) -> None:
    assert set(late(text).reads) == set(reads.split())


def test_what_a_function_writes_and_changes() -> None:
    body = ["global a", "a = 1", "b.append(2)", "c['k'] = 3", "d.x = 4", "e = []", "e.append(5)", "g()"]
    made = late("def f():\n    " + "\n    ".join(body))
    assert set(made.writes) == {"a"}
    assert set(made.changes) == {"b", "c", "d"}
    assert made.calls == {"g"}


@pytest.mark.parametrize(
    ("call", "name"),
    [("x.append(1)", "x"), ("x.a.b[0].update({})", "x"), ("x.drop(1, inplace=True)", "x"), ("x.drop(1)", None),
     ("x.drop(1, inplace=False)", None), ("f(x)", None), ("setattr(x, 'a', 1)", "x"), ("f().append(1)", None)],
)  # fmt: skip
def test_calls_that_change_their_object(call: str, name: str | None) -> None:
    assert changed_by_call(ast.parse(call).body[0].value) == name

"""The walk over a step's statements: what is read from before, what is bound, what surely, what is changed."""

from __future__ import annotations

import ast

import pytest

from jupyter_kf.notebook.flow import analyse
from jupyter_kf.notebook.source import translate


def facts(text: str, **options):
    tree = translate(text).tree
    assert tree is not None
    return analyse([(0, tree)], **options)


@pytest.mark.parametrize(
    ("text", "surely"),
    [
        ("if c: a = 1", ""),
        ("if c: a = 1\nelse: a = 2", "a"),
        ("if c: a = 1\nelse: raise E", "a"),
        ("if c:\n    a = 1\nelif d:\n    a = 2\nelse:\n    a = 3\n    b = 1", "a"),
        ("if __name__ == '__main__': a = 1", "a"),
        ("for i in s: a = 1", ""),
        ("for i in [1, 2]: a = i", "i a"),
        ("for i in range(3):\n    if i: continue\n    a = 1", "i"),
        ("for i in range(3):\n    b = 1\n    if i: break\n    a = 1", "i b"),
        ("for i in s: pass\nelse: a = 1", "a"),
        ("for i in s:\n    if i: break\nelse: a = 1", ""),
        ("for i in range(0): a = 1", ""),
        ("while c: a = 1", ""),
        ("while True:\n    a = 1\n    if c: break\n    b = 1", "a"),
        ("while True:\n    if c: break\n    a = 1", ""),
        ("while c: pass\nelse: a = 1", "a"),
        ("try: a = f()\nexcept E: pass", ""),
        ("try: a = f()\nexcept E: raise", "a"),
        ("try: a = f()\nexcept E: a = None", "a"),
        ("try: f()\nexcept E as e: b = 1\nelse: b = 2", "b"),
        ("try: f()\nexcept E as e: pass\nfinally: a = 1", "a"),
        ("try: a = 1\nfinally: pass", "a"),
        ("e = 1\ntry: f()\nexcept E as e: pass", ""),
        ("try: a = 1\nexcept* E: a = 2", "a"),
        ("with open(p) as h: a = 1", "h a"),
        ("with suppress(E) as h: a = 1", "h"),
        ("with mine() as h: a = 1", "h"),
        ("match v:\n    case 1: a = 1\n    case _: a = 2", "a"),
        ("match v:\n    case 1: a = 1\n    case x if x: a = 2", ""),
        ("match v:\n    case [x, *y]: a = 1", ""),
        ("match v:\n    case x: a = 1", "x a"),
        ("a = 1\ndel a", ""),
        ("a = 1\nif c: del a", ""),
        ("a = 1\nfor i in s: del a", ""),
        ("(a := 1)", "a"),
        ("c and (a := 1)", ""),
        ("(a := 1) and c", "a"),
        ("x = (a := 1) if c else (a := 2)", "x a"),
        ("x = 1 if c else (a := 2)", "x"),
        ("f(1 < (a := 2) < (b := 3))", "a"),
        ("x = [(a := i) for i in s]", "x"),
        ("a: int", ""),
        ("a: int = 1", "a"),
        ("import a.b, c.d as e\nfrom f import g as h, i", "a e h i"),
        ("a, (b, *c) = v\nd = e = 1\nf.x, g[0] = 1, 2", "a b c d e"),
        ("def f(): global a; a = 1", "f"),
        ("class C:\n    x = 1\n    global g\n    g = 2", "C g"),
        ("async def f(): pass\nasync with open(p) as h: a = 1\nasync for i in s: b = 1", "f h a"),
        ("raise E\na = 1", "a"),
        ("assert (a := 1)", "a"),
        ("%time a = f()", "a"),
        ("%%timeit\na = 1", ""),
        ("%%capture out\na = 1", "out a"),
        ("%%bash --out o --err e\nls", "o e"),
        ("x = !ls\ny = %timeit -o f()", "x y"),
        ("%%prun -l 5\na = 1", "a"),
        ("%%time\na = 1\n!echo $a", "a"),
    ],
)
def test_names_surely_bound(text: str, surely: str) -> None:
    assert facts(text).surely == set(surely.split())


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("a = b", "b"),
        ("a = 1\nb = a", ""),
        ("a += 1", "a"),
        ("a[0] = 1\nb.x = 2", "a b"),
        ("del a", "a"),
        ("del a[b]", "a b"),
        ("for i in s: print(i)\nprint(i)", "s print i"),
        ("x = [i for i in s if i > k]", "s k"),
        ("x = {k: v for k, v in p}\ny = (q for q in r)", "p r"),
        ("f = lambda x, y=d: x + late", "d"),
        ("@deco\ndef f(x: T, y=d) -> R: return late", "deco T d R"),
        ("class C(B, metaclass=M):\n    a = 1\n    b = a + c\n    l = [a for _ in s]", "B M c s a"),
        ("class C:\n    if c: x = 1\n    y = x", "c x"),
        ("class C:\n    def m(self): return late", ""),
        ("try: f()\nexcept E as e: print(e)", "f E print"),
        ("with a as b, c(b) as d: pass", "a c"),
        ("match v:\n    case C(x=1): pass\n    case m.K: pass", "v C m"),
        ("f'{a!r:>{b}}'", "a b"),
        ("await a", "a"),
        ("from __future__ import annotations\nx: T = 1\ndef f(y: U): pass", ""),
        ("x: T = 1", "T"),
        ("!echo {a} {b.c[0]} $d $$e", "a b d"),
        ("%%bash\necho {a} $HOME", "a HOME"),
        ("%timeit -n 3 f(a)", "f a"),
        ("%%timeit s = a\nf(s)", "a f"),
        ("len?", ""),
        ("df.query('x > @a and y < @b')", "df a b"),
        ("duckdb.sql('select * from frame join other using (k)')", "duckdb frame other"),
        ("if 'a' in globals(): print(a)", "globals print a"),
        ("%%R -i df,k -o out\nplot(df)", "df k"),
    ],
)
def test_names_read_from_before(text: str, uses: str) -> None:
    assert set(facts(text).uses) == set(uses.split())


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a['x'] = 1", "a"),
        ("a.b.c += 1", "a"),
        ("del a[0]", "a"),
        ("a.append(1)\nb.items.sort()", "a b"),
        ("a.dropna(inplace=True)\nb.dropna()", "a"),
        ("a += [1]", ""),
        ("f(a)", ""),
        ("for a[0] in s: pass", "a"),
        ("[x.append(1) for x in s]", ""),
        ("[a.append(x) for x in s]", "a"),
        ("with f() as a.b: pass", "a"),
        ("class C:\n    d = {}\n    d['x'] = 1", ""),
    ],
)
def test_names_changed_in_place(text: str, changes: str) -> None:
    assert set(facts(text).changes) == set(changes.split())


def test_uses_that_may_well_fail_are_not_hard() -> None:
    assert set(facts("try: a\nexcept NameError: b").hard) == {"b"} | {"NameError"}
    assert set(facts("try: a\nexcept KeyError: pass").hard) == {"a", "KeyError"}
    assert set(facts("try: a\nexcept: pass").hard) == set()
    assert set(facts("if c: a").hard) == {"c"}
    assert set(facts("for i in s: x = i\nprint(x)").hard) == {"s", "print"}
    assert set(facts("with suppress(E): a").hard) == {"suppress", "E"}


def test_annotations_wait_where_the_interpreter_waits() -> None:
    text = "x: T = 1\ndef f(y: U) -> V: pass\nclass C:\n    z: W = 1"
    assert set(facts(text).uses) == {"T", "U", "V", "W"}
    waiting = facts(text, late_annotations=True)
    assert set(waiting.uses) == set()
    assert set(waiting.defs["f"][0].reads) == {"U", "V"}


@pytest.mark.skipif(not hasattr(ast, "TypeAlias"), reason="needs the syntax of Python 3.12")
def test_type_parameters() -> None:
    made = facts("def f[T: B](x: T) -> R: return T\nclass C[T](P[T]): y: T\ntype A[T] = list[T]")
    assert {"T"} & set(made.uses) == set()
    assert {"R", "P"} <= set(made.uses)
    assert {"f", "C", "A"} <= made.surely


def test_functions_and_their_late_names() -> None:
    made = facts("def f(): return a\ng = lambda: b\nclass C:\n    def m(self): return c\nh = [lambda: d]")
    assert {n: sorted(late.reads) for n, [late] in made.defs.items()} == {"f": ["a"], "g": ["b"], "C": ["c"]}
    assert [sorted(late.reads) for late, _, _ in made.active] == [["d"]]


def test_a_decorator_that_may_call_makes_a_function_active() -> None:
    assert facts("@register\ndef f(): return a").active
    text = "@functools.lru_cache(maxsize=None)\ndef f(): return a"
    assert facts(text).active
    assert not facts(text, imported={"functools"}).active
    assert not facts("class C:\n    @property\n    def f(self): return a").active


@pytest.mark.parametrize(
    "text",
    [
        "fs = [lambda i=i: i * g() for i in x]",
        "fs = {i: (lambda: h(i)(g)) for i in x}",
        "fs = [[(lambda: [g for _ in j]) for j in i] for i in x]",
        "fs = [(g + j for j in i) for i in x]",
    ],
)
def test_what_a_comprehension_makes_reads_later(text: str) -> None:
    reads = {name for late, _, _ in facts(text).active for name in late.reads}
    assert "g" in reads
    assert not reads & {"i", "j", "x", "_"}
    assert facts("fs = [g(i) for i in x]").active == []

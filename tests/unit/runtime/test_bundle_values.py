"""Values of all kinds travel from step to step and are then what they were."""
# ruff: noqa: E501 (programs as text)

from __future__ import annotations

import sys

import pytest

from .stage import Step

# source, expressions that must be true in the next step
VALUES = {
    "plain": ("a = [1, 2.5, 'x', b'y', None, True, ..., NotImplemented, 3j, (1, 2), {3}, frozenset({4})]",
              ["a[-6] is ...", "a[-5] is NotImplemented", "a[:3] == [1, 2.5, 'x']"]),
    "standard": ("import datetime, decimal, pathlib, re, collections, random, fractions, uuid, types\n"
                 "a = [datetime.datetime(2020, 1, 2), decimal.Decimal('1.5'), pathlib.Path('x'), re.compile('a+'),\n"
                 "     collections.deque([1], 3), collections.OrderedDict(k=1), collections.Counter('aab'),\n"
                 "     range(3), slice(1, 2), fractions.Fraction(1, 3), types.SimpleNamespace(q=1)]\n"
                 "b = random.Random(3); c = random.Random(3).random()",
                 ["a[3].match('aa')", "a[4].maxlen == 3", "a[10].q == 1", "b.random() == c"]),
    "default dictionary of a lambda": ("from collections import defaultdict\na = defaultdict(lambda: [k])\nk = 1",
                                       ["a['x'] == [1]"]),
    "proxy": ("import types\nd = {'k': 1}\na = types.MappingProxyType(d)", ["d.update(z=2) or a['z'] == 2"]),
    "memory view": ("b = bytearray(b'abc')\na = memoryview(b)", ["b.__setitem__(0, 120) or bytes(a) == b'xbc'"]),
    "modules": ("import json as a, os.path as b", ["a.dumps([]) == '[]'", "b.join('x', 'y') == 'x/y'"]),
    "types": ("import types\na = [types.FunctionType, type(None), types.ModuleType, int, type, types.CellType, type(...)]",
              ["a[0] is type(lambda: 1)", "a[1] is type(None)", "a[-1] is type(...)"]),
    "closure": ("def outer():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n        return n\n"
                "    def get(): return n\n    return up, get\nup, get = outer()\nup()", ["up() == 2", "get() == 2"]),
    "recursive closure": ("def outer():\n    def fact(n): return 1 if n < 2 else n * fact(n - 1)\n    return fact\nf = outer()",
                          ["f(5) == 120"]),
    "function with everything": ("def f(a, b=[1], *, c={'k': 2}) -> int:\n    'text'\n    return (a, b, c)\nf.mark = [1]\n"
                                 "f.__name__ = 'other'", ["f(0) == (0, [1], {'k': 2})", "f.__doc__ == 'text'", "f.mark == [1]",
                                 "f.__name__ == 'other'", "f.__annotations__['return'] in (int, 'int')",
                                 "f.__module__ == '__main__'"]),
    "rebound global": ("k = 1\ndef f(): return k\ndef g():\n    global k\n    k = 5", ["f() == 1", "g() or f() == 5 and k == 5"]),
    "wrapped": ("import functools\ndef deco(fn):\n    @functools.wraps(fn)\n    def w(*a): return ('d', fn(*a))\n    return w\n"
                "@deco\ndef f(x): return x", ["f(1) == ('d', 1)", "f.__wrapped__(2) == 2", "f.__name__ == 'f'"]),
    "partial and cached": ("import functools\ndef f(x, y): return (x, y)\np = functools.partial(f, 1)\n"
                           "@functools.lru_cache(maxsize=7)\ndef c(x): return [x]",
                           ["p(2) == (1, 2)", "p.func is f", "c(1) is c(1)", "c.cache_parameters()['maxsize'] == 7"]),
    "single dispatch": ("import functools\n@functools.singledispatch\ndef f(x): return 'any'\n@f.register\ndef _(x: int): return 'int'\n"
                        "@f.register(list)\ndef g(x): return 'list'", ["f(1) == 'int'", "f([]) == 'list'", "f('') == 'any'"]),
    "generator function and coroutine": ("def g(n):\n    yield from range(n)\nasync def c(): return 1\n",
                                         ["list(g(2)) == [0, 1]", "__import__('asyncio').run(c()) == 1"]),
    "class": ("class A:\n    v = [1]\n    made = 0\n    def __init__(self, x):\n        self.x = x; type(self).made += 1\n"
              "    @property\n    def double(self): return self.x * 2\n    @staticmethod\n    def st(q): return q\n"
              "    @classmethod\n    def cl(cls): return cls.made\n    class Inner: pass\n"
              "class B(A):\n    def __init__(self, x):\n        super().__init__(x + 1)\n"
              "a = A(1); b = B(2); i = A.Inner(); m = b.cl; n = a.double",
              ["b.x == 3", "isinstance(b, A)", "type(b) is B", "a.double == 2", "B.st(4) == 4", "A.cl() == 1", "B.made == 2", "m() == 2",
               "isinstance(i, A.Inner)", "B.__mro__[1] is A", "A.v == [1]", "B(1).x == 2"]),
    "class that refers to itself": ("class A:\n    all = []\n    def __init__(self): A.all.append(self)\n    def me(self): return A\n"
                                    "A.one = A()\nclass B(A): pass\nA.sub = B",
                                    ["A.one is A.all[0]", "A.one.me() is A", "A.sub is B", "issubclass(B, A)"]),
    "slots": ("class A:\n    __slots__ = ('x', '__p')\n    def __init__(self):\n        self.x = 1; self.__p = 2\n    def p(self): return self.__p\n"
              "class B(A):\n    __slots__ = 'y'\na = A(); b = B(); b.y = 3",
              ["a.p() == 2 and a.x == 1", "not hasattr(a, '__dict__')", "b.y == 3 and b.x == 1"]),
    "dataclasses": ("from dataclasses import dataclass, field\n@dataclass(order=True, frozen=True)\nclass A:\n    x: int = 1\n"
                    "    tags: list = field(default_factory=list, compare=False)\n@dataclass(slots=True) \nclass S:\n    y: int\n"
                    "@dataclass\nclass B(A.__mro__[1]):\n    z: int = 4\na = A(2, ['t']); s = S(1)\nimport dataclasses",
                    ["a == A(2)", "A() < a", "dataclasses.replace(a, x=5).x == 5", "hash(A(1)) == hash(A(1))", "s.y == 1",
                     "dataclasses.fields(A)[0].default == 1", "dataclasses.fields(A)[1].default is dataclasses.MISSING",
                     "dataclasses.make_dataclass('C', ['q'], bases=(B,), kw_only=True)(q=1).z == 4"]),
    "enums": ("from enum import Enum, IntEnum, Flag, auto\nclass C(Enum):\n    RED = 1\n    BLUE = auto()\n    ALSO = 1\n"
              "    def low(self): return self.name.lower()\nclass I(IntEnum):\n    A = 1\nclass F(Flag):\n    X = 1\n    Y = 2\n"
              "class S(str, Enum):\n    P = 'p'\nc = C.RED; i = I.A; f = F.X | F.Y; d = {C.BLUE: 1}; s = S.P",
              ["c is C.RED", "C(1) is c", "C['BLUE'].low() == 'blue'", "i + 1 == 2", "I(1) is i", "f == F.X | F.Y", "f & F.X is F.X",
               "d[C.BLUE] == 1", "list(C) == [C.RED, C.BLUE]", "C.ALSO is c", "s == 'p' and S('p') is s", "isinstance(c, C)"]),
    "named tuples": ("from collections import namedtuple\nfrom typing import NamedTuple\nP = namedtuple('P', 'x y', defaults=[5])\n"
                     "class Q(NamedTuple):\n    a: int\n    b: str = 'z'\n    def tell(self): return self.a\np = P(1); q = Q(2)",
                     ["p == (1, 5) and type(p) is P", "q.tell() == 2 and q.b == 'z'", "P(3)._replace(y=1) == (3, 1)", "Q(a=4).a == 4"]),
    "typing": ("from typing import TypedDict, Protocol, Generic, TypeVar, runtime_checkable\nT = TypeVar('T', bound=int)\n"
               "class D(TypedDict):\n    k: int\nclass G(Generic[T]):\n    def __init__(self, x: T): self.x = x\nclass H(G[int]): pass\n"
               "@runtime_checkable\nclass Has(Protocol):\n    def go(self): ...\nclass Y:\n    def go(self): return 1\n"
               "d = D(k=1); g = G(3); h = H(4); y = Y()",
               ["d == {'k': 1}", "g.x == 3", "isinstance(h, G)", "G[int](1).x == 1", "isinstance(y, Has)", "not isinstance(1, Has)",
                "D.__required_keys__ == {'k'}"]),
    "abstract classes": ("from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def go(self): ...\nclass B(A):\n"
                         "    def go(self): return 1\nclass V: pass\nA.register(V)\nb = B()\ndef tries():\n    try: A()\n"
                         "    except TypeError: return True", ["b.go() == 1", "tries()", "isinstance(b, A)", "issubclass(V, A)"]),
    "metaclass": ("class M(type):\n    def __new__(m, n, b, d, **k):\n        log.append(n)\n        return super().__new__(m, n, b, d)\n"
                  "    def __init__(c, n, b, d, **k): super().__init__(n, b, d)\n    def __call__(c): return ('called', c.__name__)\n"
                  "log = []\nclass A(metaclass=M, opt=1): pass\n", ["A() == ('called', 'A')", "log == ['A']", "type(A) is M"]),
    "subclass hook": ("class A:\n    subs = []\n    def __init_subclass__(cls, **k): A.subs.append(cls.__name__)\nclass B(A): pass\n"
                      "class N:\n    def __set_name__(self, o, n): self.seen = getattr(self, 'seen', 0) + 1\nclass U: n = N()\n",
                      ["A.subs == ['B']", "U.n.seen == 1", "type('C', (A,), {}) and A.subs == ['B', 'C']"]),
    "classes from built-ins": ("class L(list):\n    def last(self): return self[-1]\nclass E(ValueError):\n    def __init__(self, a, b):\n"
                               "        super().__init__(a); self.b = b\n    def __reduce__(self): return (E, (self.args[0], self.b))\n"
                               "class D(dict):\n    def __missing__(self, k): return k\nl = L([1, 2]); l.n = 1; e = E(1, 2); d = D(a=1)",
                               ["l.last() == 2 and l.n == 1", "e.b == 2", "d['q'] == 'q'"]),
    "local classes": ("def make(n):\n    class K:\n        def get(self): return (n, K)\n    return K\nK1 = make(1); K2 = make(2); k = K1()",
                      ["k.get() == (1, K1)", "K2().get() == (2, K2)", "K1 is not K2"]),
    "descriptors and cached": ("import functools\nclass A:\n    @functools.cached_property\n    def c(self): return [1]\n    def __set_name__(self, *a): 1/0\n"
                               "class F:\n    def __get__(self, o, t=None): return 7\nclass B:\n    f = F()\na = A(); b = B()",
                               ["a.c is a.c", "b.f == 7"]),
    "foreign globals": ("ns = {'k': 3}\nexec('def f(): return k', ns)\nf = ns['f']\ndel ns", ["f() == 3"]),
    "weak containers": ("import weakref\nclass K: pass\nk = K()\nw = weakref.WeakKeyDictionary({k: 1})\ns = weakref.WeakSet([k])",
                        ["w[k] == 1", "k in s"]),
    "cycles": ("a = [1]; a.append(a)\nclass N: pass\nn = N(); n.me = n; t = ([],); t[0].append(t)", ["a[1] is a", "n.me is n", "t[0][0] is t"]),
    "state methods": ("class A:\n    def __init__(self): self.x = 1; self.h = object()\n    def __getstate__(self): return {'x': self.x}\n"
                      "    def __setstate__(self, s): self.__dict__.update(s, back=True)\na = A()", ["a.x == 1 and a.back", "not hasattr(a, 'h')"]),
    "markers": ("NOTHING = object()\nd = {'a': NOTHING}\ndef f(x=NOTHING): return x is NOTHING", ["d['a'] is NOTHING", "f()", "not f(1)"]),
    "bound methods": ("class A:\n    def go(self): return self\na = A(); m = a.go; u = [].append; n = 'x'.upper", ["m() is a", "n() == 'X'"]),
    "exceptions": ("try:\n    1 / 0\nexcept ZeroDivisionError as err:\n    e = err", ["type(e) is ZeroDivisionError", "'zero' in str(e)"]),
    "deep": ("a = None\nfor i in range(3000): a = [a]\ndef depth(x):\n    n = 0\n    while x: x, n = x[0], n + 1\n    return n", ["depth(a) == 3000"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_value_travels_twice_and_is_told_unchanged(tmp_path, kind):
    source, truths = VALUES[kind]
    if "slots=True" in source and sys.version_info < (3, 10):
        source = source.replace("(slots=True)", "")
    first = Step(tmp_path).run(source)
    live = [n for n in vars(first.module) if not n.startswith("__")]
    outcome = first.store(*live, wanted=live)
    assert not outcome.refused
    untouched = Step(tmp_path).take(outcome)
    assert untouched.states(*live) == dict.fromkeys(live, "unchanged")
    second = Step(tmp_path).take(outcome)
    for truth in truths:
        assert second.value(truth), truth
    again = second.store(*live, wanted=live)
    assert not again.refused
    third = Step(tmp_path).take(untouched.store(*live)).take(outcome)
    for truth in truths:
        assert third.value(truth), truth

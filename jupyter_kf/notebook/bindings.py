"""Notebook room: the namespace that the walk of ``flow`` fills: who is read, bound, deleted and changed at a moment."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from jupyter_kf.notebook.facts import Binding, Facts, Site
from jupyter_kf.notebook.scopes import Late


@dataclass(slots=True)
class Frame:
    """A namespace being filled: the notebook's, or a class body's."""

    must: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)
    globals_: set[str] = field(default_factory=set)
    defs: dict[str, Late] = field(default_factory=dict)
    name: str = ""


class Bindings:
    """What is known of names while code is walked. ``moment`` counts statements; ``depth`` the branches around the
    present one, ``unsure`` the expressions around it that may not be evaluated, ``guarded`` what catches or skips a
    missing name.
    """

    def __init__(self) -> None:
        self.facts = Facts()
        self.cell = 0
        self.moment = 0
        self.statement: ast.stmt | None = None
        self.frames = [Frame()]
        self.depth = 0
        self.unsure = 0
        self.guarded = 0

    @property
    def frame(self) -> Frame:
        """The namespace being filled."""
        return self.frames[-1]

    @property
    def must(self) -> set[str]:
        """The names surely bound in it."""
        return self.frames[-1].must

    @must.setter
    def must(self, names: set[str]) -> None:
        self.frames[-1].must = names

    def mangled(self, name: str) -> str:
        """A name as the class body around it makes it private."""
        owner = self.frame.name.lstrip("_")
        if owner and name.startswith("__") and not name.endswith("__"):
            return f"_{owner}{name}"
        return name

    def read(self, name: str, line: int, *, soft: bool = False) -> None:
        """A name is looked up now."""
        name = self.mangled(name)
        frame = self.frame
        if len(self.frames) > 1 and name not in frame.globals_:
            if name in frame.defs:
                self.facts.active.append((frame.defs[name], self.moment, Site(self.cell, line)))
            if name in frame.must:
                return
            soft = soft or name in frame.may
        self.read_outer(name, line, soft=soft)

    def read_outer(self, name: str, line: int, *, soft: bool = False) -> None:
        """A name of the notebook is looked up now, whatever class body is being walked."""
        facts = self.facts
        facts.loads.setdefault(name, self.moment)
        if name in self.frames[0].must:
            return
        site = Site(self.cell, line)
        facts.uses.setdefault(name, site)
        if name in facts.bindings:
            facts.doubtful.setdefault(name, site)
        elif soft:
            return
        elif self.guarded:
            facts.guarded.setdefault(name, site)
        else:
            facts.hard.setdefault(name, site)

    def bind(self, name: str, line: int, kind: str = "assign") -> None:
        """A name is bound now."""
        name = self.mangled(name)
        frame = self.frame
        if len(self.frames) > 1 and name not in frame.globals_:
            frame.may.add(name)
            frame.must.add(name)
            return
        self.bind_outer(name, line, kind, sure=True)

    def bind_outer(self, name: str, line: int, kind: str, *, sure: bool) -> None:
        """A name of the notebook is bound now, or may be."""
        facts, site = self.facts, Site(self.cell, line)
        plain = sure and self.depth == 0 and self.unsure == 0
        facts.bindings.setdefault(name, []).append(Binding(kind, site, plain, self.statement))
        facts.last[name] = site
        if sure:
            self.frames[0].must.add(name)
            if plain:
                facts.sure.setdefault(name, self.moment)

    def unbind(self, name: str, line: int, *, read: bool = True) -> None:
        """A name is deleted now."""
        if read:
            self.read(name, line)
        name = self.mangled(name)
        if len(self.frames) > 1 and name not in self.frame.globals_:
            self.frame.must.discard(name)
            return
        self.bind_outer(name, line, "del", sure=False)
        self.frames[0].must.discard(name)
        self.facts.sure.pop(name, None)

    def change(self, name: str | None, line: int) -> None:
        """An object is changed in place through a name."""
        if name is None:
            return
        name = self.mangled(name)
        if len(self.frames) > 1 and name in self.frame.may and name not in self.frame.globals_:
            return
        site = Site(self.cell, line)
        self.facts.changes.setdefault(name, site)
        self.facts.last[name] = site

    def later(self, late: Late, line: int) -> None:
        """Code without a name was made that may run at any time from now on."""
        self.facts.active.append((late, self.moment, Site(self.cell, line)))

    def at_once(self, late: Late, line: int) -> None:
        """Code runs now that is a scope of its own."""
        for name, where in late.reads.items():
            self.read_outer(name, where)
        for name, where in late.changes.items():
            if name not in self.frame.may or len(self.frames) == 1:
                self.facts.changes.setdefault(name, Site(self.cell, where))
                self.facts.last[name] = Site(self.cell, where)
        for name in late.writes:
            self.bind_outer(name, line, "assign", sure=False)
        self.facts.calls |= late.calls

"""Notebook room: words for what a piece of the notebook does with names; ``flow`` fills them in."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

from jupyter_kf.notebook.scopes import Late


class Site(NamedTuple):
    """Where something stands: index of the cell in the notebook, line in the cell."""

    cell: int
    line: int


class Binding(NamedTuple):
    """One binding of a name: ``kind`` is ``import``, ``def``, ``class``, ``del`` or ``assign``; ``plain`` where it
    happens whenever the code runs; ``statement`` is the top-level statement it is part of.
    """

    kind: str
    site: Site
    plain: bool
    statement: ast.stmt | None


@dataclass(slots=True)
class Facts:
    """What a piece of the notebook does with names.

    ``uses``: read while not surely bound, first site; of these ``hard`` are a ``NameError`` if nothing came before,
    ``guarded`` stand in a branch or are caught, ``doubtful`` may have been bound here before.
    ``loads``: every name read, with the moment (a count of statements) of the first. ``sure``: names that stay bound
    from a moment on. ``surely``: bound at the end. ``defs``: functions made, by name. ``active``: code without a name
    (lambdas, generators) that may run at any time from a moment on.
    """

    uses: dict[str, Site] = field(default_factory=dict)
    hard: dict[str, Site] = field(default_factory=dict)
    doubtful: dict[str, Site] = field(default_factory=dict)
    guarded: dict[str, Site] = field(default_factory=dict)
    loads: dict[str, int] = field(default_factory=dict)
    sure: dict[str, int] = field(default_factory=dict)
    surely: set[str] = field(default_factory=set)
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    changes: dict[str, Site] = field(default_factory=dict)
    last: dict[str, Site] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    defs: dict[str, list[Late]] = field(default_factory=dict)
    active: list[tuple[Late, int, Site]] = field(default_factory=list)
    stars: list[tuple[str, int, Site]] = field(default_factory=list)
    future: set[str] = field(default_factory=set)

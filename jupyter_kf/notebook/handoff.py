"""Notebook room: who gives what to whom. Liveness over steps, by the rule of design paper 0001.

Near linear in the size of the notebook: each name is looked up in the list of steps that bind it, ancestors are bit
masks, and what is live is carried backwards once.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jupyter_kf.model.pipeline import IMPLICIT_NAMES, PRIVATE_NAMES, StepOptions
from jupyter_kf.notebook.document import DocumentCell
from jupyter_kf.notebook.facts import Facts, Site
from jupyter_kf.notebook.fragments import BUILTINS, Piece, Shelf
from jupyter_kf.notebook.scopes import Late
from jupyter_kf.notebook.traces import Traces

_NEVER = 1 << 60


class Demand(NamedTuple):
    """Why a step needs a name: ``how`` is ``hard`` (plain use), ``guarded``, ``late`` (read by a function), ``called``
    (read by a function that the step calls), ``doubtful`` (the step itself may have bound it), ``quiet`` (named in
    text) or ``passes`` (the step binds it on some path only).
    """

    how: str
    site: Site
    through: str = ""


@dataclass(slots=True, eq=False)
class Draft:
    """A step while it is worked out; the sets are the fields of the model's ``Step``."""

    name: str
    index: int
    cells: list[DocumentCell]
    options: StepOptions
    facts: Facts
    traces: Traces = field(default_factory=Traces)
    future: tuple[str, ...] = ()
    binds: set[str] = field(default_factory=set)
    surely: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    demands: dict[str, Demand] = field(default_factory=dict)
    missing: dict[str, Demand] = field(default_factory=dict)
    stars: dict[str, list[str]] = field(default_factory=dict)
    replay: dict[str, Piece] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    order: set[int] = field(default_factory=set)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: set[str] = field(default_factory=set)
    ancestors: int = 0

    @property
    def first(self) -> int:
        """Index of the first cell."""
        return self.cells[0].index

    @property
    def last(self) -> int:
        """Index of the last cell."""
        return self.cells[-1].index

    @property
    def after(self) -> set[int]:
        """The steps that come directly before."""
        return self.order | set(self.inputs.values())


def is_private(name: str) -> bool:
    """True for names that never travel: ``_``, ``_i3``, ``In`` …"""
    return name in PRIVATE_NAMES or (
        name.startswith("_") and (name[1:].isdigit() or (name[:2] == "_i" and name[2:].isdigit()))
    )


class Handoff:
    """Works out the hand-over between the steps of one notebook."""

    def __init__(
        self, drafts: list[Draft], shelf: Shelf, parameters: Iterable[str], frozen: set[str], stars: list[Piece]
    ) -> None:
        self.drafts = drafts
        self.shelf = shelf
        self.parameters = set(parameters)
        self.frozen = frozen
        self.stars = stars
        self.binders: dict[str, list[int]] = {}
        self.sure: dict[str, list[int]] = {}
        self.changers: dict[str, list[int]] = {}
        self.makers: dict[str, list[int]] = {}
        self.late_names: set[str] = set()
        self.constant = [p for p in shelf.pieces if p.always and p.owner < 0]

    def work_out(self) -> None:
        """Fill every draft."""
        for draft in self.drafts:
            self._close(draft)
            for name in draft.binds:
                self.binders.setdefault(name, []).append(draft.index)
            for name in draft.surely:
                self.sure.setdefault(name, []).append(draft.index)
            for name in draft.facts.defs:
                self.makers.setdefault(name, []).append(draft.index)
        self._collect_late()
        self._carry_back()
        for draft in self.drafts:
            self._produce(draft)

    # -- what a step needs

    def _close(self, draft: Draft) -> None:
        facts = draft.facts
        declared = set(draft.options.outputs)
        draft.binds = {n for n in facts.bindings if n not in self.frozen and not is_private(n)} | declared
        draft.surely = (facts.surely & draft.binds) | declared
        draft.binds |= set(draft.traces.seeds)
        draft.surely |= draft.traces.sure
        closure = _Closure(self, draft)
        closure.run()
        draft.changes = {n for n in draft.changes if n in draft.demands}

    def earlier(self, table: Mapping[str, list[int]], name: str, index: int) -> int:
        """The last step before ``index`` that a table lists for ``name``, -1 where there is none."""
        steps = table.get(name)
        if not steps:
            return -1
        place = bisect.bisect_left(steps, index)
        return steps[place - 1] if place else -1

    def upstream_defs(self, name: str, index: int) -> Iterable[Late]:
        """Functions that ``name`` may be when step ``index`` begins."""
        steps = self.makers.get(name)
        if not steps:
            return
        floor = self.earlier(self.sure, name, index)
        for step in reversed(steps[: bisect.bisect_left(steps, index)]):
            if step < floor:
                break
            yield from self.drafts[step].facts.defs[name]

    def _collect_late(self) -> None:
        names: set[str] = set()
        for draft in self.drafts:
            for made in draft.facts.defs.values():
                for late in made:
                    names.update(late.reads)
            for late, _, _ in draft.facts.active:
                names.update(late.reads)
        for piece in self.shelf.pieces:
            names.update(piece.late().reads)
        self.late_names = {n for n in names if self.travels(n)}

    def travels(self, name: str) -> bool:
        """True for a name whose value may have to be shipped."""
        if is_private(name) or (name in self.frozen and name not in self.binders):
            return False
        return name not in BUILTINS or name in self.binders or name in self.parameters

    # -- what lives

    def _carry_back(self) -> None:
        live: set[str] = set()
        wanted: set[str] = set()
        for draft in reversed(self.drafts):
            later = draft.index + 1 < len(self.drafts)
            draft.live = (live | self.late_names if later else set(live)) | set(draft.options.outputs)
            draft.wanted = set(wanted)
            draft.needs = {n for n in draft.demands if self.travels(n) or n not in BUILTINS} - self._settled(draft)
            site = Site(draft.first, 1)
            for name in (draft.binds - draft.surely) & draft.live:
                if name not in draft.needs and self._known(name, draft.index):
                    draft.needs.add(name)
                    draft.demands.setdefault(name, Demand("passes", site))
            live = (live - draft.surely) | draft.needs
            textual = {n for n in draft.needs if draft.demands[n].how != "passes"}
            wanted = (wanted - draft.surely) | textual

    def _settled(self, draft: Draft) -> set[str]:
        return {n for n in draft.demands if n in self.frozen and n not in self.binders}

    def _known(self, name: str, index: int) -> bool:
        return (
            self.earlier(self.binders, name, index) >= 0
            or name in self.parameters
            or self.shelf.seen(name, index, self.drafts[index].last) is not None
        )

    # -- who makes it

    def _produce(self, draft: Draft) -> None:
        for name in sorted(draft.needs):
            binder = self.earlier(self.binders, name, draft.index)
            changer = self.earlier(self.changers, name, draft.index)
            producer = max(binder, changer)
            if producer >= 0:
                draft.inputs[name] = producer
                self.drafts[producer].outputs.add(name)
        for name in draft.changes & draft.needs:
            self.changers.setdefault(name, []).append(draft.index)

    def order_ancestors(self) -> None:
        """Give each step the set of those that surely come before it, as a bit mask."""
        for draft in self.drafts:
            mask = 0
            for step in draft.after:
                mask |= self.drafts[step].ancestors | (1 << step)
            draft.ancestors = mask

    def clashes(self) -> Iterable[tuple[str, Draft, Draft, Draft]]:
        """Yield (name, one, other, reader) for two unordered steps that both may bind what a later step needs."""
        for draft in self.drafts:
            for name in sorted(draft.inputs):
                if name in IMPLICIT_NAMES or draft.demands[name].how in {"passes", "doubtful", "quiet"}:
                    continue
                steps = self.binders.get(name, ())
                before = steps[: bisect.bisect_left(steps, draft.index)]
                if len(before) < 2:
                    continue
                last = self.drafts[before[-1]]
                for other in reversed(before[:-1]):
                    if not last.ancestors >> other & 1:
                        yield name, self.drafts[other], last, draft
                        break


class _Closure:
    """What one step needs: its own reads, and what every function it loads reads when called, transitively."""

    def __init__(self, handoff: Handoff, draft: Draft) -> None:
        self.handoff = handoff
        self.draft = draft
        self.seen: dict[str, int] = {}
        self.called: set[str] = set()

    def run(self) -> None:
        draft, facts = self.draft, self.draft.facts
        self.called = set(facts.calls)
        for name, site in facts.uses.items():
            how = (
                "hard" if name in facts.hard else "doubtful" if name in facts.doubtful
                else "guarded" if name in facts.guarded else "quiet"
            )  # fmt: skip
            self.demand(name, Demand(how, site))
        for name in draft.options.inputs:
            self.demand(name, Demand("hard", Site(draft.first, 1)))
        for name, site in draft.traces.draws.items():
            if name not in draft.traces.sure or site < draft.traces.seeds[name]:
                self.demand(name, Demand("quiet", site))
        for piece in self.handoff.constant:
            if piece.position[0] < draft.last:
                self.replay(piece)
        draft.changes.update(n for n in facts.changes)
        for late, moment, site in facts.active:
            self.activate(late, moment, site, "late", "")
        for name, moment in sorted(facts.loads.items(), key=lambda item: item[1]):
            self.load(name, moment)

    def load(self, name: str, moment: int) -> None:
        """A name is read at a moment of the step; functions it may stand for can run from then on."""
        if self.seen.get(name, _NEVER) <= moment:
            return
        self.seen[name] = moment
        draft, facts = self.draft, self.draft.facts
        how = "called" if name in self.called else "late"
        site = facts.uses.get(name) or Site(draft.first, 1)
        for late in facts.defs.get(name, ()):
            self.activate(late, moment, site, how, name)
        if facts.sure.get(name, _NEVER) < moment:
            return
        for late in self.handoff.upstream_defs(name, draft.index):
            self.activate(late, moment, site, how, name)
        piece = self.handoff.shelf.seen(name, draft.index, draft.last)
        if piece is not None:
            for late in piece.facts.defs.get(name, ()):
                self.activate(late, moment, site, how, name)

    def activate(self, late: Late, moment: int, site: Site, how: str, through: str) -> None:
        """A function may run from a moment on."""
        draft, facts = self.draft, self.draft.facts
        if how == "called":
            self.called |= late.calls
            draft.changes.update(late.changes)
        for name in late.writes:
            if name not in self.handoff.frozen and not is_private(name):
                draft.binds.add(name)
        for name in late.reads:
            if facts.sure.get(name, _NEVER) >= moment:
                self.demand(name, Demand(how, site, through))
            self.load(name, moment)

    def demand(self, name: str, demand: Demand) -> None:
        """The step needs a name from outside, if anything there makes it."""
        draft, handoff = self.draft, self.handoff
        if is_private(name) or _weaker(demand, draft.demands.get(name)):
            return
        piece = handoff.shelf.seen(name, draft.index, draft.last)
        binder = handoff.earlier(handoff.binders, name, draft.index)
        if piece is not None and name in handoff.frozen:
            self.replay(piece)
            return
        if piece is None and binder < 0 and name not in handoff.parameters:
            if name in BUILTINS:
                return
            star = self._star()
            if star is not None:
                draft.stars.setdefault(star.id, []).append(name)
                self.replay(star)
                return
            if demand.how == "quiet":
                return
            draft.missing.setdefault(name, demand)
            if _weaker(draft.missing[name], demand):
                draft.missing[name] = demand
        draft.demands[name] = demand
        if piece is not None and handoff.earlier(handoff.sure, name, draft.index) < 0:
            self.replay(piece)

    def _star(self) -> Piece | None:
        for piece in reversed(self.handoff.stars):
            if piece.owner < self.draft.index and (piece.owner >= 0 or piece.position[0] < self.draft.last):
                return piece
        return None

    def replay(self, piece: Piece, *, early: bool = False) -> None:
        """The step replays a piece, and before it what the piece needs.

        A piece of the step's own cells is replayed only where another piece needs it before the cells run (``early``).
        """
        draft = self.draft
        if piece.id in draft.replay or (piece.owner == draft.index and not early):
            return
        draft.replay[piece.id] = piece
        for name in piece.needs():
            below = self.handoff.shelf.before(name, piece)
            if below is not None and below.owner <= draft.index:
                self.replay(below, early=True)
            elif name in self.handoff.parameters:
                draft.demands.setdefault(
                    name, Demand("quiet", Site(piece.cell_index, piece.line), piece.names[0] if piece.names else "")
                )
        for name in piece.facts.loads:
            self._load_of_piece(name, piece)
        for name in piece.names:
            for other in self.handoff.shelf.by_effect.get(name, ()):
                if other.position > piece.position and other.owner < 0 and other.position[0] < draft.last:
                    self.replay(other)

    def _load_of_piece(self, name: str, piece: Piece) -> None:
        """A piece reads a function while it executes: what that reads must be there, too."""
        made = list(piece.facts.defs.get(name, ()))
        below = self.handoff.shelf.before(name, piece)
        if below is not None:
            made += below.facts.defs.get(name, ())
        for late in made:
            for read in late.reads:
                other = self.handoff.shelf.before(read, piece)
                if other is not None and other is not piece:
                    self.replay(other)


_STRENGTH = {"quiet": 0, "passes": 0, "doubtful": 1, "late": 2, "guarded": 2, "called": 3, "hard": 4}


def _weaker(new: Demand, old: Demand | None) -> bool:
    return old is not None and _STRENGTH[new.how] <= _STRENGTH[old.how]

"""Notebook room: what each cell is for. Directives and tags, in both dialects, become one role a cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from jupyter_kf.model.pipeline import StepOptions
from jupyter_kf.notebook.directives import (
    Directive,
    is_kale_tag,
    misplaced_directive,
    parse_directive,
    parse_kale_tags,
    parse_tags,
)
from jupyter_kf.notebook.document import Document, DocumentCell
from jupyter_kf.notebook.facts import Site
from jupyter_kf.notebook.lint import Report
from jupyter_kf.notebook.rewriting import directive_edit, moved_up, without_option

#: Kale's key in the notebook's metadata.
KALE_KEY = "kubeflow_notebook"

_FLAGS = {
    "after": "--after", "image": "--image", "packages": "--packages", "cpu": "--cpu", "memory": "--memory",
    "gpu": "--gpu", "accelerator": "--accelerator", "env": "--env", "secrets": "--secret", "retries": "--retries",
    "timeout": "--timeout", "cache": "--no-cache", "inputs": "--in", "outputs": "--out",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A code cell with its role: ``step params setup skip imports functions metrics``, or empty for a shared cell."""

    cell: DocumentCell
    role: str
    step: str = ""


@dataclass(slots=True)
class Marking:
    """The roles of all code cells; ``options`` of each step; ``whole`` where nothing is marked at all."""

    dialect: Literal["kubeflow", "kale"]
    marks: list[Mark] = field(default_factory=list)
    options: dict[str, StepOptions] = field(default_factory=dict)
    lines: dict[str, Site] = field(default_factory=dict)
    whole: bool = False


def mark_cells(document: Document, report: Report) -> Marking:
    """Give each code cell its role, and report what is wrong with directives and tags."""
    only_kale = [c for c in document.code if any(is_kale_tag(t) for t in c.tags)]
    kale = bool(only_kale) or isinstance(document.metadata.get(KALE_KEY), dict)
    marking = Marking("kale" if kale else "kubeflow")
    previous = Mark(document.cells[0], "") if document.cells else None
    marked = False
    given: dict[str, list[tuple[Directive, DocumentCell]]] = {}
    for cell in document.code:
        written = parse_directive(cell.source)
        tagged = (parse_kale_tags if kale else parse_tags)(cell.tags)
        for directive in (written, tagged):
            if directive is not None:
                marked = True
                for problem in directive.problems:
                    report.problem(problem, cell, directive.line)
        if kale and written is not None:
            _mixed(report, cell, written)
        directive = _one(report, cell, written, tagged)
        if directive is None and "%%kubeflow" in cell.source:
            marked = _misplaced(report, cell) or marked
        if directive is None and not kale:
            marking.marks.append(Mark(cell, ""))
            continue
        mark = _kale_mark(cell, directive, previous) if kale else _mark(cell, directive)
        marking.marks.append(mark)
        if mark.role != "skip":
            previous = mark
        if mark.role == "step" and directive is not None:
            given.setdefault(mark.step, []).append((directive, cell))
            marking.lines.setdefault(mark.step, Site(cell.index, directive.line))
    for name, directives in given.items():
        marking.options[name] = _merged(report, name, directives)
    for mark in marking.marks:
        if mark.role == "step":
            marking.options.setdefault(mark.step, StepOptions())
            marking.lines.setdefault(mark.step, Site(mark.cell.index, 1))
    marking.whole = not marked
    if marking.options and not kale:
        _papermill_parameters(marking)
    return marking


def _misplaced(report: Report, cell: DocumentCell) -> bool:
    line = misplaced_directive(cell.source)
    if line is None:
        return False
    report.say(
        "KF107",
        Site(cell.index, line),
        "This directive has no effect: it is not the first line of its cell.",
        "Move it to the top of the cell; only blank lines may stand above it.",
        edit=moved_up(cell, line),
    )
    return True


def _mark(cell: DocumentCell, directive: Directive | None) -> Mark:
    if directive is None or not directive.verb:
        return Mark(cell, "skip" if directive is not None else "")
    return Mark(cell, directive.verb, directive.name)


def _kale_mark(cell: DocumentCell, directive: Directive | None, previous: Mark | None) -> Mark:
    """Kale's rule: a cell without a role joins the cell above; above the first role there is nothing to join."""
    if directive is not None and directive.verb:
        return Mark(cell, directive.verb, directive.name)
    if previous is None or not previous.role:
        return Mark(cell, "skip")
    return Mark(cell, previous.role, previous.step)


def _mixed(report: Report, cell: DocumentCell, written: Directive) -> None:
    report.say(
        "KF113",
        Site(cell.index, written.line),
        "The notebook is marked with Kale's tags, and with a `%%kubeflow` directive here.",
        "Use one of the two; without Kale's tags and its entry in the notebook's metadata, directives hold.",
        why="Kale joins an untagged cell to the one above it, directives leave it out: the two cannot be told apart.",
    )


def _one(report: Report, cell: DocumentCell, written: Directive | None, tagged: Directive | None) -> Directive | None:
    """A cell with a directive and tags that say the same is fine."""
    if written is None or tagged is None or not tagged.verb:
        return written if written is not None else tagged
    if (written.verb, written.name) != (tagged.verb, tagged.name) and written.verb:
        shown = f"step:{tagged.name}" if tagged.verb == "step" else tagged.verb
        report.say(
            "KF111",
            Site(cell.index, written.line),
            f"The directive says `{written.verb} {written.name}`".rstrip(" `") + f"`, the cell's tag {shown!r}.",
            "Keep one of them.",
        )
    return written


def _merged(report: Report, name: str, directives: Iterable[tuple[Directive, DocumentCell]]) -> StepOptions:
    """Join what the cells of one step say; lists add up, single values must agree."""
    merged = StepOptions()
    taken: dict[str, Any] = {}
    for directive, cell in directives:
        for each in fields(StepOptions):
            if _FLAGS[each.name] not in directive.given:
                continue
            value, old = getattr(directive.options, each.name), taken.get(each.name)
            if isinstance(value, tuple):
                value = (*(old or ()), *(v for v in value if v not in (old or ())))
            elif each.name == "env":
                both = {**(old or {}), **value}
                if any(both[k] != v for k, v in (old or {}).items()):
                    _conflict(report, name, "--env", cell, directive)
                value = both
            elif old is not None and old != value:
                _conflict(report, name, _FLAGS[each.name], cell, directive)
                continue
            taken[each.name] = value
    return replace(merged, **taken)


def _conflict(report: Report, name: str, option: str, cell: DocumentCell, directive: Directive) -> None:
    report.say(
        "KF111",
        Site(cell.index, directive.line),
        f"Step {name!r} has another value of `{option}` in a cell above.",
        f"Write `{option}` once.",
        edit=None
        if directive.by_tag or option == "--env"
        else directive_edit(cell, directive.line, without_option(directive.text, option, takes_value=True)),
    )


def _papermill_parameters(marking: Marking) -> None:
    """Papermill's ``parameters`` cell serves where steps are marked and no cell is marked ``params``."""
    if any(m.role == "params" for m in marking.marks):
        return
    for place, mark in enumerate(marking.marks):
        if not mark.role and "parameters" in mark.cell.tags:
            marking.marks[place] = Mark(mark.cell, "params")

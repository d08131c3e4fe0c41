"""Notebook room: the one-click fixes that findings about the hand-over offer, where one is plain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from jupyter_kf.notebook.directives import parse_directive
from jupyter_kf.notebook.handoff import Draft
from jupyter_kf.notebook.reading import Reading
from jupyter_kf.notebook.rewriting import (
    Edit,
    added_to_list,
    changed_list,
    directive_edit,
    lines_edit,
    marking_edit,
    replaced_word,
)


def edit_mark(reading: Reading, index: int, words: str) -> Edit | None:
    """Mark a cell that has no directive."""
    return marking_edit(reading.document.cells, reading.document.cells[index], words)


def edit_list(draft: Draft, option: str, value: str, better: str | None = None) -> Edit | None:
    """Take a value off a step's option, or write a better one in its place; tags are left alone."""
    for cell in draft.cells:
        directive = parse_directive(cell.source)
        if directive is None:
            continue

        def changed(values: list[str]) -> list[str]:
            kept = [(better or "") if v == value else v for v in values]
            return list(dict.fromkeys(v for v in kept if v))

        text = changed_list(directive.text, option, changed)
        if text != directive.text:
            return directive_edit(cell, directive.line, text)
    return None


def edit_after(draft: Draft, name: str) -> Edit | None:
    """Let a step run after another; one that only tags mark gets no edit."""
    for cell in draft.cells:
        directive = parse_directive(cell.source)
        if directive is not None:
            return directive_edit(cell, directive.line, added_to_list(directive.text, "--after", name))
    return None


def edit_own_step(reading: Reading, draft: Draft, index: int) -> Edit | None:
    """Give one of a step's cells a step of its own, named after the old one."""
    cell = reading.document.cells[index]
    directive = parse_directive(cell.source)
    if directive is None or directive.verb != "step" or directive.text.split()[1:2] != [draft.name]:
        return None
    taken = {d.name for d in reading.drafts}
    name = next(n for n in (f"{draft.name}_{i}" for i in itertools.count(2)) if n not in taken)
    return directive_edit(cell, directive.line, replaced_word(directive.text, 1, name))


def edit_star(reading: Reading, index: int, line: int, module: str, names: Iterable[str]) -> Edit | None:
    """Import by name what a star import gives, where it stands alone on its line."""
    cell = reading.document.cells[index]
    lines = cell.source.split("\n")
    if line > len(lines) or lines[line - 1].partition("#")[0].split() != ["from", module, "import", "*"]:
        return None
    better = lines[line - 1].replace("*", ", ".join(names), 1)
    return lines_edit(cell, line, line, better)

"""Notebook room, the only door: a notebook becomes a :class:`~jupyter_kf.model.pipeline.Pipeline`.

``document → marks → source → flow → fragments → traces → handoff → checks``: none of these knows of those after it.
"""

from __future__ import annotations

import ast
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_kf.errors import NotebookError
from jupyter_kf.model.pipeline import Cell, Diagnostic, Input, Pipeline, Step
from jupyter_kf.notebook.checks import check, declared_edges, file_edges
from jupyter_kf.notebook.document import Document, read_document
from jupyter_kf.notebook.facts import Site
from jupyter_kf.notebook.handoff import Draft, Handoff
from jupyter_kf.notebook.lint import Report, from_error
from jupyter_kf.notebook.marks import Mark, Marking, mark_cells
from jupyter_kf.notebook.reading import Reading

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a notebook is as a pipeline.

    ``pipeline`` is ``None`` where an error leaves none to speak of; ``whole`` says that nothing is marked, so that the
    notebook runs as it is. ``marks`` are the code cells with their roles.
    """

    pipeline: Pipeline | None
    diagnostics: tuple[Diagnostic, ...]
    dialect: str = "kubeflow"
    document: Document | None = None
    whole: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def ok(self) -> bool:
        """True where no finding is an error."""
        return not any(d.severity == "error" for d in self.diagnostics)


def convert(
    path_or_bytes: str | os.PathLike[str] | bytes,
    *,
    kernel_python: str | None = None,
    overrides: Mapping[str, str] | None = None,
    in_order: bool = False,
    path: str = "",
) -> Conversion:
    """Read a notebook and work out its pipeline; nothing in it is executed, and nothing about it raises.

    ``kernel_python`` is the interpreter the steps will run in, ``overrides`` maps cell ids to newer text, and with
    ``in_order`` each step waits for the one above it. ``path`` is where a notebook lies that comes as bytes.
    """
    try:
        document = read_document(path_or_bytes, overrides=overrides, path=path)
    except NotebookError as error:
        return Conversion(None, (from_error(error),))
    report = Report(document)
    marking = mark_cells(document, report)
    marks = tuple(marking.marks)
    if marking.whole:
        bare = Pipeline(document.name, marking.dialect, (), (), **_origin(document))
        return Conversion(bare, report.result(), marking.dialect, document, True, marks)
    if document.language not in {"python", "ipython"}:
        report.say(
            "KF115",
            None,
            f"The notebook's language is {document.language!r}; steps are cells of Python notebooks only.",
            "Take the directives away: without any, the notebook runs whole, whatever its kernel.",
        )
        return Conversion(None, report.result(), marking.dialect, document, marks=marks)
    if not marking.options:
        report.say("KF114", None, "No cell is marked as a step.", "Mark cells with `%%kubeflow step NAME`.")
        return Conversion(None, report.result(), marking.dialect, document, marks=marks)
    pipeline = _guarded_pipeline(document, marking, report, kernel_python, in_order)
    return Conversion(pipeline, report.result(), marking.dialect, document, marks=marks)


def _origin(document: Document) -> dict[str, Any]:
    return {"notebook": document.path, "kernel": document.kernel, "language": document.language}


def _guarded_pipeline(
    document: Document, marking: Marking, report: Report, kernel_python: str | None, in_order: bool
) -> Pipeline | None:
    """Leave out cells that are nested beyond the interpreter's stack, if there are any."""
    try:
        return _pipeline(document, marking, report, kernel_python, in_order=in_order)
    except RecursionError:
        deep = Reading(document, marking, Report(document), kernel_python).deep_cells()
    for index in sorted(deep):
        report.say(
            "KF116",
            Site(index, 1),
            "The cell is nested too deeply to be analysed.",
            "Split its longest expression into several statements.",
        )
    try:
        return _pipeline(document, marking, report, kernel_python, in_order=in_order, left_out=deep)
    except RecursionError:
        _log.warning("analysis of %s needs more stack than there is", document.name)
        report.say("KF116", None, "The notebook is nested too deeply to be analysed.", "Split its longest expressions.")
        return None


def _pipeline(
    document: Document,
    marking: Marking,
    report: Report,
    kernel_python: str | None,
    *,
    in_order: bool,
    left_out: frozenset[int] = frozenset(),
) -> Pipeline:
    reading = Reading(document, marking, report, kernel_python, left_out)
    reading.read()
    handoff = Handoff(reading.drafts, reading.shelf, reading.parameters, reading.frozen, reading.stars)
    declared_edges(reading, report)
    handoff.work_out()
    file_edges(reading, report)
    if in_order:
        for draft in reading.drafts[1:]:
            draft.order.add(draft.index - 1)
    handoff.order_ancestors()
    check(reading, handoff, report)
    steps = tuple(_step(d, reading.drafts) for d in reading.drafts)
    return Pipeline(
        name=_name(document, marking),
        dialect=marking.dialect,
        parameters=tuple(reading.parameters.values()),
        steps=steps,
        fragments=tuple(p.fragment() for p in reading.shelf.pieces),
        modules=_modules(reading),
        metrics=reading.metrics,
        **_origin(document),
    )


def _name(document: Document, marking: Marking) -> str:
    table = document.metadata.get("kubeflow_notebook")
    given = table.get("pipeline_name") if marking.dialect == "kale" and isinstance(table, dict) else None
    return given if isinstance(given, str) and given.strip() else document.name


def _step(draft: Draft, drafts: list[Draft]) -> Step:
    def names(steps: set[int]) -> tuple[str, ...]:
        return tuple(drafts[s].name for s in sorted(steps))

    return Step(
        name=draft.name,
        cells=tuple(Cell(c.id, c.index, c.source) for c in draft.cells),
        inputs=tuple(Input(n, drafts[p].name) for n, p in sorted(draft.inputs.items())),
        outputs=tuple(sorted(draft.outputs)),
        after=names(draft.after),
        order=names(draft.order),
        needs=tuple(sorted(draft.needs)),
        binds=tuple(sorted(draft.binds)),
        surely=tuple(sorted(draft.surely)),
        changes=tuple(sorted(draft.changes)),
        replay=tuple(p.id for p in sorted(draft.replay.values(), key=lambda p: p.position)),
        live=tuple(sorted(draft.live)),
        wanted=tuple(sorted(draft.wanted)),
        options=draft.options,
        future=draft.future,
    )


def _modules(reading: Reading) -> tuple[str, ...]:
    """Top-level packages that the pipeline cannot do without, in order of appearance."""
    found: dict[str, None] = {}
    used = {p for d in reading.drafts for p in d.replay}
    for draft in reading.drafts:
        for cell in draft.cells:
            tree = reading.trees.get(cell.index)
            for module in _imported(tree.body) if tree is not None else ():
                found.setdefault(module)
    for piece in reading.shelf.pieces:
        if piece.id in used:
            for module in _imported(reading.statements.get(piece.id, ())):
                found.setdefault(module)
    return tuple(found)


def _imported(statements: list[ast.stmt] | tuple[ast.stmt, ...]) -> list[str]:
    """Modules imported by statements, without those whose absence is handled."""
    found: list[str] = []
    stack: list[ast.AST] = list(reversed(statements))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            found.extend(a.name.partition(".")[0] for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level and node.module != "__future__":
                found.append(node.module.partition(".")[0])
        elif isinstance(node, ast.Try) and node.handlers:
            stack.extend([*node.orelse, *node.finalbody])
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))
    return found

"""Workbench room: from a notebook's file, or a run's snapshot, to a pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import KFError, NotebookError
from jupyter_kf.model.pipeline import Diagnostic, Pipeline
from jupyter_kf.workbench.views import CellMark, CheckView

if TYPE_CHECKING:
    from jupyter_kf.config import Settings
    from jupyter_kf.model.run import Run
    from jupyter_kf.store import Store

#: What Kale's roles are here.
_ROLES = {"imports": "setup", "functions": "setup"}


def check_notebook(
    path: Path, overrides: Mapping[str, str], *, in_order: bool = False, content: bytes | None = None
) -> CheckView:
    """Convert a notebook and gather what was found; what cannot be read at all is a finding, too.

    ``content``: the notebook's bytes instead of those of the file at ``path``.
    """
    from jupyter_kf.notebook import convert

    try:
        source = path if content is None else content
        found = convert(source, overrides=overrides or None, in_order=in_order, path=str(path))
    except NotebookError as exc:
        return CheckView(str(path), None, (diagnostic_of(exc),))
    document = found.document
    cells = document.cells if document is not None else ()
    parameters: list[dict[str, Any]] = []
    if found.whole and document is not None:
        from jupyter_kf.nbrun import read_parameters

        declared = read_parameters(document)
        parameters = [{"name": p.name, "type": p.type, "default": p.default} for p in declared.parameters]
    known = {cell.id for cell in cells}
    return CheckView(
        notebook=str(path),
        pipeline=found.pipeline,
        diagnostics=found.diagnostics,
        dialect=found.dialect,
        whole=found.whole,
        sources={cell.id: cell.source for cell in cells},
        parameters=tuple(parameters),
        replaced=tuple(cell for cell in overrides if cell in known),
        marks=tuple(
            CellMark(m.cell.id, m.cell.index, _ROLES.get(m.role, m.role), m.step) for m in found.marks if m.role
        ),
    )


def diagnostic_of(error: KFError) -> Diagnostic:
    """Return an error as a finding."""
    return Diagnostic(
        code=error.code,
        severity="error",
        message=error.message,
        fix=error.fix,
        cell=error.cell,
        cell_index=error.cell_index,
        line=error.line,
    )


def overridden(content: bytes, overrides: Mapping[str, str]) -> bytes:
    """Return a notebook's bytes with the text of some cells replaced, and nothing else changed."""
    if not overrides:
        return content
    notebook = json.loads(content.decode("utf-8-sig"))
    for index, cell in enumerate(notebook.get("cells", ())):
        text = overrides.get(cell.get("id") or str(index))
        if text is not None:
            cell["source"] = text.splitlines(keepends=True)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def pipeline_of(settings: Settings, store: Store, run: Run) -> Pipeline | None:
    """Return the pipeline of a run: from its plan, else from the snapshot of its notebook; ``None`` for other kinds."""
    if run.kind != "pipeline":
        return None
    from jupyter_kf.engine.plan import read_plan

    with suppress(KFError):
        return read_plan(settings.home / "runs" / run.id).pipeline
    from jupyter_kf.notebook import convert

    with suppress(KFError, OSError):  # a run whose notebook is gone can be shown without its graph
        if run.snapshot and store.artifacts.has(run.snapshot):
            return convert(Path(store.artifacts.path(run.snapshot)).read_bytes()).pipeline
    return None

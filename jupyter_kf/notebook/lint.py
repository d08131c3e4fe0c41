"""Notebook room: findings. One table of codes with their severity, and how a finding is put together.

Each code is described on ``docs/diagnostics.md``; a test holds page and table together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from jupyter_kf.errors import NotebookError
from jupyter_kf.model.pipeline import Diagnostic
from jupyter_kf.notebook.directives import Problem
from jupyter_kf.notebook.document import Document, DocumentCell
from jupyter_kf.notebook.facts import Site
from jupyter_kf.notebook.rewriting import directive_edit

Severity = Literal["error", "warning", "info"]

#: Every code this room may report, with the severity it usually has.
CODES: Mapping[str, Severity] = {
    "KF100": "error",
    "KF101": "error",
    "KF102": "error",
    "KF103": "error",
    "KF104": "error",
    "KF105": "warning",
    "KF106": "warning",
    "KF107": "error",
    "KF108": "error",
    "KF109": "error",
    "KF110": "error",
    "KF111": "error",
    "KF112": "warning",
    "KF113": "error",
    "KF114": "error",
    "KF115": "error",
    "KF116": "error",
    "KF117": "warning",
    "KF118": "warning",
    "KF119": "error",
    "KF120": "error",
    "KF121": "error",
    "KF122": "error",
    "KF123": "error",
    "KF124": "error",
    "KF125": "warning",
    "KF126": "warning",
    "KF127": "warning",
    "KF128": "warning",
    "KF129": "error",
    "KF130": "error",
    "KF131": "warning",
    "KF140": "error",
    "KF141": "error",
    "KF160": "info",
    "KF161": "warning",
    "KF162": "warning",
    "KF163": "warning",
    "KF164": "warning",
    "KF165": "info",
    "KF166": "info",
    "KF180": "error",
    "KF181": "error",
}


class Report:
    """Collects findings about one notebook, each once, in order of place."""

    def __init__(self, document: Document) -> None:
        self.cells = {c.index: c for c in document.cells}
        self.found: dict[tuple[str, int | None, int | None, str], Diagnostic] = {}
        for finding in document.findings:
            self.add(finding)

    def add(self, finding: Diagnostic) -> None:
        """Keep a finding that is already put together."""
        self.found.setdefault((finding.code, finding.cell_index, finding.line, finding.message), finding)

    def say(
        self,
        code: str,
        site: Site | None,
        message: str,
        fix: str,
        *,
        why: str = "",
        severity: Severity | None = None,
        edit: Mapping[str, Any] | None = None,
    ) -> None:
        """Report something at a place of the notebook, or about all of it."""
        cell = self.cells.get(site.cell) if site is not None else None
        self.add(
            Diagnostic(
                code,
                severity or CODES[code],
                message,
                fix,
                cell=cell.id if cell else None,
                cell_index=cell.index if cell else None,
                line=max(site.line, 1) if cell and site else None,
                why=why,
                edit=edit,
            )
        )

    def problem(self, problem: Problem, cell: DocumentCell, line: int) -> None:
        """Report what the grammar found wrong with a directive or tag."""
        edit = directive_edit(cell, line, problem.replace) if problem.replace is not None else None
        severity: Severity = "error" if problem.severity == "error" else "warning"
        if problem.severity == "info":
            severity = "info"
        self.say(problem.code, Site(cell.index, line), problem.message, problem.fix, severity=severity, edit=edit)

    def name(self, index: int) -> str:
        """How a text refers to a cell."""
        return f"cell {index}"

    def result(self) -> tuple[Diagnostic, ...]:
        """All findings: those about the notebook first, then by place, errors before warnings."""
        rank = {"error": 0, "warning": 1, "info": 2}

        def key(finding: Diagnostic) -> tuple[int, int, int, str, str]:
            place = -1 if finding.cell_index is None else finding.cell_index
            return place, finding.line or 0, rank[finding.severity], finding.code, finding.message

        return tuple(sorted(self.found.values(), key=key))


def from_error(error: NotebookError) -> Diagnostic:
    """Turn an error of reading into a finding."""
    return Diagnostic(error.code, "error", error.message, error.fix, error.cell, error.cell_index, error.line)


def listed(names: Iterable[str], limit: int = 6) -> str:
    """Write names as ``a``, ``b`` and ``c``."""
    shown = [f"`{n}`" for n in names]
    if len(shown) > limit:
        shown = [*shown[:limit], f"{len(shown) - limit} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "nothing"

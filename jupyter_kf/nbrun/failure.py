"""Feature room, whole notebooks: why a notebook did not go through, as an error that points at the cell."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any

from jupyter_kf.errors import StepFailed

_COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# How the tracebacks of IPython name a frame in a cell: since 8.7, before, and before 8.0 (an arrow tells the line).
_FRAME = re.compile(r"(?:Cell In|Input In) ?\[(\d+)\](?:, line (\d+))?")
_ARROW = re.compile(r"(?m)^-+> ?(\d+)\b")


def plain_text(text: str) -> str:
    """Return text without terminal colours."""
    return _COLOR.sub("", text)


def failing_line(traceback: list[str], execution_count: int | None) -> int | None:
    """Return the line, counted from 1, of the deepest frame that lies in the cell executed as ``In[execution_count]``.

    Only IPython writes such tracebacks; of another kernel's error the answer is ``None``.
    """
    text = plain_text("\n".join(traceback))
    frames = list(_FRAME.finditer(text))
    found = None
    for number, frame in enumerate(frames):
        if int(frame[1]) != execution_count:
            continue
        if frame[2]:
            found = int(frame[2])
            continue
        end = frames[number + 1].start() if number + 1 < len(frames) else len(text)
        arrow = _ARROW.search(text, frame.end(), end)
        found = int(arrow[1]) if arrow else found
    return found


def cell_error(cell: Mapping[str, Any], ename: str, evalue: str, place: Mapping[str, Any]) -> StepFailed:
    """Describe an error that a cell raised. ``place``: its ``cell`` and ``cell_index`` in the source notebook."""
    traceback = _traceback(cell)
    line, quote = _line(cell, traceback)
    fix = "Correct the cell and run the notebook again."
    if ename == "ModuleNotFoundError":
        fix = "Install the module in the environment of the notebook's kernel, then run the notebook again."
    details = {"ename": ename, "evalue": evalue, "traceback": [plain_text(part) for part in traceback]}
    message = plain_text(f"{ename}: {evalue}" if evalue else ename)
    return StepFailed(message, code="KF201", fix=fix, line=line, quote=quote, details=details, **place)


def _traceback(cell: Mapping[str, Any]) -> list[str]:
    outputs = [o for o in cell.get("outputs", ()) if o.get("output_type") == "error"]
    return list(outputs[-1]["traceback"]) if outputs else []


def _line(cell: Mapping[str, Any], traceback: list[str]) -> tuple[int | None, str]:
    """Return number and text of the line that failed, if the traceback tells."""
    line = failing_line(traceback, cell.get("execution_count"))
    lines = str(cell.get("source", "")).split("\n")
    return line, lines[line - 1].strip() if line and line <= len(lines) else ""


def time_error(limit: float, whole: bool, cell: Mapping[str, Any], place: Mapping[str, Any]) -> StepFailed:
    """Describe a time limit that was reached, of the ``whole`` notebook or of one cell, while ``cell`` ran."""
    line, quote = _line(cell, _traceback(cell))
    what = "The notebook" if whole else "A cell"
    return StepFailed(
        f"{what} was stopped after {limit:g} seconds, its time limit.",
        code="KF221",
        fix=f"Give it more time with {'--timeout' if whole else '--cell-timeout'}, or make it faster.",
        line=line,
        quote=quote,
        **place,
    )


def dead_kernel(status: int | None, place: Mapping[str, Any]) -> StepFailed:
    """Describe a kernel that went away; ``status`` is its exit status, negative for a signal, if it is known."""
    how = "" if status is None else f" with exit status {status}"
    code = "KF222"
    fix = "Run the notebook again; what the kernel itself said is in kernel.log of the execution's folder."
    if status is not None and status < 0:
        code = "KF220"
        try:
            how = f", killed by {signal.Signals(-status).name}"
        except ValueError:
            how = f", killed by signal {-status}"
        if -status == signal.SIGKILL:
            fix = "Most often this is the system being out of memory: use less of it, or a larger machine."
    return StepFailed(f"The kernel died{how}.", code=code, fix=fix, details={"status": status}, **place)

"""IPython room: ``%%kubeflow step NAME --on local``: this cell elsewhere, now."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from jupyter_kf.errors import StepFailed, UsageError
from jupyter_kf.ipython.extension import KernelSession
from jupyter_kf.ipython.notebook_file import notebook_path


def run_cell_on(session: KernelSession, directive: Any, source: str) -> None:
    """Run the cell's text on the engine that its directive names; stream its output, bring its results back.

    Raises:
        UsageError: KF426 for an engine that cannot run single cells.
        StepFailed: what the cell raised, with its traceback.
    """
    from jupyter_kf.ipython.magics import workbench
    from jupyter_kf.workbench.one_cell import CellRun

    if directive.on != "local":
        raise UsageError(f"--on {directive.on} is not there yet.", code="KF426", fix="Write --on local.")
    bench = workbench(session)
    cell = CellRun(
        bench.settings,
        bench.store,
        directive.name,
        source,
        session.shell.user_ns,
        index=session.shell.displayhook.prompt_count,  # execution_count: of the next cell since IPython 9
        notebook=_notebook(session),
    )
    try:
        for output in cell.outputs():
            _show(output)
    except StepFailed as exc:
        lines = [str(line) for line in exc.details.get("traceback") or ()]
        if lines:
            exc._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        raise
    for name, why in cell.bring_back().items():
        sys.stderr.write(f"{name} stays behind: {why}\n")


def _notebook(session: KernelSession) -> str:
    try:
        return str(notebook_path(session))
    except UsageError:  # a cell runs without its notebook's file, too
        return ""


def _show(output: Mapping[str, Any]) -> None:
    from IPython.display import clear_output, publish_display_data

    kind = output.get("output_type")
    if kind == "stream":
        (sys.stderr if output.get("name") == "stderr" else sys.stdout).write(str(output.get("text", "")))
    elif kind == "clear_output":
        clear_output(wait=bool(output.get("wait")))  # type: ignore[no-untyped-call]
    elif kind in {"display_data", "execute_result", "update_display_data"}:
        publish_display_data(  # type: ignore[no-untyped-call]
            data=dict(output.get("data") or {}),
            metadata=dict(output.get("metadata") or {}),
            transient=dict(output.get("transient") or {}),
            update=kind == "update_display_data",
        )

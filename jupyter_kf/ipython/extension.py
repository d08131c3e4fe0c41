"""IPython room, the door: what ``%load_ext jupyter_kf`` does. Cheap: nothing is imported that is not used at once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from jupyter_kf.ipython.transformer import inert

_VIEWS = "jupyter_kf.workbench.views"
_SHOWN = (
    (_VIEWS, "CheckView"),
    (_VIEWS, "GraphView"),
    (_VIEWS, "RunView"),
    (_VIEWS, "RunList"),
    (_VIEWS, "ExperimentList"),
    (_VIEWS, "ArtifactList"),
    (_VIEWS, "Values"),
    (_VIEWS, "Comparison"),
    (_VIEWS, "DoctorView"),
    (_VIEWS, "Done"),
    ("jupyter_kf.model.lineage", "Lineage"),
    ("jupyter_kf.model.lineage", "LineageGraph"),
)

HELP = """Run this notebook's cells as a pipeline of separate processes.

Mark cells (the cell itself runs as if the line were not there):

    %%kubeflow params                 its assignments are the pipeline's parameters
    %%kubeflow setup                  replayed first in every step that needs what it makes
    %%kubeflow step NAME [options]    it belongs to step NAME; several cells may
    %%kubeflow skip                   never part of a pipeline

Options of a step: --after --cpu --memory --gpu --env --secret --packages --image --accelerator --retries --timeout
--no-cache --in --out, and --on local: run just this cell in a process of its own now.
`# %%kubeflow ...` as the first line means the same and needs no package.

Then:

    %kubeflow check                   what the pipeline is, and what is wrong with it
    %kubeflow graph                   its steps, drawn
    %kubeflow run [-p lr=0.1]         run it; interrupting the kernel leaves it running
    %kubeflow runs, show, logs, report, compare, cancel, resume, tag, note, delete, experiments
    %kubeflow get RUN STEP [NAME] [--inputs]      a step's variables, bound here
    %kubeflow artifacts, lineage, gc, doctor
    %kubeflow use PATH                which notebook this is, where that is not found by itself

A RUN is an id, the beginning of one, a name, last or last~1. `%kubeflow VERB --help` says more."""


@dataclass
class KernelSession:
    """What the extension knows of its kernel: the cells executed here (id → text, moment) and the notebook's path.

    ``shown`` is the run that a live display has shown to its end, with the count of the cell that did.
    """

    shell: Any
    executed: dict[str, tuple[str, float]] = field(default_factory=dict)
    used: str = ""
    found: str = ""
    bench: Any = None
    shown: tuple[Any, int] = (None, 0)

    def note_cell(self, info: Any) -> None:
        """Remember the text of a cell that is about to run (IPython's ``pre_run_cell``)."""
        cell = getattr(info, "cell_id", None)
        if cell and isinstance(info.raw_cell, str):
            self.executed[str(cell)] = (info.raw_cell, time.time())


_sessions: dict[int, tuple[KernelSession, Any]] = {}


def load(shell: Any) -> None:
    """Add magics, transformer, completion and displays to an IPython shell; a second time does nothing."""
    if id(shell) in _sessions:
        return
    session = KernelSession(shell)

    def kubeflow(line: str, cell: str | None = None) -> Any:
        from jupyter_kf.ipython.magics import call

        return call(session, line, cell)

    kubeflow.__doc__ = HELP
    shell.register_magic_function(kubeflow, "line_cell", "kubeflow")
    shell.input_transformers_cleanup.append(inert)
    shell.events.register("pre_run_cell", session.note_cell)

    matcher = _matcher(session)
    shell.Completer.custom_matchers.append(matcher)
    _register_displays(session)
    _sessions[id(shell)] = (session, matcher)


def _matcher(session: KernelSession) -> Any:
    """Return a matcher (IPython's second completion protocol) that speaks alone on ``%kubeflow`` lines."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher()  # type: ignore[untyped-decorator]
    def kubeflow_matcher(context: Any) -> Any:
        if "kubeflow" not in context.line_with_cursor:
            return {"completions": []}
        from jupyter_kf.ipython.completion import completions

        current, words = completions(session, context.text_until_cursor)
        found = [SimpleCompletion(text=word, type="magic") for word in words]
        return {"completions": found, "matched_fragment": current, "suppress": bool(found)}

    return kubeflow_matcher


def unload(shell: Any) -> None:
    """Take away what :func:`load` added."""
    found = _sessions.pop(id(shell), None)
    if found is None:
        return
    session, matcher = found
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("kubeflow", None)
    if inert in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(inert)
    shell.events.unregister("pre_run_cell", session.note_cell)
    if matcher in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(matcher)
    display = shell.display_formatter
    formatters = [display.formatters["text/html"], display.formatters["text/plain"], display.ipython_display_formatter]
    for module, name in _SHOWN:
        for formatter in formatters:
            try:
                formatter.pop(f"{module}.{name}", None)
            except KeyError:
                continue
    if session.bench is not None:
        session.bench.close()


def _register_displays(session: KernelSession) -> None:
    """Let the workbench's answers be shown well; by name, so that nothing is imported for it."""

    def html(answer: Any) -> str:
        from jupyter_kf.widgets.html import html_of

        return html_of(answer)

    def text(answer: Any, printer: Any, cycle: bool) -> None:
        from jupyter_kf.widgets.text import text_of

        printer.text(text_of(answer, width=100))

    def otherwise(answer: Any) -> None:
        """Show a run under way live, and nothing in the cell whose live display has shown it all; else decline."""
        run, count = session.shown
        if answer is run and session.shell.execution_count == count:
            return
        from jupyter_kf.ipython.live import follows

        if not follows(session, answer):
            raise NotImplementedError

    formatters = session.shell.display_formatter.formatters
    session.shell.display_formatter.ipython_display_formatter.for_type_by_name(_VIEWS, "RunView", otherwise)
    for module, name in _SHOWN:
        formatters["text/html"].for_type_by_name(module, name, html)
        formatters["text/plain"].for_type_by_name(module, name, text)

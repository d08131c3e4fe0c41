"""Widgets room: a run under way as a fold of its events, and that as data for the widget. Pure but for logs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from jupyter_kf.model.event import Event
from jupyter_kf.model.run import Execution, State
from jupyter_kf.widgets.chart import chart_svg
from jupyter_kf.widgets.graph import step_marks
from jupyter_kf.widgets.words import SIGNS, number, plain
from jupyter_kf.workbench.views import RunView

#: Bytes of each of a step's streams that are shown, from their end.
LOG_TAIL = 6000
_CHARTS = 8
_EXECUTION_STATES = {
    "execution.started": State.RUNNING,
    "execution.waiting": State.PENDING,
    "execution.superseded": State.PENDING,
}
_RUN_STATES = {
    "run.started": State.RUNNING,
    "run.canceling": State.CANCELING,
    "run.interrupted": State.INTERRUPTED,
    "run.resumed": State.RUNNING,
}


class LiveState:
    """How a run stands, as its events have told so far. :meth:`fold` and the readers may be in different threads.

    ``seen`` is the cursor of the last event that is in it.
    """

    def __init__(self, view: RunView, seen: int = 0) -> None:
        self.view, self.seen = view, seen
        self.executions: dict[str, Execution] = view.latest()
        self.cells = (0, 0)
        self._curves: dict[str, list[tuple[float, float]]] = {}
        self._charts: str | None = ""
        self._guard = threading.Lock()

    def fold(self, event: Event) -> None:
        """Take account of an event; one that was seen before changes nothing."""
        with self._guard:
            if event.cursor and event.cursor <= self.seen:
                return
            self.seen = max(self.seen, event.cursor)
            if event.kind.startswith("run."):
                self._fold_run(event)
            elif event.kind == "metrics.logged":
                self._fold_metrics(event)
            elif event.kind == "execution.progress":
                self.cells = (int(event.data.get("done") or 0), int(event.data.get("total") or 0))
            elif event.step:
                self._fold_execution(event)

    def settle(self, view: RunView, curves: Mapping[str, list[tuple[float, float]]]) -> None:
        """Take the run and its metrics as the store has them: of one that was resumed, not all events were seen."""
        with self._guard:
            self._curves, self._charts = dict(curves), None
            self.view = view if view.pipeline is not None else replace(view, pipeline=self.view.pipeline)
            self.executions = view.latest()

    def _fold_run(self, event: Event) -> None:
        run = self.view.run
        if event.kind == "run.finished":
            state = State(event.data.get("state", State.SUCCEEDED))
            run = replace(run, state=state, finished=event.time, error=event.data.get("error") or run.error)
        elif event.kind in _RUN_STATES:
            state = _RUN_STATES[event.kind]
            run = replace(run, state=state, finished=event.time if state.final else None)
            if event.kind == "run.started" and run.started is None:
                run = replace(run, started=event.time)
        self.view = replace(self.view, run=run)

    def _fold_execution(self, event: Event) -> None:
        data = event.data
        if event.kind == "execution.finished":
            state = State(data.get("state", State.SUCCEEDED))
        elif event.kind in _EXECUTION_STATES:
            state = _EXECUTION_STATES[event.kind]
        else:
            return
        known = self.executions.get(event.step)
        if known is None or known.id != event.execution:
            known = Execution(event.execution, event.run, event.step)
        for name, value in ((data.get("report") or {}).get("metrics") or {}).items():
            if name not in self._curves:  # that of a cached execution, above all
                self._add(name, value, None)
        self.executions[event.step] = replace(
            known,
            state=state,
            attempt=int(data.get("attempt") or known.attempt),
            cached=bool(data.get("cached")),
            seconds=data.get("seconds"),
            started=event.time if event.kind == "execution.started" else known.started,
            reason=str(data.get("reason") or ""),
            folder=str(data.get("folder") or known.folder),
            error=data.get("error"),
        )

    def _fold_metrics(self, event: Event) -> None:
        for name, value, step, _ in event.data.get("points") or ():
            self._add(str(name), value, step)

    def _add(self, name: str, value: Any, step: float | None) -> None:
        if isinstance(value, int | float):
            curve = self._curves.setdefault(name, [])
            curve.append((float(len(curve) if step is None else step), float(value)))
            self._charts = None

    @property
    def done(self) -> int:
        """How many steps are over."""
        return sum(e.state.final for e in list(self.executions.values()))

    @property
    def busy(self) -> list[str]:
        """The steps that run now."""
        return [name for name, e in list(self.executions.items()) if e.state is State.RUNNING]

    @property
    def total(self) -> int:
        """How many steps there are, as far as is known."""
        return len(self.view.pipeline.steps) if self.view.pipeline else len(self.executions)

    def words(self) -> str:
        """Return in one line how far the run is."""
        if self.view.pipeline is None and self.cells[1]:
            return f"{self.cells[0]} of {self.cells[1]} cells done"
        failed = [name for name, e in list(self.executions.items()) if e.state is State.FAILED]
        words = f"{self.done} of {self.total} steps done"
        words += f", running {_few(self.busy)}" if self.busy else ""
        return words + (f", {_few(failed)} failed" if failed else "")

    def charts(self) -> str:
        """Return the metrics that were logged more than once as small charts, the first few."""
        with self._guard:
            if self._charts is None:
                curves = [(name, points) for name, points in self._curves.items() if len(points) > 1]
                self._charts = "".join(chart_svg(name, points) for name, points in curves[:_CHARTS])
            return self._charts

    def values(self) -> str:
        """Return the metrics that have one value, in a line of HTML."""
        with self._guard:
            single = [(name, points[0][1]) for name, points in self._curves.items() if len(points) == 1]
        told = ", ".join(f"<code>{escape(name)}</code> = {number(value)}" for name, value in single)
        return f"<div>{told}</div>" if told else ""

    def log_of(self, step: str) -> dict[str, Any]:
        """Return the end of what a step printed, and its error, as the widget's ``log``."""
        execution = self.executions.get(step)
        if execution is None:
            return {"step": step, "text": "", "error": ""}
        message = str((execution.error or {}).get("message", "")) if execution.state is State.FAILED else ""
        text = "".join(_tail(execution, name) for name in ("stdout", "stderr"))
        return {"step": step, "text": text, "error": "" if message and message in text else plain(message)}

    def followed(self, chosen: str = "") -> str:
        """Return the step whose log is to be shown: the chosen one, else one that failed, runs, or ran last."""
        if chosen and (chosen in self.executions or self.view.pipeline is not None):
            return chosen
        executions = list(self.executions.values())
        for state in (State.FAILED, State.RUNNING):
            found = [e for e in executions if e.state is state]
            if found:
                return max(found, key=lambda e: e.started or 0).step
        begun = [e for e in executions if e.started and not e.cached]
        return max(begun, key=lambda e: e.started or 0).step if begun else ""

    def head(self) -> dict[str, Any]:
        """Return the widget's ``head``: the run in plain data, times in seconds since the epoch."""
        run = self.view.run
        cells = self.view.pipeline is None and self.cells[1]
        done, total = self.cells if cells else (self.done, self.total)
        return {
            "id": run.id,
            "name": run.name,
            "kind": run.kind,
            "experiment": run.experiment,
            "state": str(run.state),
            "sign": SIGNS[run.state],
            "final": run.state.final,
            "started": run.started or run.created,
            "finished": run.finished,
            "done": done,
            "total": total,
            "words": self.words(),
        }

    def steps(self) -> dict[str, list[Any]]:
        """Return the widget's ``steps``: class, second line, tooltip and start of each step's box."""
        if self.view.pipeline is None:
            return {}
        executions = dict(self.executions)
        begun = {name: e.started for name, e in executions.items() if not e.state.final}
        marks = step_marks(self.view.pipeline, executions)
        return {name: [*mark, begun.get(name)] for name, mark in marks.items()}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _tail(execution: Execution, name: str) -> str:
    """Return the last whole lines of a stream."""
    if not execution.folder:
        return ""
    try:
        with (Path(execution.folder) / name).open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - LOG_TAIL))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    if size > LOG_TAIL:
        text = "…\n" + (text.partition("\n")[2] or text.lstrip("\ufffd"))
    return plain(text)

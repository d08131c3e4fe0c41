"""IPython room: a run while the kernel waits for it."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from jupyter_kf.model.event import Event
from jupyter_kf.model.run import State
from jupyter_kf.widgets.words import SIGNS, duration
from jupyter_kf.workbench.views import RunView

_PAUSE = 0.2


class LiveRun:
    """Shows the graph with the states of its steps in a display that changes; plain lines in a terminal's IPython."""

    def __init__(self, shell: Any) -> None:
        self.run = ""
        self._rich = getattr(shell, "kernel", None) is not None
        self._display: Any = None
        self._view: RunView | None = None
        self._executions: dict[str, Any] = {}
        self._next = 0.0
        self._guard = threading.RLock()
        self._timer: threading.Timer | None = None
        self._over = False

    def started(self, view: RunView) -> None:
        """The run has an id and its steps are known."""
        self.run, self._view = view.id, view
        if view.replaced:
            cells = "cell" if len(view.replaced) == 1 else "cells"
            sys.stdout.write(f"as executed here, not as saved: {cells} {', '.join(view.replaced)}\n")
        if self._rich:
            from IPython.display import display

            self._display = display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            sys.stdout.write(f"{view.name}  {view.id}\n")

    def event(self, event: Event) -> None:
        """Something happened."""
        if not event.step or self._view is None:
            return
        self._fold(event)
        over = event.kind == "execution.finished"
        if self._display is not None:
            self._draw_soon()
        elif not self._rich and over:
            execution = self._executions[event.step]
            took = "from the cache" if execution.cached else duration(execution.seconds)
            sys.stdout.write(f"{SIGNS[execution.state]} {event.step}  {took}\n")

    def _draw_soon(self) -> None:
        """Draw at once, or a moment later where the last drawing was only just made."""
        with self._guard:
            if self._timer is not None or self._over:
                return
            wait = self._next - time.monotonic()
            if wait > 0:
                self._timer = threading.Timer(wait, self._draw_late)
                self._timer.daemon = True
                self._timer.start()
                return
        self._draw()

    def _draw_late(self) -> None:
        with self._guard:
            self._timer = None
        self._draw()

    def _draw(self) -> None:
        began = time.monotonic()
        with self._guard:
            if not self._over:
                self._display.update(self._bundle(), raw=True)
            self._next = began + max(_PAUSE, 10 * (time.monotonic() - began))

    def _stop_drawing(self) -> None:
        with self._guard:
            self._over = True
            if self._timer is not None:
                self._timer.cancel()

    def _fold(self, event: Event) -> None:
        from jupyter_kf.model.run import Execution

        states = {
            "execution.started": State.RUNNING,
            "execution.waiting": State.PENDING,
            "execution.superseded": State.PENDING,
        }
        data = event.data
        if event.kind == "execution.finished":
            state = State(data.get("state", State.SUCCEEDED))
        elif event.kind in states:
            state = states[event.kind]
        else:
            return
        self._executions[event.step] = Execution(
            event.execution,
            event.run,
            event.step,
            state=state,
            cached=bool(data.get("cached")),
            seconds=data.get("seconds"),
        )

    def _bundle(self) -> dict[str, Any]:
        from jupyter_kf.widgets.html import live_html

        view = self._view
        if view is None:
            return {"text/plain": ""}
        done = sum(e.state.final for e in list(self._executions.values()))
        return {
            "text/html": live_html(view, dict(self._executions)),
            "text/plain": f"{view.name} {view.id}: {done} done",
        }

    def done(self, view: RunView) -> None:
        """The run is over, or goes on by itself: what follows is shown as the cell's result."""
        self._stop_drawing()
        if self._display is not None:
            from jupyter_kf.widgets.html import summary_html

            text = f"{view.name} {view.id} {view.state}"
            self._display.update({"text/html": summary_html(view), "text/plain": text}, raw=True)

    def left(self) -> None:
        """The user does not want to wait."""
        self._stop_drawing()
        sys.stdout.write(
            f"The run goes on. Follow it: %kubeflow logs -f {self.run}   stop it: %kubeflow cancel {self.run}\n"
        )

"""IPython room: a run while it goes on, in the output of the cell that started it.

Where the front end can draw widgets and be heard while a cell runs (subshells of ipykernel 7), the display is a widget;
else it is HTML that is drawn anew; in a terminal, lines. In the end it is always HTML and text of how the run ended, so
that a saved notebook shows that wherever it is opened: a widget would need the kernel that is gone.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import KFError
from jupyter_kf.ipython.extension import KernelSession
from jupyter_kf.model.event import Event
from jupyter_kf.widgets.live import LiveState
from jupyter_kf.widgets.words import SIGNS, duration
from jupyter_kf.workbench.views import RunView

if TYPE_CHECKING:
    from jupyter_kf.widgets.run_widget import RunWidget
    from jupyter_kf.workbench import Workbench

log = logging.getLogger(__name__)

#: Seconds between two drawings: of a widget, and of HTML, which the front end draws from scratch.
_PAUSE = {True: 0.1, False: 0.3}
#: Seconds after which a running step's log is looked at, whether there was an event or not.
_TICK = 0.3
#: Seconds in which a front end must have drawn the widget; else it has no widget manager, or cannot be heard.
_DRAWN_WITHIN = 8.0
#: Lines of a running step's log in HTML, and characters of each step's in the end.
_LINES, _LAST = 8, 2000


class LiveRun:
    """Shows a run's graph, states, log and metrics while they change.

    ``event`` may be called from any thread; one thread of its own draws, at most ten times a second.
    """

    def __init__(self, session: KernelSession) -> None:
        self.run = ""
        self._session = session
        self._rich = getattr(session.shell, "kernel", None) is not None
        self._live: LiveState | None = None
        self._widget: RunWidget | None = None
        self._display: Any = None
        self._last: dict[str, Any] = {}
        self._hint = ""
        self._changed = threading.Event()
        self._over = threading.Event()
        self._guard = threading.RLock()

    def started(self, view: RunView) -> None:
        """The run has an id and its steps are known."""
        self.run = view.id
        self._live = self._live or LiveState(view)
        if view.replaced:
            cells = "cell" if len(view.replaced) == 1 else "cells"
            sys.stdout.write(f"as executed here, not as saved: {cells} {', '.join(view.replaced)}\n")
        if not self._rich:
            sys.stdout.write(f"{view.name}  {view.id}\n")
            return
        from IPython.display import display

        self._widget = self._made_widget(self._live)
        self._last = self._bundle(self._live)
        self._display = display(self._last, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._start(self._paint)

    def attach(self, view: RunView) -> None:
        """Show a run that is under way already, to its end."""
        from jupyter_kf.workbench.comparing import curves_of

        bench = self._session.bench
        cursor = bench.store.metadata.cursor()
        now = bench.show(view.id)
        self._live = LiveState(now, cursor)
        self._live.settle(now, curves_of(bench.store, now.run))
        self.started(now)
        self._start(self._follow)

    def event(self, event: Event) -> None:
        """Something happened."""
        if self._live is None:
            return
        self._live.fold(event)
        self._changed.set()
        if not self._rich and event.kind == "execution.finished" and event.step:
            execution = self._live.executions[event.step]
            took = "from the cache" if execution.cached else duration(execution.seconds)
            sys.stdout.write(f"{SIGNS[execution.state]} {event.step}  {took}\n")

    def done(self, view: RunView) -> None:
        """Nobody waits any more: the run is over, or it was started to go on by itself."""
        if self._display is None:
            return
        self._session.shown = (view, self._session.shell.execution_count)
        if view.state.final:
            self._end(view, self._session.bench)
        else:
            self._start(self._follow)

    def left(self) -> None:
        """The user does not want to wait. What is shown goes on as HTML: the kernel may be about to end."""
        follow, stop = f"%kubeflow logs -f {self.run}", f"%kubeflow cancel {self.run}"
        sys.stdout.write(f"The run goes on. Follow it: {follow}   stop it: {stop}\n")
        if self._display is not None:
            with self._guard:
                self._hint = f"The run goes on; stop it: {stop}"
                self._drop_widget()
            self._start(self._follow)

    def lost(self) -> None:
        """The run can no longer be followed: what is shown stays as it is, without a widget."""
        if self._display is not None:
            with self._guard:
                self._over.set()
                self._changed.set()
                self._drop_widget()

    # drawing

    def _start(self, target: Any) -> None:
        threading.Thread(target=target, name=f"jupyter_kf {self.run}", daemon=True).start()

    def _paint(self) -> None:
        """Draw what has changed, until the run is over."""
        live = self._live
        assert live is not None
        begun = time.monotonic()
        while not self._over.is_set():
            self._changed.wait(_TICK if live.busy or not self._heard else None)
            self._changed.clear()
            at = time.monotonic()
            with self._guard:
                if self._over.is_set():
                    return
                if self._widget is not None and at - begun > _DRAWN_WITHIN and not self._widget.drawn:
                    self._drop_widget()
                self._draw(live)
            self._over.wait(max(_PAUSE[self._widget is not None], 10 * (time.monotonic() - at)))

    @property
    def _heard(self) -> bool:
        """True where it is known whether the front end draws the widget."""
        return self._widget is None or self._widget.drawn

    def _draw(self, live: LiveState) -> None:
        if self._widget is not None:
            self._widget.show()
            return
        bundle = self._bundle(live)
        if bundle != self._last:
            self._last = bundle
            self._display.update(bundle, raw=True)

    def _drop_widget(self) -> None:
        """Go on with HTML."""
        if self._widget is not None and self._live is not None:
            widget, self._widget = self._widget, None
            self._draw(self._live)
            widget.close()

    def _bundle(self, live: LiveState) -> dict[str, Any]:
        from jupyter_kf.widgets.html import live_html

        step = live.followed()
        told = "\n".join(live.log_of(step)["text"].split("\n")[-_LINES:]) if step else ""
        widget = self._widget.mimebundle() if self._widget is not None else {}
        text = f"{live.view.name} {live.view.id} {live.view.state}: {live.words()}"
        return {**widget, "text/html": live_html(live, told, self._hint), "text/plain": text}

    def _end(self, view: RunView, bench: Workbench) -> None:
        """Leave what can be shown without a kernel."""
        from jupyter_kf.widgets.html import end_html
        from jupyter_kf.widgets.text import text_of
        from jupyter_kf.workbench.comparing import curves_of

        live, curves = self._live, curves_of(bench.store, view.run)
        assert live is not None
        with self._guard:
            self._over.set()
            self._changed.set()
            live.settle(view, curves)
            if self._widget is not None:
                self._widget.show()  # a page that was loaded anew shows the widget still
            logs = [(step, _last(live.log_of(step)["text"])) for step in live.executions]
            html = end_html(view, live.charts(), logs)
            self._display.update({"text/html": html, "text/plain": text_of(view, width=100)}, raw=True)

    # what goes on without the cell

    def _follow(self) -> None:
        """Watch a run that nobody waits for."""
        from jupyter_kf.workbench import Workbench

        seen = self._live.seen if self._live is not None else 0
        try:
            with Workbench(self._session.bench.settings) as bench:
                self._end(bench.wait(self.run, on_event=self.event, after=seen), bench)
        except KFError as exc:  # deleted meanwhile, or the store is gone
            log.warning("Run %s is no longer followed: %s", self.run, exc)
            self.lost()

    def _made_widget(self, live: LiveState) -> RunWidget | None:
        if not (can_draw_widgets(self._session.shell) and find_spec("anywidget")):
            return None
        from jupyter_kf.widgets.run_widget import RunWidget

        return RunWidget(live, self._answer)

    def _answer(self, asked: str) -> str:
        """Do what a button asks for, on a thread that is not the kernel's main one; return what to say."""
        from jupyter_kf.workbench import Workbench

        with Workbench(self._session.bench.settings) as bench:
            if asked == "cancel":
                bench.cancel(self.run)
                return ""
            bench.resume(self.run, detach=True)
        self._over.clear()
        self._start(self._paint)
        self._start(self._follow)
        return "resumed"


def _last(text: str) -> str:
    """Return the end of a text, from the beginning of a line where there is one."""
    if len(text) <= _LAST:
        return text
    end = text[-_LAST:]
    return "…\n" + (end.partition("\n")[2] or end)


def follows(session: KernelSession, view: RunView) -> bool:
    """Show a run that is under way live, in a display of its own; false where it is over or cannot be followed."""
    if view.state.final or view.run.kind in {"cell", "session"} or getattr(session.shell, "kernel", None) is None:
        return False
    try:
        if session.bench is None or session.bench.show(view.id).state.final:
            return False
    except KFError:  # a run of another workbench
        return False
    LiveRun(session).attach(view)
    return True


def can_draw_widgets(shell: Any) -> bool:
    """True where a front end with a widget manager may be there, and can be heard while a cell runs.

    Jupyter Server and VS Code say that a notebook is open; programs that execute notebooks do not.
    """
    subshells = getattr(getattr(shell, "kernel", None), "_supports_kernel_subshells", False)
    return bool(subshells) and ("JPY_SESSION_NAME" in os.environ or "__vsc_ipynb_file__" in shell.user_ns)

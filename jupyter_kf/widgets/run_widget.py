"""Widgets room: the live view of a run as a widget. Imported only where a widget is about to be shown.

The front end's module is ``static/run.js``. Its messages reach :meth:`RunWidget.heard` on a subshell's thread, so that
its buttons work while the kernel's main thread waits for the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from jupyter_kf.widgets.graph import LIVE_ROOM, graph_svg
from jupyter_kf.widgets.html import STYLE
from jupyter_kf.widgets.live import LiveState

MIME = "application/vnd.jupyter.widget-view+json"
_STATIC = Path(__file__).with_name("static")


@cache
def _static(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


def _metrics(live: LiveState) -> str:
    return live.values() + live.charts()


class RunWidget(anywidget.AnyWidget):
    """Shows a :class:`LiveState`; :meth:`show` sends what changed.

    Args:
        live: what to show.
        answer: called with each message of the front end but ``hello`` and ``choose``; it returns what to say.
    """

    head = traitlets.Dict().tag(sync=True)
    graph = traitlets.Unicode().tag(sync=True)
    steps = traitlets.Dict().tag(sync=True)
    log = traitlets.Dict().tag(sync=True)
    charts = traitlets.Unicode().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    #: The time here when a front end asked for it: its own clock may go wrong.
    clock = traitlets.Float().tag(sync=True)

    def __init__(self, live: LiveState, answer: Callable[[str], str]) -> None:
        self._live = live
        self._answer = answer
        self._chosen = ""
        #: True once a front end has drawn it.
        self.drawn = False
        self._esm, self._css = _static("run.js"), STYLE + _static("run.css")
        pipeline = live.view.pipeline
        drawn = graph_svg(pipeline, live.executions, styled=False, room=LIVE_ROOM) if pipeline else ""
        super().__init__(
            head=live.head(), graph=drawn, steps=live.steps(), log=live.log_of(live.followed()), charts=_metrics(live)
        )
        self.on_msg(lambda _, content, __: self.heard(content))
        # ipykernel sends answers back to the shell that spoke last, which is the one that waits
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _, subshell: subshell

    def show(self) -> None:
        """Send what has changed since the last time, in one message."""
        live = self._live
        with self.hold_sync():
            self.head, self.steps, self.charts = live.head(), live.steps(), _metrics(live)
            self.log = live.log_of(live.followed(self._chosen))

    def heard(self, content: Mapping[str, Any]) -> None:
        """Do what a message of the front end asks for."""
        kind = str(content.get("type"))
        self.drawn = True
        if kind == "hello":
            self.clock = time.time()
        elif kind == "choose":
            self._chosen = str(content.get("step") or "")
            self.log = self._live.log_of(self._live.followed(self._chosen))
        elif kind in {"cancel", "resume"}:
            from jupyter_kf.errors import KFError

            try:
                self.notice = {"text": self._answer(kind), "error": False}
            except KFError as exc:
                self.notice = {"text": f"{exc.message} {exc.fix}".strip(), "error": True}

    def mimebundle(self) -> dict[str, Any]:
        """Return the part of a display that names this widget."""
        return {MIME: {"version_major": 2, "version_minor": 1, "model_id": self.model_id}}

"""CLI room: a run while one waits for it: a line a step that changes in place, or plain lines where nobody watches."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jupyter_kf.cli.terminal import Terminal
from jupyter_kf.model.event import Event
from jupyter_kf.model.run import State
from jupyter_kf.widgets.text import STATE_COLOURS, clip
from jupyter_kf.widgets.words import SIGNS, duration, plain
from jupyter_kf.workbench.views import RunView

_PAUSE = 0.05


@dataclass(slots=True)
class _Line:
    step: str
    state: State = State.PENDING
    note: str = ""
    began: float | None = None
    seconds: float | None = None
    cached: bool = False
    attempt: int = 1


class Progress:
    """Follows a run's events; :meth:`started` first, :meth:`event` for each, :meth:`done` at the end."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._lines: dict[str, _Line] = {}
        self._drawn = 0
        self._busy = False
        self._last = 0.0
        self.run = ""
        self.cursor = 0

    def started(self, view: RunView) -> None:
        """The run has an id and its steps are known."""
        self.run = view.id
        paint = self.terminal.paint
        self.terminal.say(f"{paint(view.name, 'bold')}  {view.id}")
        for step in view.pipeline.steps if view.pipeline else ():
            self._lines[step.name] = _Line(step.name)
        if self.terminal.live:
            self._draw()

    def event(self, event: Event) -> None:
        """Something happened."""
        self.cursor = event.cursor
        if self.terminal.as_json or not event.step:
            return
        line = self._lines.setdefault(event.step, _Line(event.step))
        data = event.data
        if event.kind == "execution.waiting":
            line.note = str(data.get("reason", ""))
            self._tell(line, line.note)
        elif event.kind == "execution.started":
            line.state, line.began, line.note = State.RUNNING, event.time, ""
            line.attempt = int(data.get("attempt") or 1)
            self._tell(line, "started" + (f", attempt {line.attempt}" if line.attempt > 1 else ""))
        elif event.kind == "execution.progress":
            line.note = f"{data.get('done', 0)}/{data.get('total', '?')} cells"
            self._tell(line, line.note)
        elif event.kind == "execution.finished":
            self._finished(line, event)
        elif event.kind == "execution.superseded":
            line.state, line.note = State.PENDING, f"again: {data.get('by', 'a step')} changed an input"
            self._tell(line, line.note)
        else:
            return
        if self.terminal.live and time.monotonic() - self._last > _PAUSE:
            self._draw()

    def done(self) -> None:
        """Nothing more comes: draw what was held back."""
        if self.terminal.live:
            self._draw()

    def _finished(self, line: _Line, event: Event) -> None:
        data = event.data
        line.state = State(data.get("state", State.SUCCEEDED))
        line.seconds, line.cached = data.get("seconds"), bool(data.get("cached"))
        error = data.get("error")
        line.note = plain(str(error.get("message", ""))).split("\n")[0] if error else ""
        if line.cached or line.state is State.SKIPPED:
            said = "from the cache" if line.cached else "skipped"
        else:
            said = str(line.state).lower() + (f" in {duration(line.seconds)}" if line.seconds is not None else "")
        self._tell(line, said + (f": {line.note}" if line.note else ""))

    def _tell(self, line: _Line, words: str) -> None:
        if not self.terminal.live and words:
            sign = SIGNS[line.state]
            self.terminal.say(f"{time.strftime('%H:%M:%S')} {sign} {line.step}  {words}")

    def _draw(self) -> None:
        """Draw all lines over those drawn before."""
        self._last = time.monotonic()
        self._busy = True  # a tick must not write in the middle of this
        width, paint = self.terminal.width, self.terminal.paint
        wide = min(32, max((len(line.step) for line in self._lines.values()), default=0))
        shown = []
        for line in self._visible():
            if line.state is State.RUNNING and line.began:
                took = duration(max(0.0, time.time() - line.began))
            else:
                took = "cached" if line.cached else duration(line.seconds)
            text = f"{line.step:<{wide}.{wide}}  {took:>7}  {line.note}"
            shown.append(paint(SIGNS[line.state], STATE_COLOURS.get(line.state, "")) + " " + clip(text, width - 3))
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self.terminal.write(up + "".join(f"\x1b[2K{text}\n" for text in shown) + "\x1b[J")
        self._drawn = len(shown)
        self._busy = False

    def _visible(self) -> list[_Line]:
        """Return the lines for which the window has room: those that move, and the last ones that are over."""
        import shutil

        room = max(5, shutil.get_terminal_size((80, 24)).lines - 4)
        lines = list(self._lines.values())
        if len(lines) <= room:
            return lines
        moving = [line for line in lines if line.state is State.RUNNING][:room]
        over = [line for line in lines if line.state.final]
        waiting = [line for line in lines if line.state is State.PENDING]
        left = room - len(moving)
        kept = {id(line) for line in moving + over[-max(1, left // 2) :]}
        kept |= {id(line) for line in waiting[: max(0, room - len(kept))]}
        return [line for line in lines if id(line) in kept][:room]

    def tick(self) -> None:
        """Bring the running times up to date."""
        if self.terminal.live and not self._busy and any(line.state is State.RUNNING for line in self._lines.values()):
            self._draw()

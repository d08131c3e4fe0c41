"""Widgets room: times, sizes and states in words. Pure."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from jupyter_kf.model.run import Run, State

#: One character for each state.
SIGNS = {
    State.PENDING: "·",
    State.RUNNING: "▶",
    State.SUCCEEDED: "✓",
    State.SKIPPED: "-",
    State.FAILED: "✗",
    State.CANCELING: "…",
    State.CANCELED: "⊘",
    State.PAUSED: "‖",
    State.INTERRUPTED: "!",
}

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")


def titled(run: Run) -> str:
    """Return a run's name, with its kind where it is neither a pipeline's nor a whole notebook's."""
    return f"{run.name} ({run.kind})" if run.kind in {"cell", "session"} else run.name


def duration(seconds: float | None) -> str:
    """Return a duration in words of at most seven characters; ``None`` is empty."""
    if seconds is None:
        return ""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours < 100 else f"{hours // 24}d {hours % 24:02}h"


def ago(moment: float | None, now: float | None = None) -> str:
    """Return how long ago a moment was."""
    if not moment:
        return ""
    past = (time.time() if now is None else now) - moment
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h"), (float("inf"), 86400, "d")):
        if past < limit:
            return f"{max(0, round(past / unit))} {name} ago"
    return ""


def moment(seconds: float | None) -> str:
    """Return a moment as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def size(count: float) -> str:
    """Return a number of bytes in words."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def number(value: Any) -> str:
    """Return a metric's or a parameter's value, short."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def plain(text: str) -> str:
    """Return what a terminal would show in the end: without colours, with carriage returns and backspaces obeyed."""
    text = _ANSI.sub("", text).replace("\r\n", "\n")
    if "\r" not in text and "\b" not in text:
        return text
    lines = []
    for line in text.split("\n"):
        shown: list[str] = []
        at = 0
        for char in line:
            if char == "\r":
                at = 0
            elif char == "\b":
                at = max(0, at - 1)
            else:
                shown[at : at + 1] = [char]
                at += 1
        lines.append("".join(shown).rstrip() if "\r" in line else "".join(shown))
    return "\n".join(lines)

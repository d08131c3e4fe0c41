"""Progress in plain lines and in place, and what the terminal makes of colours and odd characters."""

from __future__ import annotations

import io
import sys

import pytest

from jupyter_kf.cli.progress import Progress
from jupyter_kf.cli.terminal import Terminal
from jupyter_kf.model.event import Event
from jupyter_kf.model.pipeline import Cell, Pipeline, Step
from jupyter_kf.model.run import Run
from jupyter_kf.workbench.views import RunView

STEPS = tuple(Step(name, (Cell(name, 0, ""),)) for name in ("load", "fit"))
VIEW = RunView(Run("r1", "demo"), (), Pipeline("demo", "kubeflow", (), STEPS))


def event(kind: str, step: str, cursor: int = 1, **data: object) -> Event:
    return Event(kind, "r1", 1000.0, step, f"e-{step}", data, cursor)


STORY = [
    event("execution.waiting", "fit", 1, reason="waits for 2 CPU"),
    event("execution.started", "load", 2, attempt=1),
    event("execution.finished", "load", 3, state="SUCCEEDED", seconds=1.25),
    event("execution.started", "fit", 4, attempt=2),
    event("metrics.logged", "fit", 5, points=[]),
    event(
        "execution.finished", "fit", 6, state="FAILED", seconds=0.5, error={"message": "\x1b[31mValueError: no\nmore"}
    ),
]


def tell(terminal: Terminal) -> Progress:
    progress = Progress(terminal)
    progress.started(VIEW)
    for one in STORY:
        progress.event(one)
    progress.done()
    return progress


def test_plain_lines_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Terminal()).cursor == 6
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "demo  r1"
    assert [line[9:] for line in lines[1:]] == [
        "· fit  waits for 2 CPU",
        "▶ load  started",
        "✓ load  succeeded in 1.2 s",
        "▶ fit  started, attempt 2",
        "✗ fit  failed in 0.5 s: ValueError: no",
    ]


def test_nothing_but_json(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(as_json=True)
    tell(terminal)
    terminal.say("hello")
    assert capsys.readouterr().out == ""
    terminal.document({"a": float("nan"), "b": [float("inf"), 1.5]})
    assert capsys.readouterr().out == '{\n  "a": null,\n  "b": [\n    null,\n    1.5\n  ]\n}\n'


class Window(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_lines_change_in_place_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window()
    monkeypatch.setattr(sys, "stdout", window)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    tell(Terminal())
    last = window.getvalue().split("\x1b[2A")[-1]
    rows = [row.removeprefix("\x1b[2K") for row in last.splitlines()]
    assert rows[0].split() == ["✓", "load", "1.2", "s"]
    assert rows[1].split() == ["✗", "fit", "0.5", "s", "ValueError:", "no"]
    assert "\x1b[3" not in window.getvalue()


@pytest.mark.parametrize(("no_color", "force", "coloured"), [("", "", True), ("1", "", False), ("1", "1", False)])
def test_colours(monkeypatch: pytest.MonkeyPatch, no_color: str, force: str, coloured: bool) -> None:
    monkeypatch.setattr(sys, "stdout", Window())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("FORCE_COLOR", force)
    assert ("\x1b" in Terminal().paint("x", "red")) is coloured


def test_a_stream_that_cannot_say_it_says_something(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    Terminal().say("✓ done")
    assert raw.getvalue() == b"? done\n"

"""Workbench room: what steps print, once they have or while they do."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_kf.model.run import Execution, State
from jupyter_kf.workbench.views import RunView, read_stream, superseded

_PAUSE = 0.1
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, without its end; ``stream`` is ``stdout``, ``stderr`` or ``error``."""

    step: str
    stream: str
    text: str
    attempt: int = 1

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON data."""
        return {"step": self.step, "stream": self.stream, "text": self.text, "attempt": self.attempt}


def written_lines(view: RunView, step: str = "", tail: int = 0) -> Iterator[LogLine]:
    """Yield what a run's steps have printed so far, step by step, each with its error at the end."""
    for execution in view.executions:
        if step in {"", execution.step} and not superseded(execution):
            lines = list(_lines_of(execution))
            yield from lines[-tail:] if tail else lines


def _lines_of(execution: Execution) -> Iterator[LogLine]:
    for stream, text in _pieces(execution):
        for line in text.splitlines():
            yield LogLine(execution.step, stream, line, execution.attempt)
    yield from _error_lines(execution)


def _pieces(execution: Execution) -> Iterator[tuple[str, str]]:
    """Yield streams in the order in which they were written, as far as it was recorded."""
    from jupyter_kf.runtime.capture import read_outputs

    if execution.state.final and execution.folder:
        recorded = [
            (str(output["name"]), _joined(output.get("text", "")))
            for outputs in read_outputs(execution.folder).values()
            for output in outputs
            if output.get("output_type") == "stream"
        ]
        sizes = sum(len(text.encode()) for _, text in recorded)
        paths = [Path(execution.folder) / name for name in ("stdout", "stderr")]
        if sizes >= sum(path.stat().st_size for path in paths if path.is_file()):
            yield from recorded
            return
    for name in ("stdout", "stderr"):
        yield name, read_stream(execution, name)


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _error_lines(execution: Execution) -> Iterator[LogLine]:
    if execution.state is State.FAILED and execution.error:
        lines = execution.error.get("traceback") or [str(execution.error.get("message", ""))]
        for block in lines:
            for line in str(block).splitlines():
                yield LogLine(execution.step, "error", line, execution.attempt)


@dataclass(slots=True)
class _Tail:
    """Reads a growing file in whole lines."""

    path: Path
    offset: int = 0
    rest: str = ""
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def __post_init__(self) -> None:
        self.decoder.errors = "replace"

    def lines(self, *, last: bool = False) -> Iterator[str]:
        if self.path.is_file():
            with self.path.open("rb") as stream:
                stream.seek(self.offset)
                while block := stream.read(_BLOCK):
                    self.offset += len(block)
                    self.rest += self.decoder.decode(block)
                    *whole, self.rest = self.rest.split("\n")
                    yield from whole
        if last and self.rest:
            yield self.rest
            self.rest = ""


def follow_lines(view_now: Callable[[], RunView], step: str = "", tail: int = 0) -> Iterator[LogLine]:
    """Yield lines of a run as they are written, until the run is over.

    Args:
        view_now: returns the run as it is at that moment.
        step: only this step's lines.
        tail: of what a step had written before, only so many lines.
    """
    files: dict[str, dict[str, _Tail]] = {}
    ended: set[str] = set()
    first = True
    while True:
        view = view_now()
        for execution in view.executions:
            if step not in {"", execution.step} or execution.id in ended or not execution.folder:
                continue
            tails = files.setdefault(
                execution.id, {name: _Tail(Path(execution.folder) / name) for name in ("stdout", "stderr")}
            )
            over = execution.state.final
            fresh = [
                LogLine(execution.step, name, line, execution.attempt)
                for name, reader in tails.items()
                for line in reader.lines(last=over)
            ]
            if over:
                ended.add(execution.id)
                fresh += _error_lines(execution)
            yield from fresh[-tail:] if first and tail else fresh
        if view.state.final:
            return
        first = False
        time.sleep(_PAUSE)

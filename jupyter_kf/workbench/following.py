"""Workbench room: what steps print, once they have or while they do."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    told = ""
    for stream, text in _pieces(execution):
        told += text
        for line in text.splitlines():
            yield LogLine(execution.step, stream, line, execution.attempt)
    yield from _error_lines(execution, told)


def _pieces(execution: Execution) -> Iterator[tuple[str, str]]:
    """Yield streams in the order in which they were written, as far as it was recorded."""
    from jupyter_kf.runtime.capture import read_outputs

    if execution.state.final and execution.folder:
        shown = [output for outputs in read_outputs(execution.folder).values() for output in outputs]
        recorded = [piece for output in shown if (piece := _printed(output)) is not None]
        paths = [Path(execution.folder) / name for name in ("stdout", "stderr")]
        if sum(len(text.encode()) for _, text in recorded) >= sum(p.stat().st_size for p in paths if p.is_file()):
            yield from recorded
            return
    for name in ("stdout", "stderr"):
        yield name, read_stream(execution, name)


def _printed(output: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return stream and text of an output that is in the streams' files as well: an error stands in ``stderr``."""
    if output.get("output_type") == "stream":
        return str(output["name"]), _joined(output.get("text", ""))
    if output.get("output_type") == "error":
        return "error", "\n".join(map(str, output.get("traceback", ()))) + "\n"
    return None


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _error_lines(execution: Execution, told: str) -> Iterator[LogLine]:
    """Yield the error of an execution, unless the step itself has printed it: it could not where it was killed."""
    if execution.state is State.FAILED and execution.error:
        message = str(execution.error.get("message", ""))
        if message not in told:
            for line in message.splitlines():
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
        began = time.monotonic()
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
                fresh += _error_lines(execution, read_stream(execution, "stderr", 1 << 16))
            yield from fresh[-tail:] if first and tail else fresh
        if view.state.final:
            return
        first = False
        time.sleep(max(_PAUSE, 4 * (time.monotonic() - began)))  # a long run is not read all the time

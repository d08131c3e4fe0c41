"""The guest's room, streams and outputs: what a step prints and displays, on disk as it appears.

File descriptors 1 and 2 *are* the files ``stdout`` and ``stderr`` of the execution's folder, opened for appending, so
that what subprocesses, C code and other threads write lands there at once, without pipes, pumps or threads, and
outlives the process. ``outputs.jsonl`` holds one ``{"time", "cell", "output"}`` a line. Streams get into it by *sync
points*: before a display, when Python changes from one stream to the other, and at the end of a cell, whatever the
files have grown by is recorded there, in nbformat's shape.

``outputs.jsonl`` is a log: besides nbformat's outputs it knows ``clear_output`` (with ``wait``) and
``update_display_data``; :func:`read_outputs` folds it into what a notebook would show.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import threading
import time
from typing import Any, Dict, List, Optional, Tuple

STREAM_LIMIT = 1 << 30
"""Bytes after which the files ``stdout`` and ``stderr`` stop growing."""
CELL_STREAM_LIMIT = 1 << 20
"""Bytes of stream text that ``outputs.jsonl`` keeps of one cell; the files have it all."""
OUTPUT_LIMIT = 16 << 20
"""Bytes of one display; a larger one is replaced by a note."""
OUTPUTS_LIMIT = 64 << 20
"""Bytes of ``outputs.jsonl``; what follows is left out, errors excepted."""


class StepStream(io.TextIOWrapper):
    """``sys.stdout`` or ``sys.stderr`` of a step: writes each line through to its file, tells the capture of turns."""

    def __init__(self, capture: Capture, fd: int, name: str) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        buffer = io.BufferedWriter(raw, 1 << 16)
        super().__init__(buffer, encoding="utf-8", errors="backslashreplace", newline="", line_buffering=True)
        self._capture = capture
        self._label = name
        self._room = STREAM_LIMIT

    @property
    def name(self) -> str:
        """``<stdout>`` or ``<stderr>``."""
        return "<" + self._label + ">"

    def write(self, text: str) -> int:
        """Write text; whole lines are in the file when this returns."""
        capture = self._capture
        if capture.speaking is not self:
            capture.turn(self)
        self._room -= len(text)
        if self._room < 0:
            self._room = capture.room(self._label)
        return super().write(text)

    def close(self) -> None:
        """Flush only: a step's streams outlive user code that closes them."""
        self.flush()


class Capture:
    """Owns the streams and ``outputs.jsonl`` of one execution. ``cell`` is the id of the cell that runs now."""

    def __init__(self, folder: str, limits: Optional[Dict[str, int]] = None) -> None:
        limits = limits or {}
        self.folder = folder
        self.cell: Optional[str] = None
        self.speaking: Optional[StepStream] = None
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._stream_limit = limits.get("stream", STREAM_LIMIT)
        self._cell_limit = limits.get("cell", CELL_STREAM_LIMIT)
        self._outputs_limit = limits.get("outputs", OUTPUTS_LIMIT)
        self._offsets = {"stdout": 0, "stderr": 0}
        self._full = {"stdout": False, "stderr": False}
        self._decoders: Dict[str, codecs.IncrementalDecoder] = {}
        self._left = self._cell_limit
        self._written = 0
        self._outputs = -1
        self._muted: Optional[Tuple[int, int, int]] = None
        self.stdout: Optional[StepStream] = None
        self.stderr: Optional[StepStream] = None

    def open(self) -> None:
        """Put the files in place of descriptors 0, 1 and 2, and make the streams. ``sys`` is left to the caller."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        for fd, name in ((1, "stdout"), (2, "stderr")):
            opened = os.open(os.path.join(self.folder, name), flags, 0o600)
            os.dup2(opened, fd)
            os.close(opened)
            self._offsets[name] = os.fstat(fd).st_size
        self._outputs = os.open(os.path.join(self.folder, "outputs.jsonl"), flags, 0o600)
        self.stdout = StepStream(self, 1, "stdout")
        self.stderr = StepStream(self, 2, "stderr")

    def begin(self, cell: str) -> None:
        """A cell begins: what is written from now on is its."""
        self.sync()
        self.cell = cell
        self._left = self._cell_limit

    def mute(self, path: str) -> None:
        """Send both streams to a file of their own, outside the outputs, until :meth:`unmute`; displays are dropped."""
        self.sync()
        self._muted = (os.dup(1), os.dup(2), self._outputs)
        self._outputs = -1
        aside = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(aside, 1)
        os.dup2(aside, 2)
        os.close(aside)

    def unmute(self) -> None:
        """Go on as before :meth:`mute`; does nothing where streams are not muted."""
        if self._muted is None:
            return
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.flush()
        for fd in (1, 2):
            os.dup2(self._muted[fd - 1], fd)
            os.close(self._muted[fd - 1])
        self._outputs = self._muted[2]
        self._muted = None

    def turn(self, stream: StepStream) -> None:
        """Python writes to the other stream now: what the first one said comes before it."""
        if self.speaking is not None:
            self.sync()
        self.speaking = stream

    def room(self, name: str) -> int:
        """Return how many bytes the file may still take; where that is none, close it with a note."""
        fd = 1 if name == "stdout" else 2
        if self._full[name] or os.getpid() != self._pid:
            return self._stream_limit
        room = self._stream_limit - os.fstat(fd).st_size
        if room > 0:
            return room
        self._full[name] = True
        self.sync()
        os.write(fd, b"\n[jupyter_kf: %d bytes written, what follows is left out]\n" % self._stream_limit)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, fd)
        os.close(null)
        return self._stream_limit

    def flush(self) -> None:
        """Put into the files what Python still holds back: a program or a forked child is about to write there."""
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                try:
                    stream.flush()
                except (OSError, ValueError):
                    continue  # user code detached or closed the buffer; the file is read all the same

    def sync(self) -> None:
        """Record what the files have grown by. Children that the user forked leave that to the step."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self.flush()
            for fd, name in ((1, "stdout"), (2, "stderr")):
                self._record_growth(fd, name)

    def _record_growth(self, fd: int, name: str) -> None:
        path = os.path.join(self.folder, name)
        start = self._offsets[name]
        try:
            size = os.stat(path).st_size
        except FileNotFoundError:
            return
        if size <= start:
            return
        self._offsets[name] = size
        if size > self._stream_limit and not self._full[name]:
            self.room(name)
        with open(path, "rb") as file:
            pieces = self._pieces(file, start, size)
        if name not in self._decoders:
            self._decoders[name] = codecs.getincrementaldecoder("utf-8")("replace")
        text = "".join(self._decoders[name].decode(piece) for piece in pieces)
        if text:
            self._append({"output_type": "stream", "name": name, "text": text})

    def _pieces(self, file: Any, start: int, end: int) -> List[bytes]:
        length, left = end - start, self._left
        self._left = max(0, left - length)
        file.seek(start)
        if length <= left:
            return [file.read(length)]
        if left == 0:
            return []
        head, tail = left - left // 2, left // 2
        pieces = [file.read(head), b"\n[jupyter_kf: %d bytes left out here; the log has them]\n" % (length - left)]
        file.seek(end - tail)
        return [*pieces, file.read(tail)]

    def emit(self, output: Dict[str, Any]) -> None:
        """Append one output (nbformat's shape), after everything that was written before it."""
        self.sync()
        with self._lock:
            self._append(output)

    def error(self, output: Dict[str, Any], text: str) -> None:
        """Append an error; ``text`` goes to the file ``stderr`` only, as the error itself is the output."""
        self.sync()
        with self._lock:
            data = text.encode("utf-8", "backslashreplace")
            fd = os.open(os.path.join(self.folder, "stderr"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)
            self._offsets["stderr"] += len(data)
            self._append(output)

    def _append(self, output: Dict[str, Any]) -> None:
        keep = output.get("output_type") == "error"
        if self._outputs < 0 or (self._written > self._outputs_limit and not keep):
            return
        line = _line(self.cell, output)
        if len(line) > OUTPUT_LIMIT:
            line = _line(self.cell, _too_large(output, len(line)))
        self._written += len(line)
        if self._written > self._outputs_limit and not keep:
            note = "[jupyter_kf: this step's outputs are larger than %d bytes, the rest is left out]\n"
            line = _line(self.cell, {"output_type": "stream", "name": "stderr", "text": note % self._outputs_limit})
        view = memoryview(line)
        while view:
            view = view[os.write(self._outputs, view) :]

    def close(self) -> None:
        """Record the last and stop recording; descriptors 1 and 2 stay the files."""
        self.sync()
        if self._outputs >= 0:
            os.close(self._outputs)
            self._outputs = -1


def _line(cell: Optional[str], output: Dict[str, Any]) -> bytes:
    record = {"time": round(time.time(), 3), "cell": cell, "output": output}
    return json.dumps(record, ensure_ascii=True, default=str).encode() + b"\n"


def _too_large(output: Dict[str, Any], size: int) -> Dict[str, Any]:
    kinds = ", ".join(sorted(output.get("data", ()))) or str(output.get("output_type"))
    text = "[jupyter_kf: an output of %d bytes (%s) is left out]" % (size, kinds)
    if output.get("output_type") in ("execute_result", "display_data", "update_display_data"):
        return {**output, "data": {"text/plain": text}, "metadata": {}}
    return {"output_type": "stream", "name": "stderr", "text": text + "\n"}


def read_outputs(folder: str) -> Dict[str, List[Dict[str, Any]]]:
    """Fold ``outputs.jsonl`` into the outputs each cell shows in the end, by cell id, in nbformat's shape.

    Neighbouring stream records are joined, ``clear_output`` and updates of displays are carried out. A last line that
    is being written, or was cut by a crash, is left out.
    """
    cells: Dict[str, List[Dict[str, Any]]] = {}
    clearing: Dict[str, bool] = {}
    displays: Dict[str, List[Dict[str, Any]]] = {}
    try:
        with open(os.path.join(folder, "outputs.jsonl"), encoding="utf-8") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return cells
    for line in lines[:-1]:
        record = json.loads(line)
        cell = record["cell"] or ""
        output = record["output"]
        outputs = cells.setdefault(cell, [])
        kind = output["output_type"]
        if kind == "clear_output":
            if output.get("wait"):
                clearing[cell] = True
            else:
                outputs.clear()
            continue
        display = (output.pop("transient", None) or {}).get("display_id")
        if kind == "update_display_data":
            for shown in displays.get(display or "", ()):
                shown.update(data=output["data"], metadata=output["metadata"])
            continue
        if clearing.pop(cell, False):
            outputs.clear()
        if display:
            displays.setdefault(display, []).append(output)
        if kind == "stream" and outputs and outputs[-1].get("name") == output["name"]:
            outputs[-1]["text"] += output["text"]
        else:
            outputs.append(output)
    return cells

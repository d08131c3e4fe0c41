"""Feature room, whole notebooks: what a notebook prints, shows and logs, on disk and in the event log as it comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from jupyter_kf.engine.records import Records
from jupyter_kf.model.event import Event
from jupyter_kf.runtime.capture import OUTPUTS_LIMIT, STREAM_LIMIT

#: Least number of seconds between two progress events.
PROGRESS_EVERY = 1.0


class Recorder:
    """An :class:`~jupyter_kf.nbrun.client.Observer` that fills an execution's folder.

    ``cells`` holds, for each cell of the executed notebook, the id that the source notebook knows it by, or ``None``
    for the injected one. ``append`` puts events into the log; ``total`` counts the cells that execute.
    """

    def __init__(
        self,
        records: Records,
        cells: Sequence[str | None],
        total: int,
        append: Callable[[Sequence[Event]], Any],
    ) -> None:
        self._records = records
        self._cells = cells
        self._total = total
        self._append = append
        self._done = 0
        self._told = float("-inf")
        self._running: str | None = None
        self._untold = True
        self._files: dict[str, BinaryIO] = {}
        self._left = {"stdout": STREAM_LIMIT, "stderr": STREAM_LIMIT, "outputs.jsonl": OUTPUTS_LIMIT}

    def __enter__(self) -> Recorder:
        for name in self._left:
            path = Path(self._records.folder, name)
            self._files[name] = path.open("ab", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._files:
            self._files.popitem()[1].close()

    def cell_started(self, index: int) -> None:
        """Say which cell runs now, the first one at once, later ones as often as is worth an event."""
        self._running = self._cells[index]
        self._untold = True
        self._tell()

    def cell_finished(self, index: int) -> None:
        """Count the cell."""
        self._done += 1
        self._untold = True
        if self._done == self._total:
            self._running = None
            self._tell(now=True)

    def tick(self) -> None:
        """Bring the event log up to date with what was logged and how far the notebook is."""
        self._tell()
        self.flush()

    def flush(self) -> None:
        """Put metrics and the like that the notebook logged since the last call into the event log."""
        events = self._records.events()
        if events:
            self._append(events)

    def message(self, index: int, kind: str, content: Mapping[str, Any]) -> None:
        """Write a stream, a display, an update of one, or an error."""
        if kind == "stream":
            name = content["name"]
            self._write(name, content["text"].encode("utf-8", "backslashreplace"))
            output = {"output_type": kind, "name": name, "text": content["text"]}
        elif kind in {"display_data", "execute_result", "update_display_data"}:
            output = {"output_type": kind, "data": content["data"], "metadata": content["metadata"]}
            if kind == "execute_result":
                output["execution_count"] = content["execution_count"]
            if (content.get("transient") or {}).get("display_id"):
                output["transient"] = {"display_id": content["transient"]["display_id"]}
        elif kind == "error":
            output = {"output_type": kind, **{k: content[k] for k in ("ename", "evalue", "traceback")}}
        elif kind == "clear_output":
            output = {"output_type": kind, "wait": bool(content.get("wait"))}
        else:
            return
        record = {"time": time.time(), "cell": self._cells[index], "output": output}
        self._write("outputs.jsonl", json.dumps(record, default=str).encode() + b"\n", always=kind == "error")

    def _write(self, name: str, data: bytes, *, always: bool = False) -> None:
        """Append to a file as long as it may grow; the executed notebook has it all."""
        self._left[name] -= len(data)
        if always or self._left[name] >= 0:
            self._files[name].write(data)

    def _tell(self, *, now: bool = False) -> None:
        moment = time.monotonic()
        if self._untold and (now or moment - self._told >= PROGRESS_EVERY):
            self._told = moment
            self._untold = False
            data = {"done": self._done, "total": self._total, "cell": self._running}
            records = self._records
            self._append([Event("execution.progress", records.run, time.time(), records.step, records.execution, data)])

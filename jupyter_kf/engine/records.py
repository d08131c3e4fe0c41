"""Engine room: what a step writes down while it runs (metrics, parameters, tags, files), read as it grows."""

from __future__ import annotations

import json
import logging
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.event import Event

log = logging.getLogger(__name__)

_BATCH = 10_000


@dataclass(slots=True)
class Growing:
    """Complete lines of a file of JSON lines, each given once."""

    path: Path
    offset: int = 0

    def lines(self) -> Iterator[Any]:
        """Yield what was written since the last call; a line that is not whole yet waits for the next."""
        try:
            if self.path.stat().st_size <= self.offset:
                return
        except FileNotFoundError:
            return
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self.offset += len(line)
                try:
                    yield json.loads(line)
                except ValueError:  # user code may have written there, too
                    log.warning("%s: a line that is no JSON was left out", self.path)


@dataclass(slots=True)
class Records:
    """The records of one execution. ``artifacts`` is the store's; files that were logged go there."""

    run: str
    step: str
    execution: str
    folder: Path
    artifacts: Any
    _metrics: Growing = field(init=False)
    _logged: Growing = field(init=False)

    def __post_init__(self) -> None:
        self._metrics = Growing(self.folder / "metrics.jsonl")
        self._logged = Growing(self.folder / "logged.jsonl")

    def events(self) -> list[Event]:
        """Return events for all that was recorded since the last call."""
        made: list[Event] = []
        points = [p for p in self._metrics.lines() if _is_point(p)]
        for start in range(0, len(points), _BATCH):
            made.append(self._event("metrics.logged", {"points": points[start : start + _BATCH]}))
        tags: dict[str, Any] = {}
        for line in self._logged.lines():
            if not isinstance(line, dict):
                continue
            kind, name = line.get("kind"), str(line.get("name", ""))
            if kind == "tag":
                tags[name] = line.get("value")
            elif kind == "note":
                made.append(self._event("run.noted", {"note": str(line.get("value", ""))}))
            elif kind == "param":
                made.append(self._event("run.parameter", {"name": name, "value": line.get("value")}))
            elif kind in {"artifact", "figure"}:
                artifact = self._keep(Path(str(line.get("path", ""))), name)
                if artifact:
                    made.append(self._event("artifact.logged", {"name": name, "artifact": artifact.to_dict()}))
        if tags:
            made.append(self._event("run.tagged", {"tags": tags}))
        return made

    def _event(self, kind: str, data: dict[str, Any]) -> Event:
        return Event(kind, self.run, time.time(), self.step, self.execution, data)

    def _keep(self, path: Path, name: str) -> Artifact | None:
        """Put a logged file, or a folder as one tar file whose bytes depend on its content alone, into the store."""
        if not path.exists():
            log.warning("%s was logged but is gone", path)
            return None
        kind, source = ("folder", _packed(path)) if path.is_dir() else ("file", path)
        size = source.stat().st_size
        digest = self.artifacts.put_file(source)
        if source is not path:
            source.unlink()
        return Artifact(digest, size, kind, (name,), created=time.time(), meta={"file": path.name})


def _is_point(line: Any) -> bool:
    """True for ``[name, value, step or null, time]``: the file lies where user code can write, too."""
    if not isinstance(line, list) or len(line) != 4 or not isinstance(line[0], str):
        return False
    numbers = line[1:] if line[2] is not None else (line[1], line[3])
    return all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)


def _packed(folder: Path) -> Path:
    packed = folder.with_name(f".{folder.name}.{os.getpid()}.tar")

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(packed, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=plain)
    return packed

"""What all benchmarks share: rows, taking turns, processes measured from outside."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ours`` and ``others`` (name → number, or the reason why there is none) are in ``unit``; less is better.
    ``goal`` bounds ``ours`` (``kind`` ``value``) or ``ours / others[against]`` (``kind`` ``ratio``).
    """

    case: str
    unit: str
    ours: float
    others: Mapping[str, float | str] = field(default_factory=dict)
    goal: float | None = None
    kind: str = "value"
    against: str = ""
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; ``None`` without a goal, or without what it is measured against."""
        if self.goal is None:
            return None
        if self.kind == "value":
            return self.ours <= self.goal
        other = self.others.get(self.against)
        return self.ours <= self.goal * other if isinstance(other, int | float) else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "unit": self.unit,
            "ours": self.ours,
            "others": dict(self.others),
            "ratios": {n: self.ours / v for n, v in self.others.items() if isinstance(v, int | float) and v},
            "goal": self.goal,
            "goal_kind": self.kind if self.goal is not None else None,
            "goal_against": self.against or None,
            "met": self.met,
            "note": self.note,
        }


@dataclass
class Context:
    """``quick``: smallest sizes, once, to see that it works. ``peers``: whether peers are installed and measured."""

    quick: bool = False
    peers: bool = True
    repeat: int = 5
    folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    def size(self, full: int, quick: int) -> int:
        """Return the size to measure at."""
        return quick if self.quick else full

    @property
    def turns(self) -> int:
        """How often everything is measured."""
        return 1 if self.quick else self.repeat

    @contextmanager
    def home(self) -> Any:
        """A fresh home for jupyter_kf, removed once the processes that were started for it are gone."""
        with tempfile.TemporaryDirectory(prefix="kfb-", dir=self.folder, ignore_cleanup_errors=True) as folder:
            home = Home(Path(folder))
            try:
                yield home
            finally:
                home.end_processes()


@dataclass(frozen=True)
class Home:
    """A folder with notebooks and all state of the runs made there."""

    path: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of everything that is started here."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_KF_") or k == "JUPYTER_KF_TEST_SESSION"
        }
        return kept | {"JUPYTER_KF_HOME": str(self.path / "home"), "JUPYTER_KF_WARM": "60"}

    def end_processes(self) -> None:
        """End what is still warm here: a fork server waits for the next run, and nobody comes."""
        mark = f"JUPYTER_KF_HOME={self.path / 'home'}".encode()
        while found := [pid for pid in _processes() if mark in _environ(pid)]:
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def kf(self, *words: str) -> dict[str, Any]:
        """Run ``jupyter-kf WORDS --json`` and return its document, with ``seconds`` of the whole command.

        Raises:
            RuntimeError: the command failed; the message holds what it said.
        """
        command = [sys.executable, "-m", "jupyter_kf", *words, "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, env=self.environ, cwd=self.path, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            )
        document: dict[str, Any] = json.loads(done.stdout)
        return document | {"seconds": seconds}


@dataclass(frozen=True)
class Sample:
    """Seconds of a process, from outside: by the clock, and of CPU (user and system, with children it waited for)."""

    wall: float
    cpu: float
    stdout: str = ""

    def json(self) -> Any:
        """The last line it printed, as JSON."""
        return json.loads(self.stdout.strip().splitlines()[-1])


def process(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Sample:
    """Run a command to its end and measure it; raises :class:`RuntimeError` if it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen([str(c) for c in command], env=env, cwd=cwd, stdout=out, stderr=err, text=True)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            raise RuntimeError(f"{command[0]} …: exit {child.returncode}\n{err.read()[-2000:]}")
        return Sample(wall, usage.ru_utime + usage.ru_stime, out.read())


def take_turns(turns: int, **subjects: Callable[[], float] | None) -> dict[str, float]:
    """Call each subject once a turn; return the median of what each gave. A subject that is ``None`` is left out."""
    present = {name: subject for name, subject in subjects.items() if subject}
    taken: dict[str, list[float]] = {name: [] for name in present}
    for _ in range(turns):
        for name, subject in present.items():
            taken[name].append(subject())
    return {name: statistics.median(values) for name, values in taken.items()}


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    import platform

    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    memory = next((int(line.split()[1]) * 1024 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(x, 2) for x in os.getloadavg()],
    }


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if int(folder.name) != os.getpid()]


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines() if Path(path).exists() else []

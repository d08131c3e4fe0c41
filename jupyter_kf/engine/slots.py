"""Engine room: CPU, memory and GPUs as slots that all runs of this user on this machine share.

A *lease* is a row in a small SQLite file beside the runs. It counts as long as the lock of its run is held, so a killed
run gives back what it had without anybody's help. Who does not fit waits in a queue that is served in order: what
earlier waiters asked for is not given to later ones, so nobody starves, and a request that needs nothing of what
earlier ones wait for may pass.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jupyter_kf.config import Settings
from jupyter_kf.engine.locks import holder
from jupyter_kf.errors import ConfigError, EngineError
from jupyter_kf.model.pipeline import Step, StepOptions
from jupyter_kf.store.filesystem import network_type

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (
    place INTEGER PRIMARY KEY AUTOINCREMENT, execution TEXT UNIQUE NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL,
    held INTEGER NOT NULL, cpu REAL NOT NULL, memory INTEGER NOT NULL, gpu INTEGER NOT NULL, gpus TEXT NOT NULL
)"""
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Demand:
    """What a step asks for: ``cpu`` in cores, ``memory`` in bytes (0: not accounted for), ``gpu`` a count."""

    cpu: float = 1.0
    memory: int = 0
    gpu: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What steps may use together. ``gpus`` are CUDA ids."""

    cpu: float
    memory: int
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease: ``gpus`` are the ids to put in ``CUDA_VISIBLE_DEVICES`` (empty: none was asked for)."""

    execution: str
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """There is no room now; ``reason`` says what is missing and who has it."""

    reason: str


def demand_of(options: StepOptions, capacity: Capacity) -> Demand:
    """Return what a step asks for; a step that says nothing about CPU takes one core's slot, so that a wide run uses
    every core once.
    """
    return Demand(min(1.0, capacity.cpu) if options.cpu is None else options.cpu, options.memory or 0, options.gpu)


def discover(settings: Settings, environ: Mapping[str, str] | None = None) -> Capacity:
    """Return what the machine (or the container around this process) has, cut down to the settings.

    Raises:
        ConfigError: KF501 where ``gpus`` is neither a count nor a list of ids.
    """
    environ = os.environ if environ is None else environ
    return Capacity(settings.cpu or _cores(), settings.memory or _memory(), _gpus(settings.gpus, environ))


def check_fits(demand: Demand, capacity: Capacity, step: Step) -> None:
    """Refuse what could never be given.

    Raises:
        EngineError: KF703, naming the step and both amounts.
    """
    wanted = (
        ("CPU", "--cpu", "cpu", demand.cpu, capacity.cpu, f"{demand.cpu:g}", f"{capacity.cpu:g}"),
        ("memory", "--memory", "memory", demand.memory, capacity.memory, size(demand.memory), size(capacity.memory)),
        ("GPU", "--gpu", "gpus", demand.gpu, len(capacity.gpus), str(demand.gpu), str(len(capacity.gpus))),
    )
    for what, option, setting, asked, there, asked_text, there_text in wanted:
        if asked > there + _EPSILON:
            raise EngineError(
                f"Step {step.name!r} asks for {asked_text} {what}, but this machine has {there_text} to give.",
                code="KF703",
                fix=f"Lower {option} in the step's directive, or raise the setting {setting!r}.",
                cell=step.cells[0].id if step.cells else None,
                cell_index=step.cells[0].index if step.cells else None,
                line=1,
            )


class Slots:
    """The machine's slots as one run sees them; used by one thread. Close it when done."""

    def __init__(self, home: Path, capacity: Capacity, run: str) -> None:
        self._runs = home / "runs"
        self._capacity = capacity
        self._run = run
        self._path = home / f"slots-{socket.gethostname()}.db"  # a home may be shared by machines, their cores are not
        self._database: sqlite3.Connection | None = None

    def take(self, execution: str, step: str, demand: Demand) -> Grant | Wait:
        """Take a lease, or a place in the queue (kept over repeated calls), in one transaction."""
        with self._transaction() as database:
            rows = self._living(database)
            mine = next((r for r in rows if r.execution == execution), None)
            if mine and mine.held:
                return Grant(execution, mine.gpus)
            before = [r for r in rows if r.held or mine is None or r.place < mine.place]
            cpu = self._capacity.cpu - sum(r.demand.cpu for r in before)
            memory = self._capacity.memory - sum(r.demand.memory for r in before)
            taken = {g for r in before if r.held for g in r.gpus}
            free = [g for g in self._capacity.gpus if g not in taken]
            spare = len(free) - sum(r.demand.gpu for r in before if not r.held)
            short = [
                (demand.cpu > 0 and demand.cpu > cpu + _EPSILON, "cpu", f"{demand.cpu:g} CPU"),
                (demand.memory > 0 and demand.memory > memory, "memory", f"{size(demand.memory)} of memory"),
                (demand.gpu > 0 and demand.gpu > spare, "gpu", f"{demand.gpu} GPU"),
            ]
            if any(lacking for lacking, _, _ in short):
                self._write(database, execution, step, demand, held=False, gpus=())
                return Wait(_reason([(kind, text) for lacking, kind, text in short if lacking], before, self._run))
            given = tuple(free[: demand.gpu])
            self._write(database, execution, step, demand, held=True, gpus=given)
            return Grant(execution, given)

    def give_back(self, execution: str) -> None:
        """End a lease or leave the queue; does nothing where there is neither."""
        with self._transaction() as database:
            database.execute("DELETE FROM lease WHERE execution = ?", (execution,))

    def close(self) -> None:
        """Give back everything of this run."""
        if self._database is not None:
            with self._transaction() as database:
                database.execute("DELETE FROM lease WHERE run = ?", (self._run,))
            self._database.close()
            self._database = None

    def _write(
        self,
        database: sqlite3.Connection,
        execution: str,
        step: str,
        demand: Demand,
        *,
        held: bool,
        gpus: Sequence[str],
    ) -> None:
        database.execute(
            "INSERT INTO lease (execution, run, step, held, cpu, memory, gpu, gpus) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (execution) DO UPDATE SET held = excluded.held, gpus = excluded.gpus",
            (execution, self._run, step, held, demand.cpu, demand.memory, demand.gpu, json.dumps(list(gpus))),
        )

    def _living(self, database: sqlite3.Connection) -> list[_Lease]:
        rows = [
            _Lease(place, execution, run, step, bool(held), Demand(cpu, memory, gpu), tuple(json.loads(gpus)))
            for place, execution, run, step, held, cpu, memory, gpu, gpus in database.execute(
                "SELECT place, execution, run, step, held, cpu, memory, gpu, gpus FROM lease ORDER BY place"
            )
        ]
        dead = {run for run in {r.run for r in rows} - {self._run} if holder(self._runs / run) is None}
        database.executemany("DELETE FROM lease WHERE run = ?", [(run,) for run in dead])
        return [r for r in rows if r.run not in dead]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._database is None:
            self._database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            self._path.chmod(0o600)
            # a write-ahead log needs memory that processes share, which a network file system has not
            journal = "TRUNCATE" if network_type(self._path.parent) else "WAL"
            self._database.execute(f"PRAGMA journal_mode = {journal}")
            self._database.execute("PRAGMA synchronous = OFF")  # after a loss of power no lease is held anyway
            self._database.execute(_SCHEMA)
            # what an earlier process of this run held died with it, but its rows look alive under this one's lock
            self._database.execute("DELETE FROM lease WHERE run = ?", (self._run,))
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class _Lease:
    place: int
    execution: str
    run: str
    step: str
    held: bool
    demand: Demand
    gpus: tuple[str, ...]


def _reason(short: Sequence[tuple[str, str]], before: Sequence[_Lease], run: str) -> str:
    kinds = [kind for kind, _ in short]
    users = [r for r in before if any(getattr(r.demand, kind) for kind in kinds)]
    holders = [_who(r, run) for r in users if r.held]
    ahead = sum(not r.held for r in users)
    parts = [f"waits for {' and '.join(text for _, text in short)}"]
    if holders:
        more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
        parts.append(f"held by {', '.join(holders[:3])}{more}")
    if ahead:
        parts.append(f"{ahead} before it in the queue")
    return "; ".join(parts)


def _who(lease: _Lease, run: str) -> str:
    return f"step {lease.step!r}" if lease.run == run else f"run {lease.run} step {lease.step!r}"


def size(count: float) -> str:
    """Return a number of bytes as text such as ``1.5 GiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"


def _cores() -> float:
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    words = _read("/sys/fs/cgroup/cpu.max").split()
    if len(words) == 2 and words[0].isdigit():
        cores = min(cores, max(1.0, int(words[0]) / int(words[1])))
    return cores


def _memory() -> int:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _read("/sys/fs/cgroup/memory.max").strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # no cgroup v2 here: the machine itself is the limit
        return ""


def _gpus(setting: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    found = tuple(p.strip() for p in visible.split(",") if p.strip() not in {"", "-1"}) if visible is not None else None
    if found is None:
        cards = Path("/proc/driver/nvidia/gpus")
        found = tuple(str(i) for i in range(sum(1 for _ in cards.iterdir()))) if cards.is_dir() else ()
    text = setting.strip()
    if not text:
        return found
    if text.isdigit() and "," not in text:
        count = int(text)
        return found[:count] if len(found) >= count else tuple(str(i) for i in range(count))
    ids = tuple(p.strip() for p in text.split(",") if p.strip())
    if not all(i.isdigit() or i.startswith(("GPU-", "MIG-")) for i in ids):
        raise ConfigError(
            f"Setting 'gpus' cannot be {setting!r}.",
            code="KF501",
            fix="Give a count, or CUDA ids such as '0,1' ('0,' for the first alone).",
        )
    return ids

"""Workbench room: one cell in a process of its own, its inputs from a living namespace and its results back into it.

The run it makes is of kind ``cell``. What the cell needs is found as for a step; functions of the namespace bring what
they read when they are called. Values travel as between steps, so the process sees copies: what the cell changes comes
back as new values, what it leaves alone stays the caller's own object.
"""

from __future__ import annotations

import builtins
import json
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import NotebookError, StepFailed
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.model.pipeline import IMPLICIT_NAMES, NUMPY_RANDOM_STATE, RANDOM_STATE, Step
from jupyter_kf.model.run import State
from jupyter_kf.workbench.reading import diagnostic_of

if TYPE_CHECKING:
    from jupyter_kf.config import Settings
    from jupyter_kf.store import Store

_TICK = 0.05
#: Findings about names that other cells would have to make: here the namespace has them.
_ABOUT_OTHERS = frozenset({"KF120", "KF121", "KF123", "KF124", "KF125", "KF126"})
_BUILTIN = frozenset(dir(builtins))


@dataclass
class CellRun:
    """A cell that runs elsewhere. Iterate over :meth:`outputs` to its end, then call :meth:`bring_back`.

    ``index`` is how tracebacks call the cell; ``namespace`` is the caller's.
    """

    settings: Settings
    store: Store
    name: str
    source: str
    namespace: dict[str, Any]
    index: int = 0
    notebook: str = ""
    run: str = field(default_factory=new_id)
    execution: str = field(default_factory=new_id)
    report: Mapping[str, Any] | None = None
    status: int | None = None
    _kept: frozenset[str] = frozenset()

    @property
    def folder(self) -> Path:
        """The execution's folder."""
        return self.settings.home / "runs" / self.run / self.execution

    def outputs(self) -> Iterator[Mapping[str, Any]]:
        """Run the cell and yield what it prints and displays, in nbformat's shape, as it comes.

        Raises:
            NotebookError: the cell cannot be read.
            StepFailed: KF210 where something it needs cannot travel; else what the cell raised.
        """
        from jupyter_kf.engine.locks import RunLock
        from jupyter_kf.engine.process import open_launcher

        step = self._analysed()
        inputs, given = self._given(step)
        self._kept = frozenset(given) - frozenset(step.binds)
        self.folder.mkdir(parents=True, mode=0o700)
        began = time.time()
        with RunLock(self.folder.parent) as lock:
            lock.acquire()
            launcher = open_launcher(sys.executable, settings=self.settings)
            error: Mapping[str, Any] | None = None
            state = State.CANCELED
            try:
                self._say_started(began, given)
                launcher.start(self._manifest(step, inputs, given), secret_env=self._secrets(step))
                yield from self._attend(launcher)
                error = self._error()
                state = State.FAILED if error else State.SUCCEEDED
            finally:
                launcher.close()
                self._say_finished(state, error, time.time() - began, given)
        if error:
            raise StepFailed(
                str(error.get("message", "")),
                code=str(error.get("code") or "KF201"),
                fix=str(error.get("fix") or ""),
                details={"traceback": list(error.get("traceback") or ())},
            )

    def bring_back(self) -> dict[str, str]:
        """Bind in the namespace what the cell made or changed; return reasons, by name, for what stayed behind."""
        from jupyter_kf.runtime.bundle import load
        from jupyter_kf.runtime.namespace import Namespace
        from jupyter_kf.runtime.random_state import RandomStates

        names = (self.report or {}).get("names") or {}
        room = Namespace(self.namespace)
        together: dict[str, list[str]] = {}
        for name, said in names.items():
            if said["state"] == "stored":
                together.setdefault(said["digest"], []).append(name)
            elif said["state"] == "absent":
                self.namespace.pop(name, None)
        before = {name: self.namespace[name] for name in names if name in self._kept and name in self.namespace}
        for digest, wanted in together.items():
            load(str(self.store.artifacts.path(digest)), wanted, room, digest=digest)
        RandomStates(()).set(self.namespace)
        # A value changed in place changes under all its names.
        for name, old in before.items():
            if names[name]["state"] == "stored":
                for other in [n for n, value in self.namespace.items() if value is old and n != name]:
                    self.namespace[other] = self.namespace[name]
        return {n: str(s.get("why", "")) for n, s in names.items() if s["state"] == "unstorable"}

    # inside

    def _analysed(self) -> Step:
        from jupyter_kf.notebook import convert

        cell = {"cell_type": "code", "id": "cell", "metadata": {}, "source": self.source, "outputs": []}
        found = convert(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode())
        errors = [d for d in found.diagnostics if d.severity == "error" and d.code not in _ABOUT_OTHERS]
        if errors or found.pipeline is None or not found.pipeline.steps:
            first = errors[0] if errors else diagnostic_of(NotebookError("The cell cannot be read."))
            lines = self.source.split("\n")
            quote = lines[first.line - 1].strip() if first.line and first.line <= len(lines) else ""
            raise NotebookError(first.message, fix=first.fix, code=first.code, line=first.line, quote=quote)
        return found.pipeline.steps[0]

    def _given(self, step: Step) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Store what the cell needs of the namespace; return the manifest's inputs, and digests by name."""
        from jupyter_kf.runtime.bundle import dump
        from jupyter_kf.runtime.namespace import Namespace

        wanted = [n for n in (*step.needs, *step.options.inputs) if self._has(n)]
        room = Namespace(self.namespace)
        while True:
            values = {**generator_states(), **{n: self.namespace[n] for n in dict.fromkeys(wanted)}}
            outcome = dump(values, str(self.store.artifacts.folder), room)
            late = {n for a in outcome.artifacts for n in a.get("late", ())}
            more = sorted(n for n in late if n not in wanted and self._has(n))
            if not more:
                break
            wanted += more
        refused = {n: s for n, s in outcome.names.items() if s["state"] == "unstorable"}
        if refused:
            told = "; ".join(f"{n} ({s.get('type', '?')}): {s.get('why', '')}" for n, s in refused.items())
            fix = " ".join(dict.fromkeys(str(s.get("fix", "")) for s in refused.values())).strip()
            raise StepFailed(f"The cell needs what cannot travel: {told}.", code="KF210", fix=fix)
        given = {n: str(s["digest"]) for n, s in outcome.names.items() if s["state"] == "stored"}
        names: dict[str, list[str]] = {}
        for name, digest in given.items():
            names.setdefault(digest, []).append(name)
        path = self.store.artifacts.path
        return [{"digest": d, "path": str(path(d)), "names": n} for d, n in names.items()], given

    def _has(self, name: str) -> bool:
        if name in IMPLICIT_NAMES or name not in self.namespace:
            return False
        return name not in _BUILTIN or self.namespace[name] is not getattr(builtins, name)

    def _manifest(self, step: Step, inputs: list[dict[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
        live = list(dict.fromkeys([*step.binds, *given, *step.options.outputs]))
        return {
            "version": 1,
            "run": self.run,
            "execution": self.execution,
            "step": self.name,
            "attempt": 1,
            "cwd": str(Path.cwd()),
            "folder": str(self.folder),
            "artifacts": str(self.store.artifacts.folder),
            "cells": [{"id": "cell", "index": self.index, "source": self.source}],
            "future": list(step.future),
            "fragments": [],
            "replay": [],
            "parameters": {},
            "inputs": inputs,
            "absent": [],
            "unstorable": {},
            "live": live,
            "wanted": [],
            "outputs": list(step.options.outputs),
            "random": [n for n in given if n in IMPLICIT_NAMES],
            "env": dict(step.options.env),
            "secrets": list(step.options.secrets),
            "threads": os.cpu_count() or 1,
        }

    def _secrets(self, step: Step) -> dict[str, str]:
        from jupyter_kf.engine.secrets import find_secrets

        return dict(find_secrets(step.options.secrets, self.settings.home, os.environ))

    def _attend(self, launcher: Any) -> Iterator[Mapping[str, Any]]:
        """Yield outputs until the process has ended; whatever ends the iteration early kills it."""
        reader = OutputReader(self.folder)
        over = False
        while not over:
            select.select([launcher.fileno()], [], [], _TICK)
            for event in launcher.events():
                if event.kind == "reported":
                    self.report = event.report
                elif event.kind == "exited":
                    self.status, over = event.status, True
            yield from reader.fresh()
        yield from reader.fresh()

    def _error(self) -> Mapping[str, Any] | None:
        from jupyter_kf.runtime.failure import GENERAL_FIX

        if self.report is None:
            status = self.status or 0
            how = f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
            return StepFailed(f"The process of {self.name!r} {how} and gave no result.", code="KF220").to_dict()
        if self.report.get("state") == State.SUCCEEDED:
            return None
        error: Mapping[str, Any] = self.report.get("error") or {}
        if error.get("fix") == GENERAL_FIX:  # there is no run to go on with
            error = {**error, "fix": "Correct the cell and run it again."}
        return error or StepFailed("The cell failed.").to_dict()

    def _say_started(self, began: float, given: Mapping[str, str]) -> None:
        described = {
            "name": self.name,
            "kind": "cell",
            "experiment": self.settings.experiment,
            "notebook": self.notebook,
        }
        started = {"attempt": 1, "inputs": dict(given), "folder": str(self.folder)}
        self.store.metadata.append(
            [
                Event("run.submitted", self.run, began, data={**described, "engine": "local"}),
                Event("run.started", self.run, began, data={"pid": os.getpid()}),
                Event("execution.started", self.run, began, self.name, self.execution, started),
            ]
        )

    def _say_finished(
        self, state: State, error: Mapping[str, Any] | None, seconds: float, given: Mapping[str, str]
    ) -> None:
        from jupyter_kf.engine.attempts import artifacts_of, outputs_of
        from jupyter_kf.engine.records import Records

        records = Records(self.run, self.name, self.execution, self.folder, self.store.artifacts)
        report = dict(self.report or {}) if state is State.SUCCEEDED else {}
        ended = {
            "state": str(state),
            "attempt": 1,
            "seconds": seconds,
            "folder": str(self.folder),
            "inputs": dict(given),
            "outputs": outputs_of(report),
            "report": report or None,
            "error": error,
            "artifacts": artifacts_of(report),
        }
        self.store.metadata.append(
            [
                *records.events(),
                Event("execution.finished", self.run, time.time(), self.name, self.execution, ended),
                Event("run.finished", self.run, time.time(), data={"state": str(state), "error": error}),
            ]
        )


def generator_states() -> dict[str, Any]:
    """Return the states of the global random generators of this process, of those that are loaded."""
    states: dict[str, Any] = {}
    if "random" in sys.modules:
        states[RANDOM_STATE] = sys.modules["random"].getstate()
    if "numpy.random" in sys.modules:
        states[NUMPY_RANDOM_STATE] = sys.modules["numpy.random"].get_state(legacy=False)
    return states


class OutputReader:
    """Reads an execution's streams and ``outputs.jsonl`` as they grow, in one order.

    The log says in which order streams and displays came, but only from time to time; the streams' own files are there
    at once. So recorded output is given first, then what the files have beyond it, and nothing twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offset = 0
        self._told = {"stdout": 0, "stderr": 0}
        self._recorded = {"stdout": 0, "stderr": 0}

    def fresh(self) -> Iterator[Mapping[str, Any]]:
        """Yield what came since the last call."""
        for output in self._records():
            if output.get("output_type") == "error":  # stands in stderr as well; whoever runs the cell shows it
                text = "\n".join(map(str, output.get("traceback", ()))) + "\n"
                self._recorded["stderr"] += len(text.encode())
                self._told["stderr"] = max(self._told["stderr"], self._recorded["stderr"])
            name = output.get("name")
            if output.get("output_type") != "stream" or name not in self._told:
                yield output
                continue
            text = str(output.get("text", ""))
            self._recorded[name] += len(text.encode())
            ahead = self._recorded[name] - self._told[name]
            if ahead > 0:
                self._told[name] = self._recorded[name]
                yield {**output, "text": text.encode()[-ahead:].decode("utf-8", "replace")}
        for name in self._told:
            path = self._folder / name
            if path.is_file() and path.stat().st_size > self._told[name]:
                with path.open("rb") as stream:
                    stream.seek(self._told[name])
                    data = stream.read()
                whole = _whole_characters(data)
                self._told[name] += len(whole)
                if whole:
                    yield {"output_type": "stream", "name": name, "text": whole.decode("utf-8", "replace")}

    def _records(self) -> Iterator[dict[str, Any]]:
        path = self._folder / "outputs.jsonl"
        if not path.is_file():
            return
        with path.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield json.loads(line)["output"]


def _whole_characters(data: bytes) -> bytes:
    """Return the bytes without a character that has only begun at their end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if needed > back else data
        if byte < 0x80:
            break
    return data

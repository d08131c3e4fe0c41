"""Runs random programs as pipelines: real analysis, scheduler, fork server and step processes, one supervisor for all.

``python -m tests.property.oracle --start 0 --count 20000`` runs many by hand; see :mod:`tests.property.programs` for
what is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from jupyter_kf.config import Settings, load_settings
from jupyter_kf.engine import scheduler
from jupyter_kf.engine.process import Launcher, ProcessEvent, open_launcher
from jupyter_kf.model.pipeline import Pipeline
from jupyter_kf.model.run import State
from jupyter_kf.notebook import convert
from tests.property.programs import Program, expected, generate

#: Refusals that are right for random programs: the reader, too, must be told which binding is meant.
AMBIGUOUS = {"KF120"}


@dataclass
class Outcome:
    """How one program went: ``kind`` is same, different, refused or unfit (it does not run in a notebook either)."""

    seed: int
    kind: str
    text: str = ""
    executions: int = 0
    superseded: int = 0
    ordered: bool = False


@dataclass
class ProgramRun:
    """One program on its way through the scheduler."""

    program: Program
    wanted: dict[str, str]
    pipeline: Pipeline
    folder: Path
    brain: scheduler.Scheduler
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    executions: int = 0
    superseded: int = 0
    finish: scheduler.Finish | None = None


#: What a step of the program must print, and its pipeline; or why there is none.
Prepared = tuple[Program, dict[str, str], Pipeline] | Outcome


def prepare(seed: int) -> Prepared:
    """Run a program in one namespace, and make a pipeline of it."""
    program = generate(seed)
    wanted = expected(program)
    if wanted is None:
        return Outcome(seed, "unfit")
    conversion = convert(program.notebook())
    errors = {d.code for d in conversion.diagnostics if d.severity == "error"}
    if errors & AMBIGUOUS:
        program.ordered = True
        program.after = {b: [a] for a, b in zip(program.steps, program.steps[1:], strict=False)}
        conversion = convert(program.notebook())
        errors = {d.code for d in conversion.diagnostics if d.severity == "error"}
    if errors or conversion.pipeline is None:
        said = "; ".join(d.message for d in conversion.diagnostics if d.severity == "error")
        return Outcome(seed, "refused", f"{sorted(errors)} {said}")
    return program, wanted, conversion.pipeline


class Oracle:
    """Plays the supervisor for several programs at once."""

    def __init__(self, settings: Settings, python: str = sys.executable, wide: int = 4) -> None:
        self.settings = settings
        self.wide = wide
        self.launcher: Launcher = open_launcher(
            python, modules=("asyncio", "numpy", "dataclasses", "enum", "functools", "copy"), settings=settings
        )
        self.artifacts = settings.home / "artifacts"
        self.attempts: dict[str, tuple[ProgramRun, scheduler.Launch]] = {}
        self.outcomes: list[Outcome] = []

    def close(self) -> None:
        self.launcher.close()

    def run(self, programs: Iterable[Prepared]) -> list[Outcome]:
        """Run all; outcomes come in the order of their end."""
        self.outcomes = []
        active: list[ProgramRun] = []
        waiting = iter(programs)
        more = True
        while more or active:
            while more and len(active) < self.wide:
                program = next(waiting, None)
                if program is None:
                    more = False
                    break
                started = self.start(program)
                if started is not None:
                    active.append(started)
            if active and not any(r.finish for r in active):
                select.select([self.launcher.fileno()], [], [], 60)
                for event in self.launcher.events():
                    self.hear(event)
            for done in [r for r in active if r.finish]:
                active.remove(done)
                self.judge(done)
        return self.outcomes

    def start(self, prepared: Prepared) -> ProgramRun | None:
        if isinstance(prepared, Outcome):
            self.outcomes.append(prepared)
            return None
        program, wanted, pipeline = prepared
        folder = Path(tempfile.mkdtemp(prefix=f"p{program.seed}-", dir=self.settings.home))
        run = ProgramRun(program, wanted, pipeline, folder, scheduler.Scheduler(pipeline))
        self.obey(run, run.brain.handle(scheduler.Begin()))
        return run

    def obey(self, run: ProgramRun, instructions: Iterable[scheduler.Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case scheduler.Launch():
                    self.launch(run, instruction)
                case scheduler.Supersede(step, _, _, running):
                    run.superseded += 1
                    run.reports.pop(step, None)
                    if running:
                        for execution, (owner, launch) in list(self.attempts.items()):
                            if owner is run and launch.step == step:
                                del self.attempts[execution]
                                self.launcher.kill(execution, 0)
                case scheduler.Finish() as finish:
                    run.finish = finish

    def launch(self, run: ProgramRun, launch: scheduler.Launch) -> None:
        step = run.pipeline.step(launch.step)
        run.executions += 1
        execution = f"{run.folder.name}-{launch.step}-{launch.attempt}"
        folder = run.folder / f"{launch.step}-{launch.attempt}"
        run.folders[launch.step] = folder
        self.attempts[execution] = (run, launch)
        fragments = list(run.pipeline.to_dict()["fragments"])
        self.launcher.start(
            {
                "version": 1, "run": run.folder.name, "execution": execution, "step": step.name,
                "attempt": launch.attempt,
                "cwd": str(run.folder), "folder": str(folder), "artifacts": str(self.artifacts),
                "cells": [{"id": c.id, "index": c.index, "source": c.source} for c in step.cells],
                "future": list(step.future), "fragments": fragments, "replay": list(step.replay), "parameters": {},
                "inputs": [
                    {"digest": b.digest, "path": str(self.artifacts / b.digest[:2] / b.digest), "names": list(b.names)}
                    for b in launch.inputs
                ],
                "absent": list(launch.absent), "unstorable": dict(launch.unstorable), "live": list(step.live),
                "wanted": list(step.wanted), "outputs": [],
                "random": [n for n in dict.fromkeys((*step.needs, *step.live)) if n.startswith("<")],
                "env": {}, "secrets": [], "threads": 1,
            }
        )  # fmt: skip

    def hear(self, event: ProcessEvent) -> None:
        if event.execution not in self.attempts or event.kind == "started":
            return
        run, launch = self.attempts.pop(event.execution)
        if event.report is None:
            error = {"code": "KF220", "message": f"died with status {event.status}"}
            self.obey(run, run.brain.handle(scheduler.Failed(launch.step, error, False, launch.attempt)))
        elif event.report["state"] != State.SUCCEEDED:
            error = event.report["error"]
            self.obey(run, run.brain.handle(scheduler.Failed(launch.step, error, False, launch.attempt)))
        else:
            run.reports[launch.step] = dict(event.report)
            self.obey(run, run.brain.handle(scheduler.Finished(launch.step, event.report, launch.attempt)))

    def judge(self, run: ProgramRun) -> None:
        finish = run.finish
        assert finish is not None
        if finish.state is not State.SUCCEEDED:
            error = finish.error or {}
            text = f"{error.get('code')} {error.get('message')}\n" + "\n".join(error.get("traceback") or ())
            self.note(run, "different", text)
            return
        for step in run.program.steps:
            printed = (run.folders[step] / "stdout").read_text("utf-8")
            if printed != run.wanted[step]:
                self.note(run, "different", f"{step}: notebook {run.wanted[step]!r}\n{step}: pipeline {printed!r}")
                return
        self.note(run, "same")
        shutil.rmtree(run.folder)

    def note(self, run: ProgramRun, kind: str, text: str = "") -> None:
        self.outcomes.append(Outcome(run.program.seed, kind, text, run.executions, run.superseded, run.program.ordered))


def main(arguments: list[str]) -> int:
    """Run programs by hand and say what came out; SIGTERM ends it early, with the count so far."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--stop-after", type=int, default=10, help="differences to show")
    options = parser.parse_args(arguments)
    home = tempfile.mkdtemp(prefix="kf-oracle-")
    # ahead of the runs, in processes of their own: all cores have something to do
    preparing = ProcessPoolExecutor(max(1, (os.cpu_count() or 1) - 1), mp_context=get_context("fork"))
    oracle = Oracle(load_settings({}, home=home))
    counted: Counter[str] = Counter()
    executions = superseded = shown = ordered = 0
    began = time.monotonic()
    asked_to_stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked_to_stop.append(number))
    try:
        for start in range(options.start, options.start + options.count, 100):
            size = min(100, options.start + options.count - start)
            for outcome in oracle.run(preparing.map(prepare, range(start, start + size), chunksize=2)):
                counted[outcome.kind] += 1
                executions += outcome.executions
                superseded += outcome.superseded
                ordered += outcome.ordered
                if outcome.kind in ("different", "refused") and shown < options.stop_after:
                    shown += 1
                    print(f"--- seed {outcome.seed} {outcome.kind}\n{outcome.text}")
            shutil.rmtree(oracle.artifacts, ignore_errors=True)
            if asked_to_stop:
                break
    finally:
        preparing.shutdown(cancel_futures=True)
        oracle.close()
        shutil.rmtree(home, ignore_errors=True)
    seconds = round(time.monotonic() - began, 1)
    totals = {"executions": executions, "superseded": superseded, "ordered": ordered, "seconds": seconds}
    print(json.dumps({**counted, **totals}))
    return 1 if counted["different"] else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.property.oracle", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    sys.exit(main(sys.argv[1:]))

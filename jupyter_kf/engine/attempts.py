"""Engine room: one attempt of a step, from what it is given to what is written down about it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_kf.engine.cache import Key
from jupyter_kf.engine.plan import Plan
from jupyter_kf.engine.records import Records
from jupyter_kf.engine.scheduler import Launch
from jupyter_kf.engine.slots import Demand
from jupyter_kf.errors import StepFailed
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.event import Event
from jupyter_kf.model.pipeline import Fragment, Step
from jupyter_kf.model.run import State

log = logging.getLogger(__name__)

#: What an execution leaves in its folder that is still of use where it is taken for another one.
KEPT_FILES = ("stdout", "stderr", "outputs.jsonl", "metrics.jsonl", "logged.jsonl", "manifest.json", "report.json")
#: Failures that a second attempt would only repeat.
_HOPELESS = frozenset({"KF210"})


@dataclass(slots=True)
class Attempt:
    """An attempt that waits for slots, runs, or is being ended.

    ``number`` counts over resumes, ``launch.attempt`` within this supervisor. ``ending``: why it is being killed
    (``canceled``, ``superseded``, ``timeout``), empty while it may go on. Moments are of ``time.monotonic``.
    """

    step: Step
    launch: Launch
    execution: str
    number: int
    folder: Path
    key: Key
    reason: str
    demand: Demand
    records: Records
    report: dict[str, Any] | None = None
    gpus: tuple[str, ...] = ()
    started: float = 0.0
    deadline: float | None = None
    queued: float = field(default_factory=time.monotonic)
    said: float = 0.0
    waits_for: str = ""
    running: bool = False
    ending: str = ""

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.started if self.started else 0.0

    def started_event(self, run: str) -> Event:
        """It starts now."""
        data = {
            "attempt": self.number,
            "inputs": self.launch.values,
            "cache_key": self.key.digest,
            "reason": self.reason,
            "folder": str(self.folder),
        }
        return Event("execution.started", run, time.time(), self.step.name, self.execution, data)

    def finished_event(
        self, run: str, state: State, *, error: Mapping[str, Any] | None = None, cached: bool = False, reason: str = ""
    ) -> Event:
        """It is over; a report is given where it succeeded."""
        report = self.report if state is State.SUCCEEDED else None
        data: dict[str, Any] = {
            "state": str(state),
            "cached": cached,
            "attempt": self.number,
            "cache_key": self.key.digest if report else "",
            "reason": reason or self.reason,
            "seconds": self.seconds,
            "folder": str(self.folder),
            "inputs": self.launch.values,
            "outputs": outputs_of(report or {}),
            "report": report,
            "error": error,
            "artifacts": [] if cached else artifacts_of(report or {}),
        }
        return Event("execution.finished", run, time.time(), self.step.name, self.execution, data)


def manifest_of(
    attempt: Attempt,
    plan: Plan,
    fragments: tuple[Fragment, ...],
    *,
    parameters: Mapping[str, Any],
    inputs: list[dict[str, Any]],
    artifacts: str,
    threads: int,
) -> dict[str, Any]:
    """Return what the guest is told, version 1 of ``docs/design/0001-data-flow.md``."""
    step = attempt.step
    env = {**plan.kernel_env, **step.options.env}
    if attempt.gpus:
        env["CUDA_VISIBLE_DEVICES"] = ",".join(attempt.gpus)
    return {
        "version": 1,
        "run": plan.run,
        "execution": attempt.execution,
        "step": step.name,
        "attempt": attempt.number,
        "cwd": plan.cwd,
        "folder": str(attempt.folder),
        "artifacts": artifacts,
        "cells": [{"id": c.id, "index": c.index, "source": c.source} for c in step.cells],
        "future": list(step.future),
        "fragments": [_fragment(f) for f in fragments],
        "replay": list(step.replay),
        "parameters": dict(parameters),
        "inputs": inputs,
        "absent": list(attempt.launch.absent),
        "unstorable": dict(attempt.launch.unstorable),
        "live": list(step.live),
        "wanted": list(step.wanted),
        "outputs": list(step.options.outputs),
        "random": [n for n in dict.fromkeys((*step.needs, *step.live)) if n.startswith("<")],
        "env": env,
        "secrets": list(step.options.secrets),
        "threads": threads,
    }


def _fragment(fragment: Fragment) -> dict[str, Any]:
    return {
        "id": fragment.id,
        "kind": fragment.kind,
        "names": list(fragment.names),
        "source": fragment.source,
        "cell": fragment.cell,
        "cell_index": fragment.cell_index,
        "line": fragment.line,
        "needs": list(fragment.needs),
        "late": list(fragment.late),
        "future": list(fragment.future),
        "ipython": fragment.ipython,
    }


def outputs_of(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the names that an execution stored, with their digests."""
    return {n: e["digest"] for n, e in (report.get("names") or {}).items() if e["state"] == "stored"}


def artifacts_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the artifacts of a report in the words of the store."""
    made = []
    for told in report.get("artifacts") or ():
        meta = {**(told.get("meta") or {}), "definitions": list(told.get("definitions") or ())}
        artifact = Artifact(
            told["digest"], told["size"], told.get("kind", "bundle"), tuple(told["names"]), told.get("types") or {},
            tuple(told.get("late") or ()), time.time(), meta,
        )  # fmt: skip
        made.append(artifact.to_dict())
    return made


def may_retry(error: Mapping[str, Any]) -> bool:
    """True where another attempt could go better than the one that ended with ``error``."""
    return error.get("code") not in _HOPELESS


def explain(error: Mapping[str, Any], attempt: Attempt) -> dict[str, Any]:
    """Add to a failure what only the engine knows: a missing name that an earlier step had but could not hand over."""
    told = dict(error)
    named = re.search(r"name '(\w+)' is not defined", str(told.get("evalue") or told.get("message") or ""))
    why = attempt.launch.unstorable.get(named.group(1)) if named else None
    if named and why:
        told["fix"] = (
            f"{named.group(1)!r} exists in an earlier step but cannot be handed over: {why}. "
            f"Make it in step {attempt.step.name!r}, or in a setup cell."
        )
    return told


def death_error(attempt: Attempt, status: int | None) -> dict[str, Any]:
    """Return the error of a step whose process ended without a report. ``status`` as in ``Popen.returncode``."""
    name, last = attempt.step.name, _last_words(attempt.folder / "stderr")
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            how = f"was killed by signal {-status} ({signal.Signals(-status).name})"
            fix = _SIGNAL_ADVICE.get(-status, "See its stderr.")
            return _step_error(attempt, "KF220", f"The process of step {name!r} {how}.", fix, last)
        message = f"The process of step {name!r} was killed by signal {-status}."
        return _step_error(attempt, "KF220", message, "See its stderr.", last)
    if status is None:
        message = f"The fork server was killed, and with it step {name!r}, which was running."
        fix = "Most likely memory ran out. Resume the run; JUPYTER_KF_START=spawn does without the server."
        return _step_error(attempt, "KF223", message, fix, last)
    fix = "Something in the step ended the interpreter itself, such as os._exit(). See its stderr."
    message = f"The process of step {name!r} ended with exit code {status} and no result."
    return _step_error(attempt, "KF222", message, fix, last)


def timeout_error(attempt: Attempt) -> dict[str, Any]:
    """Return the error of a step that ran longer than it may."""
    limit = attempt.step.options.timeout
    return _step_error(
        attempt, "KF221", f"Step {attempt.step.name!r} ran longer than its time limit of {limit:g} s.",
        "Raise --timeout in its directive, or make it faster.", "",
    )  # fmt: skip


_SIGNAL_ADVICE: Mapping[int, str] = {
    signal.SIGKILL: "Most likely the system ran out of memory. Ask for less at once, or reserve room with --memory.",
    signal.SIGSEGV: "A compiled library crashed. See its stderr for where.",
    signal.SIGABRT: "A compiled library gave up. See its stderr for why.",
    signal.SIGBUS: "A mapped file shrank or the disk is full.",
    signal.SIGTERM: "Somebody asked it to end.",
}


def _step_error(attempt: Attempt, code: str, message: str, fix: str, last: str) -> dict[str, Any]:
    cell = attempt.step.cells[0] if attempt.step.cells else None
    error = StepFailed(
        message, code=code, fix=fix, cell=cell.id if cell else None, cell_index=cell.index if cell else None,
        details={"step": attempt.step.name, "stderr_tail": last} if last else {"step": attempt.step.name},
    )  # fmt: skip
    return error.to_dict()


def _last_words(path: Path, limit: int = 2000) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - limit))
            return stream.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def share_files(source: Path, target: Path) -> None:
    """Make what an execution left visible in the folder of one that it stands for, without a copy where possible."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not source.is_dir():
        log.warning("%s is gone, and with it what this execution printed and displayed; its values are kept", source)
        return
    for name in KEPT_FILES:
        try:
            os.link(source / name, target / name)
        except FileNotFoundError:
            continue
        except FileExistsError:
            continue
        except OSError:  # another file system, or one without links
            shutil.copyfile(source / name, target / name)

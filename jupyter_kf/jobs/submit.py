"""Jobs room, the door: a manifest becomes a run on this machine, and what can be asked of it while it goes on."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.config import Settings
from jupyter_kf.engine.base import Engine, RunRequest
from jupyter_kf.engine.locks import holder
from jupyter_kf.engine.slots import discover, size
from jupyter_kf.errors import EngineError, UsageError
from jupyter_kf.jobs.checks import Finding, role_named
from jupyter_kf.jobs.local import WISHES, demand_of
from jupyter_kf.jobs.manifest import JobRefused, load_manifest, read_manifest
from jupyter_kf.model.job import Job, JobKind
from jupyter_kf.model.run import Run

if TYPE_CHECKING:
    from jupyter_kf.store import Store

#: The module that runs in the run's own process.
PROGRAM = "jupyter_kf.jobs"


def submit_job(
    engine: Engine, settings: Settings, path: str | Path, *, experiment: str = "", name: str = "", note: str = ""
) -> str:
    """Start the job of a YAML file on this machine and return the id of its run.

    Raises:
        UsageError: KF404 where there is no such file.
        JobRefused: KF900, KF901: the job cannot run anywhere; KF915: not here.
        EngineError: KF703 where it asks for more than the machine has.
    """
    file = Path(path).expanduser().absolute()
    manifest = load_manifest(file)
    job = read_manifest(manifest)
    _check_commands(job)
    _check_fits(job, settings)
    return engine.submit(
        RunRequest(
            notebook=str(file),
            snapshot=file.read_bytes(),
            experiment=experiment,
            name=name or job.name,
            note=note,
            python=sys.executable,
            kind="job",
            program=PROGRAM,
            details={"manifest": manifest},
        )
    )


def _check_commands(job: Job) -> None:
    silent = [
        Finding(
            f"spec.{job.framework.specs}[{role.name}].template.spec.containers",
            "KF915",
            f"{role.name} has no command: what its image would run is not known here.",
            "Write the command into the manifest.",
        )
        for role in job.roles
        if role.replicas and not role.command and not role.args and (job.kind, role.name) != (JobKind.MPI, "Worker")
    ]
    if silent:
        raise JobRefused(f"{silent[0].field}: {silent[0].message}", silent, fix=silent[0].fix)


def _check_fits(job: Job, settings: Settings) -> None:
    capacity = discover(settings)
    demand = demand_of(job, capacity)
    for what, asked, there, shown in (
        ("CPU", demand.cpu, capacity.cpu, (f"{demand.cpu:g}", f"{capacity.cpu:g}")),
        ("memory", demand.memory, capacity.memory, (size(demand.memory), size(capacity.memory))),
        ("GPU", demand.gpu, len(capacity.gpus), (str(demand.gpu), str(len(capacity.gpus)))),
    ):
        if asked > there:
            raise EngineError(
                f"The replicas of {job.name} ask for {shown[0]} {what} together, but this machine has {shown[1]}.",
                code="KF703",
                fix="Lower the resources or the number of replicas; all replicas start together.",
            )


def ask(settings: Settings, run: Run, **wishes: Any) -> None:
    """Tell a job's process what is wanted of it from now on: ``suspend`` (bool), ``replicas`` (role → number).

    Raises:
        UsageError: KF428 where the run is no job, or over.
    """
    folder = settings.home / "runs" / run.id
    if run.kind != "job":
        raise UsageError(f"{run.name} is no training job.", code="KF428", fix="`jupyter kf job list` shows jobs.")
    pid = holder(folder)
    if run.state.final or not pid:
        raise UsageError(f"Job {run.name} is over ({run.state}).", code="KF428", fix="Start it again: `job run FILE`.")
    path = folder / WISHES
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    merged = {**known, **wishes, "replicas": {**known.get("replicas", {}), **wishes.get("replicas", {})}}
    draft = folder / f"{WISHES}.{os.getpid()}"
    draft.write_text(json.dumps(merged), "utf-8")
    draft.replace(path)
    os.kill(pid, signal.SIGUSR1)


def scaled(store: Store, run: Run, pairs: Mapping[str, str]) -> dict[str, int]:
    """Return how many replicas are wanted by role, from words such as ``{"worker": "3"}``.

    Raises:
        UsageError: KF427 for a role that the job does not have, or a number that is none or too small.
    """
    with store.artifacts.open(run.snapshot) as stream:
        manifest = _parsed(stream.read())
    job = read_manifest(manifest)
    wanted = {}
    for word, number in pairs.items():
        role = role_named(job.framework, word)
        if role is None or job.role(role) is None:
            names = ", ".join(r.name for r in job.roles)
            raise UsageError(f"{job.name} has no role {word!r}.", code="KF427", fix=f"Its roles are: {names}.")
        if not number.isdecimal() or (int(number) != 1 and role in {"Chief", "Master", "Launcher"}):
            raise UsageError(f"{role} cannot have {number!r} replicas.", code="KF427", fix="Give a whole number.")
        wanted[role] = int(number)
    return wanted


def _parsed(text: bytes) -> Any:
    import yaml

    return yaml.safe_load(text)

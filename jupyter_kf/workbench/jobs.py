"""Workbench room: training jobs. What is wrong with one, what its replicas get, and those that run on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import UsageError
from jupyter_kf.workbench.views import Done, RunList, RunView

if TYPE_CHECKING:
    from jupyter_kf.jobs.checks import Finding
    from jupyter_kf.model.event import Event
    from jupyter_kf.workbench.bench import Workbench


@dataclass(frozen=True)
class JobCheckView:
    """The answer of ``job check``: nothing runs anywhere while there are errors."""

    file: str
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """True where the job can run."""
        return not self.errors

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``job check --json``."""
        return {"errors": [f.to_dict() for f in self.errors], "warnings": [f.to_dict() for f in self.warnings]}


@dataclass(frozen=True)
class JobEnvironmentView:
    """The answer of ``job env``: each replica's variables by its name."""

    variables: Mapping[str, Mapping[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``job env --json``; TF_CONFIG is read, so that it is no text within text."""
        return {
            name: {key: json.loads(value) if key == "TF_CONFIG" else value for key, value in made.items()}
            for name, made in self.variables.items()
        }


@dataclass(frozen=True, repr=False)
class JobView:
    """A job's run with what the job says of itself.

    ``status`` is a :class:`~jupyter_kf.model.job.JobStatus` as plain data, empty before the first look at the job;
    ``waits_for`` says what it lacks before its replicas can start.
    """

    view: RunView
    status: Mapping[str, Any] = field(default_factory=dict)
    waits_for: str = ""

    def __repr__(self) -> str:
        return f"<JobView {self.view.name} {self.view.id} {self.view.state}>"

    @property
    def exit_code(self) -> int:
        """As that of the run."""
        return self.view.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``job show --json``."""
        return {**self.view.to_dict(), "status": dict(self.status), "waits_for": self.waits_for}


class Jobs:
    """Everything that can be done with training jobs: ``Workbench().jobs``.

    A job's reference is that of its run: an id, the beginning of one, its name, or ``last``, the newest job.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def check(self, file: str | Path) -> JobCheckView:
        """Return what is wrong with the job of a YAML file.

        Raises:
            UsageError: KF404 there is no such file.
        """
        from jupyter_kf.jobs.checks import Finding, errors_of, warnings_of
        from jupyter_kf.jobs.manifest import JobRefused, load_manifest

        try:
            manifest = load_manifest(file)
        except JobRefused as refused:
            return JobCheckView(str(file), (Finding("", refused.code, refused.message, refused.fix),))
        errors = tuple(errors_of(manifest))
        return JobCheckView(str(file), errors, () if errors else tuple(warnings_of(manifest)))

    def env(self, file: str | Path, *, form: str = "operator") -> JobEnvironmentView:
        """Return what each replica of the job of a YAML file gets.

        Args:
            file: path of a YAML file with one job.
            form: ``operator``: as the Training Operator sets it; ``local``: as a replica's code finds it.

        Raises:
            UsageError: KF404 there is no such file.
            JobRefused: KF900, KF901: the job cannot run.
        """
        from jupyter_kf.jobs.manifest import load_manifest, read_manifest
        from jupyter_kf.jobs.roles import Form, environments

        return JobEnvironmentView(environments(read_manifest(load_manifest(file)), Form(form)))

    def run(
        self,
        file: str | Path,
        *,
        experiment: str = "",
        name: str = "",
        note: str = "",
        detach: bool = False,
        on_event: Callable[[Event], None] | None = None,
        on_start: Callable[[RunView], None] | None = None,
    ) -> JobView:
        """Run the job of a YAML file on this machine, its replicas as processes, and wait for its end.

        Args:
            file: path of a YAML file with one job.
            experiment, name, note: as of any run.
            detach: return as soon as it is started.
            on_event: called with each event while waiting.
            on_start: called once the run is started, with its id known.

        Raises:
            UsageError, JobRefused, EngineError: see :func:`jupyter_kf.jobs.submit.submit_job`.
        """
        from jupyter_kf.jobs.submit import submit_job

        bench = self._bench
        run = submit_job(bench.engine, bench.settings, file, experiment=experiment, name=name, note=note)
        if on_start is not None:
            on_start(bench.show(run))
        if not detach:
            bench.wait(run, on_event=on_event)
        return self.show(run)

    def list(self, *, limit: int | None = 20) -> RunList:
        """Return jobs, newest first."""
        self._bench.recover()
        return RunList(tuple(self._bench.store.metadata.runs(kind="job", limit=limit)))

    def show(self, job: str = "last") -> JobView:
        """Return a job with its replicas and conditions.

        Raises:
            UsageError: KF410, KF428 where there is no such job.
        """
        view = self._bench.show(self._find(job))
        told: Mapping[str, Any] = {}
        for event in self._bench.store.metadata.events(run=view.id, limit=None):
            if event.kind == "job.changed":
                told = event.data
        return JobView(view, told.get("status", {}), str(told.get("waits_for", "")))

    def cancel(self, job: str) -> RunView:
        """Ask a job to stop; its replicas are ended, politely first. Returns at once."""
        return self._bench.cancel(self._find(job))

    def delete(self, *jobs: str) -> Done:
        """Forget finished jobs."""
        return self._bench.delete(*(self._find(job) for job in jobs))

    def suspend(self, job: str) -> Done:
        """End a job's replicas and give back what they hold; :meth:`resume` starts them again."""
        return self._ask(job, "is being suspended", suspend=True)

    def resume(self, job: str) -> Done:
        """Start the replicas of a suspended job again."""
        return self._ask(job, "goes on", suspend=False)

    def scale(self, job: str, **replicas: str) -> Done:
        """Set how many replicas a role has: ``scale("last", worker="3")``.

        Raises:
            UsageError: KF428 the job is over, KF427 there is no such role or number.
        """
        from jupyter_kf.jobs.submit import scaled

        run = self._bench.store.metadata.run(self._find(job))
        wanted = scaled(self._bench.store, run, replicas)
        words = ", ".join(f"{count} {role}" for role, count in wanted.items())
        return self._ask(run.id, f"will have {words}", replicas=wanted)

    def _ask(self, job: str, what: str, **wishes: Any) -> Done:
        from jupyter_kf.jobs.submit import ask

        run = self._bench.store.metadata.run(self._find(job))
        ask(self._bench.settings, run, **wishes)
        return Done(f"{run.name} ({run.id}) {what}.", {"run": run.id, **wishes})

    def _find(self, job: str) -> str:
        metadata = self._bench.store.metadata
        if job != "last":
            return metadata.run(job).id
        newest = metadata.runs(kind="job", limit=1)
        if not newest:
            raise UsageError("There is no job yet.", code="KF428", fix="Start one: `jupyter kf job run FILE --local`.")
        return newest[0].id

"""Workbench room: :class:`Workbench`, every verb once."""

from __future__ import annotations

import difflib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_kf.config import Settings, load_settings
from jupyter_kf.errors import KFError, UsageError
from jupyter_kf.model.event import Event
from jupyter_kf.model.run import Run, State
from jupyter_kf.workbench.naming import (
    existing,
    last_of_notebook,
    last_with_step,
    like_path,
    load_engine,
    named_metrics,
    no_such_name,
    refused,
    state_named,
)
from jupyter_kf.workbench.verbs import RESERVED
from jupyter_kf.workbench.views import (
    ArtifactEntry,
    ArtifactList,
    CheckView,
    Comparison,
    DoctorView,
    Done,
    ExperimentList,
    GraphView,
    RunList,
    RunOverview,
    RunPage,
    RunView,
    Values,
)

if TYPE_CHECKING:
    from jupyter_kf.engine.base import Engine
    from jupyter_kf.model.change import Changes
    from jupyter_kf.model.lineage import Lineage, LineageGraph
    from jupyter_kf.model.pipeline import Pipeline
    from jupyter_kf.store import Store
    from jupyter_kf.workbench.following import LogLine
    from jupyter_kf.workbench.jobs import Jobs

log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class Workbench:
    """Everything that can be done, from any Python: notebooks checked and run, runs listed, read and compared.

    A run reference (``run``) is an id, the beginning of one, a run's name, ``last`` or ``last~1``: of all runs; with a
    step, of those that have it; for :meth:`resume` and :meth:`compare`, of those of notebooks. Nothing is opened before
    it is needed. All methods raise :class:`~jupyter_kf.errors.KFError` and its kin, never anything else for what a user
    does wrong.

    Args:
        settings: default: those in force (:func:`~jupyter_kf.config.load_settings`).
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = load_settings() if settings is None else settings
        self._store: Store | None = None
        self._engine: Engine | None = None

    @property
    def store(self) -> Store:
        """The store of runs and artifacts."""
        if self._store is None:
            from jupyter_kf.store import open_store

            self._store = open_store(self.settings)
        return self._store

    @property
    def engine(self) -> Engine:
        """The engine in force (setting ``engine``)."""
        if self._engine is None:
            self._engine = load_engine(self.settings, self.store)
        return self._engine

    # notebooks

    def check(
        self,
        notebook: str | Path,
        *,
        overrides: Mapping[str, str] | None = None,
        in_order: bool = False,
        content: bytes | None = None,
    ) -> CheckView:
        """Return the notebook's pipeline and what is wrong with it. Nothing is run or imported.

        Args:
            notebook: path of an ``.ipynb`` file.
            overrides: text by cell id that replaces the saved text.
            in_order: with every step after the one above it.
            content: the notebook's bytes, instead of those of the file, which need not exist then.

        Raises:
            UsageError: KF404 where there is no such file.
        """
        from jupyter_kf.workbench.reading import check_notebook

        path = existing(notebook) if content is None else Path(notebook).expanduser().absolute()
        return check_notebook(path, overrides or {}, in_order=in_order, content=content)

    def graph(
        self, subject: str | Path, *, overrides: Mapping[str, str] | None = None, in_order: bool = False
    ) -> GraphView:
        """Return the graph of a notebook, or that of a run with its states.

        Raises:
            RunRefused: the notebook has no pipeline.
        """
        if not like_path(subject):
            view = self.show(str(subject))
            if view.pipeline is None:
                raise UsageError(f"Run {view.name} is of kind {view.run.kind} and has no steps.", code="KF420")
            return GraphView(view.pipeline, view.run, view.latest())
        check = self.check(subject, overrides=overrides, in_order=in_order)
        if check.pipeline is None or not check.pipeline.steps:
            raise refused(check, "drawn")
        return GraphView(check.pipeline)

    def run(
        self,
        notebook: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        experiment: str | None = None,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        note: str = "",
        no_cache: bool = False,
        only: Sequence[str] = (),
        from_: str = "",
        until: str = "",
        base: str = "",
        in_order: bool = False,
        detach: bool = False,
        python: str = "",
        kernel: str = "",
        overrides: Mapping[str, str] | None = None,
        on_event: Listener | None = None,
        on_start: Callable[[RunView], None] | None = None,
    ) -> RunView:
        """Run a notebook's steps, wait for the end and return the run; a notebook without directives is run whole.

        Args:
            notebook: path of an ``.ipynb`` file.
            parameters: values, or text as typed after ``-p``.
            only, from_, until: which steps; values of the others come from ``base``, default the last successful run.
            in_order: every step after the one above it.
            detach: return as soon as the run is started.
            python, kernel: interpreter of the steps; default: that of the notebook's kernelspec.
            overrides: text by cell id that replaces the saved text.
            on_event: called with each event while waiting.
            on_start: called once the run is started, with its id known.

        Raises:
            RunRefused: a finding is an error; its ``check`` has them all.
            ParameterError: KF300, KF301. UsageError, ConfigError, EngineError: what the engine refuses.
        """
        from jupyter_kf.engine.base import RunRequest
        from jupyter_kf.workbench.reading import overridden

        path = existing(notebook)
        check = self.check(path, overrides=overrides, in_order=in_order)
        if check.whole:
            if only or from_ or until:
                raise UsageError(
                    f"{path.name} has no steps to choose from.",
                    code="KF421",
                    fix="Mark cells with `%%kubeflow step NAME`, or leave out --only, --from and --until.",
                )
            return self.notebook(
                path, parameters=parameters, experiment=experiment, name=name, tags=tags, note=note, kernel=kernel,
                overrides=overrides, detach=detach, on_event=on_event, on_start=on_start,
            )  # fmt: skip
        if check.pipeline is None or not check.ok:
            raise refused(check, "run")
        request = RunRequest(
            notebook=str(path),
            snapshot=overridden(path.read_bytes(), overrides or {}),
            pipeline=check.pipeline,
            parameters=parameters or {},
            experiment=experiment or "",
            name=name or "",
            tags=tags or {},
            note=note,
            no_cache=no_cache,
            only=tuple(only),
            from_=from_,
            until=until,
            base_run=self.store.metadata.run(base).id if base else "",
            in_order=in_order,
            python=python,
            kernel=kernel or ("" if python else check.pipeline.kernel),
        )
        try:
            run = self.engine.submit(request)
        except KFError as exc:  # the engine knows the cell by its id only
            if exc.cell is not None and exc.cell in check.sources and exc.cell_index is None:
                exc.cell_index = list(check.sources).index(exc.cell)
            raise
        return self._attend(run, detach, on_event, on_start, check=check)

    def notebook(
        self,
        notebook: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        experiment: str | None = None,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        note: str = "",
        timeout: float | None = None,
        cell_timeout: float | None = None,
        kernel: str = "",
        overrides: Mapping[str, str] | None = None,
        detach: bool = False,
        on_event: Listener | None = None,
        on_start: Callable[[RunView], None] | None = None,
    ) -> RunView:
        """Run a whole notebook in one kernel, through papermill; the executed notebook is an artifact of the run."""
        from jupyter_kf import nbrun

        run = nbrun.submit_notebook(
            self.engine, self.settings, existing(notebook), parameters, experiment=experiment or "", name=name or "",
            tags=tags, note=note, kernel=kernel, timeout=timeout, cell_timeout=cell_timeout, overrides=overrides,
        )  # fmt: skip
        return self._attend(run, detach, on_event, on_start)

    def _attend(
        self,
        run: str,
        detach: bool,
        on_event: Listener | None,
        on_start: Callable[[RunView], None] | None,
        *,
        after: int = 0,
        check: CheckView | None = None,
    ) -> RunView:
        if on_start is not None:
            on_start(self._view(run, check))
        if not detach:
            self.engine.wait(run, on_event, after=after)
        return self._view(run, check)

    def wait(
        self, run: str, *, on_event: Listener | None = None, after: int = 0, timeout: float | None = None
    ) -> RunView:
        """Follow a run until it is over, or ``timeout`` seconds have gone; return how it stands then.

        ``after`` is the cursor of the last event already seen.
        """
        found = self._find(run)
        self.engine.wait(found.id, on_event, after=after, timeout=timeout)
        return self._view(found.id)

    # jobs

    @property
    def jobs(self) -> Jobs:
        """Everything that can be done with training jobs."""
        from jupyter_kf.workbench.jobs import Jobs

        return Jobs(self)

    # runs

    def runs(
        self,
        filter: str = "",
        *,
        sort: str = "",
        experiment: str | None = None,
        notebook: str | Path | None = None,
        state: str | None = None,
        limit: int | None = 20,
        offset: int = 0,
    ) -> RunList:
        """Return runs, newest first unless sorted otherwise.

        Args:
            filter: such as ``metrics.acc > 0.9 and tags.x = "a"``.
            sort: fields, ``-`` before one for descending: ``-metrics.acc,created``.
            limit: at most so many; ``None`` or 0: all.

        Raises:
            UsageError: KF412, KF413 for what cannot be understood.
        """
        self._recover()
        states = [state_named(word) for word in state.split(",")] if state else []
        path = str(Path(notebook).expanduser().absolute()) if notebook else None
        found = self.store.metadata.runs(
            filter, sort, limit or None, offset, experiment=experiment, notebook=path, states=states
        )
        return RunList(tuple(found), named_metrics(filter, sort, found))

    def page(
        self,
        filter: str = "",
        *,
        sort: str = "",
        search: str = "",
        experiment: str | None = None,
        notebook: str | Path | None = None,
        kind: str | None = None,
        state: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> RunPage:
        """Return runs as :meth:`runs` does, with how far each is, how many fit in all, and the log's cursor.

        Args:
            search: words that all occur in name, experiment, notebook, tags, note or id.
            kind: ``pipeline``, ``notebook``, ``cell`` or ``session``.

        Raises:
            UsageError: KF405, KF412, KF413 for what cannot be understood.
        """
        states = [state_named(word) for word in state.split(",")] if state else []
        path = str(Path(notebook).expanduser().absolute()) if notebook else None
        metadata = self.store.metadata
        cursor = metadata.cursor()
        found = metadata.runs(
            filter, sort, limit, offset, experiment=experiment, notebook=path, kind=kind, states=states, search=search
        )
        total = offset + len(found)
        if len(found) == limit or (offset and not found):
            total = metadata.count_runs(
                filter, experiment=experiment, notebook=path, kind=kind, states=states, search=search
            )
        return RunPage(tuple(found), metadata.progress(found), total, offset, limit, cursor)

    def find(self, run: str) -> Run:
        """Return the run that a reference means, without its steps.

        Raises:
            UsageError: KF410, KF411 where there is none or several.
        """
        return self._find(run)

    def overview(self, run: str) -> RunOverview:
        """Return a run as it is now, with how far it is, and the log's cursor."""
        metadata = self.store.metadata
        cursor = metadata.cursor()
        view = self._view(self._find(run).id, brief=True)
        cells = metadata.cells_done([view.id]) if view.run.kind == "notebook" else {}
        return RunOverview(view, metadata.progress([view.run])[view.id], cells, cursor)

    def changes(self, after: int) -> Changes:
        """Return what changed after a cursor, folded; ``reset`` where that is too much to be told."""
        return self.store.metadata.changes(after)

    def recover(self) -> None:
        """Mark the runs INTERRUPTED that no process looks after any more; other readers do it, too."""
        self._recover()

    def show(self, run: str = "last", step: str = "") -> RunView:
        """Return a run with its executions; a ``step`` that is given must be one of its steps."""
        self._recover()
        view = self._view(self._find(run, step).id)
        if step:
            self._known_step(view, step)
        return view

    def logs(
        self,
        run: str = "last",
        step: str = "",
        *,
        follow: bool = False,
        tail: int = 0,
    ) -> Iterator[LogLine]:
        """Yield what the steps printed, line by line; with ``follow``, until the run is over.

        Args:
            step: only this step's.
            tail: only so many lines at the end of each step (0: all).
        """
        from jupyter_kf.workbench.following import follow_lines, written_lines

        view = self.show(run, step)
        if follow and not view.state.final:
            return follow_lines(lambda: self.show(view.id), step, tail)
        return written_lines(view, step, tail)

    def cancel(self, run: str) -> RunView:
        """Ask a run to stop; its processes are ended, politely first. Returns at once."""
        self._recover()
        found = self._find(run)
        if found.kind in {"session", "cell"} and not found.state.final:
            raise UsageError(
                f"{found.name} is the {found.kind} of a living process and ends with it.",
                code="KF425",
                fix="Interrupt the cell, or end the script or the kernel.",
            )
        self.engine.cancel(found.id)
        return self._view(found.id)

    def resume(
        self,
        run: str = "last",
        *,
        edited: bool = False,
        overrides: Mapping[str, str] | None = None,
        detach: bool = False,
        on_event: Listener | None = None,
        on_start: Callable[[RunView], None] | None = None,
    ) -> RunView:
        """Go on with a run from what it committed.

        Args:
            edited: with the notebook as it is today; steps whose code and inputs are the same stay valid.

        Raises:
            UsageError: the run is still going, or has succeeded.
            RunRefused: ``edited``, and a finding of the notebook is an error.
        """
        from jupyter_kf.engine.base import RunRequest
        from jupyter_kf.workbench.reading import overridden

        self._recover()
        found = self._find(last_of_notebook(self.store, run))
        request, check = None, None
        if edited and found.kind == "pipeline":
            path = existing(found.notebook)
            check = self.check(path, overrides=overrides)
            if check.pipeline is None or not check.ok:
                raise refused(check, "run")
            request = RunRequest(
                notebook=str(path),
                snapshot=overridden(path.read_bytes(), overrides or {}),
                pipeline=check.pipeline,
                parameters=self._parameters_for(found, check.pipeline),
                kernel=check.pipeline.kernel,
            )
        elif edited and found.kind == "notebook":
            from jupyter_kf import nbrun

            request = nbrun.edited_request(self.settings, found, existing(found.notebook), overrides)
        cursor = self.store.metadata.cursor()
        resumed = self.engine.resume(found.id, request)
        return self._attend(resumed, detach, on_event, on_start, after=cursor, check=check)

    def compare(self, a: str, b: str) -> Comparison:
        """Return in what two runs differ: parameters, metrics, states and times, code by step, environment."""
        from jupyter_kf.workbench.comparing import compare_runs

        self._recover()
        one, other = (self._view(self._find(last_of_notebook(self.store, run)).id) for run in (a, b))
        return compare_runs(self.store, one, other)

    def delete(self, *runs: str) -> Done:
        """Forget finished runs; their folders go at once, their artifacts with the next :meth:`gc`."""
        self._recover()
        found = [self._find(run) for run in runs]
        found.sort(key=lambda run: run.state.final)  # one that is not over is refused before any is gone
        for run in found:
            self.engine.delete(run.id)
        names = ", ".join(f"{run.name} ({run.id})" for run in found)
        return Done(f"Deleted {names}. `gc` frees the space.", {"deleted": [run.id for run in found]})

    def tag(self, run: str, /, **tags: str | None) -> Done:
        """Label a run; a value of ``None`` or an empty text takes the label away."""
        found = self._find(run)
        values = {name: value if value not in {None, ""} else None for name, value in tags.items()}
        self.store.metadata.append([Event("run.tagged", found.id, time.time(), data={"tags": values})])
        tagged = self._find(found.id)
        words = ", ".join(f"{k}={v}" for k, v in tagged.tags.items()) or "none"
        return Done(f"Tags of {tagged.name} ({tagged.id}): {words}.", {"run": tagged.id, "tags": dict(tagged.tags)})

    def note(self, run: str, text: str) -> Done:
        """Write the run's note; the former one is replaced."""
        found = self._find(run)
        self.store.metadata.append([Event("run.noted", found.id, time.time(), data={"note": text})])
        return Done(f"Noted on {found.name} ({found.id}).", {"run": found.id, "note": text})

    def experiments(self) -> ExperimentList:
        """Return the experiments, the one used last first."""
        return ExperimentList(tuple(self.store.metadata.experiments()))

    # what runs made

    def get(
        self, run: str, step: str, *names: str, inputs: bool = False, namespace: dict[str, Any] | None = None
    ) -> Values:
        """Return variables as a step left them, or with ``inputs`` as it was given them.

        Args:
            names: which ones; none: all.
            namespace: where to bind them, with what they need to work (a kernel's); default: a new one.

        Raises:
            UsageError: KF422 for a step, KF423 for a name that is not there.
            StoreError: an artifact is gone, or must not be unpickled here.
        """
        from jupyter_kf.workbench.values import load_values

        return load_values(self.store, self.show(run, step), step, names, inputs=inputs, namespace=namespace)

    def describe(self, run: str, step: str, *names: str, inputs: bool = False) -> Values:
        """Return names, types and previews as :meth:`get` would load them, without unpickling anything."""
        from jupyter_kf.workbench.values import describe_values

        return describe_values(self.store, self.show(run, step), step, names, inputs=inputs)

    def artifacts(self, run: str = "last", step: str = "") -> ArtifactList:
        """Return what a run's steps made and logged."""
        view = self.show(run, step)
        graph = self.store.metadata.lineage_of_run(view.id)
        known = {artifact.digest: artifact for artifact in graph.artifacts}
        entries = [
            ArtifactEntry(use.step, use.name, known[use.digest])
            for use in graph.uses
            if use.role in {"output", "logged"} and use.digest in known and step in {"", use.step}
        ]
        return ArtifactList(view.run, tuple(entries))

    def lineage(self, subject: str, step: str = "", name: str = "") -> Lineage | LineageGraph:
        """Return what made a thing and what used it.

        Args:
            subject: a run; or an artifact, by (the beginning of) its digest.
            step, name: with a run: the variable ``name`` as ``step`` left it.
        """
        if step and not name:
            raise UsageError("lineage takes a step together with a NAME.", code="KF402", fix="lineage RUN STEP NAME")
        if step:
            view = self.show(subject, step)
            execution = self._known_step(view, step)
            if execution is None or name not in execution.outputs:
                made = sorted(execution.outputs) if execution else []
                raise no_such_name(name, step, made)
            return self.store.metadata.lineage(execution.outputs[name])
        try:
            found = self._find(subject)
        except UsageError as not_a_run:
            try:
                return self.store.metadata.lineage(subject)
            except UsageError:
                raise not_a_run from None
        return self.store.metadata.lineage_of_run(found.id)

    # this installation

    def gc(self, *, dry_run: bool = False) -> Done:
        """Free the space that nothing needs: never what a kept run needs."""
        self._recover()
        done = self.store.gc(dry_run=dry_run)
        freed = f"{done.freed / 1e6:.1f} MB"
        counts = f"{len(done.artifacts)} artifacts and {len(done.folders)} folders"
        if dry_run:
            return Done(f"{freed} in {counts} could be freed.", done.to_dict())
        return Done(f"Freed {freed}: {counts}.", done.to_dict())

    def doctor(self) -> DoctorView:
        """Return what works here, what does not, and how to get what is missing."""
        from jupyter_kf.workbench.doctor import examine

        return examine(self)

    def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            close = getattr(self._store, "close", None)
            if close is not None:
                close()
        self._store = self._engine = None

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name in RESERVED:

            def not_there_yet(*_: Any, **__: Any) -> NoReturn:
                raise UsageError(f"{RESERVED[name]} ({name}) is not there yet.", fix="The name is reserved.")

            return not_there_yet
        raise AttributeError(f"Workbench has no attribute {name!r}")

    # inside

    def _find(self, run: str, step: str = "") -> Run:
        return self.store.metadata.run(last_with_step(self.settings, self.store, run, step))

    def _recover(self) -> None:
        """Mark runs that nobody looks after any more; a reader must not fail because that cannot be written."""
        from jupyter_kf.workbench.session import recover_sessions

        try:
            recover_sessions(self.settings, self.store)
            gone = self.engine.recover()
            # who waited for a run may have marked it; only few have an interrupted notebook, and nbrun is not light
            if gone or self.store.metadata.runs(kind="notebook", states=(State.INTERRUPTED,), limit=1):
                from jupyter_kf import nbrun

                nbrun.salvage_notebooks(self.store, gone)
        except (KFError, OSError) as exc:
            log.warning("Interrupted runs could not be marked: %s", exc)

    def _view(self, run: str, check: CheckView | None = None, *, brief: bool = False) -> RunView:
        from jupyter_kf.workbench.reading import pipeline_of

        record = self.store.metadata.run(run)
        pipeline = check.pipeline if check else pipeline_of(self.settings, self.store, record)
        place = {step.name: i for i, step in enumerate(pipeline.steps)} if pipeline else {}
        executions = self.store.metadata.executions(run, brief=brief)
        ordered = sorted(executions, key=lambda e: place.get(e.step, len(place)))
        return RunView(
            record,
            tuple(ordered),
            pipeline,
            check.diagnostics if check else (),
            check.replaced if check else (),
        )

    def _known_step(self, view: RunView, step: str) -> Any:
        steps = [s.name for s in view.pipeline.steps] if view.pipeline else list(view.latest())
        if step not in steps:
            near = difflib.get_close_matches(step, steps, 1)
            raise UsageError(
                f"Run {view.name} has no step {step!r}.",
                code="KF422",
                fix=f"Did you mean {near[0]!r}?" if near else f"Its steps are: {', '.join(steps)}.",
            )
        return view.execution(step)

    def _parameters_for(self, run: Run, pipeline: Pipeline) -> dict[str, Any]:
        known = {p.name for p in pipeline.parameters}
        return {name: value for name, value in run.parameters.items() if name in known}

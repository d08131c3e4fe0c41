"""Feature room, whole notebooks: one run, from its plan to its last event, in the process it has of its own.

The execution's folder holds, besides the streams, ``notebook.ipynb``: the executed notebook, saved every few seconds,
which becomes the artifact ``notebook`` at the end, or when a run that was killed is found
(:func:`jupyter_kf.nbrun.salvage_notebooks`). The source notebook is read from the run's snapshot and never opened.
"""

from __future__ import annotations

import codecs
import logging
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.engine.detached import Detached
from jupyter_kf.engine.process import EXECUTION_MARK, kill_leftovers, step_environment
from jupyter_kf.engine.records import Records
from jupyter_kf.errors import EngineError, KFError, ParameterError
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.model.run import State
from jupyter_kf.nbrun.failure import cell_error, dead_kernel, time_error
from jupyter_kf.nbrun.params import TAG, parameters_cell
from jupyter_kf.nbrun.recorder import Recorder
from jupyter_kf.notebook.document import read_document
from jupyter_kf.runtime.tracking import FOLDER_VARIABLE
from jupyter_kf.store import open_store

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_kf.nbrun.client import NotebookRunner

logger = logging.getLogger(__name__)

#: The one step of a notebook run, its artifact, and the file in the execution's folder.
STEP = "notebook"
FILE = "notebook.ipynb"
CONNECTION = "kernel.json"
_STARTUP = 120
#: Seconds to wait for outputs that are still on their way when a cell is done.
_LATE_OUTPUT = 60


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notebook ready to run. ``places``: for each cell, its ``cell`` and ``cell_index`` in the source notebook."""

    notebook: NotebookNode
    places: tuple[Mapping[str, Any], ...]
    total: int
    kernel: str


def run_notebook(detached: Detached) -> None:
    """Execute the notebook of a run and write down how it went; the body of ``python -m jupyter_kf.nbrun``."""
    NotebookRun(detached).execute()


class NotebookRun:
    """One attempt at a notebook."""

    def __init__(self, detached: Detached) -> None:
        self.plan = detached.plan
        self.settings = detached.settings
        self.detached = detached
        self.store = open_store(detached.settings)
        self.id = new_id()
        self.folder = detached.folder / self.id
        self.attempt = 1 + sum(e.step == STEP for e in self.store.metadata.executions(self.plan.run))
        self.records = Records(self.plan.run, STEP, self.id, self.folder, self.store.artifacts)
        self.runner: NotebookRunner | None = None
        self.cancelled = False
        self.started = time.time()

    def execute(self) -> None:
        """Run it; whatever happens, the log gets an end."""
        signal.signal(signal.SIGTERM, self._cancel)
        self.folder.mkdir(parents=True)
        with self.store.artifacts.open(self.plan.snapshot) as stream:
            (self.folder / FILE).write_bytes(stream.read().removeprefix(codecs.BOM_UTF8))
        begun = {"attempt": self.attempt, "inputs": {}, "cache_key": "", "reason": "", "pid": os.getpid()}
        self.store.metadata.append(
            [
                Event("run.started", self.plan.run, self.started, data={"pid": os.getpid()}),
                self._event("execution.started", {**begun, "folder": str(self.folder)}),
            ]
        )
        self.detached.ready()
        error: KFError | None
        try:
            error = self._execute()
        except KFError as exc:
            error = exc
        except Exception as exc:
            logger.exception("the notebook could not be run")
            error = EngineError(
                f"The notebook could not be run: {type(exc).__name__}: {exc}", code="KF721", fix="See the run's log."
            )
        kill_leftovers([self.id])  # what the notebook's cells started and left running
        self._finish(None if self.cancelled else error)

    def _cancel(self, *_: Any) -> None:
        self.cancelled = True
        if self.runner is not None:
            self.runner.stop("cancel")

    def _execute(self) -> KFError | None:
        from jupyter_kf.nbrun import client

        path = self.folder / FILE
        prepared = prepare_notebook(path, self.plan.details, self.plan.notebook)
        manager = client.SavingManager(
            prepared.notebook, output_path=str(path), progress_bar=False, autosave_cell_every=client.SAVE_EVERY
        )
        limit = self.plan.details.get("timeout")
        manager.notebook_start()
        ids = [place["cell"] for place in prepared.places]
        with Recorder(self.records, ids, prepared.total, self.store.metadata.append) as recorder:
            runner = self.runner = client.NotebookRunner(
                manager,
                observer=recorder,
                grace=self.settings.grace,
                cell_limit=self.plan.details.get("cell_timeout"),
                deadline=time.monotonic() + limit if limit else None,
                connection_file=str(self.folder / CONNECTION),
                kernel_name=prepared.kernel,
                startup_timeout=min(_STARTUP, limit or _STARTUP),
                iopub_timeout=_LATE_OUTPUT,
                raise_on_iopub_timeout=False,
            )
            try:
                if not self.cancelled:
                    self._run(runner)
            finally:
                manager.notebook_complete()
                recorder.flush()
        return self._error(runner, prepared)

    def _run(self, runner: NotebookRunner) -> None:
        from jupyter_client.kernelspec import NoSuchKernel

        from jupyter_kf.nbrun.client import as_kernel

        with (self.folder / "kernel.log").open("ab") as log:
            try:
                runner.execute(
                    cwd=self.plan.cwd, env=self._environment(), stdout=log, stderr=log, preexec_fn=as_kernel()
                )
            except NoSuchKernel as exc:
                raise EngineError(
                    f"The notebook's kernel {runner.kernel_name!r} is not installed here.",
                    code="KF720",
                    fix="Install it, or give another one with --kernel.",
                ) from exc
            except (RuntimeError, OSError) as exc:
                if runner.kc is not None or self.cancelled:
                    raise
                said = (self.folder / "kernel.log").read_text("utf-8", "replace").strip()[-2000:]
                raise EngineError(
                    f"The notebook's kernel {runner.kernel_name!r} did not start: {exc}",
                    code="KF720",
                    fix="Check that the kernel works: start a notebook with it, or see what it said.",
                    details={"log": said},
                ) from exc

    def _environment(self) -> dict[str, str]:
        kept = step_environment(os.environ)
        kept.pop("PYTHONHASHSEED", None)  # steps share one, a notebook has the one it would have in Jupyter
        if "PYTHONHASHSEED" in os.environ:
            kept["PYTHONHASHSEED"] = os.environ["PYTHONHASHSEED"]
        named = {FOLDER_VARIABLE: str(self.folder), EXECUTION_MARK: self.id, "JPY_SESSION_NAME": self.plan.notebook}
        return {**kept, **named, **self.detached.secrets}

    def _error(self, runner: NotebookRunner, prepared: Prepared) -> KFError | None:
        """Return why the notebook did not go through, ``None`` where it did or was cancelled."""
        from nbclient.exceptions import CellExecutionError

        index = runner.failed_at
        place = prepared.places[index] if index is not None else {"cell": None, "cell_index": None}
        if self.cancelled:
            return None
        if runner.stopped:
            whole = runner.stopped == "timeout"
            cell = prepared.notebook.cells[index] if index is not None else {}
            return time_error(float(self.plan.details["timeout" if whole else "cell_timeout"]), whole, cell, place)
        if runner.outcome is None or index is None:
            return None
        if isinstance(runner.outcome, CellExecutionError):
            ename, evalue = str(runner.outcome.ename), str(runner.outcome.evalue)
            if ename == "SystemExit" and evalue in {
                "",
                "0",
                "None",
            }:  # the notebook's own way to stop, as for papermill
                return None
            return cell_error(prepared.notebook.cells[index], ename, evalue, place)
        return dead_kernel(runner.died, place)

    def _finish(self, error: KFError | None) -> None:
        """Keep the executed notebook, whole or in part, and close the execution and the run in one transaction."""
        state = State.CANCELED if self.cancelled else State.FAILED if error else State.SUCCEEDED
        problem = error.to_dict() if error else None
        artifact = keep_notebook(self.store, self.folder)
        now = time.time()
        ended = {
            "state": str(state),
            "cached": False,
            "attempt": self.attempt,
            "cache_key": "",
            "reason": "",
            "seconds": now - self.started,
            "inputs": {},
            "outputs": {STEP: artifact.digest},
            "report": None,
            "error": problem,
            "artifacts": [artifact.to_dict()],
        }
        self.store.metadata.append(
            [
                *self.records.events(),
                self._event("execution.finished", ended),
                Event("run.finished", self.plan.run, now, data={"state": str(state), "error": problem}),
            ]
        )

    def _event(self, kind: str, data: Mapping[str, Any]) -> Event:
        return Event(kind, self.plan.run, time.time(), STEP, self.id, data)


def keep_notebook(store: Any, folder: Path) -> Artifact:
    """Put the executed notebook of an execution's folder into the store; the file stays where it is."""
    path = folder / FILE
    size = path.stat().st_size
    digest = store.artifacts.put_file(path)
    store.artifacts.publish(digest)
    return Artifact(digest, size, "notebook", (STEP,), created=time.time(), meta={"file": FILE})


def prepare_notebook(copy: Path, details: Mapping[str, Any], source: str) -> Prepared:
    """Read a copy of the notebook with papermill and put the given parameters in, below its parameters cell.

    ``details``: ``values`` to inject, ``kernel`` to use, ``language`` to write them in. ``source`` is written down as
    where the notebook came from.

    Raises:
        ParameterError: KF303 where papermill cannot write values in the notebook's language.
        NotebookError: KF10x for what is no notebook.
    """
    from papermill.exceptions import PapermillException
    from papermill.execute import prepare_notebook_metadata, remove_error_markers
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    document = read_document(copy)
    nb = load_notebook_node(str(copy))
    origin = {
        id(cell): {"cell": known.id, "cell_index": known.index}
        for cell, known in zip(nb.cells, document.cells, strict=True)
    }
    kernel = str(details["kernel"])
    values = dict(details.get("values") or {})
    if values:
        chosen = parameters_cell(document)
        if chosen is not None and TAG not in chosen.tags:
            nb.cells[chosen.index].metadata.tags.append(TAG)
        try:
            nb = parameterize_notebook(nb, values, kernel_name=kernel, language=str(details["language"]))
        except (PapermillException, NotImplementedError) as exc:
            raise ParameterError(
                f"The values cannot be written in the notebook's language, {details['language']}: {exc}",
                code="KF303",
                fix="Set them in the notebook itself, or pass them in environment variables.",
            ) from exc
    nb = remove_error_markers(prepare_notebook_metadata(nb, source, FILE, False))
    nothing = {"cell": None, "cell_index": None}
    runs = [c for c in nb.cells if c.cell_type == "code" and c.source.strip()]
    return Prepared(nb, tuple(origin.get(id(cell), nothing) for cell in nb.cells), len(runs), kernel)

"""Feature room, whole notebooks: the door. Submits a notebook as a run, and keeps what a killed run had made."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from jupyter_kf.config import Settings
from jupyter_kf.engine.base import Engine, RunRequest
from jupyter_kf.engine.locks import RunLock
from jupyter_kf.engine.plan import read_plan
from jupyter_kf.errors import ConfigError, UsageError
from jupyter_kf.model.event import Event
from jupyter_kf.model.run import Run, State
from jupyter_kf.nbrun.execute import CONNECTION, FILE, STEP, keep_notebook
from jupyter_kf.nbrun.params import read_parameters, resolve_values
from jupyter_kf.notebook.document import Document, read_document

logger = logging.getLogger(__name__)

#: The module that runs in the run's own process.
PROGRAM = "jupyter_kf.nbrun"
#: How many interrupted notebook runs are looked at for notebooks that were not kept yet.
_LATE = 20


def submit_notebook(
    engine: Engine,
    settings: Settings,
    path: str | PathLike[str],
    parameters: Mapping[str, Any] | None = None,
    *,
    experiment: str = "",
    name: str = "",
    tags: Mapping[str, str] | None = None,
    note: str = "",
    kernel: str = "",
    timeout: float | None = None,
    cell_timeout: float | None = None,
    overrides: Mapping[str, str] | None = None,
) -> str:
    """Start a run of the whole notebook at ``path`` and return its id; the file is read once and never written.

    ``parameters``: values, or text as typed after ``-p``. ``kernel``: a kernelspec's name instead of the notebook's.
    ``timeout`` and ``cell_timeout``: seconds for the whole notebook and for each cell. ``overrides`` maps cell ids to
    text that replaces the saved text.

    Resuming such a run executes the notebook again from its first cell, in the same run: a kernel's state is not kept.

    Raises:
        NotebookError: KF10x where there is no notebook at ``path``.
        ParameterError: KF300 to KF302, see :func:`~jupyter_kf.nbrun.params.resolve_values`.
        ConfigError: KF505 for a kernel that is not installed.
        UsageError: KF457 for a time limit that is none.
        EngineError: KF70x where the run cannot be started.
    """
    path = Path(path).absolute()
    document = read_document(path, overrides=overrides)
    for limit in (timeout, cell_timeout):
        if limit is not None and not limit > 0:
            raise UsageError(
                f"A time limit cannot be {limit!r}.", code="KF457", fix="Give a positive number of seconds."
            )
    values, every = resolve_values(document, parameters or {})
    chosen, language = _kernel(document, kernel)
    details = {
        "values": values,
        "kernel": chosen,
        "language": language,
        "timeout": timeout,
        "cell_timeout": cell_timeout,
    }
    return engine.submit(
        RunRequest(
            notebook=str(path),
            snapshot=_snapshot(document, overrides),
            parameters=every,
            experiment=experiment or settings.experiment,
            name=name or path.stem,
            tags=dict(tags or {}),
            note=note,
            kernel=chosen if language.lower() == "python" else "",
            kind="notebook",
            program=PROGRAM,
            details=details,
        )
    )


def edited_request(settings: Settings, run: Run, path: Path, overrides: Mapping[str, str] | None = None) -> RunRequest:
    """Return what resumes a run of a whole notebook with the notebook as it is today, and the values it was given.

    Values of parameters that the notebook no longer has are left out.

    Raises:
        NotebookError, ParameterError, ConfigError: as :func:`submit_notebook`.
        EngineError: KF705 where the run's plan cannot be read.
    """
    document = read_document(path, overrides=overrides)
    details = read_plan(settings.home / "runs" / run.id).details
    declared = read_parameters(document)
    known = {parameter.name for parameter in declared.parameters}
    given = {k: v for k, v in (details.get("values") or {}).items() if k in known or not declared.known}
    values, every = resolve_values(document, given)
    chosen, language = _kernel(document, "")
    return RunRequest(
        notebook=str(path),
        snapshot=_snapshot(document, overrides),
        parameters=every,
        kernel=chosen if language.lower() == "python" else "",
        kind="notebook",
        program=PROGRAM,
        details={**details, "values": values, "kernel": chosen, "language": language},
    )


def salvage_notebooks(store: Any, runs: Iterable[str] = ()) -> list[str]:
    """Keep the partial notebooks of runs whose process was killed, as artifacts; return the runs that had one.

    Looked at are ``runs`` (what :meth:`~jupyter_kf.engine.base.Engine.recover` returns) and the interrupted notebook
    runs of late, whoever found them. What was kept is not kept again.
    """
    late = store.metadata.runs(kind="notebook", states=(State.INTERRUPTED,), limit=_LATE)
    kept = []
    for run in dict.fromkeys([*runs, *(r.id for r in late)]):
        for execution in store.metadata.executions(run):
            folder = Path(execution.folder)
            # The kernel's connection file is there from its start to its orderly end.
            if execution.step != STEP or not execution.folder or not (folder / CONNECTION).is_file():
                continue
            with RunLock(folder.parent) as lock:  # not while the run is resumed, or somebody else keeps its notebook
                if not lock.acquire(0.0, pid=0) or not (folder / CONNECTION).is_file():
                    continue
                artifact = keep_notebook(store, folder)
                data = {"name": STEP, "artifact": artifact.to_dict()}
                store.metadata.append([Event("artifact.logged", run, time.time(), execution.step, execution.id, data)])
                (folder / CONNECTION).unlink(missing_ok=True)
                (folder / f".{FILE}.saving").unlink(missing_ok=True)
            kept.append(run)
    return kept


def _kernel(document: Document, wanted: str) -> tuple[str, str]:
    """Return the kernelspec to use and its language as papermill spells it (``python``, ``R``, ``julia``, ``bash``)."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    name = wanted or document.kernel or (NATIVE_KERNEL_NAME if document.language == "python" else "")
    specs = KernelSpecManager()
    if not name:
        raise ConfigError(
            f"The notebook is written in {document.language} and names no kernel.",
            code="KF505",
            fix="Give one with --kernel, or open the notebook in Jupyter, choose its kernel and save it.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of traitlets, for a key that a kernelspec adds
            return name, str(specs.get_kernel_spec(name).language or document.language)
    except NoSuchKernel as exc:
        known = ", ".join(sorted(specs.find_kernel_specs())) or "none"
        raise ConfigError(
            f"The kernel {name!r} is not installed here.",
            code="KF505",
            fix=f"Install it, or give another one with --kernel. Installed: {known}.",
        ) from exc


def _snapshot(document: Document, overrides: Mapping[str, str] | None) -> bytes:
    """Return the notebook's bytes as they are, or as JSON with the overriding text where there is any."""
    if not overrides:
        return Path(document.path).read_bytes()

    cells = [{**raw, "source": cell.source} for raw, cell in zip(document.raw["cells"], document.cells, strict=True)]
    return json.dumps({**document.raw, "cells": cells}, ensure_ascii=False).encode("utf-8", "replace")

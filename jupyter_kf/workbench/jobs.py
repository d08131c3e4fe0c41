"""Workbench room: what is wrong with a job's manifest, and what each of its replicas gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_kf.jobs.checks import Finding


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
    ok = True

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``job env --json``; TF_CONFIG is read, so that it is no text within text."""
        return {
            name: {key: json.loads(value) if key == "TF_CONFIG" else value for key, value in made.items()}
            for name, made in self.variables.items()
        }


def check_job(file: str | Path) -> JobCheckView:
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


def job_environment(file: str | Path, form: str = "operator") -> JobEnvironmentView:
    """Return what each replica of the job of a YAML file gets, in the operator's form or in ours.

    Raises:
        UsageError: KF404 there is no such file.
        JobRefused: KF900, KF901: the job cannot run.
    """
    from jupyter_kf.jobs.manifest import load_manifest, read_manifest
    from jupyter_kf.jobs.roles import Form, environments

    return JobEnvironmentView(environments(read_manifest(load_manifest(file)), Form(form)))

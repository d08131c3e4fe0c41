"""Every error of jupyter_kf.

::

    KFError
    ├── UserError                  the user can mend it
    │   ├── NotebookError          KF1xx  the notebook cannot be read or made into a pipeline
    │   ├── StepFailed             KF2xx  user code failed, or its results cannot travel
    │   ├── ParameterError         KF3xx  a parameter is unknown, missing or of the wrong type
    │   ├── UsageError             KF4xx  a command, option or reference that does not exist
    │   └── ConfigError            KF5xx  a setting is wrong, or an optional package is missing
    └── PlatformError              the machine or a service is at fault
        ├── StoreError             KF6xx  metadata or artifacts cannot be read or written
        ├── EngineError            KF7xx  a run cannot be started, followed or stopped
        └── ClusterError           KF8xx  Kubernetes or a service on it refused or is away

Each error has a stable ``code``, one sentence of what happened, one of what to do (``fix``) and, where there is one,
the cell, the line and the quoted source. Errors pickle, and :meth:`KFError.to_dict` is the body of a REST error and of
``--json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class KFError(Exception):
    """Base of all. ``code`` is stable; texts may be improved at any time."""

    code = "KF000"

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        code: str | None = None,
        cell: str | None = None,
        cell_index: int | None = None,
        line: int | None = None,
        quote: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code or type(self).code
        self.cell = cell
        self.cell_index = cell_index
        self.line = line
        self.quote = quote
        self.details = dict(details or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, {k: v for k, v in vars(self).items() if k != "message"}))

    def __str__(self) -> str:
        where = ""
        if self.cell_index is not None:
            where = f" (cell {self.cell_index}" + (f", line {self.line})" if self.line else ")")
        quote = f"\n    {self.quote}" if self.quote else ""
        return f"[{self.code}] {self.message}{where}{quote}" + (f"\n  → {self.fix}" if self.fix else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data: ``type code message fix cell cell_index line quote`` and the details' keys."""
        return {
            "type": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "cell": self.cell,
            "cell_index": self.cell_index,
            "line": self.line,
            "quote": self.quote,
            **self.details,
        }


def _rebuild(cls: type[KFError], message: str, state: Mapping[str, Any]) -> KFError:
    error = cls(message)
    error.__dict__.update(state)
    return error


class UserError(KFError):
    """The user can mend it."""


class NotebookError(UserError):
    """The notebook cannot be read or made into a pipeline."""

    code = "KF100"


class StepFailed(UserError):
    """User code failed, or its results cannot travel."""

    code = "KF200"


class ParameterError(UserError):
    """A parameter is unknown, missing or of the wrong type."""

    code = "KF300"


class UsageError(UserError):
    """A command, option or reference that does not exist."""

    code = "KF400"


class ConfigError(UserError):
    """A setting is wrong, or an optional package is missing."""

    code = "KF500"


class PlatformError(KFError):
    """The machine or a service is at fault."""

    code = "KF900"


class StoreError(PlatformError):
    """Metadata or artifacts cannot be read or written."""

    code = "KF600"


class EngineError(PlatformError):
    """A run cannot be started, followed or stopped."""

    code = "KF700"


class ClusterError(PlatformError):
    """Kubernetes or a service on it refused or is away."""

    code = "KF800"

"""Server room, failures: which HTTP status an error has, and its body. Pure."""

from __future__ import annotations

from typing import Any

from jupyter_kf.errors import (
    ConfigError,
    KFError,
    NotebookError,
    ParameterError,
    PlatformError,
    StepFailed,
    StoreError,
    UsageError,
)
from jupyter_kf.workbench.views import RunRefused

#: Codes whose status is not that of their kind.
_STATUS = {
    **dict.fromkeys(("KF404", "KF410", "KF416", "KF417", "KF422", "KF423", "KF441", "KF443", "KF611"), 404),
    **dict.fromkeys(("KF415", "KF420", "KF424", "KF425", "KF442", "KF455", "KF456", "KF457", "KF458"), 409),
    **dict.fromkeys(("KF702", "KF703", "KF704"), 422),
    "KF610": 400,
}
_KINDS: tuple[tuple[type[KFError], int], ...] = (
    (NotebookError, 422),
    (StepFailed, 422),
    (ConfigError, 422),
    (ParameterError, 400),
    (UsageError, 400),
    (StoreError, 503),
    (PlatformError, 503),
)


def status_of(error: KFError) -> int:
    """Return the HTTP status: 400 wrong input, 404 no such thing, 409 not in this state, 422 refused, 503 away."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    return next((status for kind, status in _KINDS if isinstance(error, kind)), 500)


def body_of(error: KFError) -> dict[str, Any]:
    """Return the schema ``Error``; a refused notebook's has its diagnostics."""
    body = error.to_dict()
    if isinstance(error, RunRefused) and error.check is not None:
        body["diagnostics"] = [d.to_dict() for d in error.check.diagnostics]
    return body


def http_body(status: int, message: str) -> dict[str, Any]:
    """Return the schema ``Error`` for what the server itself refuses: no login, no such page."""
    return {
        "type": "HTTPError",
        "code": f"HTTP{status}",
        "message": message,
        "fix": _FIXES.get(status, ""),
        "cell": None,
        "cell_index": None,
        "line": None,
        "quote": "",
    }


_FIXES = {
    401: "Log in to the server again.",
    403: "Log in to the server again, or ask who runs it for the right to use `jupyter_kf`.",
    404: "See jupyter_kf/server/openapi.yaml for the paths there are.",
    405: "See jupyter_kf/server/openapi.yaml for the verbs there are.",
    500: "This is a mistake in jupyter_kf: please report it, with the server's log.",
}

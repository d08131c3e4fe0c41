"""Kubernetes: what an answer that is not a good one means, and what to do about it.

An answer is a ``Status`` object (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/), or
what a proxy in between says. Every error is a :class:`~jupyter_kf.errors.ClusterError` whose ``details`` have
``status`` (HTTP, 0 without an answer), ``reason``, ``retry_after`` (seconds, where the server named them) and
``causes``; callers tell them apart by ``code``.
"""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any

from jupyter_kf.errors import ClusterError

NO_CONNECTION = "KF801"
UNAUTHORIZED = "KF802"
FORBIDDEN = "KF803"
NOT_FOUND = "KF804"
ALREADY_EXISTS = "KF805"
CONFLICT = "KF806"
OWNED_BY_OTHERS = "KF807"
EXPIRED = "KF808"
INVALID = "KF809"
TOO_MANY_REQUESTS = "KF810"
SERVER_ERROR = "KF811"
NO_CONFIGURATION = "KF812"

# code, what to do; by HTTP status
_BY_STATUS = {
    401: (UNAUTHORIZED, "Log in to the cluster again, as its kubeconfig does it."),
    403: (FORBIDDEN, "Ask an administrator of the cluster for a role that allows it."),
    404: (NOT_FOUND, "Check name and namespace; a kind that is missing as a whole has to be installed in the cluster."),
    409: (CONFLICT, "Somebody else changed it meanwhile: read it again and repeat the change."),
    410: (EXPIRED, "The server no longer has this state: list again."),
    422: (INVALID, "Correct the object; the message names the fields."),
    429: (TOO_MANY_REQUESTS, "The API server is busy; try again later."),
}
_OTHER_REQUEST = (INVALID, "Correct the request.")
_SERVER = (SERVER_ERROR, "The cluster has a problem of its own; try again, then ask its administrator.")


def failure(status: int, body: bytes | dict[str, Any], asked: str, retry_after: str = "") -> ClusterError:
    """Return the error that an answer is.

    Args:
        status: HTTP status, or ``code`` of a ``Status`` that came in a watch.
        body: the answer.
        asked: what was asked for, as ``GET /api/v1/pods``.
        retry_after: the header of that name.
    """
    said = body if isinstance(body, dict) else _status(body)
    code, fix = _BY_STATUS.get(status, _SERVER if status >= 500 else _OTHER_REQUEST)
    inner = said.get("details") or {}
    causes = [cause for cause in inner.get("causes") or () if isinstance(cause, dict)]
    reason = str(said.get("reason") or "")
    message = str(said.get("message") or "the server gave no reason")
    if reason == "AlreadyExists":
        code, fix = ALREADY_EXISTS, "Choose another name, or change the object that is there."
    elif any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        code, fix = OWNED_BY_OTHERS, "Leave these fields out, or take them over by force."
        message = "others own fields of it: " + "; ".join(
            f"{cause.get('field', '?')} ({cause.get('message', '')})" for cause in causes
        )
    return ClusterError(
        f"{asked}: {status} {reason}: {message}" if reason else f"{asked}: {status}: {message}",
        code=code,
        fix=fix,
        details={
            "status": status,
            "reason": reason,
            "retry_after": _seconds(retry_after) or float(inner.get("retryAfterSeconds") or 0),
            "causes": causes,
        },
    )


def no_connection(exc: BaseException, asked: str, host: str) -> ClusterError:
    """Return the error that no answer is: refused, cut, timed out, or a certificate that is not trusted."""
    said = str(exc) or type(exc).__name__
    return ClusterError(
        f"{asked}: no answer from {host}: {said}",
        code=NO_CONNECTION,
        fix="Check that the cluster runs and that this machine reaches it (network, VPN, proxy, certificate).",
        details={"status": 0, "reason": type(exc).__name__, "retry_after": 0.0, "causes": []},
    )


def retry_after(error: ClusterError) -> float:
    """Return how many seconds the server asked to wait; 0 where it did not."""
    return float(error.details.get("retry_after") or 0)


def _status(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        said = body.decode(errors="replace").strip()[:300]  # a proxy's page, not the API server's answer
    return said if isinstance(said, dict) else {"message": said or ""}


def _seconds(header: str) -> float:
    """Read a Retry-After header: seconds or a date (RFC 9110, 10.2.3); 0 for what is neither."""
    if not header:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0

"""Server room, handlers: one class a path of ``openapi.yaml``, each verb one call of the workbench."""

from __future__ import annotations

import re

from jupyter_kf.server.handlers import artifacts, executions, notebooks, records, runs, state
from jupyter_kf.server.handlers.base import KFHandler

#: Paths as the contract writes them; where two fit, the first one counts.
HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (
    *state.HANDLERS,
    *notebooks.HANDLERS,
    *runs.HANDLERS,
    *records.HANDLERS,
    *executions.HANDLERS,
    *artifacts.HANDLERS,
)


def routes(prefix: str) -> list[tuple[str, type[KFHandler], dict[str, str]]]:
    """Return what the server's application takes: patterns below ``prefix``, classes, and the contract's path."""
    return [(prefix + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), kind, {"path": path}) for path, kind in HANDLERS]

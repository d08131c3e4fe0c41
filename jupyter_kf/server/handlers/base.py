"""Server room, what all handlers have in common: the contract on the way in, errors and JSON on the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from tornado import web

from jupyter_kf.errors import KFError
from jupyter_kf.server import failures
from jupyter_kf.server.answers import encoded, run_answer
from jupyter_kf.server.app import NAME, Desk
from jupyter_kf.server.contract import Operation, operations
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.views import RunOverview


class KFHandler(ExtensionHandlerMixin, APIHandler):
    """Base of all: ``desk`` has the workbench and runs what blocks in a thread."""

    auth_resource = NAME
    _path = ""

    def initialize(self, name: str = NAME, path: str = "", **kwargs: Any) -> None:
        """Note the contract's path of this route."""
        super().initialize(name, **kwargs)
        self._path = path

    @property
    def desk(self) -> Desk:
        """What the handlers share."""
        return cast(Desk, self.settings[f"{NAME}_desk"])

    @property
    def operation(self) -> Operation:
        """What the contract says of this request."""
        return operations()[(self.request.method or "GET").lower().replace("head", "get"), self._path]

    def query(self) -> dict[str, Any]:
        """Return the query's parameters as the contract has them; raises UsageError KF440."""
        given = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        return self.operation.arguments(given)

    def content(self) -> dict[str, Any]:
        """Return the body as the contract has it; raises UsageError KF440."""
        return self.operation.content(self.request.body)

    def wake(self) -> None:
        """Have the log looked at now: this request started something."""
        self.settings[f"{NAME}_live"].wake()

    def answer(self, data: Any, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.finish(encoded(data))

    async def answer_run(self, work: Callable[[Workbench], RunOverview], status: int = 200) -> None:
        """Do something to a run in a thread, and send the schema ``Run``."""
        shown = self.desk.paths.shown

        def done(bench: Workbench) -> dict[str, Any]:
            overview = work(bench)
            return run_answer(overview.view.run, overview.progress, shown)

        self.answer(await self.desk.call(done), status)

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Say of a user's mistake what it is and no more."""
        if isinstance(value, KFError):
            self.log.info("%s %s: %s", self.request.method, self.request.path, value.message)
        else:
            super().log_exception(kind, value, trace)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the schema ``Error``."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        if isinstance(error, KFError):
            self.set_status(failures.status_of(error))
            body = failures.body_of(error)
        else:
            message = (error.log_message or error.reason) if isinstance(error, web.HTTPError) else None
            body = failures.http_body(status_code, message or self._reason)
        self.finish(encoded(body))

"""Server room, handlers of what concerns the workbench as a whole."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_kf import __version__
from jupyter_kf.model.run import State
from jupyter_kf.server.answers import changes_answer
from jupyter_kf.server.handlers.base import KFHandler
from jupyter_kf.workbench import Workbench


class StatusHandler(KFHandler):
    """``/status``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Say what this server's workbench is."""
        self.query()
        self.answer(await self.desk.call(_status))


class DoctorHandler(KFHandler):
    """``/doctor``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Say what works here."""
        self.query()
        self.answer(await self.desk.call(lambda bench: bench.doctor().to_dict()))


class ChangesHandler(KFHandler):
    """``/changes``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Say what happened after a cursor."""
        after = self.query()["after"]
        shown = self.desk.paths.shown
        self.answer(await self.desk.call(lambda bench: changes_answer(bench.changes(after), shown)))


class ExperimentsHandler(KFHandler):
    """``/experiments``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List the experiments, the one used last first."""
        self.query()
        self.answer(await self.desk.call(lambda bench: bench.experiments().to_dict()))


class GarbageHandler(KFHandler):
    """``/gc``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Free what nothing needs."""
        dry_run = self.content().get("dry_run", False)
        done = await self.desk.call(lambda bench: bench.gc(dry_run=dry_run))
        self.answer({"message": done.message, "freed": done.facts["freed"]})


def _status(bench: Workbench) -> dict[str, Any]:
    metadata = bench.store.metadata
    live = (State.PENDING, State.RUNNING, State.CANCELING, State.PAUSED)
    return {
        "version": __version__,
        "engine": bench.settings.engine,
        "store": metadata.label,
        "cursor": metadata.cursor(),
        "running": metadata.count_runs(states=live),
    }


HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (
    ("/status", StatusHandler),
    ("/doctor", DoctorHandler),
    ("/changes", ChangesHandler),
    ("/experiments", ExperimentsHandler),
    ("/gc", GarbageHandler),
)

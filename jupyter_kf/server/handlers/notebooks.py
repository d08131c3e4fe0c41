"""Server room, handlers of notebooks as they lie there or are being edited."""

from __future__ import annotations

import json

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_kf.server.answers import check_answer
from jupyter_kf.server.handlers.base import KFHandler


class CheckHandler(KFHandler):
    """``/notebooks/check``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Check a saved notebook."""
        path = self.desk.paths.local(self.query()["path"])
        self.answer(await self.desk.call(lambda bench: check_answer(bench.check(path))))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Check a notebook as it is being edited."""
        given = self.content()
        path = self.desk.paths.place(given["path"])
        content = json.dumps(given["content"]).encode()
        self.answer(await self.desk.call(lambda bench: check_answer(bench.check(path, content=content))))


HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (("/notebooks/check", CheckHandler),)

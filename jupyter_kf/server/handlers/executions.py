"""Server room, handlers of one attempt of a step: what it is, what it displayed, what it printed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.iostream import StreamClosedError

from jupyter_kf.model.run import Execution
from jupyter_kf.server.answers import details_answer, outputs_answer
from jupyter_kf.server.handlers.base import KFHandler
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.details import execution_details, find_execution, read_outputs

#: Bytes of a log that one answer has, where it does not go on.
MOST = 4 << 20
_BLOCK = 256 << 10
_LOOK = 0.05
_ASK = 0.5


class ExecutionHandler(KFHandler):
    """``/runs/{run}/executions/{execution}``."""

    @web.authenticated
    @authorized
    async def get(self, run: str, execution: str) -> None:
        """Return one attempt of a step."""
        self.query()
        self.answer(details_answer(await self.desk.call(lambda bench: execution_details(bench, run, execution))))


class OutputsHandler(KFHandler):
    """``/runs/{run}/executions/{execution}/outputs``."""

    @web.authenticated
    @authorized
    async def get(self, run: str, execution: str) -> None:
        """Return what the step displayed."""
        after = self.query()["after"]
        answer = await self.desk.call(
            lambda bench: outputs_answer(*read_outputs(find_execution(bench, run, execution), after))
        )
        self.answer(answer)


class LogHandler(KFHandler):
    """``/runs/{run}/executions/{execution}/logs/{stream}``."""

    _gone = False

    def on_connection_close(self) -> None:
        """Note that nobody reads any more."""
        self._gone = True

    @web.authenticated
    @authorized
    async def get(self, run: str, execution: str, stream: str) -> None:
        """Return what the step printed, with ``follow`` until it is over."""
        asked = self.query()
        if stream not in {"stdout", "stderr"}:
            raise web.HTTPError(404, "A stream is stdout or stderr.")

        def find(bench: Workbench) -> Execution:
            return find_execution(bench, run, execution)

        found: Execution = await self.desk.call(find)
        path = Path(found.folder) / stream if found.folder else None
        size = _size(path)
        at = _begin(path, asked["offset"], size)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("X-Offset", str(at))
        self.set_header("X-Size", str(size))
        self.set_header("X-Accel-Buffering", "no")
        self.set_header("Cache-Control", "no-store")
        if not asked["follow"]:
            data = await self.desk.call(lambda bench: _read(path, at, MOST))
            self.set_header("X-Next-Offset", str(at + len(data)))
            await self.finish(data, set_content_type="text/plain; charset=utf-8")
            return
        try:
            await self.flush()
            await self._follow(found, stream, at, find)
        except StreamClosedError:
            self.log.debug("the reader of %s is gone", path)

    async def _follow(self, found: Execution, stream: str, at: int, find: Callable[[Workbench], Execution]) -> None:
        asked = time.monotonic()
        over = found.state.final
        while not self._gone and not self.desk.closing:
            path = Path(found.folder) / stream if found.folder else None
            data = await self.desk.call(partial(_block, path, at)) if _size(path) > at else b""
            if data:
                at += len(data)
                self.write(data)
                await self.flush()
            elif over:
                break
            else:
                await asyncio.sleep(_LOOK)
            if not over and time.monotonic() - asked >= _ASK:
                found = await self.desk.call(find)
                over, asked = found.state.final, time.monotonic()
        if not self._gone:
            await self.finish(set_content_type="text/plain; charset=utf-8")


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else 0
    except FileNotFoundError:
        return 0


def _read(path: Path | None, at: int, most: int) -> bytes:
    if path is None or not path.is_file():
        return b""
    with path.open("rb") as stream:
        stream.seek(at)
        return stream.read(most)


def _block(path: Path | None, at: int, _: Workbench) -> bytes:
    return _read(path, at, _BLOCK)


def _begin(path: Path | None, offset: int, size: int) -> int:
    """Return where to begin: within the stream, and where a character does."""
    if offset >= 0:
        return min(offset, size)
    at = max(0, size + offset)
    for byte in _read(path, at, 3):
        if byte & 0xC0 != 0x80:
            break
        at += 1
    return at


HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (
    ("/runs/{run}/executions/{execution}", ExecutionHandler),
    ("/runs/{run}/executions/{execution}/outputs", OutputsHandler),
    ("/runs/{run}/executions/{execution}/logs/{stream}", LogHandler),
)

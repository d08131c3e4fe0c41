"""A server that answers what a test says: for refusals that a real API server cannot be made to give on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

CLOSING = web.AppKey("closing", asyncio.Event)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer; anything but bytes is sent as JSON."""

    async def answer(request: web.Request) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=data, headers=named)

    return answer


def refuses(status: int, reason: str = "", message: str = "", **headers: str) -> Answer:
    said = {"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message}
    return says(status, said, **headers)


def lists(*names: str, version: str = "10", more: str = "") -> Answer:
    items = [config_map(name, version=version) for name in names]
    return says(200, {"metadata": {"resourceVersion": version, "continue": more}, "items": items})


def watches(*events: tuple[str, dict[str, Any]], ends: bool = True) -> Answer:
    """A watch that says these events; it ends, or stays silent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for kind, item in events:
            await response.write(json.dumps({"type": kind, "object": item}).encode() + b"\n")
        if not ends:
            await request.app[CLOSING].wait()
        return response

    return answer


def config_map(name: str, version: str = "10", uid: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "test", "resourceVersion": version, "uid": uid or f"uid-{name}"}
    return {"metadata": metadata, **more}


class ScriptedServer:
    """Gives its answers one after another, the last one for ever, and remembers what it was asked.

    Attributes:
        kubeconfig: a configuration to reach it by.
        asked: method and path with query of each request.
        headers: of each request.
        bodies: of each request.
    """

    def __init__(self, folder: Path, *answers: Answer, user: dict[str, Any] | None = None) -> None:
        self.kubeconfig = folder / "scripted.conf"
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self._answers = list(answers)
        self._user = user or {}
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> ScriptedServer:
        app = web.Application()
        app[CLOSING] = self._closing
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        write_kubeconfig(self.kubeconfig, f"http://127.0.0.1:{port}", self._user)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        self.headers.append(dict(request.headers))
        self.bodies.append(await request.read())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await answer(request)


def write_kubeconfig(path: Path, server: str, user: dict[str, Any], namespace: str = "") -> None:
    context = {"cluster": "c", "user": "u"} | ({"namespace": namespace} if namespace else {})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": context}],
    }
    path.write_text(json.dumps(config))

"""Kubernetes: the client for code without an event loop, and for code in one that cannot await (a kernel's cell)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from jupyter_kf.kube.client import Client

if TYPE_CHECKING:
    import os

T = TypeVar("T")
_END = object()


class BlockingClient:
    """A client whose event loop runs in a thread of its own; use it in a ``with`` statement.

    ::

        with BlockingClient() as cluster:
            pod = cluster.do(lambda client: client.get(POD, "web-0", "default"))
            for chunk in cluster.each(lambda client: client.logs("web-0", "default")):
                ...

    Args:
        kubeconfig: as in :meth:`.client.Client.connect`.
        context: a context other than the current one.
        user_agent: who the API server's logs say we are.

    Raises:
        ClusterError: KF812, no configuration that can be used.
        ConfigError: KF510, the ``kubernetes`` package is not installed.
    """

    def __init__(
        self,
        kubeconfig: str | os.PathLike[str] | None = None,
        context: str | None = None,
        *,
        user_agent: str = "jupyter-kf",
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kubernetes", daemon=True)
        self._thread.start()
        try:
            self._client = self._wait(Client.connect(kubeconfig, context, user_agent=user_agent))
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def namespace(self) -> str:
        """The configuration's own namespace."""
        return self._client.namespace

    def do(self, ask: Callable[[Client], Awaitable[T]]) -> T:
        """Return the answer to one question; interrupted (Ctrl-C), the question is withdrawn."""
        return self._wait(ask(self._client))

    def each(self, ask: Callable[[Client], AsyncIterator[T]]) -> Iterator[T]:
        """Yield what comes; whoever stops early ends the stream as well."""
        stream = ask(self._client)

        async def following() -> T | object:
            return await anext(stream, _END)

        try:
            while (item := self._wait(following())) is not _END:
                yield item  # type: ignore[misc]  # all but _END are T
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                self._wait(close())

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._thread.is_alive():
            self._wait(self._client.close())
            self._end()

    def _wait(self, answer: Awaitable[T]) -> T:
        async def ask() -> T:
            return await answer

        future = asyncio.run_coroutine_threadsafe(ask(), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

"""Kubernetes: a reflector keeps a store as true as the API server lets it, for as long as it runs.

It lists once and then watches from there: a watch that ends is resumed from the last event or bookmark; only a state
too old to resume from (410) costs another list, whose result is compared with what is known, so that handlers hear of
each change once, deletions in between included. It never gives up: after a failure it waits, longer each time, and
tries again; :attr:`Reflector.problem` says what is wrong meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from types import TracebackType

from jupyter_kf.errors import ClusterError
from jupyter_kf.kube.backoff import Backoff
from jupyter_kf.kube.client import PAGE, Client
from jupyter_kf.kube.failures import EXPIRED, NO_CONNECTION, SERVER_ERROR, failure, retry_after
from jupyter_kf.kube.kinds import Key, Kind, Object, key
from jupyter_kf.kube.store import Store
from jupyter_kf.kube.watch import LIFETIME, SILENCE, watch

logger = logging.getLogger(__name__)


class Reflector:
    """Keeps a store true to a cluster; use it in an ``async with`` statement, or run :meth:`run` as a task.

    Attributes:
        store: what is known.
        problem: why the store may be behind; None while all is well.
        lists: how often all objects were listed.
        watches: how often a watch was begun.

    Args:
        client: the cluster.
        kind: which objects.
        store: where they go; a new one by default.
        namespace: only there; empty for all.
        labels: label selector.
        fields: field selector.
        page: objects asked for at a time.
        lifetime: seconds until the server ends a watch in good order.
        silence: seconds without a byte after which a watch counts as dead.
        backoff: waits between attempts.
    """

    def __init__(
        self,
        client: Client,
        kind: Kind,
        store: Store | None = None,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        page: int = PAGE,
        lifetime: float = LIFETIME,
        silence: float = SILENCE,
        backoff: Backoff | None = None,
    ) -> None:
        self.kind = kind
        self.store = store if store is not None else Store()
        self.problem: ClusterError | None = None
        self.lists = 0
        self.watches = 0
        self._client = client
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._page = page
        self._lifetime = lifetime
        self._silence = silence
        self._backoff = backoff or Backoff()
        self._version = ""
        self._synced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Reflector:
        self._task = asyncio.create_task(self.run(), name=f"reflector of {self.kind}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def synced(self) -> bool:
        """Whether all objects have been listed once."""
        return self._synced.is_set()

    async def wait_until_synced(self, timeout: float = 60.0) -> None:
        """Wait for the first list to be complete.

        Raises:
            ClusterError: it was not after ``timeout`` seconds; the last failure. The reflector keeps trying.
        """
        try:
            await asyncio.wait_for(self._synced.wait(), timeout)
        except TimeoutError:
            raise self.problem or ClusterError(
                f"{self.kind} could not be listed in {timeout:g} s.",
                code=NO_CONNECTION,
                fix="Check that the cluster answers: kubectl get --raw /readyz",
            ) from None

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                continue
            except ClusterError as exc:
                self._failed(exc)
                delay = self._backoff.wait(retry_after(exc))
            await asyncio.sleep(delay)

    async def _list(self) -> None:
        seen: set[Key] = set()
        version = ""
        page = self._page
        while not version:
            try:
                async for part in self._client.pages(
                    self.kind, self._namespace, labels=self._labels, fields=self._fields, limit=page
                ):
                    seen.update(map(key, part.items))
                    for item in part.items:
                        self._put(item)
                    version = part.resource_version
            except ClusterError as exc:
                if exc.code != EXPIRED or not page:
                    raise
                # pages took longer than the server keeps a state: in one piece, then
                seen, version, page = set(), "", 0
        self.store.keep_only(seen)
        self._version = version
        self.lists += 1
        self.problem = None
        self._synced.set()

    async def _watch(self) -> None:
        self.watches += 1
        began = time.monotonic()
        heard = False
        async for event in watch(
            self._client,
            self.kind,
            self._namespace,
            resource_version=self._version,
            labels=self._labels,
            fields=self._fields,
            lifetime=self._lifetime,
            silence=self._silence,
        ):
            if not heard:
                heard = True
                self.problem = None
                self._backoff.reset()
            if event.type == "DELETED":
                self.store.remove(key(event.item))
            elif event.type != "BOOKMARK":
                self._put(event.item)
            self._version = event.resource_version
        if not heard and time.monotonic() - began < min(1.0, self._lifetime / 2):
            raise failure(502, b"the watch ended as soon as it began", f"WATCH {self.kind}")

    def _put(self, item: Object) -> None:
        try:
            self.store.put(item)
        except Exception:  # an odd object must not keep all others from us
            logger.exception("%s %s cannot be kept", self.kind.kind, "/".join(key(item)))

    def _failed(self, exc: ClusterError) -> None:
        if exc.code == EXPIRED:
            logger.info("The watch of %s fell too far behind; listing again", self.kind)
            self._version = ""
            return
        # one line for each new problem, not one for each attempt; a lost connection is a daily thing
        if self.problem is None or self.problem.code != exc.code:
            level = logging.INFO if exc.code in {NO_CONNECTION, SERVER_ERROR} else logging.WARNING
            logger.log(level, "The watch of %s is interrupted: %s", self.kind, exc.message)
        self.problem = exc


async def wait_until_synced(*reflectors: Reflector, timeout: float = 60.0) -> None:
    """Wait until several reflectors have listed all their objects; raises ClusterError as each of them does."""
    await asyncio.gather(*(reflector.wait_until_synced(timeout) for reflector in reflectors))

"""Kubernetes: the client. Requests and answers are plain JSON; a bad answer is a ClusterError (see ``failures``).

A server that is too busy (429, or 503 with Retry-After) has not begun with a request: it is sent again after the wait
the server names, for as long as the client's patience lasts. Nothing else is repeated: a write that got no answer may
have been done, and only the caller can see whether it was.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from jupyter_kf.errors import ClusterError
from jupyter_kf.kube.backoff import Backoff
from jupyter_kf.kube.connection import Connection
from jupyter_kf.kube.failures import EXPIRED, NOT_FOUND, failure, no_connection, retry_after
from jupyter_kf.kube.kinds import ACCESS_REVIEW, POD, Kind, Object, key

if TYPE_CHECKING:
    import os

    import aiohttp

logger = logging.getLogger(__name__)

PAGE = 500
PatchForm = Literal["merge", "json", "strategic"]
_PATCHES: Mapping[PatchForm, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        items: objects, with ``apiVersion`` and ``kind``, which a list's items lack.
        resource_version: the state this list shows; a watch goes on from here.
        remaining: how many objects are left, where the server says so.
    """

    items: list[Object]
    resource_version: str
    remaining: int | None = None


class Client:
    """A client of one cluster, for one event loop.

    Args:
        connection: see :meth:`connect`.
        user_agent: who the API server's logs and metrics say we are.
        timeout: seconds for one answer; watches and logs have their own.
        patience: seconds that a busy server is asked again and again.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        user_agent: str = "jupyter-kf",
        timeout: float = 60.0,
        patience: float = 30.0,
    ) -> None:
        self.connection = connection
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}
        self._timeout = timeout
        self._patience = patience

    @classmethod
    async def connect(
        cls,
        kubeconfig: str | os.PathLike[str] | None = None,
        context: str | None = None,
        *,
        user_agent: str = "jupyter-kf",
        timeout: float = 60.0,
        patience: float = 30.0,
    ) -> Client:
        """Read the configuration and return a client; nothing is asked of the server yet.

        Raises:
            ClusterError: KF812, no configuration that can be used.
            ConfigError: KF510, the ``kubernetes`` package is not installed.
        """
        connection = await Connection.open(kubeconfig, context)
        return cls(connection, user_agent=user_agent, timeout=timeout, patience=patience)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.connection.close()

    @property
    def namespace(self) -> str:
        """The configuration's own namespace."""
        return self.connection.namespace

    # reading

    async def get(self, kind: Kind, name: str, namespace: str = "", *, subresource: str = "") -> Object:
        """Return one object; raises ClusterError KF804 where it is not there."""
        return await self.request("GET", kind.path(namespace, name, subresource))

    async def find(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        """Return one object, None where it is not there."""
        try:
            return await self.get(kind, name, namespace)
        except ClusterError as exc:
            if exc.code == NOT_FOUND:
                return None
            raise

    async def pages(
        self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = PAGE
    ) -> AsyncIterator[Page]:
        """Yield a list in pages of one consistent state; without a namespace those of all namespaces.

        Args:
            kind: what to list.
            namespace: only there.
            labels: label selector, as ``app=web,tier!=db``.
            fields: field selector.
            limit: objects in a page; 0 for all in one.

        Raises:
            ClusterError: KF808 after the first page, if reading took longer than the server keeps a state.
        """
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": limit or ""}
        token = ""
        while True:
            answer = await self.request("GET", kind.path(namespace), query={**query, "continue": token})
            metadata = answer.get("metadata") or {}
            items = answer.get("items") or []
            for item in items:
                item.setdefault("apiVersion", kind.api_version)
                item.setdefault("kind", kind.kind)
            yield Page(items, metadata.get("resourceVersion", ""), metadata.get("remainingItemCount"))
            token = metadata.get("continue", "")
            if not token:
                return

    async def list_all(
        self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Page:
        """Return a whole list; it is asked for by pages, and in one piece where these took too long."""
        while True:
            items: list[Object] = []
            version = ""
            try:
                async for page in self.pages(kind, namespace, labels=labels, fields=fields, limit=limit):
                    items += page.items
                    version = page.resource_version
                return Page(items, version)
            except ClusterError as exc:
                if exc.code != EXPIRED or not limit:
                    raise
                limit = 0

    async def serves(self, kind: Kind) -> bool:
        """Return whether the cluster knows a kind: a CRD may not be installed, or not in this version."""
        try:
            answer = await self.request("GET", kind.root)
        except ClusterError as exc:
            if exc.code == NOT_FOUND:
                return False
            raise
        return any(resource["name"] == kind.plural for resource in answer.get("resources") or ())

    async def allowed(
        self, verb: str, kind: Kind, namespace: str = "", name: str = "", *, subresource: str = ""
    ) -> bool:
        """Return whether we may do something (SelfSubjectAccessReview); no namespace means in all of them."""
        asked = {"verb": verb, "group": kind.group, "version": kind.version, "resource": kind.plural}
        more = {"namespace": namespace, "name": name, "subresource": subresource}
        attributes = {**asked, **{word: value for word, value in more.items() if value}}
        review = await self.create(ACCESS_REVIEW, {"spec": {"resourceAttributes": attributes}})
        return bool(review["status"]["allowed"])

    # writing

    async def create(self, kind: Kind, body: Mapping[str, Any], *, manager: str = "", dry_run: bool = False) -> Object:
        """Create an object; raises ClusterError KF805 where one of this name is there.

        Args:
            kind: its kind; ``apiVersion`` and ``kind`` need not be in the body.
            body: the object, with ``metadata.namespace`` where its kind has namespaces.
            manager: field manager, to own its fields under.
            dry_run: ask for everything but to keep it.
        """
        namespace = (body.get("metadata") or {}).get("namespace", "")
        return await self._write("POST", kind.path(namespace), _typed(kind, body), manager=manager, dry_run=dry_run)

    async def replace(
        self, kind: Kind, body: Mapping[str, Any], *, subresource: str = "", manager: str = "", dry_run: bool = False
    ) -> Object:
        """Write an object as a whole; one with a resourceVersion that is not the newest raises ClusterError KF806."""
        path = kind.path(*key(body), subresource)
        return await self._write("PUT", path, _typed(kind, body), manager=manager, dry_run=dry_run)

    async def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        patch: Mapping[str, Any] | list[Any],
        form: PatchForm = "merge",
        subresource: str = "",
        manager: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Change parts of an object; a ``metadata.resourceVersion`` or ``uid`` in a merge patch must still be true.

        Args:
            kind: the object's kind.
            name: its name.
            namespace: its namespace.
            patch: what to change; a list of operations for ``json``.
            form: JSON merge patch (RFC 7386), JSON patch (RFC 6902), or Kubernetes' strategic merge patch.
            subresource: ``status`` or ``scale``.
            manager: field manager.
            dry_run: ask for everything but to keep it.

        Raises:
            ClusterError: KF806, the object is not the one, or not in the state, that the patch was made for.
        """
        path = kind.path(namespace, name, subresource)
        return await self._write("PATCH", path, patch, form=_PATCHES[form], manager=manager, dry_run=dry_run)

    async def apply(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        manager: str,
        force: bool = False,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Say what we want of an object (server-side apply); it is created where it is not there.

        Fields that we wanted before and leave out now are given up.

        Args:
            kind: the object's kind.
            body: the fields we want, with name and namespace. With ``metadata.uid`` it must be that very object.
            manager: whose fields they are.
            force: take fields over from other managers who want something else.
            subresource: ``status`` to say what the status is.
            dry_run: ask for everything but to keep it.

        Raises:
            ClusterError: KF807, others own a field and want another value; ``details["causes"]`` names field and owner.
        """
        path = kind.path(*key(body), subresource)
        return await self._write(
            "PATCH", path, _typed(kind, body), form="application/apply-patch+yaml",
            manager=manager, force=force, dry_run=dry_run,
        )  # fmt: skip

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace_seconds: int | None = None,
        dry_run: bool = False,
    ) -> bool:
        """Delete an object and return whether it was there.

        Args:
            kind: its kind.
            name: its name.
            namespace: its namespace.
            uid: delete only this very object, not a later one of the same name.
            resource_version: delete it only as we have seen it.
            propagation: what becomes of the objects it owns.
            grace_seconds: how long its processes may take to end; None leaves that to the object.
            dry_run: ask for everything but to do it.

        Raises:
            ClusterError: KF806, it is not the object, or not in the state, that was meant.
        """
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        meant = {word: value for word, value in (("uid", uid), ("resourceVersion", resource_version)) if value}
        if meant:
            options["preconditions"] = meant
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            await self._write("DELETE", kind.path(namespace, name), options, dry_run=dry_run)
        except ClusterError as exc:
            if exc.code == NOT_FOUND:
                return False
            raise
        return True

    # streams

    async def logs(
        self,
        pod: str,
        namespace: str,
        *,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        since_seconds: int | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        """Yield what a container wrote, in pieces as they come; with ``follow`` until it ends.

        Args:
            pod: the pod's name.
            namespace: its namespace.
            container: which one; a pod with one container needs no name.
            follow: wait for more.
            tail: only this many last lines.
            since_seconds: only what is younger.
            previous: of the container that ran before this one.
            timestamps: each line begins with its time.

        Raises:
            ClusterError: KF804 no such pod, KF809 no container that has started, KF801 the stream broke.
        """
        query: dict[str, Any] = {"container": container, "tailLines": tail, "sinceSeconds": since_seconds}
        query |= {"follow": follow or None, "previous": previous or None, "timestamps": timestamps or None}
        async with self.stream(POD.path(namespace, pod, "log"), query=query) as chunks:
            async for chunk in chunks:
                yield chunk

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, Any], silence: float | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an answer that goes on, and give its pieces as they come.

        Args:
            path: what to ask for.
            query: parameters; empty ones and None are left out.
            silence: seconds after which a connection that says nothing counts as broken; None waits for ever.

        Raises:
            ClusterError: the server refused; or, while reading, KF801 when the connection breaks.
        """
        import aiohttp

        asked = f"GET {path}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout, sock_read=silence)
        answer = await self._answer("GET", path, query, None, timeout=timeout)

        async def chunks() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.content.iter_any():
                    yield chunk
            except (aiohttp.ClientError, TimeoutError, OSError) as exc:
                raise no_connection(exc, asked, self.connection.host) from exc

        try:
            yield chunks()
        finally:
            answer.close()

    # requests

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send a request and return the answer's JSON; the door for what has no method of its own here.

        Raises:
            ClusterError: what the server says is wrong, or KF801 where it says nothing.
        """
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._timeout)
        answer = await self._answer(method, path, query or {}, body, timeout=timeout, content_type=content_type)
        try:
            data = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            answer.close()
            raise no_connection(exc, f"{method} {path}", self.connection.host) from exc
        try:
            found: Object = json.loads(data)
        except ValueError as exc:
            raise failure(502, data, f"{method} {path}") from exc  # somebody else answered: a proxy's login page
        return found

    async def _write(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        form: str = "application/json",
        manager: str = "",
        force: bool = False,
        dry_run: bool = False,
    ) -> Object:
        query = {"fieldManager": manager, "force": force or None, "dryRun": "All" if dry_run else None}
        return await self.request(method, path, query=query, body=body, content_type=form)

    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any,
        *,
        timeout: aiohttp.ClientTimeout,
        content_type: str = "",
    ) -> aiohttp.ClientResponse:
        """Return a good answer, its body unread; a busy server is asked again, and new credentials are tried once."""
        given = {word: _word(value) for word, value in query.items() if value not in (None, "")}
        url = f"{path}?{urlencode(given)}" if given else path
        headers = {**self._headers, "Content-Type": content_type} if content_type else dict(self._headers)
        end = time.monotonic() + self._patience
        backoff = Backoff()
        renewed = False
        while True:
            began = time.monotonic()
            answer = await self._send(method, url, headers, body, timeout)
            if answer.status < 300:
                return answer
            error = await _bad(answer, f"{method} {path}")
            if answer.status == 401 and not renewed:
                renewed = True
                if await self.connection.renew(began):
                    continue
            busy = answer.status == 429 or (answer.status == 503 and "Retry-After" in answer.headers)
            wait = backoff.wait(retry_after(error)) if busy else 0.0
            if not busy or time.monotonic() + wait > end:
                raise error
            logger.debug("%s; again in %.1f s", error.message, wait)
            await asyncio.sleep(wait)

    async def _send(
        self, method: str, url: str, headers: dict[str, str], body: Any, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        import aiohttp

        try:
            return await self.connection.request(method, url, headers=headers, body=body, timeout=timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise no_connection(exc, f"{method} {url.partition('?')[0]}", self.connection.host) from exc


async def _bad(answer: aiohttp.ClientResponse, asked: str) -> ClusterError:
    import aiohttp

    try:
        body = await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        body = b""  # its status says enough
    finally:
        answer.release()
    return failure(answer.status, body, asked, answer.headers.get("Retry-After", ""))


def _typed(kind: Kind, body: Mapping[str, Any]) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind, **body}


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

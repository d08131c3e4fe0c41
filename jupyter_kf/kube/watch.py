"""Kubernetes: one watch, from a known state on (https://kubernetes.io/docs/reference/using-api/api-concepts/)."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from jupyter_kf.kube.client import Client
from jupyter_kf.kube.failures import failure
from jupyter_kf.kube.kinds import Kind, Object

#: Seconds that the server lets a watch live; each is a little shorter, so that many do not end together.
LIFETIME = 300.0
#: Seconds without a byte after which a watch counts as dead; the server sends a bookmark about once a minute.
SILENCE = 90.0


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """What a watch says. A ``BOOKMARK`` is about no object: all up to its ``resource_version`` has been said."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    item: Object
    resource_version: str


async def watch(
    client: Client,
    kind: Kind,
    namespace: str = "",
    *,
    resource_version: str,
    labels: str = "",
    fields: str = "",
    lifetime: float = LIFETIME,
    silence: float = SILENCE,
) -> AsyncIterator[WatchEvent]:
    """Yield what happens after a state, until the server ends the watch in good order.

    Args:
        client: the cluster.
        kind: what to watch.
        namespace: only there; empty for all.
        resource_version: the state, of a list or of the last event.
        labels: label selector.
        fields: field selector.
        lifetime: seconds until the server ends it.
        silence: seconds without a byte after which the connection counts as broken.

    Raises:
        ClusterError: KF808 when the state is too old to go on from, KF801 when the connection is refused, breaks or
            falls silent, and whatever else the server says.
    """
    query = {
        "watch": True,
        "allowWatchBookmarks": True,
        "resourceVersion": resource_version,
        "timeoutSeconds": max(1, round(lifetime * random.uniform(0.9, 1.0))),
        "labelSelector": labels,
        "fieldSelector": fields,
    }
    path = kind.path(namespace)
    async with client.stream(path, query=query, silence=silence) as chunks:
        async for line in _lines(chunks):
            try:
                said = json.loads(line)
                item = said["object"]
                event = None
                if said["type"] != "ERROR":
                    event = WatchEvent(said["type"], item, item["metadata"]["resourceVersion"])
            except (ValueError, KeyError, TypeError) as exc:
                raise failure(502, line[:300], f"WATCH {path}") from exc  # not the API server's words
            if event is None:
                raise failure(int(item.get("code") or 500), item, f"WATCH {path}")
            yield event


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield whole lines, however they were cut; what a broken connection leaves behind is none."""
    parts: list[bytes] = []
    async for chunk in chunks:
        head, *rest = chunk.split(b"\n")
        parts.append(head)
        if not rest:
            continue
        yield b"".join(parts)
        for line in rest[:-1]:
            yield line
        parts = [rest[-1]]

"""Widgets room: where the boxes of a graph go. Pure.

Layered drawing after Sugiyama, Tagawa and Toda (1981): longest-path layers, long edges cut by invisible nodes, order
within a layer by barycentres in a few sweeps, positions by averaging neighbours without overlap.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A node's place: left top corner and size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """``boxes`` by node; ``paths`` by edge, each a list of points from the source's border to the target's."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    paths: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    across: bool


def layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each node: 0 without predecessors, else one more than its deepest predecessor.

    ``nodes`` must be in an order in which each edge goes forward; an edge that does not is left out of account.
    """
    place = {node: i for i, node in enumerate(nodes)}
    before: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        if a in place and b in place and place[a] < place[b]:
            before[b].append(a)
    level: dict[str, int] = {}
    for node in nodes:
        level[node] = 1 + max((level[a] for a in before[node]), default=-1)
    return level


def reduced(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges without those that a longer way implies (transitive reduction of an acyclic graph)."""
    place = {node: i for i, node in enumerate(nodes)}
    after: dict[str, set[str]] = defaultdict(set)
    for a, b in edges:
        if a in place and b in place and place[a] < place[b]:
            after[a].add(b)
    reach: dict[str, set[str]] = {}
    for node in reversed(nodes):
        reach[node] = set().union(*({b} | reach[b] for b in after[node]))
    return [
        (a, b) for a in nodes for b in sorted(after[a], key=place.__getitem__)
        if not any(b in reach[c] for c in after[a] if c != b)
    ]  # fmt: skip


def place(
    nodes: Sequence[str],
    edges: Sequence[tuple[str, str]],
    sizes: Mapping[str, tuple[float, float]],
    *,
    gap: float = 22,
    rank_gap: float = 56,
    margin: float = 12,
    across: bool | None = None,
) -> Layout:
    """Lay out an acyclic graph; ``across`` puts layers from left to right, default: where there are few of them.

    ``sizes`` maps nodes to (width, height) in pixels.
    """
    level = layers(nodes, edges)
    count = 1 + max(level.values(), default=-1)
    if across is None:
        across = count <= 6
    rows, chains = _with_bends(nodes, edges, level, count)
    _order(rows, chains)
    breadth = {n: (sizes[n][1] if across else sizes[n][0]) if n in sizes else 6.0 for row in rows for n in row}
    centre = _positions(rows, chains, breadth, gap)
    depths = [max((sizes[n][0] if across else sizes[n][1] for n in row if n in sizes), default=0.0) for row in rows]
    starts, at = [], margin
    for depth in depths:
        starts.append(at)
        at += depth + rank_gap
    length = at - rank_gap + margin if rows else 2 * margin
    low = min((centre[n] - breadth[n] / 2 for n in centre), default=0.0)
    high = max((centre[n] + breadth[n] / 2 for n in centre), default=0.0)
    shift = margin - low
    boxes = {}
    for i, row in enumerate(rows):
        for n in row:
            if n in sizes:
                width, height = sizes[n]
                c = centre[n] + shift
                if across:
                    boxes[n] = Box(starts[i] + (depths[i] - width) / 2, c - height / 2, width, height)
                else:
                    boxes[n] = Box(c - width / 2, starts[i] + (depths[i] - height) / 2, width, height)
    paths = {}
    for (a, b), chain in chains.items():
        points = [_exit(boxes[a], across)]
        for n in chain[1:-1]:
            i, c = level_of(n), centre[n] + shift
            points += (
                [(starts[i], c), (starts[i] + depths[i], c)] if across else [(c, starts[i]), (c, starts[i] + depths[i])]
            )
        points.append(_entry(boxes[b], across))
        paths[a, b] = tuple(points)
    spread = high - low + 2 * margin
    return Layout(length if across else spread, spread if across else length, boxes, paths, across)


def level_of(bend: str) -> int:
    """Return the layer of an invisible node, which its name carries."""
    return int(bend.rpartition("\0")[2])


def _with_bends(
    nodes: Sequence[str], edges: Sequence[tuple[str, str]], level: Mapping[str, int], count: int
) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    rows: list[list[str]] = [[] for _ in range(count)]
    for node in nodes:
        rows[level[node]].append(node)
    chains = {}
    for a, b in dict.fromkeys(edges):
        if a not in level or b not in level or level[a] >= level[b]:
            continue
        chain = [a]
        for i in range(level[a] + 1, level[b]):
            bend = f"{a}\0{b}\0{i}"
            rows[i].append(bend)
            chain.append(bend)
        chains[a, b] = [*chain, b]
    return rows, chains


def _neighbours(chains: Mapping[tuple[str, str], list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    up: dict[str, list[str]] = defaultdict(list)
    down: dict[str, list[str]] = defaultdict(list)
    for chain in chains.values():
        for a, b in itertools.pairwise(chain):
            down[a].append(b)
            up[b].append(a)
    return up, down


def _order(rows: list[list[str]], chains: Mapping[tuple[str, str], list[str]]) -> None:
    up, down = _neighbours(chains)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        table = up if forward else down
        for i in range(len(rows)) if forward else range(len(rows) - 1, -1, -1):
            other = i - 1 if forward else i + 1
            if not 0 <= other < len(rows):
                continue
            index = {n: float(k) for k, n in enumerate(rows[other])}
            weights = {n: float(k) for k, n in enumerate(rows[i])}
            for n in rows[i]:
                near = [index[m] for m in table[n] if m in index]
                weights[n] = sum(near) / len(near) if near else weights[n]
            rows[i].sort(key=weights.__getitem__)


def _positions(
    rows: list[list[str]], chains: Mapping[tuple[str, str], list[str]], breadth: Mapping[str, float], gap: float
) -> dict[str, float]:
    up, down = _neighbours(chains)
    centre: dict[str, float] = {}
    for row in rows:
        at = 0.0
        for n in row:
            centre[n] = at + breadth[n] / 2
            at += breadth[n] + gap
        shift = (at - gap) / 2
        for n in row:
            centre[n] -= shift
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wish = {}
            for n in row:
                near = (up if sweep % 2 == 0 else down)[n] or (down if sweep % 2 == 0 else up)[n]
                wish[n] = sum(centre[m] for m in near) / len(near) if near else centre[n]
            _settle(row, wish, centre, breadth, gap)
    return centre


def _settle(
    row: list[str], wish: Mapping[str, float], centre: dict[str, float], breadth: Mapping[str, float], gap: float
) -> None:
    """Put a row's nodes as near to their wishes as order and gaps allow (pool adjacent violators)."""
    blocks: list[tuple[float, int, list[float]]] = []  # place of the first, how many, wishes less offsets
    offsets, at = [], 0.0
    for k, n in enumerate(row):
        at += (breadth[row[k - 1]] + breadth[n]) / 2 + gap if k else 0.0
        offsets.append(at)
    for k, n in enumerate(row):
        blocks.append((wish[n] - offsets[k], 1, [wish[n] - offsets[k]]))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            _, count, second = blocks.pop()
            _, more, first = blocks.pop()
            joined = first + second
            blocks.append((sum(joined) / len(joined), count + more, joined))
    k = 0
    for value, count, _ in blocks:
        for _ in range(count):
            centre[row[k]] = value + offsets[k]
            k += 1


def _exit(box: Box, across: bool) -> tuple[float, float]:
    return (box.x + box.width, box.y + box.height / 2) if across else (box.x + box.width / 2, box.y + box.height)


def _entry(box: Box, across: bool) -> tuple[float, float]:
    return (box.x, box.y + box.height / 2) if across else (box.x + box.width / 2, box.y)

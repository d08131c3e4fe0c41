"""Widgets room: a metric over its steps as a small line chart. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from jupyter_kf.widgets.words import number

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 280.0, 110.0, 8.0, 18.0
_MOST = 400


def chart_svg(name: str, points: Sequence[tuple[float, float]]) -> str:
    """Return a chart of (x, y) points; values that are not finite are left out."""
    kept = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(kept) > _MOST:
        stride = len(kept) / _MOST
        kept = [kept[int(i * stride)] for i in range(_MOST)] + [kept[-1]]
    if not kept:
        return ""
    xs, ys = [x for x, _ in kept], [y for _, y in kept]
    low, high, first, last = min(ys), max(ys), min(xs), max(xs)
    wide, tall = (last / 2 - first / 2) or 1.0, (high / 2 - low / 2) or 1.0  # halves: a difference may overflow

    def at(x: float, y: float) -> str:
        across = _LEFT + (x / 2 - first / 2) / wide * (_WIDTH - 2 * _LEFT)
        return f"{across:.1f},{_HEIGHT - _BOTTOM - (y / 2 - low / 2) / tall * (_HEIGHT - _BOTTOM - 22):.1f}"

    line = " ".join(at(x, y) for x, y in kept)
    x, y = at(*kept[-1]).split(",")
    return (
        f'<figure class="chart"><figcaption>{escape(name)} <b>{number(ys[-1])}</b></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{escape(name)}: {len(points)} points from '
        f'{number(ys[0])} to {number(ys[-1])}, lowest {number(low)}, highest {number(high)}">'
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'<polyline class="line" points="{line}"/><circle class="dot" cx="{x}" cy="{y}" r="3"/>'
        f'<text x="{_LEFT}" y="12">{number(high)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 5}">{number(first)}</text>'
        f'<text x="{_WIDTH - _LEFT}" y="{_HEIGHT - 5}" text-anchor="end">{number(last)}</text></svg></figure>'
    )

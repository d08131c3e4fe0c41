"""Widgets room: a metric over its steps as a small line chart. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from jupyter_kf.widgets.words import number

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 280.0, 110.0, 8.0, 18.0
_MOST = 400


def chart_svg(
    name: str, points: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]] | None = None
) -> str:
    """Return a chart of (x, y) points; values that are not finite are left out.

    ``others`` is a second curve to compare with (the first is then A, the second B).
    """
    curves = [_drawable(curve) for curve in (points, others or ())]
    if not any(curves):
        return ""
    xs, ys = [x for curve in curves for x, _ in curve], [y for curve in curves for _, y in curve]
    low, high, first, last = min(ys), max(ys), min(xs), max(xs)
    wide, tall = (last / 2 - first / 2) or 1.0, (high / 2 - low / 2) or 1.0  # halves: a difference may overflow

    def at(x: float, y: float) -> str:
        across = _LEFT + (x / 2 - first / 2) / wide * (_WIDTH - 2 * _LEFT)
        return f"{across:.1f},{_HEIGHT - _BOTTOM - (y / 2 - low / 2) / tall * (_HEIGHT - _BOTTOM - 22):.1f}"

    lines, ends, spoken = "", "", []
    for curve, look, side in zip(curves, ("", " other"), ("A ", "B "), strict=True):
        if not curve:
            continue
        x, y = at(*curve[-1]).split(",")
        lines += f'<polyline class="line{look}" points="{" ".join(at(*point) for point in curve)}"/>'
        lines += f'<circle class="dot{look}" cx="{x}" cy="{y}" r="3"/>'
        end = number(curve[-1][1])
        ends += f" <b>{end}</b>" if others is None else f' <span class="side{look}">{side}<b>{end}</b></span>'
        spoken.append(f"{side if others is not None else ''}from {number(curve[0][1])} to {end}")
    return (
        f'<figure class="chart"><figcaption>{escape(name)}{ends}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{escape(name)}: {len(points)} points '
        f'{", ".join(spoken)}, lowest {number(low)}, highest {number(high)}">'
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'{lines}<text x="{_LEFT}" y="12">{number(high)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 5}">{number(first)}</text>'
        f'<text x="{_WIDTH - _LEFT}" y="{_HEIGHT - 5}" text-anchor="end">{number(last)}</text></svg></figure>'
    )


def _drawable(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    kept = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(kept) <= _MOST:
        return kept
    stride = len(kept) / _MOST
    return [kept[int(i * stride)] for i in range(_MOST)] + [kept[-1]]

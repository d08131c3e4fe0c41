"""The table in ``docs/benchmarks.md`` and the numbers behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Row

INTRODUCTION = """# Benchmarks

Written by `make bench`; do not edit. Less is better everywhere. Each row was measured in turns with the floor or peer
beside it, in the same run on the same machine, and shows medians. A ratio is ours divided by theirs: below 1, ours is
faster. Peers ran in environments of their own. The numbers behind the tables are in `benchmarks/results.json`.
"""


def number(value: float) -> str:
    """Return three significant digits, without powers of ten."""
    if value and abs(value) < 0.001:
        return f"{value:.6f}".rstrip("0")
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def against(row: Row) -> str:
    """Return the other columns of a row: each floor or peer with its number and the ratio."""
    parts = []
    for name, value in row.others.items():
        if isinstance(value, int | float):
            ratio = f" (×{number(row.ours / value)})" if value else ""
            parts.append(f"{name}: {number(value)}{ratio}")
        elif value:
            parts.append(f"{name}: {value}")
    return "; ".join(parts)


def goal(row: Row) -> str:
    """Return the goal in words, and whether it was met."""
    if row.goal is None:
        return ""
    bound = f"≤ {number(row.goal)} {row.unit}" if row.kind == "value" else f"≤ {number(row.goal)} × {row.against}"
    return f"{bound}: {'not measured' if row.met is None else 'met' if row.met else '**missed**'}"


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    lines = ["| | unit | jupyter_kf | floor or peer (ratio) | goal |", "| --- | --- | ---: | --- | --- |"]
    for row in rows:
        note = f" ({row.note})" if row.note else ""
        lines.append(f"| {row.case}{note} | {row.unit} | {number(row.ours)} | {against(row)} | {goal(row)} |")
    return "\n".join(lines)


def page(machine: Mapping[str, Any], sections: Mapping[str, tuple[str, str, Sequence[Row]]]) -> str:
    """Return the whole page; ``sections`` maps names to title, explanation and rows."""
    m = machine
    facts = (
        f"{m['date']}: {m['cpu']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}, Python {m['python']};"
        f" medians of up to {m['turns']} turns; load average {m['load'][0]} before and {m['load_after'][0]} after."
    )
    parts = [INTRODUCTION, facts + "\n"]
    parts += [f"## {title}\n\n{about}\n\n{table(rows)}\n" for title, about, rows in sections.values()]
    return "\n".join(parts)


def write(
    root: Path, machine: Mapping[str, Any], sections: Mapping[str, tuple[str, str, Sequence[Row]]]
) -> tuple[Path, Path]:
    """Write the page and the numbers; return their paths."""
    numbers, document = root / "benchmarks" / "results.json", root / "docs" / "benchmarks.md"
    data = {
        "machine": machine,
        "results": {name: [r.to_dict() for r in rows] for name, (_, _, rows) in sections.items()},
    }
    numbers.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    document.write_text(page(machine, sections), "utf-8")
    return document, numbers

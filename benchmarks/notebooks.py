"""Notebooks that benchmarks are measured on, written when they are needed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path


def write(path: Path, cells: Iterable[str | tuple[str, list[str]]], metadata: dict[str, object] | None = None) -> Path:
    """Write code cells, each its text or (text, tags), as a notebook; return ``path``."""
    made = []
    for number, cell in enumerate(cells):
        source, tags = (cell, []) if isinstance(cell, str) else cell
        made.append(
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": tags} if tags else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    document = {"cells": made, "metadata": kernel | (metadata or {}), "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document), "utf-8")
    return path


def chain(path: Path, steps: int) -> Path:
    """A chain of trivial steps, each of which adds one."""
    cells = ["# %%kubeflow step s0\nx = 0"]
    cells += [f"# %%kubeflow step s{n}\nx = x + 1" for n in range(1, steps)]
    return write(path, cells)


def wide(path: Path, steps: int, work: int) -> Path:
    """Independent steps that each add up ``work`` numbers."""
    return write(path, [f"# %%kubeflow step w{n}\ny{n} = sum(i * i for i in range({work}))" for n in range(steps)])


def _study(number: int) -> tuple[str, str]:
    """Return the text of a cell as people write them, and the step it belongs to."""
    step = f"step{number // 2}"
    if number % 2 == 0:
        before = f"table{number - 2}" if number else "load()"
        return step, (
            f"table{number} = clean({before}, limit=limit)\n"
            f"rows{number} = [row for row in table{number} if row['value'] > {number}]\n"
            f"for row in rows{number}:\n"
            f"    row['share'] = row['value'] / (total or 1)\n"
            f"if not rows{number}:\n"
            f"    print('nothing left in {number}')\n"
        )
    return step, (
        f"def model{number}(rows, power=2):\n"
        f"    weights = {{row['name']: row['value'] ** power for row in rows}}\n"
        f"    return sorted(weights.items(), key=lambda item: -item[1])[:limit]\n\n"
        f"best{number} = model{number}(rows{number - 1})\n"
        f"print(f'{{len(best{number})}} kept, first {{best{number}[:1]}}')\n"
    )


_IMPORTS = "import math\nimport json\nfrom collections import Counter\n"
_FUNCTIONS = (
    "def load():\n    return [{'name': str(i), 'value': i} for i in range(100)]\n\n"
    "def clean(table, limit):\n    return [dict(row) for row in table if math.isfinite(row['value'])][: limit * 10]\n"
)
_PARAMETERS = "limit = 20\ntotal = 4950\n"


def study(path: Path, cells: int) -> Path:
    """A notebook of ``cells`` code cells with data flow from step to step, two cells a step, in our words."""
    made = ["# %%kubeflow params\n" + _PARAMETERS, _IMPORTS, _FUNCTIONS]
    for number in range(cells - len(made)):
        step, source = _study(number)
        made.append(f"# %%kubeflow step {step}\n{source}")
    return write(path, made)


def kale_study(path: Path, cells: int) -> Path:
    """The same notebook in Kale's words: tags, and ``prev:`` for the chain."""
    made: list[str | tuple[str, list[str]]] = [
        (_PARAMETERS, ["pipeline-parameters"]),
        (_IMPORTS, ["imports"]),
        (_FUNCTIONS, ["functions"]),
    ]
    for number in range(cells - len(made)):
        step, source = _study(number)
        tags = [f"step:{step}"]
        if number % 2 == 0 and number:
            tags.append(f"prev:step{number // 2 - 1}")
        made.append((source, tags))
    about = {"pipeline_name": "study", "experiment_name": "study", "volumes": [], "steps_defaults": []}
    return write(path, made, {"kubeflow_notebook": about})

"""Notebooks made in tests: as bytes, as the door of the room takes them."""

from __future__ import annotations

import json
from typing import Any

from jupyter_kf.model.pipeline import Diagnostic, Pipeline
from jupyter_kf.notebook import Conversion, convert

Source = str | tuple[str, list[str]]


def notebook(*cells: Source, metadata: dict[str, Any] | None = None) -> bytes:
    """A notebook of code cells; a cell with tags is a pair."""
    made = []
    for index, cell in enumerate(cells):
        source, tags = (cell, []) if isinstance(cell, str) else cell
        made.append(
            {
                "cell_type": "code",
                "id": f"c{index}",
                "metadata": {"tags": tags} if tags else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        )
    meta = {"kernelspec": {"name": "python3", "language": "python"}, **(metadata or {})}
    return json.dumps({"cells": made, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}).encode()


def converted(*cells: Source, **options: Any) -> Conversion:
    """What a notebook of these cells is."""
    return convert(notebook(*cells), **options)


def pipeline(*cells: Source, **options: Any) -> Pipeline:
    """The pipeline of a notebook that has no errors."""
    conversion = converted(*cells, **options)
    assert conversion.ok, [d.message for d in conversion.diagnostics]
    assert conversion.pipeline is not None
    return conversion.pipeline


def findings(*cells: Source, **options: Any) -> list[Diagnostic]:
    """What is found in a notebook of these cells."""
    return list(converted(*cells, **options).diagnostics)


def codes(*cells: Source, **options: Any) -> list[str]:
    """The codes of what is found."""
    return [d.code for d in findings(*cells, **options)]


def edges(made: Pipeline) -> dict[str, tuple[str, ...]]:
    """The steps that come directly before each step."""
    return {s.name: s.after for s in made.steps}


def taken(made: Pipeline, step: str) -> dict[str, str]:
    """What a step takes, with its producer."""
    return {i.name: i.producer for i in made.step(step).inputs}

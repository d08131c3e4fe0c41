"""Notebooks to run, made of cells' texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook


def tagged(source: str, *tags: str) -> NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags)})


def notebook(*cells: str | NotebookNode, kernel: str = "python3", language: str = "python") -> NotebookNode:
    made = [new_code_cell(c) if isinstance(c, str) else c for c in cells]
    for number, cell in enumerate(made):
        cell.id = f"c{number}"
    spec = {"name": kernel, "display_name": kernel, "language": language}
    return new_notebook(cells=made, metadata={"kernelspec": spec, "language_info": {"name": language}})


def write(path: Path, *cells: str | NotebookNode, **options: Any) -> Path:
    nbformat.write(notebook(*cells, **options), path)
    return path

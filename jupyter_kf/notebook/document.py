"""Notebook room, first door: the file as data. Reads ``.ipynb`` of nbformat 4 with the standard library alone.

nbformat's own reader validates against a schema and is tens of times slower; what a pipeline needs of a notebook is a
handful of keys, each checked here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_kf.errors import NotebookError
from jupyter_kf.model.pipeline import Diagnostic


@dataclass(frozen=True, slots=True)
class DocumentCell:
    """A cell of any kind. ``kind`` is ``code``, ``markdown`` or ``raw``; ``index`` counts all cells from 0."""

    id: str
    index: int
    kind: str
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A notebook as it was read. ``path`` is empty for one that came as bytes; ``raw`` is the decoded JSON."""

    name: str
    path: str
    cells: tuple[DocumentCell, ...]
    kernel: str = ""
    language: str = "python"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def code(self) -> tuple[DocumentCell, ...]:
        """The code cells, in order."""
        return tuple(c for c in self.cells if c.kind == "code")


def read_document(
    path_or_bytes: str | os.PathLike[str] | bytes, *, overrides: Mapping[str, str] | None = None, path: str = ""
) -> Document:
    """Read a notebook from a path, or from the bytes of one.

    ``overrides`` maps cell ids to text that replaces the saved text; ``path`` is where the bytes lie, or would.

    Raises:
        NotebookError: KF100 the file cannot be read, KF101 no JSON, KF102 not UTF-8, KF103 JSON but no notebook,
            KF104 a format older than 4.
    """
    if not isinstance(path_or_bytes, bytes):
        path = os.path.abspath(os.fspath(path_or_bytes))  # noqa: PTH100
    data = path_or_bytes if isinstance(path_or_bytes, bytes) else _read(path)
    raw = _decoded(data, path)
    findings: list[Diagnostic] = []
    cells = _cells(raw["cells"], overrides or {}, findings)
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kernelspec = _table(metadata, "kernelspec")
    language = _table(metadata, "language_info").get("name") or kernelspec.get("language") or "python"
    if not any(c.kind == "code" and c.source.strip() for c in cells):
        findings.append(
            Diagnostic(
                "KF118", "warning", "The notebook has no code.", "Write a cell: `%%kubeflow step NAME` marks it."
            )
        )
    version = raw.get("nbformat")
    if isinstance(version, int) and version > 4:
        findings.append(
            Diagnostic(
                "KF105",
                "warning",
                f"The notebook has a format that is newer than this package (nbformat {version}).",
                "Upgrade jupyter_kf if cells seem to be missing.",
            )
        )
    return Document(
        name=Path(path).stem if path else "notebook",
        path=path,
        cells=tuple(cells),
        kernel=str(kernelspec.get("name") or ""),
        language=str(language).lower(),
        metadata=metadata,
        findings=tuple(findings),
        raw=raw,
    )


def _table(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = mapping.get(key)
    return value if isinstance(value, dict) else {}


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise NotebookError(
            f"{path!r} cannot be read: {reason}.", code="KF100", fix="Give the path of a notebook (.ipynb) that exists."
        ) from exc


def _decoded(data: bytes, path: str) -> dict[str, Any]:
    shown = repr(Path(path).name) if path else "The notebook"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise NotebookError(
            f"{shown} is not UTF-8 text (byte {exc.start}).",
            code="KF102",
            fix="Save it as UTF-8, the only encoding of notebooks; if it is compressed, unpack it first.",
        ) from exc
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as exc:
        where = f" at line {exc.lineno}: {exc.msg}" if isinstance(exc, json.JSONDecodeError) else ""
        conflict = "<<<<<<< " in text
        raise NotebookError(
            f"{shown} is not valid JSON{where}.",
            code="KF101",
            fix="It holds the marks of a merge conflict: resolve them (nbdime does it cell by cell)."
            if conflict
            else "Give a notebook (.ipynb) as Jupyter saves it, or restore an earlier copy.",
        ) from exc
    if isinstance(raw, dict) and isinstance(raw.get("worksheets"), list):
        raise NotebookError(
            f"{shown} has the notebook format of 2015 or before (nbformat {raw.get('nbformat', 3)}).",
            code="KF104",
            fix="Convert it: `jupyter nbconvert --to notebook --inplace NOTEBOOK`.",
        )
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise NotebookError(
            f"{shown} is JSON, but no notebook: it has no list of cells.",
            code="KF103",
            fix="Give a notebook (.ipynb) as Jupyter saves it.",
        )
    return raw


def _cells(entries: list[Any], overrides: Mapping[str, str], findings: list[Diagnostic]) -> list[DocumentCell]:
    cells: list[DocumentCell] = []
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise NotebookError(
                f"Cell {index} of the notebook is no cell, but {type(entry).__name__}.",
                code="KF103",
                fix="Give a notebook (.ipynb) as Jupyter saves it, or restore an earlier copy.",
            )
        given = entry.get("id")
        identifier = given if isinstance(given, str) and given else str(index)
        if identifier in seen:
            findings.append(
                Diagnostic(
                    "KF106",
                    "warning",
                    f"Cell {index} has the id {identifier!r} of a cell above it.",
                    "Open the notebook in Jupyter and save it: ids are made unique.",
                    cell=str(index),
                    cell_index=index,
                    why="Ids tell cells apart after they were moved; here the cell's index is taken instead.",
                )
            )
            identifier = _unused(str(index), seen)
        seen.add(identifier)
        source = overrides.get(identifier, _text(entry.get("source")))
        tags = _table(entry, "metadata").get("tags")
        cells.append(
            DocumentCell(
                id=identifier,
                index=index,
                kind=str(entry.get("cell_type")),
                source=source,
                tags=tuple(t for t in tags if isinstance(t, str)) if isinstance(tags, list) else (),
            )
        )
    return cells


def _unused(text: str, seen: set[str]) -> str:
    while text in seen:
        text += "_"
    return text


def _text(source: Any) -> str:
    """Source is text or a list of lines; anything else counts as empty. Line ends become newlines."""
    if isinstance(source, list):
        source = "".join(s for s in source if isinstance(s, str))
    text = source if isinstance(source, str) else ""
    # A lone surrogate is valid in JSON, but no compiler or file takes it.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")

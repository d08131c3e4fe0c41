"""Workbench room: something to look at of an artifact, made without running anything that it holds.

Of a bundle's variables that is what the guest wrote down when it stored them; files and folders are looked into.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import UsageError
from jupyter_kf.model.artifact import Artifact

if TYPE_CHECKING:
    from jupyter_kf.store import Store

#: Characters of a text, bytes of an image, rows and columns of a table, and files of a folder that are shown.
TEXT, IMAGE, ROWS, COLUMNS, FILES = 64_000, 2_000_000, 20, 20, 1000
_CELL = 200
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


@dataclass(frozen=True, slots=True)
class Preview:
    """``kind`` is ``text``, ``table``, ``image``, ``html``, ``json``, ``folder`` or ``none`` (nothing to be seen).

    ``html`` is what user code made: it must be shown in a sandbox only. ``data`` is an image in base64.
    """

    kind: str
    name: str
    type: str
    text: str | None = None
    media_type: str | None = None
    data: str | None = None
    columns: tuple[Mapping[str, str], ...] | None = None
    rows: tuple[tuple[str, ...], ...] | None = None
    shape: tuple[int, ...] | None = None
    files: tuple[Mapping[str, Any], ...] | None = None
    truncated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data without what there is none of."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


def preview_artifact(store: Store, artifact: Artifact, name: str = "") -> Preview:
    """Return a look at an artifact.

    Args:
        name: a variable of a bundle (default: its first) or a file of a folder (default: the list of its files).

    Raises:
        UsageError: KF443 for a part that is not there.
        StoreError: KF611 where the bytes of a file are gone.
    """
    if artifact.kind == "bundle":
        return _variable(artifact, name or next(iter(artifact.names), ""))
    path = store.artifacts.path(artifact.digest)
    if artifact.kind == "folder":
        return _member(path, artifact, name) if name else _listing(path, artifact)
    shown = str(artifact.meta.get("file") or next(iter(artifact.names), "") or artifact.kind)
    if artifact.kind in {"notebook", "environment"}:
        shown += "" if shown.endswith((".ipynb", ".json")) else ".json"
    with path.open("rb") as stream:
        return look(stream.read(IMAGE + 1), shown, path.stat().st_size)


def _variable(artifact: Artifact, name: str) -> Preview:
    if name not in artifact.names:
        raise _no_part(name, artifact.names)
    kind = artifact.types.get(name, "")
    looks = artifact.meta.get("look")
    seen = looks.get(name) if isinstance(looks, Mapping) else None
    if isinstance(seen, Mapping) and seen.get("kind") == "table":
        return Preview(
            "table",
            name,
            kind,
            columns=tuple({"name": str(c[0]), "type": str(c[1])} for c in seen.get("columns", ())),
            rows=tuple(tuple(str(v) for v in row) for row in seen.get("rows", ())),
            shape=tuple(int(n) for n in seen.get("shape", ())),
            truncated=bool(seen.get("truncated")),
        )
    if isinstance(seen, Mapping) and seen.get("kind") == "text":
        return Preview("text", name, kind, text=str(seen.get("text", "")), truncated=bool(seen.get("truncated")))
    short = artifact.meta.get("preview")
    text = str(short.get(name, "")) if isinstance(short, Mapping) else ""
    return Preview("text" if text else "none", name, kind, text=text or None, truncated=text.endswith("…"))


def look(data: bytes, name: str, size: int) -> Preview:
    """Return a look at a file by its first bytes, its name and its full ``size``."""
    suffix = PurePosixPath(name).suffix.lower()
    media = next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        media = "image/webp"
    cut = size > TEXT
    if media:
        return _image(data, name, media, size)
    text = _decoded(data, cut=size > len(data))
    if text is None:
        return Preview("none", name, suffix.lstrip(".") or "binary")
    if suffix == ".svg" or text.lstrip()[:5] == "<svg ":
        return _image(data, name, "image/svg+xml", size)
    if suffix in {".csv", ".tsv"}:
        return _table(text, name, suffix, size)
    shown, whole = text[:TEXT], len(text) <= TEXT and size <= len(data)
    if suffix in {".json", ".ipynb"} and whole and _is_json(text):
        return Preview("json", name, "json", text=shown, media_type="application/json")
    if suffix in {".html", ".htm"} and size <= IMAGE:
        return Preview("html", name, "html", text=text, media_type="text/html")
    return Preview("text", name, suffix.lstrip(".") or "text", text=shown, truncated=cut or not whole)


def _image(data: bytes, name: str, media: str, size: int) -> Preview:
    kind = media.removeprefix("image/").removesuffix("+xml")
    if size > IMAGE:
        return Preview("none", name, kind, media_type=media, truncated=True)
    return Preview("image", name, kind, media_type=media, data=base64.b64encode(data).decode())


def _decoded(data: bytes, *, cut: bool) -> str | None:
    if b"\0" in data[:8192]:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        # the end of what was read may lie in a character; anything else is no text
        return data[: exc.start].decode("utf-8-sig") if cut and exc.start >= len(data) - 3 else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _table(text: str, name: str, suffix: str, size: int) -> Preview:
    sample = text.partition("\n")[0]
    comma = "\t" if suffix == ".tsv" else max(",;\t|", key=sample.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=comma):
            rows.append([value[:_CELL] for value in row[:COLUMNS]])
            if len(rows) > ROWS + 1:
                break
    except csv.Error:
        return Preview("text", name, suffix.lstrip("."), text=text[:TEXT], truncated=size > TEXT)
    if not rows:
        return Preview("text", name, suffix.lstrip("."), text="")
    head, body = rows[0], rows[1 : ROWS + 1]
    return Preview(
        "table",
        name,
        suffix.lstrip("."),
        columns=tuple({"name": column, "type": ""} for column in head),
        rows=tuple(tuple((row + [""] * len(head))[: len(head)]) for row in body),
        truncated=len(rows) > ROWS + 1 or len(head) == COLUMNS,
    )


def _listing(path: Path, artifact: Artifact) -> Preview:
    with tarfile.open(path, "r:") as archive:
        files = [{"name": m.name, "size": m.size} for m in archive if m.isfile()]
    name = str(artifact.meta.get("file") or next(iter(artifact.names), "folder"))
    return Preview("folder", name, "folder", files=tuple(files[:FILES]), truncated=len(files) > FILES)


def _member(path: Path, artifact: Artifact, name: str) -> Preview:
    with tarfile.open(path, "r:") as archive:
        member = folder_member(archive, name)
        stream = archive.extractfile(member)
        data = stream.read(IMAGE + 1) if stream is not None else b""
    return look(data, name, member.size)


def folder_member(archive: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    """Return a file of a logged folder; raises UsageError KF443 where there is none so called."""
    try:
        member = archive.getmember(name)
    except KeyError:
        member = None
    if member is None or not member.isfile():
        raise _no_part(name, [m.name for m in archive if m.isfile()])
    return member


def _no_part(name: str, known: Any) -> UsageError:
    listed = list(known)
    more = " …" if len(listed) > 20 else ""
    return UsageError(
        f"The artifact has no {name!r}.", code="KF443", fix=f"There is: {', '.join(listed[:20]) or 'nothing'}{more}."
    )

"""Server room, handlers of artifacts: what they are, a look at them, their bytes. Nothing in them is ever run here."""

from __future__ import annotations

import tarfile
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_kf.server.answers import lineage_answer
from jupyter_kf.server.handlers.base import KFHandler
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.details import artifact_preview
from jupyter_kf.workbench.previews import folder_member

_BLOCK = 256 << 10


class ArtifactHandler(KFHandler):
    """``/artifacts/{digest}``."""

    @web.authenticated
    @authorized
    async def get(self, digest: str) -> None:
        """Return an artifact, what made it and what used it."""
        self.query()

        def found(bench: Workbench) -> dict[str, Any]:
            lineage = bench.store.metadata.lineage(digest)
            return lineage_answer(lineage, bench.store.metadata.collected([lineage.artifact.digest]))

        self.answer(await self.desk.call(found))


class PreviewHandler(KFHandler):
    """``/artifacts/{digest}/preview``."""

    @web.authenticated
    @authorized
    async def get(self, digest: str) -> None:
        """Return something to look at."""
        name = self.query().get("name", "")
        self.answer((await self.desk.call(lambda bench: artifact_preview(bench, digest, name))).to_dict())


class ContentHandler(KFHandler, web.StaticFileHandler):
    """``/artifacts/{digest}/content``: always a download, of a type that no browser shows or runs."""

    head = web.RequestHandler.head  # type: ignore[assignment]  # refused: ranges tell the size, too
    _download = "artifact"
    _within: tuple[int, int] | None = None

    def initialize(self, path: str = "", **kwargs: Any) -> None:  # type: ignore[override]
        """Be a handler of this room; the folder to serve from is known later."""
        KFHandler.initialize(self, path=path, **kwargs)
        self.root, self.default_filename = "", None

    @property
    def content_security_policy(self) -> str:
        """Whatever it is, it gets an origin of its own and no script."""
        return super().content_security_policy + "; sandbox"

    @web.authenticated
    @authorized
    async def get(self, digest: str) -> None:  # type: ignore[override]
        """Send the stored bytes, or those of a file of a folder."""
        wanted = self.query().get("name", "")
        path, self._download, self._within = await self.desk.call(lambda bench: _stored(bench, digest, wanted))
        self.root = str(path.parent)
        await web.StaticFileHandler.get(self, path.name)

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """End the answer; it is no JSON unless it is an error's."""
        if self.get_status() < 400:
            kwargs.setdefault("set_content_type", self.get_content_type())
        return super().finish(*args, **kwargs)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        """Take the path as it is: it was made here of a digest."""
        return absolute_path

    def compute_etag(self) -> str | None:
        """Return no tag of the bytes, which would have to be read for it."""
        return None

    def get_content_type(self) -> str:
        """Return a type that says nothing."""
        return "application/octet-stream"

    def get_content_size(self) -> int:
        """Return the size of what is sent when all is sent."""
        return self._within[1] if self._within else super().get_content_size()

    def set_extra_headers(self, path: str) -> None:
        """Make it a download under its name."""
        self.set_attachment_header(self._download)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "private, no-cache")

    def get_content(  # type: ignore[override]  # a class's method there: here a part of a file may be meant
        self, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield the bytes asked for, in blocks."""
        first, size = self._within or (0, Path(abspath).stat().st_size)
        begin, stop = start or 0, size if end is None else end
        with Path(abspath).open("rb") as stream:
            stream.seek(first + begin)
            left = stop - begin
            while left > 0 and (block := stream.read(min(left, _BLOCK))):
                left -= len(block)
                yield block


def _stored(bench: Workbench, digest: str, name: str) -> tuple[Path, str, tuple[int, int] | None]:
    """Return a file, what to call it, and where in it the bytes lie (``None``: all of it)."""
    artifact = bench.store.metadata.artifact(digest)
    path = bench.store.artifacts.path(artifact.digest)
    known = str(artifact.meta.get("file") or next(iter(artifact.names), "") or artifact.kind)
    if artifact.kind == "folder":
        if not name:
            return path, f"{known}.tar", None
        with tarfile.open(path, "r:") as archive:
            member = folder_member(archive, name)
        return path, PurePosixPath(name).name, (member.offset_data, member.size)
    suffixes = {"bundle": ".kfb", "notebook": ".ipynb", "environment": ".json"}
    suffix = suffixes.get(artifact.kind, "")
    return path, known if known.endswith(suffix) else known + suffix, None


HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (
    ("/artifacts/{digest}", ArtifactHandler),
    ("/artifacts/{digest}/preview", PreviewHandler),
    ("/artifacts/{digest}/content", ContentHandler),
)

"""Server room, paths: from those of the contents API to files and back, and never out of the server's root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_kf.errors import UsageError


class ServerPaths:
    """The files below the server's root.

    Args:
        contents: the server's contents manager. One whose contents are no files has no paths: notebooks can be checked
            by their content then, and not run.
    """

    def __init__(self, contents: Any) -> None:
        from jupyter_server.services.contents.filemanager import FileContentsManager

        self._files = isinstance(contents, FileContentsManager)
        self._contents = contents
        self._kind = type(contents).__name__

    @property
    def root(self) -> Path | None:
        """The server's root, ``None`` where contents are no files."""
        return Path(self._contents.root_dir).absolute() if self._files else None

    def local(self, path: str) -> Path:
        """Return the file at a path of the contents API, whether it exists or not.

        Raises:
            UsageError: KF441 where the path leads out of the root or is hidden, KF442 where contents are no files.
        """
        root = self.root
        if root is None:
            raise UsageError(
                f"This server keeps notebooks elsewhere ({self._kind}), not in files that steps could run in.",
                code="KF442",
                fix="Use a server whose contents are files, or save a copy of the notebook where the steps shall run.",
            )
        if "\0" in path or os.path.splitdrive(path)[0]:
            raise _outside(path, "is no path of the contents API")
        found = Path(os.path.normpath(root.joinpath(*(part for part in path.split("/") if part))))
        if not _inside(found, root) or not _inside(Path(os.path.realpath(found)), Path(os.path.realpath(root))):
            raise _outside(path, "leads out of the server's root folder")
        if self._hidden(found.relative_to(root)):
            raise _outside(path, "is hidden, and this server shows no hidden files")
        return found

    def place(self, path: str) -> Path:
        """Return where a notebook lies for the checks that want to know: also where contents are no files."""
        return self.local(path) if self._files else Path("/") / path.lstrip("/")

    def shown(self, file: str) -> str | None:
        """Return the path of a file for the contents API, ``None`` where it has none."""
        root = self.root
        if root is None or not file:
            return None
        path = Path(file)
        if not _inside(path, root):
            path, root = Path(os.path.realpath(file)), Path(os.path.realpath(root))
        if not _inside(path, root) or path == root or self._hidden(path.relative_to(root)):
            return None
        return path.relative_to(root).as_posix()

    def _hidden(self, relative: Path) -> bool:
        return not self._contents.allow_hidden and any(part.startswith(".") for part in relative.parts)


def _inside(path: Path, root: Path) -> bool:
    return path == root or root in path.parents


def _outside(path: str, why: str) -> UsageError:
    return UsageError(
        f"{path!r} {why}.", code="KF441", fix="Give a path below the server's root, as the file browser shows it."
    )

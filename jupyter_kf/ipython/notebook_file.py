"""IPython room: which file this kernel's notebook is, and which text executed here stands for what is saved there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from jupyter_kf.errors import UsageError
from jupyter_kf.ipython.extension import KernelSession

#: Folders that hold no notebooks of the user.
_SKIPPED = frozenset(
    {".ipynb_checkpoints", ".git", "node_modules", "__pycache__", ".venv", "venv", ".tox", "site-packages"}
)
_MOST = 2000
_DEPTH = 4


def notebook_path(session: KernelSession) -> Path:
    """Return the path of the notebook that this kernel belongs to.

    Jupyter Server and VS Code say it; where the file has been renamed since, it is the one in that folder (or below
    the working directory) that holds the cells executed here.

    Raises:
        UsageError: KF430 where it cannot be found.
    """
    if session.used:
        return Path(session.used)
    ids = set(session.executed)
    there = [candidate for candidate in _candidates(session) if candidate.is_file()]
    for candidate in there:
        saved = cell_ids(candidate)
        if not ids or not saved or ids & saved or all(":" in cell for cell in ids):  # VS Code's ids are its own
            session.found = str(candidate)
            return candidate
    found = _by_cells(ids, _folders(session)) or next(iter(there), None)
    if found is not None:
        session.found = str(found)
        return found
    raise UsageError(
        "The file of this notebook cannot be found from here.",
        code="KF430",
        fix="Save the notebook, or name it: %kubeflow use PATH (or --notebook PATH).",
    )


def _candidates(session: KernelSession) -> list[Path]:
    """Return what the surroundings say, the most reliable first."""
    found = []
    named = session.shell.user_ns.get("__vsc_ipynb_file__")
    if isinstance(named, str) and named:
        found.append(Path(named))
    named = os.environ.get("JPY_SESSION_NAME", "")
    if named.endswith(".ipynb"):
        path = Path(named)
        found += [path] if path.is_absolute() else [Path.cwd() / path, Path.cwd() / path.name]
        if path.is_absolute() and not path.is_file():
            found.append(Path.cwd() / path.name)
    if session.found:
        found.append(Path(session.found))
    return found


def _folders(session: KernelSession) -> list[Path]:
    folders = [path.parent for path in _candidates(session)]
    return [f for f in dict.fromkeys([*folders, Path.cwd()]) if f.is_dir()]


def cell_ids(path: Path) -> set[str]:
    """Return the ids of a notebook's cells, none where it is no notebook."""
    return set(_cells(path))


def _cells(path: Path) -> dict[str, str]:
    try:
        cells = json.loads(path.read_text("utf-8")).get("cells", ())
    except (OSError, ValueError, AttributeError):
        return {}
    found = {}
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and cell.get("id") and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            found[str(cell["id"])] = source if isinstance(source, str) else "".join(source)
    return found


def _by_cells(ids: set[str], folders: Iterable[Path]) -> Path | None:
    """Return the notebook that holds most of the cells, the newest of several."""
    best: tuple[int, float, Path] | None = None
    seen: set[Path] = set()
    for folder in folders:
        for path in _notebooks(folder):
            if path in seen:
                continue
            seen.add(path)
            shared = len(ids & cell_ids(path))
            if shared and (best is None or (shared, path.stat().st_mtime) > best[:2]):
                best = (shared, path.stat().st_mtime, path)
    return best[2] if best else None


def _notebooks(folder: Path) -> Iterable[Path]:
    count = 0
    base = len(folder.parts)
    for parent, folders, files in os.walk(folder):
        deep = len(Path(parent).parts) - base >= _DEPTH
        folders[:] = [] if deep else sorted(f for f in folders if f not in _SKIPPED and not f.startswith("."))
        for name in sorted(files):
            if name.endswith(".ipynb"):
                yield Path(parent) / name
        count += len(files)
        if count > _MOST:
            return


def overrides(session: KernelSession, path: Path) -> dict[str, str]:
    """Return the text of cells executed here since the file was saved, where it differs from what is saved."""
    try:
        saved_at = path.stat().st_mtime
    except OSError:
        return {}
    saved: Mapping[str, str] = _cells(path)
    return {
        cell: text
        for cell, (text, moment) in session.executed.items()
        if moment > saved_at and cell in saved and saved[cell].rstrip("\n") != text.rstrip("\n")
    }


def unsaved(session: KernelSession, path: Path) -> list[str]:
    """Return the directives of marked cells that were executed here since the file was saved and are not in it.

    They cannot stand for a saved cell, because there is none with their id (VS Code's ids are not saved at all). A
    directive with a mistake in it was refused when it was executed, and is not told again.
    """
    try:
        saved_at = path.stat().st_mtime
    except OSError:
        return []
    from jupyter_kf.notebook.directives import parse_directive

    saved = _cells(path)
    texts = {text.strip() for text in saved.values()}
    found = []
    for cell, (text, moment) in session.executed.items():
        first = text.lstrip().split("\n", 1)[0].strip()
        if not re.match(r"(?:#\s*)?%%kubeflow\s+(?:step|params|setup)\b", first):
            continue
        directive = parse_directive(first)
        right = directive is not None and not any(p.severity == "error" for p in directive.problems)
        if right and moment > saved_at and cell not in saved and text.strip() not in texts:
            found.append(first)
    return found

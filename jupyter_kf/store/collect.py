"""Store room: garbage collection: what nobody needs any more.

*Kept* is whatever belongs to a run that is not deleted: inputs and outputs of its executions, logged artifacts, its
notebooks and environment, its folder. The inputs of runs that can be resumed are among them.

*Races.* Artifacts to be deleted are first marked in the database, in a write transaction, and only if they were not
used for ``grace`` seconds; a cache hit marks what it takes as used, in a write transaction as well, and does not take
what is marked as collected. Files are then removed only if their own time of change is older, too, and older than the
start of every run that is still going: what a running step has written but not yet committed is known to nobody but
the folder. A result that is stored again later loses the mark.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_kf.model.event import Event
from jupyter_kf.model.run import State
from jupyter_kf.store.artifacts import Artifacts
from jupyter_kf.store.database import CHUNK, Database, Session
from jupyter_kf.store.metadata import Metadata

logger = logging.getLogger(__name__)

#: Tag that keeps a run from ``older_than`` and ``keep_last``.
KEEP_TAG = "keep"
_GRACE, _SHARED_GRACE = 60.0, 3600.0
_LIVE = "('PENDING', 'RUNNING', 'CANCELING', 'PAUSED')"
_FINISHED = tuple(s for s in State if s.final)


@dataclass(frozen=True, slots=True)
class Collection:
    """What a garbage collection removed, or would remove. ``freed`` in bytes, of files in all three places."""

    runs: tuple[str, ...]
    artifacts: tuple[str, ...]
    folders: tuple[Path, ...]
    freed: int
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "runs": list(self.runs),
            "artifacts": list(self.artifacts),
            "folders": [str(f) for f in self.folders],
            "freed": self.freed,
            "dry_run": self.dry_run,
        }


class Collector:
    """Finds and removes garbage of one store."""

    def __init__(self, database: Database, metadata: Metadata, artifacts: Artifacts, home: Path) -> None:
        self._database = database
        self._metadata = metadata
        self._artifacts = artifacts
        self._folders = home / "runs"

    def collect(
        self,
        *,
        dry_run: bool = True,
        older_than: float | None = None,
        keep_last: int | None = None,
        grace: float | None = None,
    ) -> Collection:
        """Remove what is not needed.

        Args:
            dry_run: only say what would be removed.
            older_than: delete finished runs that were created more than so many seconds ago.
            keep_last: delete finished runs beyond the newest so many of each experiment.
            grace: spare what was written or used in the last so many seconds; by default a minute, and an hour where
                other machines, whose clocks may differ, write to the same store.
        """
        now = time.time()
        if grace is None:
            shared = self._artifacts.remote or self._database.dialect != "sqlite"
            grace = _SHARED_GRACE if shared else _GRACE
        outdated = self._outdated(now, older_than, keep_last)
        if not dry_run and outdated:
            self._metadata.append([Event("run.deleted", run, now) for run in outdated])
        limit = self._limit(now - grace)
        with self._database.reading() as session:
            condemned = {r[0] for r in session.rows("SELECT id FROM kf_runs WHERE deleted = 1")} | set(outdated)
            known = {r[0] for r in session.rows("SELECT id FROM kf_runs")}
        digests, freed = self._artifact_garbage(condemned, limit, dry_run=dry_run)
        folders, more = self._folder_garbage(condemned, known, limit, dry_run=dry_run)
        swept = self._artifacts.sweep(limit - 86400.0, dry_run=dry_run)
        return Collection(tuple(outdated), tuple(digests), tuple(folders), freed + more + swept, dry_run)

    def _outdated(self, now: float, older_than: float | None, keep_last: int | None) -> list[str]:
        if older_than is None and keep_last is None:
            return []
        with self._database.reading() as session:
            finished = ", ".join(f"'{s.value}'" for s in _FINISHED)
            rows = session.rows(
                f"SELECT id, experiment, created FROM kf_runs WHERE deleted = 0 AND state IN ({finished}) AND id NOT IN"
                " (SELECT run FROM kf_tags WHERE name = :keep) ORDER BY experiment, created DESC, id DESC",
                {"keep": KEEP_TAG},
            )
        found, experiment, place = [], None, 0
        for run, group, created in rows:
            place = place + 1 if group == experiment else 1
            experiment = group
            old = older_than is not None and created < now - older_than
            surplus = keep_last is not None and place > keep_last
            # With both, a run must be old and surplus.
            if (old or older_than is None) and (surplus or keep_last is None):
                found.append(str(run))
        return found

    def _limit(self, limit: float) -> float:
        """Return the moment before which something must have been used last to be garbage."""
        with self._database.reading() as session:
            row = session.row(
                f"SELECT MIN(COALESCE(started, created)) FROM kf_runs WHERE deleted = 0 AND state IN {_LIVE}"
            )
        return min(limit, row[0]) if row and row[0] is not None else limit

    # artifacts

    def _artifact_garbage(self, condemned: set[str], limit: float, *, dry_run: bool) -> tuple[list[str], int]:
        there = {s.digest: s for s in self._artifacts.iterate() if s.changed < limit}
        if dry_run:
            with self._database.reading() as session:
                marked = self._unneeded(session, sorted(there), condemned, limit)
        else:
            with self._database.writing(durable=True) as session:
                marked = self._unneeded(session, sorted(there), condemned, limit)
                rows = [{"digest": digest, "used": 0.0, "gone": time.time()} for digest in marked]
                session.insert("kf_usage", rows, key=("digest",), update=("gone",))
        freed = 0
        removed, spared = [], []
        for digest in marked:
            size = there[digest].size if dry_run else self._artifacts.delete(digest, before=limit)
            if size or dry_run or not self._artifacts.has(digest):
                removed.append(digest)
                freed += size
            else:  # stored once more since it was listed
                spared.append({"digest": digest, "used": time.time(), "gone": None})
        if spared:
            with self._database.writing() as session:
                session.insert("kf_usage", spared, key=("digest",), update=("used", "gone"))
        return removed, freed

    @staticmethod
    def _unneeded(session: Session, digests: Sequence[str], condemned: set[str], limit: float) -> list[str]:
        needed: set[str] = set()
        for start in range(0, len(digests), CHUNK):
            part = digests[start : start + CHUNK]
            for digest, run in session.rows_in(
                "SELECT DISTINCT l.digest, l.run FROM kf_lineage l WHERE l.digest IN ({})", part
            ):
                if run not in condemned:
                    needed.add(digest)
            recent = "SELECT digest FROM kf_usage WHERE used >= :limit AND digest IN ({})"
            needed.update(row[0] for row in session.rows_in(recent, part, {"limit": limit}))
        return [digest for digest in digests if digest not in needed]

    # folders

    def _folder_garbage(
        self, condemned: set[str], known: set[str], limit: float, *, dry_run: bool
    ) -> tuple[list[Path], int]:
        found: list[Path] = []
        freed = 0
        if not self._folders.is_dir():
            return found, freed
        for folder in sorted(self._folders.iterdir()):
            unknown = folder.name not in known and folder.lstat().st_mtime < min(limit, time.time() - 86400.0)
            if not folder.is_dir() or folder.is_symlink() or not (folder.name in condemned or unknown):
                continue
            found.append(folder)
            freed += sum(f.lstat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
            if not dry_run:
                shutil.rmtree(folder, ignore_errors=False)
        return found, freed

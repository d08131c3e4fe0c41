"""kill -9 in the middle of writing: what was told to be stored is there, the tables agree with the log."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.model.run import State
from jupyter_kf.store import Store, open_store
from jupyter_kf.store.schema import FOLDED

# Tells a run's number only after its append has returned.
WRITER = """
import sys
from pathlib import Path
from jupyter_kf.config import Settings
from jupyter_kf.store import open_store
from jupyter_kf.store.sample import sample_runs

store = open_store(Settings(home=Path(sys.argv[1])))
for number, events in enumerate(sample_runs(100_000, seed=int(sys.argv[2]))):
    half = len(events) // 2
    store.metadata.append(events[:half])
    store.metadata.append(events[half:])
    store.artifacts.put_bytes(events[0].run.encode() * 1000)
    print(events[0].run, flush=True)
"""


def dump(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.database.reading() as session:
        return {t.name: sorted(session.rows(f"SELECT {', '.join(t.names)} FROM {t.name}"), key=repr) for t in FOLDED}


@pytest.mark.parametrize("network", [False, True], ids=["wal", "rollback-journal"])
def test_killed_writers_lose_nothing_they_were_told_is_stored(tmp_path: Path, network: bool) -> None:
    chance = random.Random(3)
    told: list[str] = []
    code = WRITER
    if network:
        code = "import jupyter_kf.store.sqlite as s\ns.network_type = lambda path: 'nfs4'\n" + WRITER
    for number in range(5):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path), str(10 * number + i)], stdout=subprocess.PIPE, text=True
            )
            for i in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            told.append(writer.stdout.readline().strip())
        time.sleep(chance.random() * 0.1)
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            told += writer.communicate()[0].split()
    assert all(told)
    with open_store(Settings(home=tmp_path)) as store:
        runs = {r.id: r for r in store.metadata.runs(limit=None)}
        assert set(told) <= set(runs)
        assert all(runs[run].state is not State.PENDING for run in told)
        cursors = [e.cursor for e in store.metadata.events(limit=None)]
        assert cursors == list(range(1, len(cursors) + 1))
        before = dump(store)
        store.metadata.rebuild()
        assert dump(store) == before
        with store.database.reading() as session:
            assert session.rows("PRAGMA integrity_check") == [("ok",)]
        for stored in store.artifacts.iterate():
            content = store.artifacts.path(stored.digest).read_bytes()
            assert store.artifacts.put_bytes(content) == stored.digest
        store.gc(dry_run=False)
        left = list((store.artifacts.folder / "tmp").iterdir())
        assert left == []

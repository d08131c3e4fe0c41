from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.engine.records import Growing, Records
from jupyter_kf.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(Settings(home=tmp_path / "home"))


def test_lines_are_given_once_and_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    growing = Growing(path)
    assert list(growing.lines()) == []
    path.write_text('[1]\n{"a"')
    assert list(growing.lines()) == [[1]]
    with path.open("a") as stream:
        stream.write(": 2}\nbroken\n[3]\n")
    assert list(growing.lines()) == [{"a": 2}, [3]]
    assert list(growing.lines()) == []


def test_what_is_no_point_or_record_does_not_reach_the_log(tmp_path: Path, store: Store) -> None:
    good = [["m", 1, None, 2.0], ["m", float("nan"), 3, 2.0]]
    bad = [["m", "1", None, 2.0], [1, 1, 1, 1], ["m", 1], {"m": 1}, ["m", True, None, 1.0], ["m", 1, "x", 1.0]]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(p) + "\n" for p in [*bad, *good]))
    lines = [
        3,
        {"kind": "tag", "name": "t", "value": "v"},
        {"kind": "unknown"},
        {"kind": "artifact", "path": "/no/such"},
    ]
    (tmp_path / "logged.jsonl").write_text("".join(json.dumps(p) + "\n" for p in lines))
    records = Records("r", "s", "e", tmp_path, store.artifacts)
    events = records.events()
    assert [e.kind for e in events] == ["metrics.logged", "run.tagged"]
    assert [p[2] for p in events[0].data["points"]] == [None, 3]
    store.metadata.append(events)
    assert records.events() == []
    store.close()

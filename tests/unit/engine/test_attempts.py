from __future__ import annotations

import signal
from pathlib import Path

import pytest

from jupyter_kf.engine.attempts import Attempt, death_error, explain, may_retry, share_files
from jupyter_kf.engine.cache import Key
from jupyter_kf.engine.records import Records
from jupyter_kf.engine.scheduler import Launch
from jupyter_kf.engine.slots import Demand
from jupyter_kf.model.pipeline import Cell, Step


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    step = Step("train", (Cell("c", 4, "pass"),))
    launch = Launch("train", 1, unstorable={"g": "a generator lives in one process only"})
    return Attempt(
        step, launch, "e", 1, tmp_path, Key("", {}), "", Demand(), Records("r", "train", "e", tmp_path, None)
    )


@pytest.mark.parametrize(
    ("status", "code", "words", "advice"),
    [
        (-signal.SIGKILL, "KF220", "signal 9 (SIGKILL)", "memory"),
        (-signal.SIGSEGV, "KF220", "SIGSEGV", "compiled library"),
        (-signal.SIGUSR1, "KF220", "SIGUSR1", "stderr"),
        (-250, "KF220", "signal 250", "stderr"),
        (3, "KF222", "exit code 3", "os._exit"),
        (None, "KF223", "fork server", "esume"),
    ],
)
def test_a_death_says_how_and_what_to_do(
    attempt: Attempt, status: int | None, code: str, words: str, advice: str
) -> None:
    (attempt.folder / "stderr").write_text("last words\n")
    error = death_error(attempt, status)
    assert error["code"] == code
    assert words in error["message"]
    assert advice in error["fix"]
    assert (error["cell"], error["cell_index"], error["stderr_tail"]) == ("c", 4, "last words")
    assert may_retry(error)


def test_a_missing_name_that_could_not_travel_is_explained(attempt: Attempt) -> None:
    told = explain({"evalue": "name 'g' is not defined", "fix": "?"}, attempt)
    assert "a generator lives in one process only" in told["fix"]
    other = {"evalue": "name 'h' is not defined", "fix": "?"}
    assert explain(other, attempt) == other
    assert not may_retry({"code": "KF210"})


def test_what_an_execution_left_is_seen_in_the_folder_of_its_copy(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "stdout").write_text("text")
    (tmp_path / "one" / "private").write_text("no")
    for _ in range(2):
        share_files(tmp_path / "one", tmp_path / "two")
    assert [p.name for p in (tmp_path / "two").iterdir()] == ["stdout"]
    share_files(tmp_path / "gone", tmp_path / "three")
    assert list((tmp_path / "three").iterdir()) == []


def test_what_a_deleted_execution_printed_is_missed_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    share_files(tmp_path / "gone", tmp_path / "target")
    assert (tmp_path / "target").is_dir()
    assert "gone" in caplog.text

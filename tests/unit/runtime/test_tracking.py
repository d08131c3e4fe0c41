"""Tracking outside a step, and what is kept of what was logged."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_kf.runtime import tracking


@pytest.fixture(autouse=True)
def no_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(tracking.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(tracking, "_session", None)
    yield


def test_without_step_or_session_it_is_said_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="Nothing to log to"):
        tracking.log_metric("a", 1)


def test_a_session_is_asked_where_to_log(tmp_path: Path) -> None:
    tracking.set_session(lambda: str(tmp_path))
    for step in range(3):
        tracking.log_metric("loss", 1 / (step + 1), step)
    tracking.log_metric("bad", math.nan)
    tracking.log_params({"lr": 0.1, "net": object})
    assert tracking.last_metrics(str(tmp_path))["loss"] == 1 / 3
    assert math.isnan(tracking.last_metrics(str(tmp_path))["bad"])
    points = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [point[2] for point in points] == [0, 1, 2, None]
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "logged.jsonl").read_text().splitlines()]
    assert kinds == ["param", "param"]


def test_a_step_comes_before_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking.set_session(lambda: str(tmp_path / "nowhere"))
    monkeypatch.setenv(tracking.FOLDER_VARIABLE, str(tmp_path))
    tracking.log_metrics({"a": 1, "b": 2}, step=4)
    assert tracking.last_metrics(str(tmp_path)) == {"a": 1.0, "b": 2.0}
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('["a", 9')
    assert tracking.last_metrics(str(tmp_path)) == {"a": 1.0, "b": 2.0}


def test_artifacts_and_figures_are_copies_under_names_of_their_own(tmp_path: Path) -> None:
    tracking.set_session(lambda: str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    (tmp_path / "a.txt").write_text("1")
    first = tracking.log_artifact(tmp_path / "a.txt", name="../evil name.txt")
    second = tracking.log_artifact(tmp_path / "a.txt", name="../evil name.txt")
    assert first != second and Path(first).parent == tmp_path / "run" / "logged"
    assert Path(tracking.log_artifact(tmp_path / "run" / "logged", name="folder")).is_dir()
    with pytest.raises(FileNotFoundError):
        tracking.log_artifact(tmp_path / "missing")
    with pytest.raises(TypeError):
        tracking.log_figure(3)


@pytest.mark.parametrize("value", ["text", None, [1], object()])
def test_what_is_no_number_is_refused(tmp_path: Path, value: object) -> None:
    tracking.set_session(lambda: str(tmp_path))
    with pytest.raises(TypeError, match="numbers"):
        tracking.log_metric("a", value)

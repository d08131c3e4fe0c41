"""``jupyter kf job``: exit codes and documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from jupyter_kf.cli.main import main
from jupyter_kf.model.job import JobKind
from tests.unit.jobs.manifests import manifest


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_KF_HOME", str(tmp_path / "home"))
    return tmp_path / "job.yaml"


def test_a_sound_job_has_no_error(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text(yaml.safe_dump(manifest(JobKind.TF, {"Chief": 1, "Worker": 2, "Evaluator": 1})))
    assert main(["job", "check", str(written), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["errors"] == []
    assert [warning["code"] for warning in answer["warnings"]] == ["KF921"]


def test_a_job_that_cannot_run_exits_with_1_and_says_where(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text(yaml.safe_dump(manifest(JobKind.TF, {"Worker": -2})))
    assert main(["job", "check", str(written), "--json"]) == 1
    [error] = json.loads(capsys.readouterr().out)["errors"]
    assert (error["field"], error["code"]) == ("spec.tfReplicaSpecs[Worker].replicas", "KF906")
    assert main(["job", "env", str(written), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["errors"] == [error]
    assert main(["job", "check", str(written)]) == 1
    assert "spec.tfReplicaSpecs[Worker].replicas" in capsys.readouterr().out


def test_each_replica_gets_its_variables_in_either_form(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text(yaml.safe_dump(manifest(JobKind.TF, {"Chief": 1, "Worker": 1, "Evaluator": 1})))
    clusters = []
    for form in ("operator", "local"):
        assert main(["job", "env", str(written), "--form", form, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert sorted(answer) == ["mnist-chief-0", "mnist-evaluator-0", "mnist-worker-0"]
        clusters.append(sorted(answer["mnist-worker-0"]["TF_CONFIG"]["cluster"]))
    assert clusters == [["chief", "evaluator", "worker"], ["chief", "worker"]]


def test_wrong_usage_exits_with_2(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["job", "check", str(written)]) == 2
    assert main(["job", "chek", str(written)]) == 2
    assert main(["job", "submit", str(written)]) == 2
    assert "not there yet" in capsys.readouterr().err

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.engine.environment import (
    Environment,
    Interpreter,
    git_state,
    inspect_environment,
    refuse_missing,
    resolve_interpreter,
)
from jupyter_kf.errors import ConfigError, EngineError
from jupyter_kf.model.pipeline import Cell, Fragment, Pipeline, Step, StepOptions
from tests.unit.engine.conftest import Bench, make_pipeline, make_step


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter" / "kernels"


def add_kernel(kernels: Path, name: str, argv: list[str], language: str = "python", **more: object) -> None:
    (kernels / name).mkdir(parents=True)
    spec = {"argv": argv, "display_name": name, "language": language, **more}
    (kernels / name / "kernel.json").write_text(json.dumps(spec))


def test_the_interpreter_is_the_kernels_or_the_one_asked_for(kernels: Path) -> None:
    add_kernel(kernels, "plain", ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    add_kernel(kernels, "full", [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel"], env={"A": "1"})
    add_kernel(kernels, "wrapped", ["env", "B=1", sys.executable, "-m", "ipykernel_launcher"])
    assert resolve_interpreter() == Interpreter(sys.executable)
    assert resolve_interpreter(kernel="plain").python == sys.executable
    assert resolve_interpreter(kernel="full") == Interpreter(sys.executable, "full", {"A": "1"})
    assert resolve_interpreter(kernel="wrapped").python == sys.executable
    assert resolve_interpreter(sys.executable, "plain") == Interpreter(sys.executable, "plain")


def test_kernels_that_cannot_be_used_are_told(kernels: Path) -> None:
    add_kernel(kernels, "an-r", ["R", "--slave"], "R")
    add_kernel(kernels, "gone", ["/no/such/python", "-m", "ipykernel_launcher"])
    for arguments, code, words in (
        ({"kernel": "never-installed"}, "KF505", "an-r"),
        ({"kernel": "an-r"}, "KF505", "whole notebook"),
        ({"kernel": "gone"}, "KF506", "kernel"),
        ({"python": "/no/such/python"}, "KF506", "path"),
    ):
        with pytest.raises(ConfigError) as caught:
            resolve_interpreter(**arguments)
        assert caught.value.code == code
        assert words in caught.value.fix


def test_the_environment_is_written_down_without_values_of_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "hush-hush")
    monkeypatch.setenv("TZ", "UTC")
    settings = Settings(home=tmp_path / "home")
    found = inspect_environment(Interpreter(sys.executable), tmp_path, settings, ["json", "pytest", "no_such_module"])
    assert found.missing == ("no_such_module",)
    assert found.record["packages"]["pytest"] == pytest.__version__
    assert found.record["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "SOME_PASSWORD" in found.record["env"]["names"]
    assert found.record["env"]["values"]["TZ"] == "UTC"
    assert "hush-hush" not in json.dumps(found.record)
    again = inspect_environment(Interpreter(sys.executable), tmp_path, settings, ["json", "no_such_module"])
    assert (again.fingerprint, again.missing) == (found.fingerprint, found.missing)
    (tmp_path / "no_such_module.py").touch()
    assert inspect_environment(Interpreter(sys.executable), tmp_path, settings, ["no_such_module"]).missing == ()


def test_a_package_that_appears_is_noticed(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    settings = Settings(home=tmp_path / "home")
    interpreter = resolve_interpreter(str(venv / "bin" / "python"))
    before = inspect_environment(interpreter, tmp_path, settings)
    assert "pytest" not in before.record["packages"]
    site = next((venv / "lib").glob("python*/site-packages"))
    (site / "tiny-1.5.dist-info").mkdir()
    (site / "tiny-1.5.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: Tiny\nVersion: 1.5\n")
    after = inspect_environment(interpreter, tmp_path, settings)
    assert after.record["packages"] == {**before.record["packages"], "tiny": "1.5"}
    assert after.fingerprint != before.fingerprint


def test_steps_run_in_an_interpreter_without_this_package(bench: Bench, tmp_path: Path) -> None:
    venv = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    source = "import sys, importlib.util as u\nx = sys.prefix\nprint(x, u.find_spec('sqlalchemy'))\nimport jupyter_kf\n"
    source += "jupyter_kf.log_metric('m', 1)"
    pipeline = make_pipeline(make_step("a", source, binds="x"), make_step("b", "print(x)", needs="x"))
    run = bench.run(pipeline, python=str(venv / "bin" / "python"))
    assert run.state == "SUCCEEDED", run.error
    assert bench.printed(run.id, "a") == f"{venv} None\n"
    assert bench.printed(run.id, "b") == f"{venv}\n"
    assert run.metrics == {"m": 1.0}
    record = json.loads(bench.store.artifacts.path(run.environment).read_text())
    assert record["prefix"] == str(venv)
    with pytest.raises(ConfigError) as caught:
        bench.submit(
            make_pipeline(make_step("c", "import sqlalchemy"), modules=("sqlalchemy",)), python=str(venv / "bin/python")
        )
    assert f"{venv}/bin/python" in caught.value.fix


def test_an_interpreter_that_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no good >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(EngineError) as caught:
        inspect_environment(Interpreter(str(broken)), tmp_path, Settings(home=tmp_path / "home"))
    assert caught.value.code == "KF704"
    assert "no good" in caught.value.message


def _missing(*names: str) -> Environment:
    return Environment("f", {"executable": "/p", "packages": {"there-is": "1"}}, names)


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import cupy\nexcept ImportError:\n    cupy = None",
        "def f():\n    import cupy",
        "%pip install cupy\nimport cupy",
        "!python -m pip install -q cupy\nimport cupy",
        "import sys\nsys.path.append('../lib')\nimport cupy",
        "%cd ../lib\nimport cupy",
        "%%writefile cupy.py\nx = 1\nimport cupy",
        "!git clone https://example.org/cupy\nimport cupy",
    ],
)
def test_an_import_that_need_not_work_is_not_refused(source: str) -> None:
    refuse_missing(Pipeline("p", "kubeflow", (), (Step("s", (Cell("c", 1, source),)),)), _missing("cupy"))


@pytest.mark.parametrize(
    "source", ["import cupy", "import os, cupy as cp", "from cupy.linalg import norm", "x = 1\nimport cupy.fft"]
)
def test_an_import_that_will_fail_is_refused_with_its_place(source: str) -> None:
    fragment = Fragment("f", "import", (), source, "c", 3, 5)
    with pytest.raises(ConfigError) as caught:
        refuse_missing(Pipeline("p", "kubeflow", (), (), (fragment,)), _missing("cupy"))
    assert (caught.value.cell, caught.value.cell_index) == ("c", 3)
    assert caught.value.line == 5 + source[: source.index("cupy")].count("\n")
    assert "cupy" in caught.value.quote


def test_packages_of_a_step_must_be_there() -> None:
    options = StepOptions(packages=("there_is>=1", "not-there==2"))
    with pytest.raises(ConfigError, match="not-there==2") as caught:
        refuse_missing(Pipeline("p", "kubeflow", (), (Step("s", (), options=options),)), _missing())
    assert "there_is" not in caught.value.message


def test_git_is_described_without_credentials(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    env = {
        **os.environ,
        **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    for words in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "https://me:hush@example.com/r.git"],
        ["add", "."],
        ["commit", "-q", "-m", "first"],
    ):
        (tmp_path / "a.txt").write_text("1")
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, env=env)
    found = git_state(tmp_path)
    assert found is not None
    assert len(found.pop("commit")) == 40
    assert found == {"branch": "main", "dirty": False, "remote": "https://example.com/r.git"}
    (tmp_path / "a.txt").write_text("2")
    assert (git_state(tmp_path) or {})["dirty"]

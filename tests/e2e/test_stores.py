"""A run as a user starts it, with its state on real servers: PostgreSQL, MariaDB, artifacts in an S3 bucket."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import store_servers
from tests.e2e.test_faces_cli import notebook, start

pytestmark = pytest.mark.keeps_processes  # a warm fork server outlives the tests

CELLS = (
    "%%kubeflow params\nn = 3",
    "%%kubeflow step make\nimport jupyter_kf as kf\nxs = bytearray(range(n)) * 100_000\nprint('made', len(xs))\n"
    "kf.log_metric('size', len(xs))\nwith open('note.txt', 'w') as f: f.write('kept')\nkf.log_artifact('note.txt')",
    "%%kubeflow step left\nprint('left', xs[1])\nleft = sum(xs)",
    "%%kubeflow step right\nprint('right', xs[2])\nright = {'é': max(xs)}",
    "%%kubeflow step join\nprint(left, right, bool(xs))",
)
PRINTED = {"make": "made 300000\n", "left": "left 1\n", "right": "right 2\n", "join": "300000 {'é': 2} True\n"}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[store_servers.Server]:
    with store_servers.postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def mariadb() -> Iterator[store_servers.Server]:
    with store_servers.mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def s3_server() -> Iterator[store_servers.S3]:
    with store_servers.s3_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def places(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The environment that leads to an empty store: a bucket, and one of the databases."""
    server: store_servers.S3 = request.getfixturevalue("s3_server")
    environ = {**server.environment, "JUPYTER_KF_ARTIFACTS": server.new_bucket()}
    if request.param != "sqlite":
        environ["JUPYTER_KF_DATABASE"] = request.getfixturevalue(request.param).new_database()
    return environ


def run(place: Path, path: Path, environ: Mapping[str, str], *words: str) -> dict:
    process = start(place, "run", str(path), *words, "--json", **environ)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    return json.loads(out)


def printed(said: dict) -> dict[str, str]:
    return {e["step"]: e["stdout"] for e in said["executions"]}


def cached(said: dict) -> set[str]:
    return {e["step"] for e in said["executions"] if e["cached"]}


def test_a_pipeline_runs_on_servers_and_again_from_their_cache(tmp_path: Path, places: Mapping[str, str]) -> None:
    path = notebook(tmp_path, "shared", CELLS)
    first = run(tmp_path, path, places)
    assert printed(first) == PRINTED
    assert {e["state"] for e in first["executions"]} == {"SUCCEEDED"}
    assert first["executions"][0]["metrics"] == {"size": 300000.0}
    again = run(tmp_path, path, places)
    if "JUPYTER_KF_DATABASE" in places:  # others may have put values there, and to unpickle one can run code
        assert cached(again) == set()
    else:
        assert cached(again) == set(PRINTED)
    trusting = {**places, "JUPYTER_KF_TRUST": "1"}
    again = run(tmp_path, path, trusting)
    assert cached(again) == set(PRINTED)
    assert printed(again) == PRINTED
    assert again["executions"][0]["metrics"] == {"size": 300000.0}


@pytest.mark.parametrize("places", ["postgresql"], indirect=True)
def test_values_come_from_the_bucket_where_the_folder_lost_them(tmp_path: Path, places: Mapping[str, str]) -> None:
    trusting = {**places, "JUPYTER_KF_TRUST": "1"}
    run(tmp_path, notebook(tmp_path, "shared", CELLS), trusting)
    shutil.rmtree(tmp_path / "home" / "cache" / "artifacts")
    changed = notebook(tmp_path, "shared", (*CELLS[:-1], f"{CELLS[-1]}\nprint('and', left)"))
    said = run(tmp_path, changed, trusting)
    assert cached(said) == {"make", "left", "right"}
    assert printed(said)["join"] == f"{PRINTED['join']}and 300000\n"
    process = start(tmp_path, "get", "last", "right", "right", **trusting)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "'é': 2" in out
    process = start(tmp_path, "gc", **trusting)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert cached(run(tmp_path, changed, trusting)) == set(PRINTED)

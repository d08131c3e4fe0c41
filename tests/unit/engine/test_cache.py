from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_kf.engine.cache import (
    Files,
    fragments_of,
    hit_reason,
    miss_reason,
    normalised,
    refusal,
    step_key,
)
from jupyter_kf.model.pipeline import Cell, Fragment, Pipeline, Step, StepOptions
from jupyter_kf.model.run import Execution
from jupyter_kf.runtime.watch import stamp
from jupyter_kf.store import digest_of

STEP = Step("train", (Cell("c", 0, "%%kubeflow step train\nm = fit(x)"),), live=("m",))
KEY = {"inputs": {"x": "d1"}, "parameters": {"lr": 0.1}, "fingerprint": "f", "folder": "/n"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # a comment", "x=1"),
        ("%%kubeflow step a\nx = 1", "# %%kubeflow step a --retries 3\n\n\nx = 1"),
        ("f(a,\n  b)", "f(a, b)"),
        ("x = 'a'", 'x = "a"'),
        ("!ls  \nx = 1", "!ls\nx = 1"),
        ("await f( )", "await f()"),
    ],
)
def test_comments_and_formatting_do_not_matter(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("df", "df;"),
        ("df; # c", "df # c;"),
        ("!ls # a", "!ls # b"),
        ("'#a'", "'#b'"),
        ("a\nb", "b\na"),
    ],
)
def test_what_changes_the_outcome_matters(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_each_part_of_a_key_is_told_where_it_differs() -> None:
    base = step_key(STEP, (), **KEY)
    variants = {
        "the code changed": step_key(replace(STEP, cells=(Cell("c", 0, "m = fit(x, 2)"),)), (), **KEY),
        "input x changed": step_key(STEP, (), **{**KEY, "inputs": {"x": "d2"}}),
        "input y is new": step_key(STEP, (), **{**KEY, "inputs": {"x": "d1", "y": "d"}}),
        "input x is not given any more": step_key(STEP, (), **{**KEY, "inputs": {}}),
        "parameter lr changed": step_key(STEP, (), **{**KEY, "parameters": {"lr": 1}}),
        "the environment changed": step_key(STEP, (), **{**KEY, "fingerprint": "g"}),
        "the folder changed": step_key(STEP, (), **{**KEY, "folder": "/m"}),
        "--env A is new": step_key(replace(STEP, options=StepOptions(env={"A": "1"})), (), **KEY),
        "definition fit is new": step_key(STEP, (_definition("fit", "def fit(x): pass"),), **KEY),
    }
    for words, key in variants.items():
        assert key.digest != base.digest
        assert miss_reason(key, base.parts) == f"not cached: {words}"
    assert miss_reason(base, None) == "not cached: first run"
    assert miss_reason(base, base.parts) == "not cached: its result is not kept any more"
    assert step_key(replace(STEP, cells=(Cell("z", 9, "m = fit( x )"),)), (), **KEY) == base
    assert step_key(replace(STEP, name="other"), (), **KEY).digest != base.digest


def _definition(name: str, source: str, needs: tuple[str, ...] = (), late: tuple[str, ...] = ()) -> Fragment:
    return Fragment(name, "definition", (name,), source, "c", 0, 1, needs, late)


def test_definitions_bring_what_they_need_in_turn() -> None:
    fragments = (
        _definition("a", "def a(): pass"),
        _definition("b", "def b(): return a()", late=("a",)),
        _definition("c", "class c(b): pass", needs=("b",)),
        _definition("d", "def d(): pass"),
    )
    pipeline = Pipeline("p", "kubeflow", (), (), fragments)
    assert [f.id for f in fragments_of(Step("s", (), replay=("c",)), pipeline)] == ["a", "b", "c"]
    assert [f.id for f in fragments_of(Step("s", ()), pipeline, ["d", "gone"])] == ["d"]


def _execution(**report: object) -> Execution:
    return Execution("e", "r", "train", report={"names": {}, "live": ["m"], **report})


def test_files_that_changed_speak_against_a_hit(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1")
    found = _execution(files_read={str(data): digest_of(data)})
    assert refusal(found, STEP, Files()) == ""
    data.write_text("2")
    assert refusal(found, STEP, Files()) == "file data.csv changed"
    data.unlink()
    assert refusal(found, STEP, Files()) == "file data.csv is gone"
    module = tmp_path / "helper.py"
    module.write_text("x = 1")
    assert refusal(_execution(modules={str(module): "0" * 64}), STEP, Files()) == "module helper.py changed"


def test_a_file_too_large_to_be_digested_is_compared_by_size_and_time(tmp_path: Path) -> None:
    data = tmp_path / "big.bin"
    data.write_bytes(b"1")
    recorded = stamp(str(data), digest=False)
    assert recorded is not None and recorded.startswith("stat:")
    found = _execution(files_read={str(data): recorded})
    assert refusal(found, STEP, Files()) == ""
    data.write_bytes(b"22")
    assert refusal(found, STEP, Files()) == "file big.bin changed"


def test_names_that_were_not_looked_at_speak_against_a_hit() -> None:
    assert refusal(_execution(), replace(STEP, live=("m", "n")), Files()) == "later steps now use n"
    lost = _execution(names={"m": {"state": "unstorable", "why": "generator"}})
    assert refusal(lost, STEP, Files()) == ""
    assert refusal(lost, replace(STEP, wanted=("m",)), Files()) == "m could not be stored"
    assert refusal(None, STEP, Files()) == "first run"


def test_a_hit_that_used_the_network_says_so() -> None:
    assert hit_reason({}) == "cached: same code, inputs and environment"
    assert "used the network" in hit_reason({"impure": ["network"]})

"""Looks at values: bounded in size, and no code of the user's is run for them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from jupyter_kf.runtime.preview import look, looks


class Loud:
    """Says something wherever it can be asked."""

    def __repr__(self) -> str:
        raise AssertionError("asked for its text")

    __str__ = __repr__

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")


def test_small_values_need_no_look() -> None:
    for value in (1, 2.5, None, True, "short", [1, 2], {"a": 1}, (), Loud(), Loud, len, 1 << 5000):
        assert look(value) is None


def test_frames_are_seen_with_types_and_index() -> None:
    frame = pd.DataFrame({"n": range(30), "when": pd.date_range("2024-01-01", periods=30), "o": [Loud()] * 30})
    seen = look(frame.set_index("n"))
    assert seen is not None
    assert [name for name, _ in seen["columns"]] == ["n", "when", "o"]
    assert [kind.partition("[")[0] for _, kind in seen["columns"]] == ["index", "datetime64", "object"]
    assert (seen["shape"], seen["truncated"], len(seen["rows"])) == ([30, 2], True, 20)
    assert seen["rows"][1] == ["1", "2024-01-02 00:00:00", "<Loud>"]
    whole = look(pd.DataFrame({"a": [1], ("b", 1): ["x" * 500]}))
    assert whole is not None
    assert (whole["truncated"], len(whole["rows"][0][1])) == (False, 100)
    wide = look(pd.DataFrame(np.zeros((2, 50))))
    assert wide is not None
    assert (len(wide["columns"]), wide["shape"], wide["truncated"]) == (20, [2, 50], True)
    series = look(pd.Series([1.5, None], name="s", index=["a", "b"]))
    assert series is not None
    assert series["rows"] == [["a", "1.5"], ["b", "nan"]]
    nested = look(pd.DataFrame({"f": [pd.DataFrame({"x": range(1000)})]}))
    assert nested is not None
    assert nested["rows"] == [["DataFrame 1000 × 1: x"]]


def test_frames_of_the_users_own_kind_are_left_alone() -> None:
    class Own(pd.DataFrame):
        @property
        def iloc(self) -> Any:
            raise AssertionError("asked for rows")

    assert look(Own({"a": [1]})) is None


def test_arrays_are_seen_in_one_and_two_dimensions() -> None:
    line = look(np.arange(100))
    assert line is not None
    assert (line["rows"][:2], line["shape"], line["truncated"]) == ([["0"], ["1"]], [100], True)
    plane = look(np.eye(2, dtype="float32"))
    assert plane is not None
    assert (plane["columns"], plane["rows"]) == ([["0", "float32"], ["1", "float32"]], [["1.0", "0.0"], ["0.0", "1.0"]])
    for other in (np.float64(1.0), np.zeros((2, 2, 2)), np.zeros(3, dtype=[("a", int)])):
        assert look(other) is None


def test_long_texts_and_containers_are_cut() -> None:
    text = look("x" * 10_000)
    assert text is not None
    assert (len(text["text"]), text["truncated"]) == (4000, True)
    numbers = look(list(range(10_000_000)))
    assert numbers is not None
    assert numbers["text"].startswith("[0, 1, 2")
    assert numbers["truncated"]
    assert len(numbers["text"]) <= 4000
    kept = look({f"key {i}": Loud() for i in range(20)})
    assert kept is not None
    assert "'key 19': <Loud>" in kept["text"]
    assert not kept["truncated"]


def test_looks_have_room_together() -> None:
    values = {f"f{i}": pd.DataFrame({c: ["x" * 100] * 20 for c in "abcdefghij"}) for i in range(10)}
    seen = looks(values, values)
    assert list(seen) == ["f0", "f1", "f2"]
    assert len(json.dumps(seen)) < 80_000
    assert looks({"a": 1}, ["a"]) == {}

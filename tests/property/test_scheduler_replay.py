"""The scheduler against a run in notebook order: any order of answers, lost bets and crashes give the same values."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_kf.engine.scheduler import (
    Begin,
    CancelRequested,
    Failed,
    Finish,
    Finished,
    Instruction,
    Launch,
    Restored,
    Scheduler,
    Skip,
    Stopped,
    Supersede,
)
from jupyter_kf.model.pipeline import Pipeline, Step, StepOptions
from jupyter_kf.model.run import State

NAMES = "abcde"


def random_pipeline(rng: random.Random) -> tuple[Pipeline, dict[str, dict[str, Any]]]:
    """Steps with what their text says, and what they really do: ``hidden`` are given names they change in place."""
    steps, truth = [], {}
    count = rng.randint(2, 8)
    for i in range(count):
        name = f"s{i}"
        surely = {n for n in NAMES if rng.random() < (0.9 if i == 0 else 0.2)}
        maybe = {n for n in NAMES if rng.random() < 0.15} - surely
        needs = {n for n in NAMES if rng.random() < 0.4} - (surely if rng.random() < 0.7 else set()) | maybe
        changes = {n for n in needs if rng.random() < 0.15}
        after = tuple(sorted({f"s{q}" for q in range(i) if rng.random() < 0.15} | ({"s0"} if i else set())))
        steps.append(
            Step(
                name,
                (),
                needs=tuple(needs),
                binds=tuple(surely | maybe),
                surely=tuple(surely),
                changes=tuple(changes),
                after=after,
                live=tuple(NAMES),
            )
        )
        truth[name] = {
            "binds": surely | {n for n in maybe if rng.random() < 0.5},
            "deletes": {n for n in surely if rng.random() < 0.1},
            "hidden": {n for n in NAMES if rng.random() < 0.25},
            "late": {n for n in NAMES if rng.random() < 0.1},
            "groups": rng.random(),
        }
    return Pipeline("p", "kubeflow", (), tuple(steps)), truth


def behave(step: str, truth: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """A deterministic step: the digests it stores are a hash of what it was given."""
    base = hashlib.sha256(repr((step, sorted(values.items()))).encode()).hexdigest()[:8]
    held = {n: d for n, d in values.items() if d}
    mates: dict[str, set[str]] = {}
    for n, d in held.items():
        mates.setdefault(d, set()).add(n)
    names: dict[str, dict[str, str]] = {}
    changed: set[str] = set()
    for n in truth["hidden"] & set(held):
        changed |= mates[held[n]]
    changed -= truth["binds"]
    stored = sorted((truth["binds"] - truth["deletes"]) | changed)
    rng = random.Random(base + str(truth["groups"]))
    artifacts = []
    while stored:
        size = rng.choice([1, 1, 2, 3])
        group, stored = stored[:size], stored[size:]
        digest = hashlib.sha256((base + "".join(group)).encode()).hexdigest()[:12]
        artifacts.append({"digest": digest, "names": group, "late": sorted(truth["late"])})
        for n in group:
            names[n] = {"state": "stored", "digest": digest}
    for n in truth["deletes"] & truth["binds"]:
        names[n] = {"state": "absent"}
    for n in set(held) - set(names):
        names[n] = {"state": "unchanged"}
    return {"names": names, "artifacts": artifacts}


def in_notebook_order(pipeline: Pipeline, truth: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What each step is given when all run one after the other."""
    env: dict[str, str] = {}
    artifacts: dict[str, Any] = {}
    seen = {}
    for step in pipeline.steps:
        values: dict[str, str] = {}
        todo = sorted(step.needs)
        asked = set(todo)
        while todo:
            n = todo.pop()
            if n not in env:
                continue
            values[n] = env[n]
            if not env[n]:
                continue
            for late in artifacts[env[n]]["late"]:
                if late not in asked:
                    asked.add(late)
                    todo.append(late)
            for mate in artifacts[env[n]]["names"]:
                if env.get(mate) == env[n]:
                    asked.add(mate)
                    values[mate] = env[n]
        seen[step.name] = values
        report = behave(step.name, truth[step.name], values)
        artifacts.update({a["digest"]: a for a in report["artifacts"]})
        for n, entry in report["names"].items():
            if entry["state"] != "unchanged":
                env[n] = entry.get("digest", "")
    return seen


class ReplayedRun:
    """Plays the supervisor: answers launches in random order, and may crash and start over from what is committed."""

    def __init__(self, pipeline: Pipeline, truth: Mapping[str, Any], rng: random.Random, in_order: bool) -> None:
        self.pipeline, self.truth, self.rng, self.in_order = pipeline, truth, rng, in_order
        self.running: dict[str, Launch] = {}
        self.committed: dict[str, tuple[Launch, dict[str, Any]]] = {}
        self.final: State | None = None
        self.start()

    def start(self) -> None:
        self.scheduler = Scheduler(self.pipeline, in_order=self.in_order)
        self.running = {}
        for name, (launch, report) in self.committed.items():
            assert self.scheduler.handle(Restored(name, report, launch.attempt, launch.values)) == []
        self.obey(self.scheduler.handle(Begin()))

    def obey(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case Launch():
                    assert instruction.step not in self.running
                    self.running[instruction.step] = instruction
                case Supersede(step, _, _, running):
                    assert (step in self.running) == running
                    self.running.pop(step, None)
                    self.committed.pop(step, None)
                case Finish(state):
                    assert self.final is None and not self.running
                    self.final = state
                case Skip():
                    pytest.fail("nothing failed here")

    def play(self, crashes: int) -> None:
        for _ in range(1000):
            if self.final is not None:
                return
            if crashes and self.rng.random() < 0.1:
                crashes -= 1
                self.start()
                continue
            name = self.rng.choice(sorted(self.running))
            launch = self.running.pop(name)
            report = behave(name, self.truth[name], launch.values)
            self.committed[name] = (launch, report)
            self.obey(self.scheduler.handle(Finished(name, report, launch.attempt)))
        pytest.fail("the run does not end")


@settings(max_examples=600, deadline=None)
@given(seed=st.integers(0, 10**9), crashes=st.integers(0, 3), in_order=st.booleans())
def test_every_step_is_given_what_the_notebook_holds_at_its_place(seed: int, crashes: int, in_order: bool) -> None:
    rng = random.Random(seed)
    pipeline, truth = random_pipeline(rng)
    run = ReplayedRun(pipeline, truth, rng, in_order)
    run.play(crashes)
    assert run.final is State.SUCCEEDED
    assert {n: launch.values for n, (launch, _) in run.committed.items()} == in_notebook_order(pipeline, truth)


def stored(**names: str) -> dict[str, Any]:
    return {
        "names": {n: {"state": "stored", "digest": d} for n, d in names.items()},
        "artifacts": [{"digest": d, "names": [n for n in names if names[n] == d]} for d in set(names.values())],
    }


FAN = Pipeline(
    "fan",
    "kubeflow",
    (),
    (
        Step("load", (), binds=("x",), surely=("x",)),
        Step("one", (), needs=("x",), after=("load",), binds=("m",), surely=("m",), options=StepOptions(retries=1)),
        Step("two", (), needs=("x",), after=("load",), binds=("n",), surely=("n",)),
        Step("join", (), needs=("m", "n"), after=("one", "two")),
    ),
)


def launched(instructions: list[Instruction]) -> list[str]:
    return [i.step for i in instructions if isinstance(i, Launch)]


def test_branches_run_side_by_side_and_the_join_waits() -> None:
    scheduler = Scheduler(FAN)
    assert launched(scheduler.handle(Begin())) == ["load"]
    assert launched(scheduler.handle(Finished("load", stored(x="1")))) == ["one", "two"]
    assert scheduler.handle(Finished("two", stored(n="3"))) == []
    (join,) = scheduler.handle(Finished("one", stored(m="2")))
    assert isinstance(join, Launch) and join.values == {"m": "2", "n": "3"}


def test_a_lost_bet_supersedes_the_later_branch_only() -> None:
    scheduler = Scheduler(FAN)
    scheduler.handle(Begin())
    scheduler.handle(Finished("load", stored(x="1")))
    assert scheduler.handle(Finished("two", stored(n="3", x="9"))) == []
    assert scheduler.changed_by("two") == ("x",)
    other = Scheduler(FAN)
    other.handle(Begin())
    other.handle(Finished("load", stored(x="1")))
    made = other.handle(Finished("one", stored(m="2", x="9")))
    assert made[0] == Supersede("two", "one", ("x",), True)
    assert (
        isinstance(made[1], Launch) and made[1].step == "two" and made[1].values == {"x": "9"} and made[1].attempt == 2
    )
    assert other.handle(Finished("two", stored(n="old"), attempt=1)) == []
    assert launched(other.handle(Finished("two", stored(n="3"), attempt=2))) == ["join"]


def test_what_an_earlier_run_observed_is_not_bet_on_again() -> None:
    scheduler = Scheduler(FAN, observed={"one": ["x"]})
    scheduler.handle(Begin())
    assert launched(scheduler.handle(Finished("load", stored(x="1")))) == ["one"]


def test_retries_then_failure_skips_what_depends_and_lets_the_rest_finish() -> None:
    scheduler = Scheduler(FAN)
    scheduler.handle(Begin())
    scheduler.handle(Finished("load", stored(x="1")))
    (again,) = scheduler.handle(Failed("one", {"code": "KF201"}))
    assert isinstance(again, Launch) and again.attempt == 2
    assert scheduler.handle(Failed("one", {"code": "KF201"})) == []
    assert scheduler.handle(Finished("two", stored(n="3"))) == [
        Skip("join", "one"),
        Finish(State.FAILED, {"code": "KF201"}),
    ]


def test_cancel_starts_nothing_more() -> None:
    scheduler = Scheduler(FAN)
    scheduler.handle(Begin())
    scheduler.handle(Finished("load", stored(x="1")))
    assert scheduler.handle(CancelRequested()) == []
    assert scheduler.handle(Stopped("one")) == []
    made = scheduler.handle(Stopped("two"))
    assert made[-1] == Finish(State.CANCELED) and {i.step for i in made if isinstance(i, Skip)} == {
        "one",
        "two",
        "join",
    }


def test_a_target_whose_producer_never_ran_is_told_so() -> None:
    scheduler = Scheduler(FAN, targets={"join"})
    made = scheduler.handle(Begin())
    assert made[0] == Skip("join", "") and isinstance(made[1], Finish) and made[1].error is not None
    assert made[1].error["code"] == "KF708"


def test_targets_take_restored_results_without_judging_them() -> None:
    scheduler = Scheduler(FAN, targets={"join"})
    for step, report in {"load": stored(x="1"), "one": stored(m="2"), "two": stored(n="3")}.items():
        scheduler.handle(Restored(step, report))
    assert launched(scheduler.handle(Begin())) == ["join"]

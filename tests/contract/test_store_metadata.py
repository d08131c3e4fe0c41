"""One suite for all databases: what the log promises, what the tables answer."""

from __future__ import annotations

import dataclasses
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_kf.errors import StoreError, UsageError
from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.model.run import State
from jupyter_kf.store import Store, open_store, schema
from jupyter_kf.store.schema import FOLDED

A, B, C = (letter * 64 for letter in "abc")


def submitted(run: str, at: float = 1000.0, **data: Any) -> Event:
    return Event("run.submitted", run, at, data={"name": f"name-{run}", "notebook": "/n/a.ipynb", **data})


def a_run(run: str, at: float = 1000.0, *, state: str = "SUCCEEDED", metrics: Any = (), **data: Any) -> list[Event]:
    """Return the events of a run of one step that makes artifact A."""
    points = [[name, value, None, at] for name, value in metrics]
    execution = f"{run}-x"
    return [
        submitted(run, at, **data),
        Event("run.started", run, at + 1, data={"pid": 1}),
        Event("execution.started", run, at + 2, "train", execution, {"attempt": 1, "inputs": {"x": B}}),
        *([Event("metrics.logged", run, at + 2, "train", execution, {"points": points})] if points else []),
        Event(
            "execution.finished", run, at + 3, "train", execution,
            {"state": state, "seconds": 1.0, "outputs": {"model": A} if state == "SUCCEEDED" else {},
             "cache_key": f"key-{data.get('name', run)}",
             "artifacts": [{"digest": A, "size": 3, "kind": "bundle", "names": ["model"], "types": {"model": "RF"},
                            "late": ["f"], "meta": {"python": "3.11"}, "definitions": ["d1"]}]},
        ),
        Event("run.finished", run, at + 4, data={"state": state}),
    ]  # fmt: skip


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.database.reading() as session:
        return {t.name: sorted(session.rows(f"SELECT {', '.join(t.names)} FROM {t.name}"), key=repr) for t in FOLDED}


# the log


def test_cursors_grow_and_events_come_back_as_they_were(store: Store) -> None:
    events = a_run("r1", metrics=[("acc", 0.5)])
    assert store.metadata.append(events[:2]) == [1, 2]
    assert store.metadata.append(events[2:]) == [3, 4, 5, 6]
    assert store.metadata.append([]) == []
    back = store.metadata.events()
    assert [dataclasses.replace(e, cursor=0) for e in back] == events
    assert [e.cursor for e in store.metadata.events(after=4)] == [5, 6]
    assert [e.cursor for e in store.metadata.events(limit=2)] == [1, 2]
    assert store.metadata.events(run="other") == []
    assert store.metadata.cursor() == 6


def test_an_id_is_stored_once(store: Store) -> None:
    first = store.metadata.append([submitted("r1"), submitted("r2")], ids=["one", "two"])
    again = store.metadata.append([submitted("r2"), submitted("r3")], ids=["two", "three"])
    assert first == [1, 2]
    assert again == [2, 3]
    assert [e.run for e in store.metadata.events()] == ["r1", "r2", "r3"]


def test_a_malformed_event_stores_nothing_of_its_batch(store: Store) -> None:
    bad = Event("metrics.logged", "r1", 1.0, data={"points": [["acc", "high", None, 1.0]]})
    with pytest.raises(StoreError) as caught:
        store.metadata.append([submitted("r1"), bad])
    assert caught.value.code == "KF606"
    with pytest.raises(StoreError):
        store.metadata.append([Event("run.exploded", "r1", 1.0)])
    assert store.metadata.events() == []
    assert store.metadata.runs() == []


@pytest.mark.parametrize("seed", range(3))
def test_the_tables_can_be_made_again_from_the_log(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    events = random_history(chance, 150)
    while events:  # in batches of any size
        size = chance.randrange(1, 40)
        store.metadata.append(events[:size])
        events = events[size:]
    before = dump(store)
    assert any(before.values())
    assert store.metadata.rebuild() == len(store.metadata.events(limit=None))
    assert dump(store) == before


def random_history(chance: random.Random, length: int) -> list[Event]:
    """Return events that no engine would write in this order: the fold must not depend on good manners."""
    runs = [f"run{i}" for i in range(4)]
    digests = [c * 64 for c in "0123456789"]
    events: list[Event] = []
    for number in range(length):
        run = chance.choice(runs)
        execution = f"{run}-{chance.randrange(3)}"
        digest = chance.choice(digests)
        at = 1000.0 + number
        points = [[chance.choice("ab"), chance.choice([1, 2.5, math.nan, math.inf]), chance.choice([None, 1]), at]]
        state = chance.choice(["SUCCEEDED", "FAILED", "CANCELED"])
        artifact = {"digest": digest, "size": number, "kind": "file", "names": ["v"]}
        report = {"metrics": {"c": float(number)}, "artifacts": [artifact]}
        kinds: list[tuple[str, str, dict[str, Any]]] = [
            ("run.submitted", "", {"name": f"n{number}", "parameters": {"p": number}, "tags": {"t": "x"}}),
            ("run.started", "", {"pid": 1}),
            ("run.canceling", "", {}),
            ("run.finished", "", {"state": state, "error": {"code": "KF200"}}),
            ("run.interrupted", "", {}),
            ("run.resumed", "", {"edited": True, "snapshot": digest}),
            ("run.tagged", "", {"tags": {"t": chance.choice(["y", None]), "u": "ü\0"}}),
            ("run.noted", "", {"note": f"note {number}"}),
            ("run.parameter", "", {"name": "q", "value": [number]}),
            ("run.deleted", "", {}),
            ("execution.waiting", execution, {"reason": "gpu"}),
            ("execution.started", execution, {"attempt": 2, "inputs": {"i": digest}}),
            ("execution.progress", execution, {"done": 1, "total": 2}),
            ("execution.finished", execution, {"state": state, "outputs": {"o": digest}, "report": report}),
            ("execution.superseded", execution, {"by": "other"}),
            ("metrics.logged", execution, {"points": points}),
            ("artifact.logged", execution, {"name": "plot", "artifact": artifact}),
        ]  # fmt: skip
        kind, where, data = chance.choice(kinds)
        events.append(Event(kind, run, at, "s" if where else "", where, data))
    return events


# runs


def test_a_run_from_beginning_to_end(store: Store) -> None:
    metadata = store.metadata
    metadata.append([submitted("r1", parameters={"lr": 0.1, "m": "rf", "n": None, "l": [1]}, tags={"team": "a"})])
    run = metadata.run("r1")
    assert run.state is State.PENDING
    assert run.parameters == {"lr": 0.1, "m": "rf", "n": None, "l": [1]}
    assert run.experiment == "Default"
    metadata.append([Event("run.started", "r1", 1001.0), Event("run.canceling", "r1", 1002.0)])
    assert metadata.run("r1").state is State.CANCELING
    metadata.append([Event("run.finished", "r1", 1003.0, data={"state": "CANCELED"})])
    run = metadata.run("r1")
    assert (run.state, run.started, run.finished) == (State.CANCELED, 1001.0, 1003.0)
    metadata.append([Event("run.interrupted", "r1", 1004.0), Event("run.canceling", "r1", 1005.0)])
    assert metadata.run("r1").state is State.CANCELED
    metadata.append([Event("run.resumed", "r1", 1006.0, data={"snapshot": C, "edited": True})])
    run = metadata.run("r1")
    assert (run.state, run.finished, run.resumes, run.snapshot) == (State.PENDING, None, 1, C)


def test_an_interrupted_run_that_lived_after_all_ends_as_it_ended(store: Store) -> None:
    events = a_run("r1")
    store.metadata.append([*events[:3], Event("run.interrupted", "r1", 1002.5)])
    assert store.metadata.run("r1").state is State.INTERRUPTED
    assert store.metadata.executions("r1")[0].state is State.INTERRUPTED
    store.metadata.append(events[3:])
    assert store.metadata.run("r1").state is State.SUCCEEDED
    assert store.metadata.executions("r1")[0].state is State.SUCCEEDED


def test_tags_notes_and_parameters_logged_later(store: Store) -> None:
    tagged = Event("run.tagged", "r1", 1001.0, data={"tags": {"team": None, "long": "x" * 1000, "odd": "a\0b\ud800"}})
    noted = Event("run.noted", "r1", 1002.0, data={"note": "größer"})
    logged = Event("run.parameter", "r1", 1003.0, data={"name": "big", "value": 10**400})
    store.metadata.append([submitted("r1", tags={"team": "a"}), tagged, noted, logged])
    run = store.metadata.run("r1")
    assert run.tags == {"long": "x" * 1000, "odd": "a\ufffdb?"}
    assert run.note == "größer"
    assert run.parameters == {"big": 10**400}
    assert store.metadata.runs(search="GRÖSSER") == []
    assert store.metadata.runs(search="größer") == [run]


def test_ways_to_name_a_run(store: Store) -> None:
    old, new = new_id(1.7e9), new_id(1.7e9 + 5)
    store.metadata.append(
        [submitted(old, 1.7e9, name="first"), submitted(new, 1.7e9 + 5, name="second", notebook="/b")]
    )
    run = store.metadata.run
    assert run(old).id == run(old[:9]).id == run(old[-6:]).id == run("first").id == run("last~1").id == old
    assert run("last").id == new
    assert run("last", notebook="/n/a.ipynb").id == old
    with pytest.raises(UsageError) as caught:
        run(old[:4])
    assert caught.value.code == "KF411"
    assert old in caught.value.fix
    with pytest.raises(UsageError) as caught:
        run("seco")
    assert caught.value.code == "KF410"
    assert "'second'" in caught.value.fix
    for strange in ("", "%", "_" * 20, "'; DROP TABLE kf_runs; --", "last~9"):
        with pytest.raises(UsageError):
            run(strange)


def test_deleted_runs_are_hidden(store: Store) -> None:
    store.metadata.append([*a_run("r1"), submitted("r2", 2000.0)])
    with pytest.raises(UsageError, match="PENDING"):
        store.metadata.delete("r2")
    assert store.metadata.delete("r1").id == "r1"
    assert [r.id for r in store.metadata.runs()] == ["r2"]
    with pytest.raises(UsageError):
        store.metadata.run("r1")
    assert store.metadata.run("r1", deleted=True).id == "r1"
    assert [r.id for r in store.metadata.runs(deleted=True)] == ["r2", "r1"]
    assert [e.runs for e in store.metadata.experiments()] == [1]


@pytest.fixture
def many(store: Store) -> Store:
    """Runs r0 … r5: accuracy 0.0 … 0.5, two experiments, r5 failed and without metrics."""
    for i in range(6):
        state = "FAILED" if i == 5 else "SUCCEEDED"
        metrics = [] if i == 5 else [("acc", i / 10), ("val/loss (x)", -i)]
        tags = {"team": "a" if i % 2 else "b", "long": "y" * 600}
        parameters = {"lr": 10.0**-i, "model": f"forest{i}", "deep": i > 2}
        store.metadata.append(
            a_run(f"r{i}", 1000.0 + i, state=state, metrics=metrics, tags=tags, parameters=parameters,
                  experiment="even" if i % 2 == 0 else "Odd%", name=f"run_{i}")
        )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("metrics.acc > 0.2", "34"),
        ("metrics.acc>=.2 and metrics.acc<=3e-1", "23"),
        ("metrics.acc != 0.2", "0134"),
        ("metrics.acc is null", "5"),
        ("not metrics.acc is null and not (tags.team = a)", "024"),
        ("metrics.`val/loss (x)` < -2", "34"),
        ("params.model = 'forest2' or params.model ~ REST4", "24"),
        ("params.lr < 0.01", "345"),
        ("params.deep = true", "345"),
        ("parameters.deep = False and tags.team != a", "02"),
        ('tags.team in (a, "zz") and state in (succeeded)', "13"),
        ("tags.team not in (a)", "024"),
        ("state = FAILED", "5"),
        ("status != failed AND experiment = even", "024"),
        ('experiment ~ "D%"', "135"),
        ('experiment ~ "v%"', ""),
        ("name = run_3 or id = r4", "34"),
        ("name !~ _3 and name ~ RUN_", "01245"),
        ("created >= 1970-01-01T00:16:43Z", "345"),
        ("created > 7d", ""),
        ("seconds >= 3 and resumes = 0", "012345"),
        ("note is null", "012345"),
        ("tags.missing = x", ""),
        (f'tags.long = "{"y" * 600}"', "012345"),
        ("metrics.acc > 0.3 or metrics.acc < 0.1 and tags.team = b", "04"),
        ("metrics.acc = nan", ""),
        ("  ", "012345"),
    ],
)
def test_filters(many: Store, where: str, found: str) -> None:
    assert [r.id[1:] for r in many.metadata.runs(where, "created")] == list(found)
    assert many.metadata.count_runs(where) == len(found)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("", "543210"),
        ("created", "012345"),
        ("metrics.acc", "012345"),
        ("-metrics.acc", "432105"),
        ("-params.lr", "012345"),
        ("-params.model", "543210"),
        ("tags.team,created", "135024"),
        ("experiment, -created", "531420"),
        ("state,metrics.acc", "501234"),
        ("seconds,id", "012345"),
    ],
)
def test_sorting_and_paging(many: Store, sort: str, found: str) -> None:
    everything = [r.id[1:] for r in many.metadata.runs(sort=sort, limit=None)]
    assert everything == list(found)
    for size in (1, 2, 4):
        pages = [many.metadata.runs(sort=sort, limit=size, offset=start) for start in range(0, 6, size)]
        assert [r.id[1:] for page in pages for r in page] == everything
    assert [r.id[1:] for r in many.metadata.runs(sort=sort, limit=None, offset=4)] == everything[4:]


@pytest.mark.parametrize(
    ("where", "code", "position", "hint"),
    [
        ("acc > 1", "KF413", 0, "metrics.NAME"),
        ("metrcs.acc > 1", "KF413", 0, "'metrics.acc'"),
        ("experiments = x", "KF413", 0, "'experiment'"),
        ("state = FAIL", "KF412", 8, "FAILED"),
        ("metrics.acc >", "KF412", 13, "metrics.acc > 0.9"),
        ("metrics.acc > high", "KF412", 14, "numbers"),
        ("metrics.acc ~ 1", "KF412", 14, ""),
        ("(state = FAILED", "KF412", 15, ""),
        ("name = 'x", "KF412", 7, "quote"),
        ("name = x; DROP TABLE kf_runs", "KF412", 8, ""),
        ("name = x name = y", "KF412", 9, ""),
        ("state in FAILED", "KF412", 9, ""),
        ("state in (FAILED", "KF412", 16, ""),
        ("created > yesterday", "KF412", 10, "7d"),
        ("name is 3", "KF412", 8, ""),
        ("and", "KF412", 0, ""),
        ("metrics.acc > inf", "KF412", 14, ""),
        ("(" * 300 + "name = x" + ")" * 300, "KF412", 100, ""),
    ],
)
def test_wrong_filters_say_where_and_what(many: Store, where: str, code: str, position: int, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        many.metadata.runs(where)
    error = caught.value
    assert (error.code, error.details["position"]) == (code, position)
    assert hint in error.fix
    assert error.fix


def test_narrowing_without_a_filter(many: Store) -> None:
    runs = many.metadata.runs
    assert [r.id for r in runs(experiment="even", limit=2)] == ["r4", "r2"]
    assert [r.id for r in runs(states=["failed", State.RUNNING])] == ["r5"]
    assert [r.id for r in runs(kind="notebook")] == []
    assert [r.id for r in runs(search="RUN_3 odd%")] == ["r3"]
    assert [r.id for r in runs(search="team=b", notebook="/n/a.ipynb", sort="created")] == ["r0", "r2", "r4"]
    assert [(e.name, e.runs, e.last_run) for e in many.metadata.experiments()] == [
        ("Odd%", 3, 1005.0),
        ("even", 3, 1004.0),
    ]


# executions, metrics, artifacts


def test_executions_and_their_metrics(store: Store) -> None:
    store.metadata.append(a_run("r1", metrics=[("acc", 0.5), ("acc", math.nan), ("f", -math.inf)]))
    (execution,) = store.metadata.executions("r1")
    assert execution.inputs == {"x": B}
    assert execution.outputs == {"model": A}
    assert (execution.step, execution.state, execution.seconds, execution.started) == (
        "train",
        "SUCCEEDED",
        1.0,
        1002.0,
    )
    assert math.isnan(execution.metrics["acc"])
    assert execution.metrics["f"] == -math.inf
    points = store.metadata.metrics("r1", "acc")
    assert points[0].value == 0.5
    assert math.isnan(points[1].value)
    assert store.metadata.metrics("r1", step="other") == []
    assert store.metadata.execution("r1-x") == dataclasses.replace(
        execution, metrics=store.metadata.execution("r1-x").metrics
    )
    with pytest.raises(UsageError):
        store.metadata.execution("nobody")


def test_metrics_of_a_report_count_where_none_were_logged(store: Store) -> None:
    report = {"metrics": {"acc": 0.75, "loss": 0.25}}
    store.metadata.append(
        [
            submitted("r1"),
            Event("metrics.logged", "r1", 1.0, "s", "e", {"points": [["acc", 0.5, 1, 1.0], ["acc", 0.75, 2, 2.0]]}),
            Event("execution.finished", "r1", 3.0, "s", "e", {"state": "SUCCEEDED", "cached": True, "report": report}),
        ]
    )
    assert store.metadata.run("r1").metrics == {"acc": 0.75, "loss": 0.25}
    assert [(p.name, p.value, p.at) for p in store.metadata.metrics("r1")] == [
        ("acc", 0.5, 1.0), ("acc", 0.75, 2.0), ("loss", 0.25, None)
    ]  # fmt: skip
    (execution,) = store.metadata.executions("r1")
    assert execution.cached
    assert execution.report == report


def test_a_superseded_execution_takes_its_metrics_with_it(store: Store) -> None:
    def logged(execution: str, value: float, name: str = "acc") -> Event:
        return Event("metrics.logged", "r1", 1.0, "s", execution, {"points": [[name, value, None, 1.0]]})

    store.metadata.append(
        [
            submitted("r1"),
            logged("e0", 0.1),
            logged("e1", 0.9),
            logged("e1", 1.0, "only"),
            Event("execution.started", "r1", 1.5, "s", "e1"),
            Event("execution.superseded", "r1", 2.0, "s", "e1", {"by": "other"}),
        ]
    )
    assert store.metadata.run("r1").metrics == {"acc": 0.1}
    (execution,) = store.metadata.executions("r1")
    assert execution.state is State.CANCELED
    assert "other" in execution.reason
    assert store.metadata.executions("r1", current=True) == []


def test_the_current_executions_are_the_newest_attempts(store: Store) -> None:
    events = [submitted("r1")]
    for number, state in enumerate(["FAILED", "SUCCEEDED"]):
        data = {"attempt": number + 1, "state": state}
        events.append(Event("execution.finished", "r1", 2.0 + number, "s", f"e{number}", data))
    store.metadata.append(events)
    assert [e.id for e in store.metadata.executions("r1")] == ["e0", "e1"]
    assert [(e.id, e.attempt) for e in store.metadata.executions("r1", current=True)] == [("e1", 2)]


def test_what_made_an_artifact_and_what_used_it(store: Store) -> None:
    metadata = store.metadata
    metadata.append(a_run("r1", snapshot=C))
    used = Event("execution.started", "r2", 2001.0, "plot", "r2-y", {"inputs": {"model": A}})
    metadata.append([submitted("r2", 2000.0), used])
    artifact = metadata.artifact(A[:6])
    assert (artifact.digest, artifact.names, artifact.types, artifact.late) == (A, ("model",), {"model": "RF"}, ("f",))
    assert artifact.meta == {"python": "3.11", "definitions": ["d1"]}
    lineage = metadata.lineage(A)
    assert [(u.run, u.step, u.execution, u.role, u.name, u.snapshot) for u in lineage.made_by] == [
        ("r1", "train", "r1-x", "output", "model", C)
    ]
    assert [(u.run, u.step, u.name) for u in lineage.used_by] == [("r2", "plot", "model")]
    graph = metadata.lineage_of_run("r1")
    assert {(u.role, u.digest) for u in graph.uses} == {("snapshot", C), ("input", B), ("output", A)}
    assert {a.digest for a in graph.artifacts} == {A, C}
    assert [a.digest for a in metadata.artifacts("r1")] == [C, A]
    assert lineage.to_dict()["made_by"][0]["step"] == "train"
    with pytest.raises(UsageError, match="KF417"):
        metadata.artifact("123456")
    with pytest.raises(UsageError, match="KF417"):
        metadata.artifact(A[:5])


def test_the_cache_gives_the_newest_success_whose_artifacts_are_there(store: Store) -> None:
    artifacts, metadata = store.artifacts, store.metadata
    digest = artifacts.put_bytes(b"new")

    def finished(run: str, at: float, state: str, made: str) -> Event:
        data = {"state": state, "cache_key": "k", "outputs": {"v": made}, "artifacts": [{"digest": made, "size": 3}]}
        return Event("execution.finished", run, at, "s", f"{run}-e", data)

    metadata.append([finished("r1", 1.0, "SUCCEEDED", digest)])
    metadata.append([finished("r2", 2.0, "SUCCEEDED", A), finished("r3", 3.0, "FAILED", digest)])
    found = metadata.cached("k")
    assert found is not None
    assert found.run == "r1"
    assert metadata.cached("other") is None
    assert metadata.cached("") is None
    path = artifacts.path(digest)
    path.chmod(0o600)
    path.write_bytes(b"")  # as a power cut may leave it
    assert metadata.cached("k") is None


def test_the_cache_passes_over_deleted_runs(store: Store) -> None:
    done = {"state": "SUCCEEDED", "cache_key": "k"}
    for run, at in (("r1", 1.0), ("r2", 2.0)):
        store.metadata.append(
            [
                Event("run.submitted", run, at, data={"name": run}),
                Event("execution.finished", run, at, "s", f"{run}-e", done),
                Event("run.finished", run, at, data={"state": "SUCCEEDED"}),
            ]
        )
    found = store.metadata.cached("k")
    assert found is not None and found.run == "r2"
    store.metadata.delete("r2")
    found = store.metadata.cached("k")
    assert found is not None and found.run == "r1"
    store.metadata.delete("r1")
    assert store.metadata.cached("k") is None


# many processes


def test_readers_are_woken_by_another_process(opener: Callable[[], Store]) -> None:
    reader, writer = opener(), opener()
    writer.metadata.append([submitted("r1")])
    seen: list[Event] = []

    def read() -> None:
        for event in reader.metadata.follow(0, "r1", timeout=20.0):
            seen.append(event)
            if event.kind == "run.finished":
                return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        time.sleep(0.2)
        writer.metadata.append([submitted("r2"), *a_run("r1")[1:3]])
        time.sleep(0.05)
        writer.metadata.append(a_run("r1")[3:])
    finally:
        thread.join(30)
    assert not thread.is_alive()
    assert [e.kind for e in seen] == [e.kind for e in a_run("r1")]
    assert reader.metadata.wait(seen[-1].cursor, timeout=0.05) == []
    assert len(reader.metadata.wait(0)) == 6


def test_following_ends_when_told(store: Store) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 2

    assert list(store.metadata.follow(stop=stop)) == []
    assert list(store.metadata.follow(timeout=0.01)) == []


def test_writers_at_once_lose_nothing(opener: Callable[[], Store]) -> None:
    stores = [opener() for _ in range(4)]

    def write(store: Store, name: int) -> None:
        for number in range(10):
            run = f"w{name}-{number}"
            store.metadata.append([submitted(run), Event("run.started", run, 2.0)])

    threads = [threading.Thread(target=write, args=(s, i)) for i, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = stores[0].metadata.events(limit=None)
    assert [e.cursor for e in events] == list(range(1, 81))
    assert stores[0].metadata.count_runs("state = RUNNING") == 40
    assert all(a.run == b.run for a, b in zip(events[::2], events[1::2], strict=True))


def test_a_view_does_not_change_while_it_is_open(opener: Callable[[], Store]) -> None:
    reader, writer = opener(), opener()
    if reader.database.dialect == "sqlite" and getattr(reader.database, "network", None):
        return  # with a rollback journal a reader keeps writers away instead
    writer.metadata.append([submitted("r1")])
    with reader.database.reading() as session:
        assert session.rows("SELECT COUNT(*) FROM kf_runs") == [(1,)]
        writer.metadata.append([submitted("r2")])
        assert session.rows("SELECT COUNT(*) FROM kf_runs") == [(1,)]
    assert reader.metadata.count_runs() == 2


def test_a_lost_connection_is_made_again(store: Store) -> None:
    store.metadata.append([submitted("r1")])
    assert store.metadata.count_runs() == 1
    if store.database.dialect == "sqlite":
        return
    cut_connections(store)
    assert store.metadata.append([submitted("r2")]) == [2]
    cut_connections(store)
    assert store.metadata.count_runs() == 2


def cut_connections(store: Store) -> None:
    """End all sessions of the database, as a restarted server would."""
    with open_store(store.settings) as other, other.database.reading() as session:
        if session.dialect == "postgresql":
            session.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        own = session.rows("SELECT CONNECTION_ID()")[0][0]
        rows = session.rows("SELECT id FROM information_schema.processlist WHERE db = DATABASE()")
        for (number,) in rows:
            if number != own:
                session.execute(f"KILL {int(number)}")


def test_an_append_whose_commit_was_lost_is_not_doubled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit happened, its answer never came: the second attempt finds the events by their ids."""
    real = store.metadata._append
    calls = []

    def losing(events: Any, rows: Any, *, check: bool, durable: bool) -> list[int]:
        cursors = real(events, rows, check=check, durable=durable)
        calls.append(check)
        if len(calls) == 1:
            raise StoreError("the connection was lost", code="KF601")
        return cursors

    monkeypatch.setattr(store.metadata, "_append", losing)
    monkeypatch.setattr(store.database, "retryable", lambda error: True)
    assert store.metadata.append(a_run("r1")) == [1, 2, 3, 4, 5]
    assert calls == [False, True]
    assert store.metadata.cursor() == 5


# schema


def test_opening_at_once_makes_one_store(opener: Callable[[], Store]) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            opener().metadata.append([submitted(new_id())])
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert opener().metadata.count_runs() == 6


def test_a_newer_schema_is_refused(opener: Callable[[], Store]) -> None:
    store = opener()
    with store.database.writing() as session:
        session.execute("UPDATE kf_store SET value = '99' WHERE name = 'schema'")
    with pytest.raises(StoreError) as caught:
        opener()
    assert caught.value.code == "KF602"
    assert "99" in str(caught.value)


def test_an_older_schema_is_brought_up_to_date(opener: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    opener().metadata.append(a_run("r1"))

    def add(session: schema.Session) -> None:
        session.execute("CREATE TABLE kf_more (id INTEGER)")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add))
    newer = opener()
    opener()
    assert newer.metadata.run("last").state is State.SUCCEEDED
    with newer.database.reading() as session:
        assert session.rows("SELECT COUNT(*) FROM kf_more") == [(0,)]
        assert schema.version(session) == len(schema.MIGRATIONS)

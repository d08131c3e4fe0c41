"""Store room: a store full of made-up runs, for benchmarks and tests of size."""

from __future__ import annotations

import random
from collections.abc import Iterator

from jupyter_kf.model.event import Event
from jupyter_kf.model.names import new_id
from jupyter_kf.store.store import Store

_BATCH = 1000


def sample_runs(count: int, *, seed: int = 1, start: float = 1.7e9) -> Iterator[list[Event]]:
    """Yield, for each of ``count`` runs, the events of its life; a minute lies between two runs.

    A run has one step, three parameters, two tags, the metrics ``acc`` and ``loss`` (one run in ten has none of them)
    and ends well nine times of ten; there are ten notebooks and twenty experiments.
    """
    chance = random.Random(seed)
    for number in range(count):
        at = start + 60.0 * number
        run, execution = new_id(at), new_id(at)
        state = "FAILED" if chance.random() < 0.1 else "SUCCEEDED"
        digest = f"{chance.getrandbits(256):064x}"
        model = chance.choice(["forest", "boosting", "linear"])
        parameters = {"lr": chance.choice([0.1, 0.01, 0.001]), "depth": chance.randrange(10), "model": model}
        tags = {"team": chance.choice("abcd"), "ticket": f"T-{number}"}
        events = [
            Event(
                "run.submitted",
                run,
                at,
                data={
                    "name": f"{model}-{number}",
                    "experiment": f"experiment {number % 20}",
                    "notebook": f"/home/user/notebooks/analysis{number % 10}.ipynb",
                    "pipeline": f"analysis{number % 10}",
                    "parameters": parameters,
                    "tags": tags,
                    "snapshot": f"{number % 500:064x}",
                },
            ),
            Event("run.started", run, at + 0.1, data={"pid": 1}),
        ]
        if chance.random() > 0.1:
            points = [["acc", chance.random(), None, at + 1.0], ["loss", chance.random() * 3, None, at + 1.0]]
            events.append(Event("metrics.logged", run, at + 1.0, "train", execution, {"points": points}))
        finished = {
            "state": state,
            "seconds": 1.0 + chance.random(),
            "cache_key": f"{chance.getrandbits(256):064x}",
            "outputs": {"model": digest},
            "artifacts": [{"digest": digest, "size": 1000, "names": ["model"]}],
        }
        events.append(Event("execution.finished", run, at + 2.0, "train", execution, finished))
        events.append(Event("run.finished", run, at + 2.0 + chance.random(), data={"state": state}))
        yield events


def fill(store: Store, runs: int = 100_000, *, seed: int = 1) -> None:
    """Put ``runs`` sample runs into the store (about a minute for 100,000)."""
    batch: list[Event] = []
    for events in sample_runs(runs, seed=seed):
        batch += events
        if len(batch) >= _BATCH * 5:
            store.metadata.append(batch)
            batch = []
    store.metadata.append(batch)

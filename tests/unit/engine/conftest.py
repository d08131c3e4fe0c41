"""An engine on a home of its own, and pipelines written down by hand, so that the notebook room is not under test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_kf.config import Settings
from jupyter_kf.engine.base import RunRequest
from jupyter_kf.engine.local import LocalEngine
from jupyter_kf.model.event import Event
from jupyter_kf.model.pipeline import Cell, Input, Parameter, Pipeline, Step, StepOptions
from jupyter_kf.model.run import Execution, Run, State
from jupyter_kf.store import Store, open_store


def make_pipeline(*steps: Step, parameters: Mapping[str, Any] | None = None, modules: tuple[str, ...] = ()) -> Pipeline:
    """A pipeline whose steps get what they do not say: inputs from ``needs``, ``live`` from the needs of later ones."""
    made: list[Step] = []
    for i, step in enumerate(steps):
        later = {n for other in steps[i + 1 :] for n in other.needs}
        makers = {n: s.name for s in steps[:i] for n in s.binds}
        inputs = tuple(Input(n, makers[n]) for n in step.needs if n in makers)
        after = tuple(dict.fromkeys((*step.after, *(x.producer for x in inputs))))
        live = tuple(sorted(later & ({n for s in steps[: i + 1] for n in s.binds})))
        wanted = tuple(n for n in live if n in step.binds)
        cells = tuple(replace(c, index=i) for c in step.cells)
        made.append(
            replace(
                step,
                cells=cells,
                inputs=inputs,
                after=after,
                live=live,
                wanted=wanted,
                outputs=wanted,
                surely=step.binds,
            )
        )
    types = {int: "int", float: "float", str: "str"}
    given = tuple(Parameter(n, types[type(v)], v) for n, v in (parameters or {}).items())
    return Pipeline("hand-made", "kubeflow", given, tuple(made), modules=modules)


def make_step(name: str, source: str, *, needs: str = "", binds: str = "", after: str = "", **options: Any) -> Step:
    return Step(
        name, (Cell(name, 0, source),), after=tuple(after.split()), needs=tuple(needs.split()),
        binds=tuple(binds.split()), options=StepOptions(**options),
    )  # fmt: skip


def is_running(pid: int) -> bool:
    """False once the process has ended, even where its parent is an init that never reaps."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


@dataclass
class Bench:
    """Submits pipelines and reads back what happened."""

    settings: Settings
    store: Store
    engine: LocalEngine
    notebook: Path

    def request(self, pipeline: Pipeline, **more: Any) -> RunRequest:
        return RunRequest(str(self.notebook), b"{}", pipeline, **more)

    def submit(self, pipeline: Pipeline, **more: Any) -> str:
        return self.engine.submit(self.request(pipeline, **more))

    def run(self, pipeline: Pipeline, **more: Any) -> Run:
        run = self.submit(pipeline, **more)
        self.engine.wait(run, timeout=60)
        return self.store.metadata.run(run)

    def executions(self, run: str) -> dict[str, Execution]:
        """The newest execution of each step."""
        return {e.step: e for e in self.store.metadata.executions(run, current=True)}

    def states(self, run: str) -> dict[str, State]:
        return {step: e.state for step, e in self.executions(run).items()}

    def printed(self, run: str, step: str) -> str:
        return Path(self.executions(run)[step].folder, "stdout").read_text()

    def wait_for(self, run: str, found: Callable[[Event], bool]) -> Event:
        for event in self.store.metadata.follow(0, run, timeout=30):
            if found(event):
                return event
        raise AssertionError(f"it did not happen: {[e.kind for e in self.store.metadata.events(0, run)]}")

    def wait_for_text(self, run: str, step: str, text: str) -> Execution:
        """Wait until a running step has printed ``text``."""
        self.wait_for(run, lambda e: e.kind == "execution.started" and e.step == step)
        for _ in range(3000):
            execution = self.executions(run)[step]
            path = Path(execution.folder, "stdout")
            if path.exists() and text in path.read_text():
                return execution
            if execution.state.final:
                break
            time.sleep(0.01)
        raise AssertionError(f"{text!r} was not printed")


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def make(**settings: Any) -> Bench:
        found = Settings(home=tmp_path / "home", **{"grace": 0.3, "warm": 5.0, **settings})
        (tmp_path / "work").mkdir(exist_ok=True)
        store = open_store(found)
        opened.append(Bench(found, store, LocalEngine(found, store), tmp_path / "work" / "nb.ipynb"))
        return opened[-1]

    yield make
    for bench in opened:
        for run in bench.store.metadata.runs(limit=None):
            bench.engine.cancel(run.id)
            bench.engine.wait(run.id, timeout=20)
        bench.store.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()

"""Engine room, the brain: which step may start now, with which values. Pure: events in, instructions out.

No clock, no I/O, no randomness: the same events give the same instructions, so a run that was killed is rebuilt by
handing in :class:`Restored` for what was committed. The rule is *as-of semantics*, ``docs/design/0001-data-flow.md``:
a step is given, for each name, what the notebook would hold at its place. Where a parallel step could only have changed
a value as far as the text can tell, the scheduler bets that it does not; a lost bet supersedes the steps that were
given the stale value, and they run again.

>>> from jupyter_kf.model.pipeline import Pipeline, Step
>>> steps = (Step("a", (), binds=("x",), surely=("x",), live=("x",)), Step("b", (), after=("a",), needs=("x",)))
>>> scheduler = Scheduler(Pipeline("p", "kubeflow", (), steps))
>>> scheduler.handle(Begin())
[Launch(step='a', attempt=1, inputs=(), absent=(), unstorable={})]
>>> report = {"names": {"x": {"state": "stored", "digest": "d1"}}, "artifacts": [{"digest": "d1", "names": ["x"]}]}
>>> scheduler.handle(Finished("a", report))
[Launch(step='b', attempt=1, inputs=(Bundle(digest='d1', names=('x',)),), absent=(), unstorable={})]
>>> scheduler.handle(Finished("b", {"names": {}, "artifacts": []}))
[Finish(state=<State.SUCCEEDED: 'SUCCEEDED'>, error=None)]
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_kf.model.pipeline import IMPLICIT_NAMES, PRIVATE_NAMES, Pipeline
from jupyter_kf.model.run import State

Report = Mapping[str, Any]


# --- what happened -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Begin:
    """Everything that is to be restored has been handed in; go."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The step was committed before (this run, resumed, or the run that ``--from`` takes its inputs from).

    ``inputs`` is :attr:`Launch.values` of that attempt; ``None`` where the result must be taken as it is.
    """

    step: str
    report: Report
    attempt: int = 1
    inputs: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The step succeeded, by running or from the cache, and is committed."""

    step: str
    report: Report
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed; ``retry`` is false where trying again cannot help."""

    step: str
    error: Mapping[str, Any]
    retry: bool = True
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Start nothing more. The caller stops what runs and reports it as :class:`Stopped`."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt was killed because of a cancel or because it was superseded."""

    step: str
    attempt: int = 0


Event = Begin | Restored | Finished | Failed | CancelRequested | Stopped


# --- what to do ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Bundle:
    """A stored artifact and those of its names that the step gets bound."""

    digest: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """Start an attempt (or take it from the cache) and answer with Finished or Failed, naming the attempt.

    ``absent``: names that must not exist although a fragment would make them; ``unstorable``: names with the reason
    why they could not travel, to be quoted if the step misses one.
    """

    step: str
    attempt: int
    inputs: tuple[Bundle, ...] = ()
    absent: tuple[str, ...] = ()
    unstorable: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """Everything the step is given: name → digest, or an empty text for a name that must be absent."""
        given = {name: bundle.digest for bundle in self.inputs for name in bundle.names}
        return given | dict.fromkeys(self.absent, "")


@dataclass(frozen=True, slots=True)
class Supersede:
    """The attempt was given values that step ``by`` has changed since, or that come from a superseded step.

    ``running`` tells whether it must be killed (no answer is expected); it will be launched again.
    """

    step: str
    by: str
    names: tuple[str, ...]
    running: bool


@dataclass(frozen=True, slots=True)
class Skip:
    """The step will not run because ``because`` failed, was skipped, or was canceled."""

    step: str
    because: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""

    state: State
    error: Mapping[str, Any] | None = None


Instruction = Launch | Supersede | Skip | Finish


# --- the brain -----------------------------------------------------------------------------------
class _Phase(enum.Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class _Given:
    """What a step was given: name → artifact digest, an empty text for a name known to be absent."""

    values: Mapping[str, str]
    unstorable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Value:
    """Answer of a walk: ``wait`` (index of a step), a digest, absent, unstorable, or nothing (initial value)."""

    kind: str
    digest: str = ""
    wait: int = -1
    why: str = ""


_INITIAL = _Value("initial")
_ABSENT = _Value("absent")


@dataclass(slots=True)
class _Progress:
    phase: _Phase = _Phase.WAITING
    attempt: int = 0
    failures: int = 0
    given: _Given | None = None
    report: Report = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


class Scheduler:
    """Decides for one run. ``targets`` limits what may run (others are restored or left out).

    ``observed`` maps steps to names that earlier runs saw them change in place: those bets are not made again.
    ``in_order`` keeps the notebook's order whole.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        targets: Collection[str] | None = None,
        in_order: bool = False,
        observed: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._steps = pipeline.steps
        self._index = {step.name: i for i, step in enumerate(self._steps)}
        self._in_order = in_order
        self._progress = [_Progress() for _ in self._steps]
        for i, step in enumerate(self._steps):
            if targets is not None and step.name not in targets:
                self._progress[i].phase = _Phase.EXCLUDED
        self._before = [sorted(self._index[a] for a in s.after if a in self._index) for s in self._steps]
        if in_order:
            self._before = [sorted({*b, i - 1} - {-1}) for i, b in enumerate(self._before)]
        self._ancestors = self._closure()
        self._binds = [frozenset(s.binds) for s in self._steps]
        self._surely = [frozenset(s.surely) for s in self._steps]
        seen = observed or {}
        self._changes = [frozenset(s.changes) | frozenset(seen.get(s.name, ())) for s in self._steps]
        self._holders: dict[str, set[int]] = {}
        for i in range(len(self._steps)):
            for name in self._binds[i] | self._changes[i]:
                self._holders.setdefault(name, set()).add(i)
        self._artifacts: dict[str, Mapping[str, Any]] = {}
        self._begun = False
        self._canceled = False
        self._finished = False

    # -- public ------------------------------------------------------------------------------
    def handle(self, event: Event) -> list[Instruction]:
        """Take in one fact and return what to do now, in order. Facts about attempts given up are ignored."""
        match event:
            case Begin():
                self._begun = True
                return [*self._revalidate(0), *self._go_on()]
            case Restored(step, report, attempt, inputs):
                progress = self._progress[self._index[step]]
                progress.attempt = max(progress.attempt, attempt)
                progress.given = None if inputs is None else _Given(inputs, {})
                self._complete(self._index[step], report)
                return []
            case CancelRequested():
                self._canceled = True
                return self._go_on()
        i = self._index[event.step]
        progress = self._progress[i]
        if progress.phase is not _Phase.RUNNING or event.attempt not in (0, progress.attempt):
            return []
        lost: list[Instruction] = []
        match event:
            case Finished(_, report):
                self._complete(i, report)
                if any(e["state"] != "unchanged" for e in progress.report["names"].values()):
                    lost = self._revalidate(i)
            case Failed(_, error, retry):
                progress.failures += 1
                again = retry and progress.failures <= self._steps[i].options.retries and not self._canceled
                progress.phase = _Phase.WAITING if again else _Phase.FAILED
                progress.error = error
            case Stopped():
                progress.phase = _Phase.WAITING
        return lost + self._go_on()

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the steps that were launched and have not answered."""
        return tuple(s.name for s, p in zip(self._steps, self._progress, strict=True) if p.phase is _Phase.RUNNING)

    def changed_by(self, step: str) -> tuple[str, ...]:
        """Names that ``step`` was given and left changed, for ``observed`` of later runs."""
        progress = self._progress[self._index[step]]
        given = progress.given.values if progress.given else {}
        binds = self._binds[self._index[step]]
        names = progress.report.get("names", {})
        return tuple(n for n, e in names.items() if e["state"] == "stored" and n in given and n not in binds)

    # -- folding -----------------------------------------------------------------------------
    def _complete(self, i: int, report: Report) -> None:
        """Take in a report, less the names it calls absent that the step neither had nor could bind."""
        progress = self._progress[i]
        had = progress.given.values if progress.given else report.get("names", {})
        names = {
            name: entry
            for name, entry in report.get("names", {}).items()
            if entry["state"] != "absent" or name in self._binds[i] or name in had
        }
        progress.phase, progress.report, progress.error = _Phase.DONE, {**report, "names": names}, None
        for artifact in report.get("artifacts", ()):
            self._artifacts[artifact["digest"]] = artifact
        for name, entry in names.items():
            if entry["state"] != "unchanged":
                self._holders.setdefault(name, set()).add(i)

    def _revalidate(self, changer: int) -> list[Instruction]:
        """Supersede every later step whose given values are no longer those of its place."""
        lost: list[Instruction] = []
        for i in range(changer + 1, len(self._steps)):
            progress = self._progress[i]
            if progress.phase not in (_Phase.RUNNING, _Phase.DONE, _Phase.FAILED) or progress.given is None:
                continue
            now = self._resolve(i)
            if isinstance(now, _Given) and now.values == progress.given.values:
                continue
            stale = _difference(progress.given, now) if isinstance(now, _Given) else ()
            by = self._steps[changer if isinstance(now, _Given) else now].name
            lost.append(Supersede(self._steps[i].name, by, stale, progress.phase is _Phase.RUNNING))
            progress.phase, progress.report, progress.given = _Phase.WAITING, {}, None
        return lost

    # -- deciding ----------------------------------------------------------------------------
    def _go_on(self) -> list[Instruction]:
        if not self._begun or self._finished:
            return []
        made: list[Instruction] = []
        if not self._canceled:
            for i, progress in enumerate(self._progress):
                if progress.phase is _Phase.WAITING:
                    launch = self._try(i)
                    if launch:
                        made.append(launch)
        if not any(p.phase is _Phase.RUNNING for p in self._progress):
            self._finished = True
            made += self._end()
        return made

    def _try(self, i: int) -> Launch | None:
        given = self._resolve(i)
        if not isinstance(given, _Given):
            return None
        progress = self._progress[i]
        progress.phase, progress.given = _Phase.RUNNING, given
        progress.attempt += 1
        bundles: dict[str, list[str]] = {}
        for name, digest in sorted(given.values.items()):
            if digest:
                bundles.setdefault(digest, []).append(name)
        return Launch(
            self._steps[i].name,
            progress.attempt,
            tuple(Bundle(d, tuple(n)) for d, n in sorted(bundles.items(), key=lambda item: item[1])),
            tuple(sorted(n for n, d in given.values.items() if not d)),
            given.unstorable,
        )

    def _end(self) -> list[Instruction]:
        failed = [i for i, p in enumerate(self._progress) if p.phase is _Phase.FAILED]
        waiting = [i for i, p in enumerate(self._progress) if p.phase is _Phase.WAITING]
        made: list[Instruction] = [Skip(self._steps[i].name, self._blocker(i, failed)) for i in waiting]
        if self._canceled and (waiting or failed):
            return [*made, Finish(State.CANCELED)]
        if failed:
            return [*made, Finish(State.FAILED, self._progress[failed[0]].error)]
        if waiting:
            first = self._steps[waiting[0]].name
            error = {
                "type": "EngineError",
                "code": "KF708",
                "message": f"Step {first!r} waits for a step that is not part of this run and has no earlier result.",
                "fix": "Run the whole pipeline once, or name the run to take results from.",
            }
            return [*made, Finish(State.FAILED, error)]
        return [Finish(State.SUCCEEDED)]

    def _blocker(self, i: int, failed: Iterable[int]) -> str:
        if self._canceled:
            return "canceled"
        before = [f for f in failed if f in self._ancestors[i]] or [f for f in failed if f < i] or list(failed)
        return self._steps[before[-1]].name if before else ""

    # -- as-of semantics -----------------------------------------------------------------------
    def _resolve(self, i: int) -> _Given | int:
        """What step ``i`` is given now, or the index of a step it must wait for."""
        for q in self._before[i]:
            if self._progress[q].phase is not _Phase.DONE:
                return q
        values: dict[str, str] = {}
        unstorable: dict[str, str] = {}
        todo = sorted(set(self._steps[i].needs) - PRIVATE_NAMES, reverse=True)
        asked = set(todo)
        while todo:
            name = todo.pop()
            value = self._value(name, i)
            if value.kind == "wait":
                return value.wait
            if value.kind == "absent":
                values[name] = ""
            elif value.kind == "unstorable":
                unstorable[name] = value.why
            elif value.kind == "stored":
                values[name] = value.digest
                artifact = self._artifacts.get(value.digest, {})
                for late in artifact.get("late", ()):
                    if late not in asked and late not in PRIVATE_NAMES:
                        asked.add(late)
                        todo.append(late)
                for mate in artifact.get("names", ()):
                    if mate not in asked and not self._surely_other(mate, i, value.digest):
                        found = self._value(mate, i)
                        if found.kind == "wait":
                            return found.wait
                        if found.digest == value.digest:
                            asked.add(mate)
                            values[mate] = value.digest
        return _Given(values, unstorable)

    def _value(self, name: str, i: int) -> _Value:
        """Walk back from step ``i`` to what ``name`` is there."""
        for q in sorted((h for h in self._holders.get(name, ()) if h < i), reverse=True):
            progress = self._progress[q]
            if name in IMPLICIT_NAMES and q not in self._ancestors[i]:
                continue
            if progress.phase is not _Phase.DONE:
                if name in self._binds[q] or name in self._changes[q]:
                    return _Value("wait", wait=q)
                continue
            entry = progress.report.get("names", {}).get(name)
            if entry is None:
                if name in self._surely[q]:
                    return _ABSENT
                continue
            match entry["state"]:
                case "stored":
                    return _Value("stored", digest=entry["digest"])
                case "absent":
                    return _ABSENT
                case "unstorable":
                    return _Value("unstorable", why=str(entry.get("why", "")))
        return _INITIAL

    def _surely_other(self, mate: str, i: int, digest: str) -> bool:
        """True where a step that has yet to run binds ``mate`` for sure, so that it cannot be ``digest``'s any more."""
        for q in sorted((h for h in self._holders.get(mate, ()) if h < i), reverse=True):
            if self._progress[q].phase is _Phase.DONE:
                entry = self._progress[q].report.get("names", {}).get(mate)
                if entry is not None and entry["state"] != "unchanged":
                    return bool(entry.get("digest") != digest)
            elif mate in self._surely[q]:
                return True
        return False

    def _closure(self) -> list[frozenset[int]]:
        closed: list[frozenset[int]] = []
        for i, direct in enumerate(self._before):
            found: set[int] = set()
            for q in direct:
                found.add(q)
                if q < i:
                    found |= closed[q]
            closed.append(frozenset(found))
        return closed


def _difference(old: _Given, new: _Given) -> tuple[str, ...]:
    names = set(old.values) | set(new.values)
    return tuple(sorted(n for n in names if old.values.get(n, "") != new.values.get(n, "")))

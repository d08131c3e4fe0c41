"""Server room, live: the store's log, followed in a thread of its own, becomes events for whoever is connected.

A change is told at once where its run was quiet for :data:`PAUSE` seconds; else it waits until they are over. Whatever
waits is told together, so that each message says all up to its cursor and a client needs one number to catch up.
While nobody listens and nothing runs, the log is looked at every :data:`IDLE` seconds only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from jupyter_kf.errors import KFError
from jupyter_kf.model.change import Changes, Touch
from jupyter_kf.model.run import Run, State
from jupyter_kf.workbench import Workbench

log = logging.getLogger(__name__)

#: Seconds between two messages about a run that changes all the time.
PAUSE = 0.1
#: Seconds between two looks while nobody would notice.
IDLE = 2.0
#: Seconds between two searches for runs whose process is gone, while there are unfinished ones.
RECOVERY = 10.0
_TICK = 0.25
_UNFINISHED = (State.PENDING, State.RUNNING, State.CANCELING, State.PAUSED)


class Live:
    """Follows the log from :meth:`start` to :meth:`stop`.

    Args:
        open_bench: makes the workbench that the thread uses alone.
        tell: called in the thread with each change.
        listened: true while somebody would hear what is told.
        there: true once there is a store; before, none is made.
    """

    def __init__(
        self,
        open_bench: Callable[[], Workbench],
        tell: Callable[[Changes], None],
        *,
        listened: Callable[[], bool],
        there: Callable[[], bool],
    ) -> None:
        self._open_bench = open_bench
        self._tell = tell
        self._listened = listened
        self._there = there
        self._over = threading.Event()
        self._woken = threading.Event()
        self._unfinished: dict[str, Run] = {}
        self._pace: _Pace | None = None
        self._thread = threading.Thread(target=self._run, name="jupyter_kf live", daemon=True)

    @property
    def unfinished(self) -> tuple[Run, ...]:
        """The runs that are not over, as far as was seen."""
        return tuple(self._unfinished.copy().values())

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once, whatever the pace: somebody began to listen, or started something."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread and wait until it has."""
        self._over.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    # in the thread

    def _run(self) -> None:
        said = ""
        if not self._made():
            self._pace = _Pace(0)
        while not self._over.is_set():
            try:
                if self._there():
                    with self._open_bench() as bench:
                        self._follow(bench)
                said = ""
            except (KFError, OSError) as exc:  # the store is away: look again later, from what it holds then
                if str(exc) != said:
                    log.warning("Runs cannot be followed at the moment: %s", exc)
                said = str(exc)
            self._rest(IDLE)

    def _follow(self, bench: Workbench) -> None:
        metadata = bench.store.metadata
        if self._pace is None:
            self._pace = _Pace(metadata.cursor())
        pace = self._pace
        pace.again()
        # who asked for runs before this thread was ready learns from it that something may have happened since
        self._tell(Changes(pace.told, pace.told))
        bench.recover()
        recovered = time.monotonic()
        self._unfinished = {run.id: run for run in metadata.runs(states=_UNFINISHED, limit=None)}
        watcher = bench.store.database.watcher()
        try:
            look = True
            while not self._over.is_set():
                if look:
                    pace.note(metadata.touched(pace.seen))
                if pace.due(time.monotonic()):
                    after, touches = pace.told, pace.take(time.monotonic())
                    changes = metadata.changes(after, touches)
                    pace.went(changes.cursor)
                    self._flush(changes)
                    look = True  # there may be more than was asked for at a time
                    continue
                if self._unfinished and time.monotonic() - recovered > RECOVERY:
                    bench.recover()
                    recovered = time.monotonic()
                if self._listened() or self._unfinished or pace.waits:
                    look = watcher.wait(pace.left(time.monotonic()), keen=bool(self._unfinished))
                else:
                    self._rest(IDLE)
                    look = True
        finally:
            watcher.close()

    def _made(self) -> bool:
        """True where the store is there already, or where nobody can say."""
        try:
            return self._there()
        except (KFError, OSError):
            return True

    def _rest(self, seconds: float) -> None:
        self._woken.wait(seconds)
        if not self._over.is_set():
            self._woken.clear()

    def _flush(self, changes: Changes) -> None:
        for run in changes.runs:
            if run.state.final:
                self._unfinished.pop(run.id, None)
            else:
                self._unfinished[run.id] = run
        for gone in changes.deleted:
            self._unfinished.pop(gone, None)
        self._tell(changes)


class _Pace:
    """What was seen of the log and what was told of it: decides when to tell. Knows no clock, is given the time."""

    def __init__(self, cursor: int) -> None:
        self.seen = self.told = cursor
        self._waiting: list[Touch] = []
        self._at = 0.0
        self._last: dict[str, float] = {}

    def again(self) -> None:
        """Begin once more after what was told: something may have been lost on the way."""
        self.seen, self._waiting = self.told, []

    @property
    def waits(self) -> bool:
        """True where something is seen and not told."""
        return bool(self._waiting)

    def note(self, touches: Sequence[Touch]) -> None:
        """Take in what happened; settle when it is to be told."""
        if not touches:
            return
        self.seen = touches[-1].cursor
        soonest = min(self._last.get(t.run, 0.0) + PAUSE for t in touches)
        self._at = min(self._at, soonest) if self._waiting else soonest
        self._waiting += touches

    def due(self, now: float) -> bool:
        """True where something must be told now."""
        return bool(self._waiting) and now >= self._at

    def left(self, now: float) -> float:
        """Return for how many seconds there is nothing to do unless something happens."""
        return max(min(self._at - now, _TICK), 0.0) if self._waiting else _TICK

    def take(self, now: float) -> list[Touch]:
        """Return what is to be told; it counts as told then."""
        taken, self._waiting = self._waiting, []
        self._last = {run: at for run, at in self._last.items() if now - at < PAUSE}
        self._last |= dict.fromkeys((t.run for t in taken), now)
        return taken

    def went(self, cursor: int) -> None:
        """Note up to where it was told."""
        self.told = cursor
        self.seen = max(self.seen, cursor)

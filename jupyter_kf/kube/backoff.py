"""Kubernetes: how long to wait before trying again."""

from __future__ import annotations

import random


class Backoff:
    """Waits that double up to a cap, each drawn from its upper half, so that many clients do not come at once.

    It never gives up: who asks gets one more wait.

    Args:
        first: seconds of the first wait, at most.
        cap: seconds that no wait exceeds, but one that the server asked for.
        rng: source of the jitter.
    """

    def __init__(self, first: float = 0.5, cap: float = 30.0, rng: random.Random | None = None) -> None:
        self._first = first
        self._cap = cap
        self._rng = rng or random.Random()
        self._failures = 0

    def wait(self, at_least: float = 0.0) -> float:
        """Return the seconds of the next wait; ``at_least`` what the server asked for, jitter comes on top."""
        bound = min(self._cap, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        drawn = self._rng.uniform(bound / 2, bound)
        return max(drawn, at_least + self._rng.uniform(0, bound / 2)) if at_least else drawn

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._failures = 0

"""The guest's room, random numbers: generator states as the implicit variables ``<random>`` and ``<numpy.random>``.

A step is given them as ordinary values of its namespace; :class:`RandomStates` sets the generators by them, and puts
the states back into the namespace at the end. A generator that nobody set and nobody drew from has no state to hand on.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, Optional

RANDOM = "<random>"
NUMPY_RANDOM = "<numpy.random>"
NAMES = (RANDOM, NUMPY_RANDOM)


def reseed() -> None:
    """Give every generator that is loaded a state of its own: a forked child must not repeat its siblings' numbers."""
    loaded = sys.modules.get("random")
    if loaded is not None:
        loaded.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


class RandomStates:
    """The states of one step, from what it was given to what it leaves."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [name for name in NAMES if name in set(names)]
        self._given: Dict[str, Any] = {}
        self._before: Dict[str, Any] = {}

    def set(self, namespace: Dict[str, Any]) -> None:
        """Take the given states out of the namespace and set the generators by them."""
        for name in NAMES:
            if name not in namespace:
                continue
            state = self._given[name] = namespace.pop(name)
            if name == RANDOM:
                import random

                random.setstate(state)
            else:
                import numpy.random

                numpy.random.set_state(state)
        for name in self._names:
            if name not in self._given:
                self._before[name] = _comparable(_state(name))

    def put_back(self, namespace: Dict[str, Any]) -> None:
        """Put the states that later steps go on from into the namespace."""
        for name in self._names:
            state = _state(name)
            if state is None or (name not in self._given and _comparable(state) == self._before.get(name)):
                continue
            namespace[name] = state


def _state(name: str) -> Optional[Any]:
    if name == RANDOM:
        loaded = sys.modules.get("random")
        return loaded.getstate() if loaded is not None else None
    loaded = sys.modules.get("numpy.random")
    return loaded.get_state(legacy=False) if loaded is not None else None


def _comparable(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    inner = state["state"]
    plain = {k: v.tobytes() if hasattr(v, "tobytes") else v for k, v in inner.items()}
    return {**state, "state": plain}

"""The guest's room, event loops: what a cell finds as the running asyncio loop, although most cells need none.

In a kernel every cell runs within a running loop. To make one and to run it costs a forked child more than a trivial
step does, so cells without ``await`` are executed beside a loop that sleeps: it opens its descriptors and takes part
as soon as anybody uses it, and is an ordinary one from then on.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

_Ordinary = asyncio.SelectorEventLoop


class SleepingLoop(_Ordinary):
    """A loop that was not made yet: the first use of any part of its state makes it, and an ordinary one of it."""

    def __init__(self) -> None:
        """Make nothing yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _wake(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "__class__":
            _wake(self)
        object.__setattr__(self, name, value)

    def __del__(self, *args: Any) -> None:
        """Nothing was opened, nothing is to be closed."""


def is_awake(loop: asyncio.AbstractEventLoop) -> bool:
    """Say whether anybody has used the loop."""
    return type(loop) is not SleepingLoop


def present(loop: asyncio.AbstractEventLoop) -> None:
    """Let ``loop`` be the running one for code that is executed here and now, beside it, until :func:`withdraw`."""
    asyncio._set_running_loop(loop)
    if is_awake(loop):
        _call_running(loop, True)


def withdraw(loop: asyncio.AbstractEventLoop) -> None:
    """Have no loop running, as before :func:`present`."""
    asyncio._set_running_loop(None)
    if is_awake(loop):
        _call_running(loop, False)


def _wake(loop: Any) -> None:
    object.__setattr__(loop, "__class__", _Ordinary)
    _Ordinary.__init__(loop)
    if asyncio._get_running_loop() is loop:
        _call_running(loop, True)


def _call_running(loop: Any, running: bool) -> None:
    """Set what ``loop.is_running()`` looks at."""
    loop._thread_id = threading.get_ident() if running else None

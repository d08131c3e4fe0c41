"""Words for what happened. Events are facts, appended once and never changed; all state is a fold over them.

Kinds and their payloads (``data``), version 1:

========================  =============================================================================
``run.submitted``         ``name kind experiment notebook pipeline engine parameters tags snapshot
                          environment steps`` (how many may run)
``run.started``           ``pid`` of the supervisor
``run.canceling``         nothing
``run.finished``          ``state`` (SUCCEEDED, FAILED, CANCELED), ``error``
``run.interrupted``       nothing: somebody found the run without a living supervisor
``run.resumed``           ``edited`` (bool), ``snapshot``, ``parameters``, ``steps``
``run.tagged``            ``tags`` (a value of null removes the tag)
``run.noted``             ``note``
``run.parameter``         ``name value``: logged by user code
``run.deleted``           nothing
``execution.waiting``     ``reason``: what the queue waits for, and who holds it
``execution.started``     ``attempt inputs cache_key reason folder pid``
``execution.progress``    ``done total`` cells of a whole notebook, ``cell`` the id now running
``execution.finished``    ``state cached attempt cache_key reason seconds inputs outputs report error
                          artifacts`` (list of :meth:`Artifact.to_dict`)
``execution.superseded``  ``by`` the step whose change made this execution's inputs stale; it runs again
``metrics.logged``        ``points``: list of ``[name, value, step or null, time]``
``artifact.logged``       ``name artifact``
``job.changed``           ``status`` (a :class:`~jupyter_kf.model.job.JobStatus` as a dict), ``waits_for``
========================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVENT_VERSION = 1
KINDS = frozenset(
    {
        "run.submitted",
        "run.started",
        "run.canceling",
        "run.finished",
        "run.interrupted",
        "run.resumed",
        "run.tagged",
        "run.noted",
        "run.parameter",
        "run.deleted",
        "execution.waiting",
        "execution.started",
        "execution.progress",
        "execution.finished",
        "execution.superseded",
        "metrics.logged",
        "artifact.logged",
        "job.changed",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact. ``cursor`` is its place in the log (0 before it is stored); ``execution`` and ``step`` may be empty."""

    kind: str
    run: str
    time: float
    step: str = ""
    execution: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    cursor: int = 0
    version: int = EVENT_VERSION

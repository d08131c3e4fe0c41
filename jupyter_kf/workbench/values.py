"""Workbench room: a step's variables out of the store, back into Python."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import StoreError, UsageError
from jupyter_kf.model.artifact import Artifact
from jupyter_kf.model.pipeline import IMPLICIT_NAMES
from jupyter_kf.workbench.views import RunView, Values

if TYPE_CHECKING:
    from jupyter_kf.store import Store


@dataclass(slots=True)
class _Held:
    """What a step has: digests by name, plain values (parameters) by name, reasons for what cannot be had by name."""

    digests: dict[str, str] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        return list(dict.fromkeys([*self.digests, *self.plain]))


def describe_values(store: Store, view: RunView, step: str, names: Sequence[str], *, inputs: bool) -> Values:
    """Return names with types and previews, from metadata alone."""
    held = _chosen(_held(view, step, inputs), step, names, inputs)
    known = _artifacts(store, held)
    types: dict[str, str] = {}
    previews: dict[str, str] = {}
    for name in held.names():
        if name in held.plain:
            types[name], previews[name] = type(held.plain[name]).__name__, repr(held.plain[name])
        elif (artifact := known.get(held.digests[name])) is not None:
            types[name] = artifact.types.get(name, "")
            preview = artifact.meta.get("preview")
            previews[name] = str(preview.get(name, "")) if isinstance(preview, Mapping) else ""
    return Values(view.id, step, {}, types, previews, held.missing, inputs)


def load_values(
    store: Store, view: RunView, step: str, names: Sequence[str], *, inputs: bool, namespace: dict[str, Any] | None
) -> Values:
    """Load variables and bind them in ``namespace``, with the definitions that they need to work.

    Raises:
        UsageError: KF423 for a name that is not there.
        StoreError: KF620 an artifact cannot be loaded here; KF621 it must not be unpickled.
    """
    from jupyter_kf.runtime.bundle import BundleError, load
    from jupyter_kf.runtime.namespace import Namespace, UnknownName

    held = _chosen(_held(view, step, inputs), step, names, inputs)
    described = describe_values(store, view, step, held.names(), inputs=inputs)
    if held.digests and not store.trusted:
        raise StoreError(
            "Values of this store are not loaded: others may write to it, and loading a pickle runs code.",
            code="KF621",
            fix="Where you trust everybody who can write there, set JUPYTER_KF_TRUST=1.",
        )
    pipeline = view.pipeline
    fragments = [asdict(fragment) for fragment in pipeline.fragments] if pipeline else []
    place = {s.name: s for s in pipeline.steps}.get(step) if pipeline else None
    until = max((cell.index for cell in place.cells), default=None) if place else None
    variables = {"__name__": "__main__"} if namespace is None else namespace
    room = Namespace(variables, fragments, until=until)
    values = dict(held.plain)
    variables.update(held.plain)
    for digest in dict.fromkeys(held.digests.values()):
        wanted = [name for name, own in held.digests.items() if own == digest]
        try:
            values.update(load(str(store.artifacts.path(digest)), wanted, room, digest=digest))
        except (BundleError, UnknownName) as exc:
            fix = getattr(exc, "fix", "") or "Run the step again."
            raise StoreError(f"{', '.join(wanted)} cannot be loaded: {exc}", code="KF620", fix=fix) from exc
        except ImportError as exc:
            raise StoreError(
                f"{', '.join(wanted)} cannot be loaded here: {exc}.",
                code="KF620",
                fix="Use the environment that the step ran in, or install the package here.",
            ) from exc
    ordered = {name: values[name] for name in held.names()}
    return Values(view.id, step, ordered, described.types, described.previews, held.missing, inputs)


def _held(view: RunView, step: str, inputs: bool) -> _Held:
    execution = view.execution(step)
    if execution is None:
        raise UsageError(
            f"Step {step!r} has not begun in run {view.name}.",
            code="KF424",
            fix="Wait for it, or name another run.",
        )
    held = _Held({n: d for n, d in execution.inputs.items() if n not in IMPLICIT_NAMES})
    pipeline_step = {s.name: s for s in view.pipeline.steps}.get(step) if view.pipeline else None
    needs = set(pipeline_step.needs) if pipeline_step else set()
    given = {n: v for n, v in view.run.parameters.items() if n in needs and n not in held.digests}
    if inputs:
        held.plain = given
        return held
    held.digests.update({n: d for n, d in execution.outputs.items() if n not in IMPLICIT_NAMES})
    held.plain = {n: v for n, v in given.items() if n not in held.digests}
    for name, said in ((execution.report or {}).get("names") or {}).items():
        if said.get("state") == "absent":
            held.digests.pop(name, None)
            held.plain.pop(name, None)
        elif said.get("state") == "unstorable":
            held.digests.pop(name, None)
            held.plain.pop(name, None)
            held.missing[name] = f"cannot be stored: {said.get('why', '')}"
    return held


def _chosen(held: _Held, step: str, names: Sequence[str], inputs: bool) -> _Held:
    if not names:
        return held
    for name in names:
        if name in held.missing:
            raise UsageError(f"{name!r} of step {step!r} {held.missing[name]}.", code="KF423")
        if name not in held.names():
            near = difflib.get_close_matches(name, held.names(), 1)
            listed = ", ".join(held.names()) or "nothing"
            what = "was not given" if inputs else "has kept no value"
            fix = (
                f"Did you mean {near[0]!r}?"
                if near
                else f"There is: {listed}. Only what a later step may need is kept."
            )
            raise UsageError(f"Step {step!r} {what} {name!r}.", code="KF423", fix=fix)
    return _Held(
        {n: held.digests[n] for n in names if n in held.digests},
        {n: held.plain[n] for n in names if n in held.plain},
    )


def _artifacts(store: Store, held: _Held) -> dict[str, Artifact]:
    found = {}
    for digest in dict.fromkeys(held.digests.values()):
        try:
            found[digest] = store.metadata.artifact(digest)
        except UsageError:  # deleted since; its name can still be listed
            continue
    return found

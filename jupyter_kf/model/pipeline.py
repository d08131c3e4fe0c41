"""Words for *what* runs: a pipeline, its steps, its parameters and the source that travels with it.

A :class:`Pipeline` is the whole answer of the notebook room: engines, compilers and the guest read nothing else.
Its rules are written down in ``docs/design/0001-data-flow.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

#: Names that never travel between steps, whatever the analysis says.
PRIVATE_NAMES = frozenset({"_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh", "_dh", "In", "Out", "exit", "quit"})

#: Implicit variable that carries the state of the ``random`` module.
RANDOM_STATE = "<random>"
#: Implicit variable that carries the state of ``numpy.random``.
NUMPY_RANDOM_STATE = "<numpy.random>"
IMPLICIT_NAMES = (RANDOM_STATE, NUMPY_RANDOM_STATE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell as it stands in the notebook.

    ``id`` is the cell's id, or its index as text in a notebook without ids; ``index`` counts all cells of the file
    from 0; ``source`` is the full text, directive line included, so that line numbers stay true.
    """

    id: str
    index: int
    source: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of source that is *replayed* in each step that needs it, instead of shipping what it makes.

    ``kind``: ``import``, ``definition`` (pure function or class), ``literal`` (a name bound to a literal),
    ``setup`` (a whole setup cell) or ``derived`` (non-literal statement of the parameters cell).
    ``source`` is Python text after IPython's transformation (a setup cell keeps IPython text: ``ipython`` is then
    true). ``names`` are bound by it, ``needs`` are read while it executes, ``late`` when what it defines is called.
    ``line`` counts from 1 in the cell. ``future`` lists the ``__future__`` features in force.
    """

    id: str
    kind: Literal["import", "definition", "literal", "setup", "derived"]
    names: tuple[str, ...]
    source: str
    cell: str
    cell_index: int
    line: int
    needs: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    ipython: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A pipeline parameter: ``type`` is ``int``, ``float``, ``str``, ``bool``, ``list``, ``dict`` or ``none``."""

    name: str
    type: str
    default: Any
    cell: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What the directive says beyond the name. ``cpu`` in cores, ``memory`` in bytes, ``timeout`` in seconds."""

    after: tuple[str, ...] = ()
    image: str | None = None
    packages: tuple[str, ...] = ()
    cpu: float | None = None
    memory: int | None = None
    gpu: int = 0
    accelerator: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    retries: int = 0
    timeout: float | None = None
    cache: bool = True
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a step takes from ``producer`` as far as the text alone can tell."""

    name: str
    producer: str


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the pipeline; steps stand in :attr:`Pipeline.steps` in notebook order (order of their first cell).

    What the analysis found (see ``docs/design/0001-data-flow.md``):

    - ``inputs``: shipped values with their static producer; ``outputs``: names of which this step is the static
      producer for some later step.
    - ``after``: names of the steps that come directly before it (declared, path and data edges together).
    - ``order``: the declared and path edges only.
    - ``needs``: every name that must be in the namespace if it exists, shipped ones and parameters alike.
    - ``binds``: names the step may bind or delete; ``surely`` ⊆ ``binds``: bound whenever the step succeeds.
    - ``changes``: given names that its text changes in place beyond doubt (item or attribute store, augmented
      assignment, known mutating methods).
    - ``replay``: ids of the fragments to execute first, in order.
    - ``live``: names that steps after this one may want; whatever of them exists at the end is reported.
    - ``wanted`` ⊆ ``live``: names some later step needs by its text; if one of these cannot be stored the step fails.
    """

    name: str
    cells: tuple[Cell, ...]
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    surely: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    options: StepOptions = StepOptions()
    future: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A notebook as a pipeline. ``fragments`` holds every replayable piece by id, in notebook order.

    ``modules`` are the top-level packages that the pipeline imports; ``kernel`` the kernelspec's name.
    """

    name: str
    dialect: Literal["kubeflow", "kale"]
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    fragments: tuple[Fragment, ...] = ()
    notebook: str = ""
    kernel: str = ""
    language: str = "python"
    modules: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """Return the step called ``name``; raises :class:`KeyError` where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; :func:`pipeline_from_dict` is its inverse."""
        data: dict[str, Any] = _plain(self)
        return data

    def summary(self) -> dict[str, Any]:
        """Return the ``pipeline`` object of ``jupyter kf check --json``."""
        return {
            "name": self.name,
            "parameters": [{"name": p.name, "type": p.type, "default": p.default} for p in self.parameters],
            "steps": [
                {
                    "name": s.name,
                    "cells": [c.id for c in s.cells],
                    "inputs": [i.name for i in s.inputs if i.name not in IMPLICIT_NAMES],
                    "outputs": [n for n in s.outputs if n not in IMPLICIT_NAMES],
                    "after": list(s.after),
                }
                for s in self.steps
            ],
        }


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a notebook. ``line`` counts from 1 in the cell, ``cell_index`` from 0 in the file."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    fix: str
    cell: str | None = None
    cell_index: int | None = None
    line: int | None = None
    why: str = ""
    edit: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the object that ``check --json`` prints."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _tupled(cls: type, data: Mapping[str, Any], **made: Any) -> Any:
    known = {f.name for f in fields(cls)}
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known and k not in made}
    return cls(**plain, **made)


def pipeline_from_dict(data: Mapping[str, Any]) -> Pipeline:
    """Build a :class:`Pipeline` from :meth:`Pipeline.to_dict`'s data. Unknown keys of a newer version are ignored."""
    steps = tuple(
        _tupled(
            Step,
            s,
            cells=tuple(Cell(**c) for c in s["cells"]),
            inputs=tuple(Input(**i) for i in s["inputs"]),
            options=_tupled(StepOptions, s["options"]),
        )
        for s in data["steps"]
    )
    pipeline: Pipeline = _tupled(
        Pipeline,
        data,
        steps=steps,
        parameters=tuple(Parameter(**p) for p in data["parameters"]),
        fragments=tuple(_tupled(Fragment, f) for f in data["fragments"]),
    )
    return pipeline

"""Engine room, the door: what every engine can be asked, and the request it is asked with."""

from __future__ import annotations

import abc
import ast
import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_kf.errors import ParameterError
from jupyter_kf.model.event import Event
from jupyter_kf.model.pipeline import Diagnostic, Parameter, Pipeline, StepOptions
from jupyter_kf.model.run import State

#: Module that runs a pipeline in the process of its own that each run has.
SUPERVISOR = "jupyter_kf.engine.supervisor"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Everything an engine needs to start a run; nothing is read from the notebook's file afterwards.

    ``snapshot``: bytes of the notebook as it is now. ``parameters``: values, or text as typed after ``-p``. ``only``,
    ``from_`` and ``until`` name steps; the values of the others come from ``base_run`` (empty: the notebook's last
    successful run). ``python``: interpreter of the steps (empty: that of ``kernel``, a kernelspec's name; both empty:
    the one running now). ``kind``: see :class:`~jupyter_kf.model.run.Run`. ``program``: module that runs in the run's
    own process, started with the run's folder as its argument. ``details``: plain JSON data for that program.
    """

    notebook: str
    snapshot: bytes
    pipeline: Pipeline | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    experiment: str = ""
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    no_cache: bool = False
    only: tuple[str, ...] = ()
    from_: str = ""
    until: str = ""
    base_run: str = ""
    in_order: bool = False
    python: str = ""
    kernel: str = ""
    kind: str = "pipeline"
    program: str = SUPERVISOR
    details: Mapping[str, Any] = field(default_factory=dict)


class Engine(abc.ABC):
    """Where runs run. Found by the entry point group ``jupyter_kf.engines``; made with ``(settings, store)``."""

    @abc.abstractmethod
    def capabilities(self) -> frozenset[str]:
        """Names of what this engine can do: step options (``cpu gpu secret …``) and run options (``only resume …``)."""

    @abc.abstractmethod
    def submit(self, request: RunRequest) -> str:
        """Start a run and return its id; the run goes on whatever becomes of the caller.

        Raises:
            ParameterError: KF300, KF301.
            UsageError: KF45x for a step or run that does not exist.
            ConfigError: KF505 to KF509 where the kernel, a secret or a package that the notebook imports is missing.
            EngineError: KF70x where the run cannot be started or could never get what it asks for.
        """

    @abc.abstractmethod
    def cancel(self, run: str) -> None:
        """Ask a run to stop; its processes are ended, politely first. Returns at once. A finished run is left alone."""

    @abc.abstractmethod
    def resume(self, run: str, request: RunRequest | None = None) -> str:
        """Go on with a run from what it committed, with ``request``'s notebook where given; return the run's id."""

    @abc.abstractmethod
    def recover(self) -> list[str]:
        """Mark runs that no process looks after any more INTERRUPTED, clean up after them, return their ids."""

    @abc.abstractmethod
    def wait(
        self, run: str, on_event: Callable[[Event], None] | None = None, *, after: int = 0, timeout: float | None = None
    ) -> State:
        """Follow a run's events, from any process, until it is over or ``timeout`` seconds have gone.

        ``after`` is the cursor of the last event already seen. Returns the run's state.
        """

    @abc.abstractmethod
    def delete(self, run: str) -> None:
        """Forget a finished run; its folder goes at once, its artifacts with the next garbage collection."""


#: Step options that say where a step would run best; an engine without them runs the step all the same.
_ADVICE = {"image": "The step runs in the notebook's own environment.", "accelerator": "Any GPU will do."}


def unsupported(pipeline: Pipeline, capabilities: frozenset[str]) -> list[Diagnostic]:
    """Return what the steps ask for that an engine cannot do: KF702, an error unless it is only advice."""
    nothing = StepOptions()
    asked = {
        "image": "image", "accelerator": "accelerator", "packages": "packages", "cpu": "cpu", "memory": "memory",
        "gpu": "gpu", "env": "env", "secrets": "secret", "retries": "retries", "timeout": "timeout",
    }  # fmt: skip
    found = []
    for step in pipeline.steps:
        for attribute, name in asked.items():
            if name in capabilities or getattr(step.options, attribute) == getattr(nothing, attribute):
                continue
            cell = step.cells[0] if step.cells else None
            found.append(
                Diagnostic(
                    "KF702",
                    "warning" if name in _ADVICE else "error",
                    f"Step {step.name!r} has --{name}, which this engine does not use.",
                    _ADVICE.get(name, "Remove the option, or run on another engine."),
                    cell.id if cell else None,
                    cell.index if cell else None,
                    1,
                )
            )
    return found


def resolve_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each parameter of the pipeline: the given one, converted to its type, or its default.

    Raises:
        ParameterError: KF300 for an unknown name (with the nearest known one), KF301 for a value of another type.
    """
    known = {p.name: p for p in pipeline.parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            listed = (
                f"The parameters are: {', '.join(known)}." if known else "The notebook has no %%kubeflow params cell."
            )
            raise ParameterError(
                f"The pipeline has no parameter {name!r}.", fix=f"Did you mean {near[0]!r}?" if near else listed
            )
    return {n: convert_parameter(p, given[n]) if n in given else p.default for n, p in known.items()}


def convert_parameter(parameter: Parameter, value: Any) -> Any:
    """Return ``value``, which may be text from a command line, as a value of the parameter's type.

    Raises:
        ParameterError: KF301 where it cannot be one.
    """
    try:
        return _CONVERTERS.get(parameter.type, _literal)(value)
    except (TypeError, ValueError, SyntaxError) as exc:
        raise ParameterError(
            f"Parameter {parameter.name!r} is of type {parameter.type}; {value!r} is not.",
            code="KF301",
            fix=f"Give {_EXAMPLES.get(parameter.type, 'a Python literal')}, like its default {parameter.default!r}.",
            cell=parameter.cell or None,
            line=parameter.line,
        ) from exc


def _int(value: Any) -> int:
    if isinstance(value, str):
        return int(value.strip().replace("_", ""), 0) if not value.strip().lstrip("+-0_").isdigit() else int(value)
    if isinstance(value, bool) or value != int(value):
        raise ValueError(value)
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"true", "yes", "on", "1"}:
        return True
    if text in {"false", "no", "off", "0"}:
        return False
    raise ValueError(value)


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _structure(kind: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            value = _literal(value, strict=True)
        if kind is list and isinstance(value, tuple):
            value = list(value)
        if not isinstance(value, kind):
            raise TypeError(value)
        json.dumps(value)  # a parameter is plain data: it is stored, shown and compared
        return value

    return convert


def _literal(value: Any, strict: bool = False) -> Any:
    """Text as a Python literal, else as JSON, else (unless ``strict``) as it stands."""
    if not isinstance(value, str):
        return value
    for read in (ast.literal_eval, json.loads):
        try:
            return read(value)
        except (ValueError, SyntaxError):
            continue
    if strict:
        raise ValueError(value)
    return value


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "str": _str,
    "list": _structure(list),
    "dict": _structure(dict),
}
_EXAMPLES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list such as '[1, 2]'",
    "dict": "a dict such as '{\"a\": 1}'",
}

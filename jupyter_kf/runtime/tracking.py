"""The guest's room, tracking: metrics, parameters, tags and files that user code records.

Inside a step every call appends one line to the execution's own ``metrics.jsonl`` (``[name, value, step, time]``) or
``logged.jsonl`` (``{"kind": "param" | "tag" | "note" | "artifact" | "figure", "name", "value" | "path", "time"}``);
whoever supervises the run folds them. The execution's folder is named by the environment variable
``JUPYTER_KF_FOLDER``, so that processes which the step starts log to the same execution. Outside a step
:func:`set_session` lets the workbench say where to log: it is called at the first record and returns a folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

FOLDER_VARIABLE = "JUPYTER_KF_FOLDER"

_session: Optional[Callable[[], str]] = None
_files: Dict[str, Tuple[str, int]] = {}
_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)


def set_session(opener: Optional[Callable[[], str]]) -> None:
    """Let ``opener`` name the folder to log to where no step is running; ``None`` takes it away.

    It is called at each record made outside a step, so it should remember the run that it opened.
    """
    global _session  # noqa: PLW0603 - one session per process is the meaning
    _session = opener
    close()


def close() -> None:
    """Close the files that records are appended to; the next record opens them again."""
    while _files:
        os.close(_files.popitem()[1][1])


def folder() -> str:
    """Return the folder that records go to.

    Raises:
        RuntimeError: neither a step nor a session is there to log to.
    """
    found = os.environ.get(FOLDER_VARIABLE)
    if found:
        return found
    if _session is None:
        raise RuntimeError(
            "Nothing to log to: this process is no step of a pipeline, and no session was opened. "
            "Log inside a step, or use jupyter_kf's functions in a notebook or a script where jupyter_kf is installed."
        )
    return _session()


def log_metric(name: str, value: Any, step: Optional[int] = None) -> None:
    """Record a number. ``value`` is whatever ``float()`` takes (NumPy scalars, zero-dimensional tensors).

    Raises:
        TypeError: ``value`` is no number, ``name`` is no text, or ``step`` no integer.
    """
    _append("metrics.jsonl", _point(name, value, step, time.time()))


def log_metrics(metrics: Mapping[str, Any], step: Optional[int] = None) -> None:
    """Record several numbers at one moment, with one write."""
    now = time.time()
    _append("metrics.jsonl", "".join([_point(name, value, step, now) for name, value in metrics.items()]))


def log_param(name: str, value: Any) -> None:
    """Record a parameter of the run. Values that are no JSON are recorded as their ``repr``."""
    _record("param", name, value=_plain(value))


def log_params(params: Mapping[str, Any]) -> None:
    """Record several parameters."""
    for name, value in params.items():
        log_param(name, value)


def set_tag(name: str, value: Any = "") -> None:
    """Put a tag on the run; a value of ``None`` takes it away."""
    _record("tag", name, value=None if value is None else str(value))


def set_note(text: str) -> None:
    """Write the run's note."""
    _record("note", "note", value=str(text))


def log_artifact(path: Any, name: Optional[str] = None) -> str:
    """Keep a copy of a file or a folder with the execution, under ``name`` (its own name by default).

    Returns:
        The path of the copy.

    Raises:
        FileNotFoundError: there is nothing at ``path``.
    """
    source = os.path.abspath(os.fspath(path))
    if not os.path.exists(source):
        raise FileNotFoundError("log_artifact: there is no file or folder " + repr(source))
    label = str(name or os.path.basename(source))
    target = _logged_path(label)
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copyfile(source, target)
    _record("artifact", label, path=target)
    return target


def log_figure(figure: Any, name: str = "figure") -> str:
    """Keep a figure as an image: PNG for matplotlib (``savefig``), HTML for plotly and its kin (``write_html``).

    Returns:
        The path of the image.

    Raises:
        TypeError: the object can neither ``savefig`` nor ``write_html``, nor has it a ``figure`` that can.
    """
    candidates: List[Any] = [figure, getattr(figure, "figure", None)]
    for candidate in candidates:
        if callable(getattr(candidate, "savefig", None)):
            target = _logged_path(_with_suffix(name, (".png", ".svg", ".pdf", ".jpg", ".jpeg"), ".png"))
            candidate.savefig(target, bbox_inches="tight")
            break
        if callable(getattr(candidate, "write_html", None)):
            target = _logged_path(_with_suffix(name, (".html",), ".html"))
            candidate.write_html(target)
            break
    else:
        raise TypeError("log_figure takes a matplotlib or plotly figure, not " + type(figure).__name__)
    _record("figure", name, path=target)
    return target


def logdir(name: str = "tensorboard") -> str:
    """Return a folder of this execution for log files of other tools (TensorBoard); it exists when this returns."""
    path = os.path.join(folder(), "logdir", _safe(name))
    os.makedirs(path, exist_ok=True)
    return path


def last_metrics(where: str) -> Dict[str, float]:
    """Return the last value of each metric recorded in an execution's folder; a line cut by a crash is left out."""
    try:
        with open(os.path.join(where, "metrics.jsonl"), encoding="utf-8") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return {}
    return {point[0]: point[1] for point in map(json.loads, filter(None, lines[:-1]))}


#: What a step may take from ``jupyter_kf``.
PUBLIC: List[str] = [
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "logdir",
    "set_note",
    "set_tag",
]


def _point(name: str, value: Any, step: Optional[int], now: float) -> str:
    if type(value) is not float:
        try:
            value = float(value)
        except (TypeError, ValueError) as exc:
            raise TypeError(
                "log_metric takes numbers: metric %r was given a %s." % (name, type(value).__name__)
            ) from exc
    if not isinstance(name, str):
        raise TypeError("A metric's name is text, not " + type(name).__name__)
    if step is not None:
        step = int(step)
    return json.dumps([name, value, step, now]) + "\n"


def _append(name: str, text: str) -> None:
    where = os.environ.get(FOLDER_VARIABLE) or folder()
    known = _files.get(name)
    if known is None or known[0] != where:
        if known is not None:
            os.close(known[1])
        known = _files[name] = (where, os.open(os.path.join(where, name), _flags, 0o600))
    os.write(known[1], text.encode())


def _record(kind: str, name: str, **fields: Any) -> None:
    record = {"kind": kind, "name": str(name), **fields, "time": time.time()}
    _append("logged.jsonl", json.dumps(record) + "\n")


def _plain(value: Any) -> Any:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        item = getattr(value, "item", None)
        try:
            return _plain(item()) if callable(item) else repr(value)
        except (TypeError, ValueError):
            return repr(value)
    return value


def _safe(name: str) -> str:
    return re.sub(r"[^\w.\-]+", "_", str(name)).lstrip(".") or "unnamed"


def _with_suffix(name: str, known: Iterable[str], suffix: str) -> str:
    return name if str(name).lower().endswith(tuple(known)) else str(name) + suffix


def _logged_path(name: str) -> str:
    where = os.path.join(folder(), "logged")
    os.makedirs(where, exist_ok=True)
    base, suffix = os.path.splitext(_safe(name))
    path, number = os.path.join(where, base + suffix), 1
    while os.path.lexists(path):
        number += 1
        path = os.path.join(where, "%s-%d%s" % (base, number, suffix))
    return path

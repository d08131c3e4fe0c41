"""Workbench room: values of a step as files that other programs read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_kf.errors import UsageError
from jupyter_kf.workbench.views import Values


def write_values(values: Values, path: Path) -> None:
    """Write one value, or several as a dict, in the format that the file's suffix names.

    Raises:
        UsageError: KF406 for a suffix or a value that does not fit, or a file that cannot be written.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"{path.name} has no suffix known here.", code="KF406", fix=f"One of: {', '.join(_WRITERS)}.")
    content = dict(values.values)
    value = next(iter(content.values())) if len(content) == 1 else content
    try:
        writer(value, path)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}.", code="KF406", fix="Give another file.") from exc
    except (TypeError, ValueError, AttributeError, ImportError) as exc:
        raise UsageError(
            f"A {type(value).__name__} cannot be written as {path.suffix}: {exc}", code="KF406", fix="Use .pkl."
        ) from exc


def _pickle(value: Any, path: Path) -> None:
    try:
        content = pickle.dumps(value, 5)
    except (pickle.PicklingError, AttributeError) as exc:  # a class or function of the notebook, for example
        raise ValueError(f"{exc}; load it in a kernel with `%kubeflow get`") from exc
    path.write_bytes(content)


def _json(value: Any, path: Path) -> None:
    if hasattr(value, "to_json") and not isinstance(value, type):
        path.write_text(value.to_json(), "utf-8")
        return
    path.write_text(json.dumps(value.tolist() if hasattr(value, "tolist") else value, indent=2) + "\n", "utf-8")


def _csv(value: Any, path: Path) -> None:
    if hasattr(value, "to_csv"):
        value.to_csv(path)
        return
    import numpy as np

    np.savetxt(path, np.asarray(value), delimiter=",", fmt="%s")


def _parquet(value: Any, path: Path) -> None:
    value.to_parquet(path)


def _npy(value: Any, path: Path) -> None:
    import numpy as np

    np.save(path, np.asarray(value), allow_pickle=False)


def _text(value: Any, path: Path) -> None:
    path.write_text(value if isinstance(value, str) else f"{value!r}\n", "utf-8")


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".pkl": _pickle,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".npy": _npy,
    ".txt": _text,
}

"""Engine room: values for ``--secret NAME``. They are handed from process to process and never written down."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from jupyter_kf.errors import ConfigError

NAME = "secrets"


def find_secrets(names: Iterable[str], home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each name: from the environment, else from ``<home>/secrets`` (lines of ``NAME=value``).

    Raises:
        ConfigError: KF507 for a name that has no value, KF508 for a file that others may read.
    """
    wanted = list(dict.fromkeys(names))
    if all(n in environ for n in wanted):
        return {n: environ[n] for n in wanted}
    path = home / NAME
    kept = _read(path) if path.is_file() else {}
    for name in wanted:
        if name not in environ and name not in kept:
            raise ConfigError(
                f"Secret {name!r} has no value.",
                code="KF507",
                fix=f"Set the environment variable {name}, or write {name}=… into {path} (chmod 600).",
            )
    return {n: environ[n] if n in environ else kept[n] for n in wanted}


def _read(path: Path) -> dict[str, str]:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path} can be read by others; it is not used.", code="KF508", fix=f"Run: chmod 600 {path}")
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, value in pairs}

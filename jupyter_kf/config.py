"""Settings: one source of defaults. A TOML file is overruled by the environment, that by traits and flags.

The file is ``$JUPYTER_KF_CONFIG``, else ``<home>/config.toml``; an environment variable is the setting's name in
capitals after ``JUPYTER_KF_``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from jupyter_kf.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set.

    ``home``: folder of all state. ``database``: SQLAlchemy URL, empty for SQLite in ``home``. ``artifacts``: folder or
    fsspec URL, empty for a folder in ``home``. ``cpu``, ``memory``, ``gpus``: what steps may use together (0: all the
    machine has; bytes; ``gpus`` a count or a list of CUDA ids as text, empty: as found). ``warm``: seconds a fork
    server waits for the next run. ``grace``: seconds between a polite and a final kill. ``start``: ``auto``, ``fork``
    or ``spawn``. ``env``: names of environment variables whose values may be recorded with a run.
    """

    home: Path
    database: str = ""
    artifacts: str = ""
    engine: str = "local"
    experiment: str = "Default"
    cpu: float = 0.0
    memory: int = 0
    gpus: str = ""
    warm: float = 300.0
    grace: float = 5.0
    start: str = "auto"
    trust: bool = False
    env: tuple[str, ...] = ("LANG", "LC_ALL", "TZ", "PYTHONPATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database or f"sqlite:///{self.home / 'kf.db'}"

    @property
    def artifacts_url(self) -> str:
        """The folder or fsspec URL in force."""
        return self.artifacts or str(self.home / "artifacts")


def load_settings(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Read the settings in force; ``flags`` with a value of ``None`` are ignored.

    Raises:
        ConfigError: KF500 for an unknown key, KF501 for a value of the wrong type, KF502 for a broken file.
    """
    environ = os.environ if environ is None else environ
    home = Path(flags.get("home") or environ.get("JUPYTER_KF_HOME") or Path.home() / ".jupyter_kf").expanduser()
    settings = Settings(home=home.absolute())
    path = Path(environ.get("JUPYTER_KF_CONFIG") or home / "config.toml")
    if path.is_file():
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{path} is not valid TOML: {exc}", code="KF502", fix="Correct the file.") from exc
        settings = _merge(settings, table, str(path))
    known = {f.name for f in fields(Settings)} - {"home"}
    named = {n: environ[f"JUPYTER_KF_{n.upper()}"] for n in known if environ.get(f"JUPYTER_KF_{n.upper()}")}
    settings = _merge(settings, named, "the environment")
    return _merge(settings, {k: v for k, v in flags.items() if v is not None and k != "home"}, "the call")


def _merge(settings: Settings, values: Mapping[str, Any], origin: str) -> Settings:
    known = {f.name for f in fields(Settings)} - {"home"}
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"There is no setting {name!r} ({origin}).", fix=f"One of: {', '.join(sorted(known))}.")
        current = getattr(settings, name)
        try:
            changed[name] = _converted(value, current)
        except (TypeError, ValueError) as exc:
            raise ConfigError(
                f"Setting {name!r} cannot be {value!r} ({origin}).",
                code="KF501",
                fix=f"Give a {type(current).__name__}, for example {current!r}.",
            ) from exc
    return replace(settings, **changed)


def _converted(value: Any, current: Any) -> Any:
    if isinstance(current, bool):
        if str(value).lower() in {"1", "true", "yes", "on"}:
            return True
        if str(value).lower() in {"0", "false", "no", "off"}:
            return False
        raise ValueError(value)
    if isinstance(current, tuple):
        return tuple(v.strip() for v in value.split(",")) if isinstance(value, str) else tuple(value)
    return type(current)(value)

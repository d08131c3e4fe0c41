"""jupyter_kf: a notebook's cells as a pipeline. Public names, loaded when they are first used.

>>> import jupyter_kf as kf
>>> bench = kf.Workbench()                      # doctest: +SKIP
>>> run = bench.run("notebook.ipynb")           # doctest: +SKIP
>>> kf.log_metric("accuracy", 0.93)             # doctest: +SKIP
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, which would cost more than the rest of this module
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

_TRACKING = "jupyter_kf.workbench.session"
_WHERE = {
    "Workbench": "jupyter_kf.workbench",
    "Settings": "jupyter_kf.config",
    "load_settings": "jupyter_kf.config",
    "State": "jupyter_kf.model.run",
    "KFError": "jupyter_kf.errors",
    "UserError": "jupyter_kf.errors",
    "NotebookError": "jupyter_kf.errors",
    "StepFailed": "jupyter_kf.errors",
    "ParameterError": "jupyter_kf.errors",
    "UsageError": "jupyter_kf.errors",
    "ConfigError": "jupyter_kf.errors",
    "PlatformError": "jupyter_kf.errors",
    "StoreError": "jupyter_kf.errors",
    "EngineError": "jupyter_kf.errors",
    "ClusterError": "jupyter_kf.errors",
    "log_metric": _TRACKING,
    "log_metrics": _TRACKING,
    "log_param": _TRACKING,
    "log_figure": _TRACKING,
    "log_artifact": _TRACKING,
    "set_tag": _TRACKING,
    "set_note": _TRACKING,
    "logdir": _TRACKING,
}

__all__ = [
    "ClusterError",
    "ConfigError",
    "EngineError",
    "KFError",
    "NotebookError",
    "ParameterError",
    "PlatformError",
    "Settings",
    "State",
    "StepFailed",
    "StoreError",
    "UsageError",
    "UserError",
    "Workbench",
    "__version__",
    "load_ipython_extension",
    "load_settings",
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_param",
    "logdir",
    "set_note",
    "set_tag",
    "unload_ipython_extension",
]

if TYPE_CHECKING:
    from jupyter_kf.config import Settings, load_settings
    from jupyter_kf.errors import (
        ClusterError,
        ConfigError,
        EngineError,
        KFError,
        NotebookError,
        ParameterError,
        PlatformError,
        StepFailed,
        StoreError,
        UsageError,
        UserError,
    )
    from jupyter_kf.model.run import State
    from jupyter_kf.workbench import Workbench
    from jupyter_kf.workbench.session import (
        log_artifact,
        log_figure,
        log_metric,
        log_metrics,
        log_param,
        logdir,
        set_note,
        set_tag,
    )


def __getattr__(name: str) -> Any:
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Make ``%kubeflow`` and ``%%kubeflow`` known to an IPython shell (``%load_ext jupyter_kf``)."""
    from jupyter_kf.ipython.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Undo :func:`load_ipython_extension` (``%unload_ext jupyter_kf``)."""
    from jupyter_kf.ipython.extension import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab's developer commands where the built extension lies and what it is called."""
    return [{"src": "labextension", "dest": "jupyter-kf"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server which class is the extension; it is loaded by a server only."""
    from jupyter_kf.server.app import KubeflowExtension

    return [{"module": "jupyter_kf", "app": KubeflowExtension}]

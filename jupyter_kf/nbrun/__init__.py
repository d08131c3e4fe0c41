"""Feature room: whole notebooks, run through papermill in a process of their own.

:func:`submit_notebook` is the door; :func:`salvage_notebooks` keeps what a killed run had made. The papermill engine
``jupyter_kf`` lives in :mod:`jupyter_kf.nbrun.engine`. Nothing here imports papermill before a notebook is executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_kf.nbrun.params import read_parameters, resolve_values
    from jupyter_kf.nbrun.submit import edited_request, salvage_notebooks, submit_notebook

__all__ = ["edited_request", "read_parameters", "resolve_values", "salvage_notebooks", "submit_notebook"]


def __getattr__(name: str) -> Any:
    if name in {"read_parameters", "resolve_values"}:
        from jupyter_kf.nbrun import params

        return getattr(params, name)
    if name in __all__:
        from jupyter_kf.nbrun import submit

        return getattr(submit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

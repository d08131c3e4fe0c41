"""Notebook room: a notebook becomes a pipeline. :func:`convert` is the only door."""

from __future__ import annotations

from jupyter_kf.notebook.convert import Conversion, convert

__all__ = ["Conversion", "convert"]

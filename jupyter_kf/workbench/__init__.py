"""Workbench room: the product as one object. Faces parse, call it and show what it answers."""

from __future__ import annotations

from jupyter_kf.workbench.bench import Workbench

__all__ = ["Workbench"]

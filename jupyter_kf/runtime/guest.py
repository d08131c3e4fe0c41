"""The guest's room, entrance: ``python guest.py step MANIFEST`` and ``python guest.py serve SOCKET …``.

The interpreter that runs this need not have jupyter_kf installed. So the folder of this file becomes the package
``jupyter_kf.runtime`` under a stand-in ``jupyter_kf`` which offers what a step may use of it (tracking), and nothing
is put on ``sys.path``. Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types
from typing import Any, List


def install() -> types.ModuleType:
    """Make ``jupyter_kf`` and ``jupyter_kf.runtime`` importable in this process; return the stand-in."""
    folder = os.path.dirname(os.path.abspath(__file__))
    parent = types.ModuleType("jupyter_kf", "What a step may use of jupyter_kf: tracking.")
    above = os.path.dirname(folder)
    parent.__path__ = [above] if os.path.isdir(os.path.join(above, "model")) else []
    parent.__package__ = "jupyter_kf"
    parent.__spec__ = importlib.machinery.ModuleSpec("jupyter_kf", None, is_package=True)
    sys.modules["jupyter_kf"] = parent
    location = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location("jupyter_kf.runtime", location, submodule_search_locations=[folder])
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["jupyter_kf.runtime"] = package
    spec.loader.exec_module(package)
    parent.runtime = package  # type: ignore[attr-defined]
    from jupyter_kf.runtime import tracking

    for name in tracking.PUBLIC:
        setattr(parent, name, getattr(tracking, name))
    parent.load_ipython_extension = _inert  # type: ignore[attr-defined]
    parent.unload_ipython_extension = _inert  # type: ignore[attr-defined]
    parent.__getattr__ = _missing  # type: ignore[method-assign]
    return parent


def _inert(shell: Any) -> None:
    """``%load_ext jupyter_kf`` inside a step changes nothing."""


def _missing(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(
        "jupyter_kf.%s is not there inside a step; a step may use log_metric, log_metrics, log_param, log_figure, "
        "log_artifact, set_tag, set_note and logdir." % name
    )


def main(arguments: List[str]) -> int:
    """Run one step, or serve steps; return the exit status."""
    if sys.path and os.path.abspath(sys.path[0] or ".") == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    install()
    if arguments[:1] == ["step"] and len(arguments) == 2:
        from jupyter_kf.runtime import step

        return step.main(arguments[1])
    if arguments[:1] == ["serve"]:
        from jupyter_kf.runtime.forkserver import main as serve

        return serve(arguments[1:])
    sys.stderr.write("usage: guest.py step MANIFEST | serve SOCKET\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

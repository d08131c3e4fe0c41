"""What the package shows to the world."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import jupyter_kf
from jupyter_kf.config import Settings
from jupyter_kf.errors import UsageError
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.verbs import RESERVED, VERBS


def test_all_is_what_is_public() -> None:
    assert sorted(jupyter_kf.__all__) == jupyter_kf.__all__
    assert dir(jupyter_kf) == jupyter_kf.__all__
    for name in jupyter_kf.__all__:
        assert getattr(jupyter_kf, name) is not None
    assert set(jupyter_kf._WHERE) | {"__version__", "load_ipython_extension", "unload_ipython_extension"} == set(
        jupyter_kf.__all__
    )
    with pytest.raises(AttributeError):
        _ = jupyter_kf.nothing  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_package() -> None:
    assert jupyter_kf.__version__ == importlib.metadata.version("jupyter-kf")


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    script = "import sys, jupyter_kf; print([m for m in sys.modules if m.startswith('jupyter_kf.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_verb_is_a_method_of_the_workbench(tmp_path) -> None:  # type: ignore[no-untyped-def]
    faces_only = {"report", "job"}  # jobs have verbs of their own: Workbench.jobs
    missing = [verb for verb in VERBS if verb not in faces_only and not callable(getattr(Workbench, verb, None))]
    assert missing == []
    bench = Workbench(Settings(home=tmp_path))
    for verb in RESERVED:
        with pytest.raises(UsageError, match="not there yet"):
            getattr(bench, verb)("notebook.ipynb")
    assert not hasattr(bench, "nothing")
    assert list(tmp_path.iterdir()) == []  # nothing is opened before it is needed

"""Build hook: a wheel carries the JupyterLab extension, built here unless it came with the sources.

An editable install does without it; ``make lab`` and ``make test`` build it. ``JUPYTER_KF_NO_BUNDLE=1`` leaves it out.
"""

import os
import runpy
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = runpy.run_path(str(Path(__file__).parent / "dev" / "bundle.py"))
PLACE = "share/jupyter/labextensions/jupyter-kf"


class BundleHook(BuildHookInterface):
    """Puts the extension where JupyterLab looks for it."""

    def dependencies(self):
        """Name Node.js as a package to build with, where it is needed and this machine has none."""
        needless = left_out() or BUNDLE["is_current"]() or BUNDLE["has_node"]()
        return [] if needless else [BUNDLE["NODE_PACKAGE"]]

    def initialize(self, version, build_data):
        """Build the extension and add it to the wheel's data."""
        if version == "editable" or left_out():
            return
        BUNDLE["build"]()
        if self.target_name == "wheel":
            build_data["shared_data"]["jupyter_kf/labextension"] = PLACE
            build_data["shared_data"]["labextension/install.json"] = f"{PLACE}/install.json"


def left_out():
    """Say whether the one who builds wants no extension."""
    return os.environ.get("JUPYTER_KF_NO_BUNDLE") == "1"

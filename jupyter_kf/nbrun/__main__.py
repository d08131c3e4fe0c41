"""Feature room, whole notebooks: the program of a notebook run, ``python -m jupyter_kf.nbrun RUN_FOLDER``."""

from __future__ import annotations

import sys

from jupyter_kf.engine.detached import run_program
from jupyter_kf.nbrun.execute import run_notebook

if __name__ == "__main__":
    sys.exit(run_program(sys.argv[1:], run_notebook))

"""Jobs room: the program of a job's run, ``python -m jupyter_kf.jobs RUN_FOLDER``."""

from __future__ import annotations

import sys

from jupyter_kf.engine.detached import run_program
from jupyter_kf.jobs.local import run_job

if __name__ == "__main__":
    sys.exit(run_program(sys.argv[1:], run_job))

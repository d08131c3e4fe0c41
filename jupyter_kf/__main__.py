"""``python -m jupyter_kf`` is ``jupyter kf``."""

from __future__ import annotations

import sys

from jupyter_kf.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""Loading the extension.

CPU seconds of `ipython -c '%load_ext jupyter_kf'` beyond those of `ipython -c pass`; the command line's start beside
it.
"""

from __future__ import annotations

import sys

from benchmarks.measure import Context, Row, process, take_turns


def measure(context: Context) -> list[Row]:
    with context.home() as home:
        environ = home.environ | {"IPYTHONDIR": str(home.path / "ipython")}

        def ipython(code: str) -> float:
            words = [sys.executable, "-m", "IPython", "--no-banner", "--quick", "-c", code]
            return process(words, env=environ, cwd=home.path).cpu

        def script(*words: str) -> float:
            return process([sys.executable, *words], env=environ, cwd=home.path).cpu

        ipython("%load_ext jupyter_kf")
        found = take_turns(
            context.turns * (1 if context.quick else 3),
            plain=lambda: ipython("pass"),
            loaded=lambda: ipython("%load_ext jupyter_kf"),
            imported=lambda: script("-c", "import jupyter_kf"),
            bare=lambda: script("-c", "pass"),
            help=lambda: script("-m", "jupyter_kf", "--help"),
        )
    bare = found["bare"]
    return [
        Row("%load_ext jupyter_kf", "CPU s", found["loaded"] - found["plain"], {"plain IPython": found["plain"]}, 0.1),
        Row("import jupyter_kf", "CPU s", found["imported"] - bare, {"python -c pass": bare}),
        Row("jupyter-kf --help", "CPU s", found["help"] - bare, {"python -c pass": bare}, 0.15),
    ]

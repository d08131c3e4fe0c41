"""Make the virtual environment that ``make`` works in, once for each pyproject.toml; do nothing where it is up to date.

Runs on the standard library of any Python 3 and looks for one that is new enough::

    python3 dev/environment.py .venv test examples      # folder, then the extras that are wanted
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

NEWEST_FIRST = ("3.14", "3.13", "3.12", "3.11")
OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent


def main(venv, extras):
    """Bring ``venv`` up to date with ``extras``; return an exit code."""
    if sys.version_info < OLDEST:
        return hand_over()
    stamp = venv / "jupyter-kf-environment.json"
    # the tool sections of pyproject.toml do not change what is installed
    project = (ROOT / "pyproject.toml").read_text("utf-8").split("\n[tool.ruff]")[0]
    key = hashlib.sha256((str(ROOT) + sys.version + project).encode()).hexdigest()
    known = json.loads(stamp.read_text("utf-8")) if stamp.is_file() else {}
    if known.get("key") == key and set(extras) <= set(known["extras"]):
        return 0
    if known and known.get("python") != sys.version:
        shutil.rmtree(venv)
    wanted = sorted(set(extras) | set(known.get("extras", ())))
    say("Setting up {} with Python {} ({}) …".format(venv, sys.version.split()[0], ", ".join(wanted) or "base"))
    python = make_venv(venv)
    install(python, ["--editable", "{}[{}]".format(ROOT, ",".join(wanted)) if wanted else str(ROOT)])
    stamp.write_text(json.dumps({"key": key, "extras": wanted, "python": sys.version}), "utf-8")
    return 0


def hand_over():
    """Run this script again with a Python that is new enough."""
    for version in NEWEST_FIRST:
        found = shutil.which("python" + version)
        # a shim on the PATH may have nothing behind it
        if found and subprocess.call([found, "-c", "pass"], stderr=subprocess.DEVNULL) == 0:
            return subprocess.call([found, *sys.argv])
    say(f"jupyter_kf needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    say("Install one, or name it: make PYTHON=/path/to/python3.12 …")
    return 2


def make_venv(venv):
    """Create ``venv`` unless it is there; return its interpreter."""
    python = venv / "bin" / "python"
    if python.exists() and subprocess.call([str(python), "-c", "pass"]) == 0:
        return python
    if subprocess.call([sys.executable, "-m", "venv", str(venv)], stdout=subprocess.DEVNULL) == 0:
        return python
    shutil.rmtree(venv, ignore_errors=True)
    uv = shutil.which("uv")
    if uv and subprocess.call([uv, "venv", "--quiet", "--python", sys.executable, str(venv)]) == 0:
        return python
    say("This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv")
    raise SystemExit(2)


def install(python, what):
    """Install ``what`` by uv, which takes seconds, or by pip where uv cannot be had."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    # the JupyterLab extension is built by dev/bundle.py where it is wanted
    environment = dict(os.environ, JUPYTER_KF_NO_BUNDLE="1")
    uv = shutil.which("uv") or str(python.parent / "uv")
    if not Path(uv).exists():
        subprocess.call([str(python), "-m", "pip", "install", *quiet, "uv"], stderr=subprocess.DEVNULL)
    if Path(uv).exists():
        # hard links fail between file systems; copying is what uv falls back to, with a warning
        environment = dict(environment, UV_LINK_MODE=os.environ.get("UV_LINK_MODE", "copy"))
        if subprocess.call([uv, "pip", "install", "--quiet", "--python", str(python), *what], env=environment) == 0:
            return
        say("uv could not install it; trying pip …")
    code = subprocess.call([str(python), "-m", "pip", "install", *quiet, *what], env=environment)
    if code:
        say("The packages could not be installed (see above). Is there a way to a package index?")
        raise SystemExit(code)


def say(text):
    """Tell the user."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))

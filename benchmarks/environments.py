"""Environments of peers: each in a folder of its own under ``.cache/benchmarks``, made once."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.measure import ROOT, Context

logger = logging.getLogger(__name__)

#: What each environment holds. A second tuple names packages whose version bounds in the peer's own metadata are not
#: kept (kfp 2.17.3 asks for a newer certifi than some indexes have).
PEERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "kfp": (("kfp==2.17.3",), ("certifi",)),
    "kale": (("kubeflow-kale==2.3.0",), ("certifi",)),
    "dill": (("dill>=0.4", "numpy>=1.26", "pandas>=2.1", "pyarrow>=15"), ()),
}


def peer(name: str, context: Context) -> Path | str:
    """Return the interpreter of a peer's environment, or the reason why there is none."""
    if not context.peers:
        return "peers not asked for"
    wanted, loose = PEERS[name]
    key = hashlib.sha256(repr((wanted, loose, sys.version)).encode()).hexdigest()[:10]
    folder = ROOT / ".cache" / "benchmarks" / f"{name}-{key}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    logger.info("making an environment for %s", name)
    venv.create(folder, with_pip=True, symlinks=True)
    try:
        _install(python, wanted, loose)
    except subprocess.CalledProcessError as exc:
        reason = (exc.stderr or "").strip().splitlines()[-1:] or [f"exit {exc.returncode}"]
        return f"could not be installed: {reason[0][:200]}"
    (folder / "complete").touch()
    return python


def _install(python: Path, wanted: tuple[str, ...], loose: tuple[str, ...]) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        overrides = python.parent.parent / "overrides.txt"
        overrides.write_text("\n".join(loose), "utf-8")
        command = [uv, "pip", "install", "--quiet", "--python", str(python), "--override", str(overrides), *wanted]
    else:
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run(command, check=True, capture_output=True, text=True)

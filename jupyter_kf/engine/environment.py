"""Engine room: the interpreter that steps run in, and what is written down about it with each run.

The interpreter is asked by one short process, whose answer is remembered until a folder on its path changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_kf.config import Settings
from jupyter_kf.errors import ConfigError, EngineError
from jupyter_kf.model.pipeline import Pipeline

log = logging.getLogger(__name__)

#: Runs in the steps' interpreter, Python 3.9 or later, whatever is or is not installed there.
_PROBE = """
import sys
sys.path = [p for p in sys.path if p not in ("", sys.argv[1])]
import importlib.metadata, importlib.util, json, os, platform, sysconfig
packages = {}
for found in importlib.metadata.distributions():
    name = (found.metadata or {}).get("Name")
    if name and name.lower() not in packages:
        packages[name.lower()] = found.version
folders = [p for p in sys.path if os.path.isdir(p)]
sys.path.insert(0, sys.argv[1])
def there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False
missing = [name for name in sys.argv[2:] if name not in sys.modules and not there(name)]
sys.stdout.write(json.dumps({
    "python": platform.python_version(), "implementation": platform.python_implementation(),
    "abi": sysconfig.get_config_var("SOABI") or "", "executable": sys.executable, "prefix": sys.prefix,
    "system": platform.system(), "release": platform.release(), "machine": platform.machine(),
    "libc": " ".join(platform.libc_ver()), "packages": packages, "folders": folders, "missing": missing}))
"""
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """``python``: path of the executable; ``kernel``: the kernelspec it comes from, if any; ``env``: what that adds."""

    python: str
    kernel: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """``fingerprint`` changes with the interpreter and its packages; ``missing`` lists modules it cannot import.

    ``record`` is what is kept with a run: plain JSON data without secrets.
    """

    fingerprint: str
    record: Mapping[str, Any]
    missing: tuple[str, ...] = ()


def resolve_interpreter(python: str = "", kernel: str = "") -> Interpreter:
    """Return the interpreter of a run: ``python`` if given, else the kernelspec's, else the one running now.

    Raises:
        ConfigError: KF505 for a kernelspec that is not installed or is not Python's, KF506 for a missing interpreter.
    """
    if python:
        found = shutil.which(os.path.expanduser(python))  # noqa: PTH111
        if not found:
            raise ConfigError(
                f"There is no Python interpreter {python!r}.", code="KF506", fix="Give the path of an executable."
            )
        return Interpreter(os.path.abspath(found), kernel)  # noqa: PTH100  (a virtual environment is known by its link)
    if not kernel:
        return Interpreter(sys.executable)
    argv, env, language = _kernelspec(kernel)
    if not argv:
        return Interpreter(sys.executable, kernel)
    if language.lower() not in {"python", ""}:
        raise ConfigError(
            f"The notebook's kernel {kernel!r} speaks {language}; steps are Python.",
            code="KF505",
            fix="Run it as a whole notebook: jupyter kf notebook.",
        )
    return Interpreter(_interpreter_of(argv, kernel), kernel, env)


def _kernelspec(kernel: str) -> tuple[list[str], dict[str, str], str]:
    """Return command, environment and language of a kernelspec; no command for ``python3`` where it is not installed.

    jupyter_client costs a third of a second to import, so the usual places are looked at without it first.
    """
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("kernels"):
        path = Path(folder, kernel.lower(), "kernel.json")
        if path.is_file():
            try:
                data = json.loads(path.read_text("utf-8"))
                return list(data["argv"]), dict(data.get("env") or {}), str(data.get("language") or "")
            except (OSError, ValueError, KeyError, TypeError) as exc:
                log.debug("%s is left to jupyter_client: %s", path, exc)
                break
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    specs = KernelSpecManager()
    try:
        spec = specs.get_kernel_spec(kernel)
    except NoSuchKernel as exc:
        if kernel == "python3":
            return [], {}, "python"
        known = ", ".join(sorted(specs.find_kernel_specs())) or "none"
        raise ConfigError(
            f"The notebook's kernel {kernel!r} is not installed here.",
            code="KF505",
            fix=f"Choose another kernel in the notebook, or give the interpreter of the steps. Installed: {known}.",
        ) from exc
    return list(spec.argv), dict(spec.env), spec.language


def inspect_environment(
    interpreter: Interpreter, folder: Path, settings: Settings, modules: Sequence[str] = ()
) -> Environment:
    """Ask the interpreter what it is, what it has and which of ``modules`` it cannot find from ``folder``.

    Raises:
        EngineError: KF704 where it does not run or is older than Python 3.9.
    """
    # the guest brings its own jupyter_kf along
    here = [m for m in modules if m.partition(".")[0] != "jupyter_kf" and not _is_local(m, folder)]
    path = settings.home / "cache" / f"environment-{_digest([interpreter.python, interpreter.env])[:16]}.json"
    known = _remembered(path, interpreter)
    if known is None or not set(here) <= set(known["found"]):
        found = _probe(interpreter, folder, here)
        missing = found.pop("missing")
        known = {"answer": found, "found": sorted(set(here) - set(missing)), "stamp": _stamp(found, interpreter)}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(known), "utf-8")
        draft.replace(path)
    else:
        missing = []
    answer = known["answer"]
    named = {k: answer[k] for k in ("python", "implementation", "abi", "system", "machine", "libc", "packages")}
    environ = {**os.environ, **interpreter.env}
    record = {
        **{k: v for k, v in answer.items() if k != "folders"},
        "kernel": interpreter.kernel,
        "git": git_state(folder),
        "env": {
            "names": sorted(environ),
            "values": {n: environ[n] for n in settings.env if n in environ},
        },
    }
    return Environment(_digest(named), record, tuple(missing))


def refuse_missing(pipeline: Pipeline, environment: Environment) -> None:
    """Refuse a run whose notebook imports what the steps' interpreter does not have.

    Only imports that run whatever happens count (not those in a ``try``, a branch or a function), and none does in a
    notebook that installs packages, writes modules or changes where they are looked for.

    Raises:
        ConfigError: KF509, naming module, cell and what to install.
    """
    python = environment.record["executable"]
    pieces = [(f.cell, f.cell_index, f.line, f.source) for f in pipeline.fragments]
    pieces += [(c.id, c.index, 1, c.source) for step in pipeline.steps for c in step.cells]
    if not any(_PROVIDES.search(source) for _, _, _, source in pieces):
        places = {m: where for m in environment.missing if (where := _import_of(m, pieces))}
        if places:
            packages = " ".join(_DISTRIBUTIONS.get(m, m) for m in places)
            raise ConfigError(
                f"The notebook imports {', '.join(repr(m) for m in places)}, which {python} does not have.",
                code="KF509",
                fix=f"Install it there: {python} -m pip install {packages}"
                " (a module of your own: add its folder to sys.path in the notebook)",
                details={"missing": list(places)},
                **next(iter(places.values())),
            )
    there = {_normalised(name) for name in environment.record["packages"]}
    for step in pipeline.steps:
        lacking = [
            p for p in step.options.packages if _normalised(re.split(r"[\s<>=!~\[;@]", p, maxsplit=1)[0]) not in there
        ]
        if lacking:
            raise ConfigError(
                f"Step {step.name!r} asks for {', '.join(lacking)}, which {python} does not have.",
                code="KF509",
                fix=f"Install it there: {python} -m pip install {' '.join(lacking)}",
                cell=step.cells[0].id if step.cells else None,
                cell_index=step.cells[0].index if step.cells else None,
                details={"missing": lacking},
            )


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return commit, branch, whether tracked files differ, and the remote without credentials; ``None`` outside git."""
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if status is None:
        return None
    heads = dict(
        line[2:].split(" ", 1) for line in status.splitlines() if line.startswith("# branch.") and " " in line[2:]
    )
    remote = (_git(folder, "config", "--get", "remote.origin.url") or "").strip()
    return {
        "commit": heads.get("branch.oid", ""),
        "branch": heads.get("branch.head", ""),
        "dirty": any(line and not line.startswith("#") for line in status.splitlines()),
        "remote": re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", remote),
    }


#: Distributions whose name is not that of the module, among those notebooks often import.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "umap": "umap-learn",
    "mpl_toolkits": "matplotlib",
}


_PROVIDES = re.compile(
    r"""^\s*[%!]\s*(?:\S*python\S*\s+-m\s+)?(?:uv\s+)?(?:pip\d?|conda|mamba)\s+install\b
    | \bsys\.(?:path|meta_path)\b | \baddsitedir\b | \bchdir\( | ^\s*%?cd\s | \bgit\s+clone\b
    | ^%%(?:writefile|file)\s.*\.py\b | \.py["'][^\n]*(?:["']w["']|\.write_text\()""",
    re.MULTILINE | re.VERBOSE,
)


def _import_of(module: str, pieces: Iterable[tuple[str, int, int, str]]) -> dict[str, Any]:
    pattern = re.compile(rf"^(?:from|import)\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*{re.escape(module)}\b")
    for cell, index, first, source in pieces:
        for offset, line in enumerate(source.splitlines()):
            if pattern.match(line):
                return {"cell": cell, "cell_index": index, "line": first + offset, "quote": line.strip()}
    return {}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_local(module: str, folder: Path) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module).is_dir()


def _interpreter_of(argv: Sequence[str], kernel: str) -> str:
    """The executable behind a kernelspec's command, wrappers (``conda run``, ``uv run``, ``env``) included."""
    prefix = list(argv[: argv.index("-m")]) if "-m" in argv else list(argv[:1])
    while len(prefix) > 1 and prefix[-1].startswith("-"):
        prefix.pop()
    first = prefix[0] if prefix else "python"
    if len(prefix) == 1:
        if re.fullmatch(rf"python({sys.version_info.major}(\.{sys.version_info.minor})?)?", first):
            return sys.executable  # as jupyter_client reads such a kernelspec
        found = shutil.which(first)
        if found:
            return os.path.abspath(found)  # noqa: PTH100
    else:
        answer = subprocess.run(
            [*prefix, "-c", "import sys; sys.stdout.write(sys.executable)"],
            capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if answer.returncode == 0 and answer.stdout.strip():
            return answer.stdout.strip().splitlines()[-1]
    raise ConfigError(
        f"The interpreter of kernel {kernel!r} is not there: {' '.join(prefix)}.",
        code="KF506",
        fix="Install the kernel again, choose another one in the notebook, or give the interpreter of the steps.",
    )


def _probe(interpreter: Interpreter, folder: Path, modules: Iterable[str]) -> dict[str, Any]:
    command = [interpreter.python, "-c", _PROBE, str(folder), *modules]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **interpreter.env, "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        found: dict[str, Any] = json.loads(answer.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as exc:
        told = answer.stderr.strip()[-500:] if isinstance(exc, ValueError) else str(exc)
        raise EngineError(
            f"The interpreter {interpreter.python} cannot be asked about itself: {told}",
            code="KF704",
            fix="Check that it starts and is Python 3.9 or later.",
        ) from exc
    if tuple(int(p) for p in re.findall(r"\d+", found["python"])[:2]) < (3, 9):
        raise EngineError(
            f"The interpreter {interpreter.python} is Python {found['python']}; steps need 3.9 or later.",
            code="KF704",
            fix="Choose a kernel of a newer Python.",
        )
    return found


def _remembered(path: Path, interpreter: Interpreter) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return known if known["stamp"] == _stamp(known["answer"], interpreter) else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        log.debug("what was remembered of %s cannot be used: %s", interpreter.python, exc)
        return None


def _stamp(answer: Mapping[str, Any], interpreter: Interpreter) -> list[Any]:
    """What changes when a package is installed or removed: a folder on the path gets or loses an entry."""
    stamp: list[Any] = [os.environ.get("PYTHONPATH", "")]
    for path in [interpreter.python, *answer["folders"]]:
        try:
            found = os.stat(path)  # noqa: PTH116  (many, at each submit)
            stamp.append([path, found.st_mtime_ns])
        except OSError:
            stamp.append([path, None])
    return stamp


def _git(folder: Path, *words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=5, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as exc:
        log.debug("git says nothing about %s: %s", folder, exc)
        return None
    return answer.stdout if answer.returncode == 0 else None


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=dict).encode()).hexdigest()

"""IPython room: what may come next on a ``%kubeflow`` line."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_kf.errors import KFError
from jupyter_kf.ipython.extension import KernelSession

_RUN_VERBS = frozenset(
    {
        "show",
        "logs",
        "report",
        "cancel",
        "resume",
        "compare",
        "tag",
        "note",
        "delete",
        "get",
        "artifacts",
        "lineage",
        "graph",
    }
)
_STEP_AFTER_RUN = frozenset({"show", "logs", "get", "artifacts", "lineage"})
_STEP_OPTIONS = frozenset({"--only", "--from", "--until", "--after"})


def completions(session: KernelSession, text: str) -> tuple[str, list[str]]:
    """Return the word at the cursor, as far as it is written, and what it may become; ``text`` ends at the cursor."""
    match = re.match(r"\s*(?:[\w., ]+=\s*)?(?:#\s*)?(%%?)kubeflow\s+(.*)$", text, re.DOTALL)
    if match is None:
        return "", []
    words = match[2].split()
    current = "" if not words or match[2][-1:].isspace() else words.pop()
    found = _cell(session, words, current) if match[1] == "%%" else _line(session, words, current)
    return current, [word for word in dict.fromkeys(found) if word.startswith(current)]


def _cell(session: KernelSession, words: list[str], current: str) -> list[str]:
    from jupyter_kf.notebook.directives import STEP_OPTIONS, VERBS

    if not words:
        return list(VERBS)
    if words[0] != "step":
        return []
    if words[-1] == "--on":
        return ["local"]
    if words[-1] in _STEP_OPTIONS or (len(words) == 1 and not current.startswith("-")):
        return _steps(session)
    return list(STEP_OPTIONS)


def _line(session: KernelSession, words: list[str], current: str) -> list[str]:
    from jupyter_kf.workbench.verbs import KERNEL_VERBS, VERBS, build_parser

    if not words:
        return [*VERBS, *KERNEL_VERBS]
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        return _files() if verb in KERNEL_VERBS else []
    if rest and rest[-1] in _STEP_OPTIONS:
        return _steps(session)
    if rest and rest[-1] in {"-p", "--parameter"}:
        return [f"{name}=" for name in _parameters(session)]
    if rest and rest[-1] == "--notebook":
        return _files()
    if current.startswith("-"):
        parser = build_parser(verb, prog="%kubeflow", kernel=True)
        return [word for action in parser._actions for word in action.option_strings if word.startswith("--")]
    given = [word for word in rest if not word.startswith("-")]
    if verb in _STEP_AFTER_RUN and len(given) == 1:
        return _steps_of(session, given[0])
    if verb == "get" and len(given) >= 2:
        return _names_of(session, given[0], given[1])
    return _runs(session) if verb in _RUN_VERBS else _files() if verb in {"check", "run", "notebook"} else []


def _steps(session: KernelSession) -> list[str]:
    check = _checked(session)
    return [step.name for step in check.pipeline.steps] if check and check.pipeline else []


def _parameters(session: KernelSession) -> list[str]:
    check = _checked(session)
    return [p.name for p in check.pipeline.parameters] if check and check.pipeline else []


def _checked(session: KernelSession):  # type: ignore[no-untyped-def]
    from jupyter_kf.ipython.magics import workbench
    from jupyter_kf.ipython.notebook_file import notebook_path, overrides

    try:
        path = notebook_path(session)
        return workbench(session).check(path, overrides=overrides(session, path))
    except KFError:  # nothing can be offered where the notebook cannot be found or read
        return None


def _runs(session: KernelSession) -> list[str]:
    from jupyter_kf.ipython.magics import workbench

    return ["last", *(run.id for run in workbench(session).store.metadata.runs(limit=20))]


def _steps_of(session: KernelSession, run: str) -> list[str]:
    from jupyter_kf.ipython.magics import workbench

    try:
        view = workbench(session).show(run)
    except KFError:
        return []
    return [step.name for step in view.pipeline.steps] if view.pipeline else list(view.latest())


def _names_of(session: KernelSession, run: str, step: str) -> list[str]:
    from jupyter_kf.ipython.magics import workbench

    try:
        return [*workbench(session).describe(run, step).types, "--inputs"]
    except KFError:
        return []


def _files() -> list[str]:
    return [path.name for path in Path().glob("*.ipynb")]

"""Rules about the project itself that no linter knows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "jupyter_kf"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

#: Loaded by the guest only where the interpreter has IPython.
GUEST_WITH_IPYTHON = {PACKAGE / "runtime" / name for name in ("ipython_shell.py", "plain_cells.py")}

#: Packages that cost more than a few milliseconds to import, and the rooms whose job they are.
HEAVY = {
    "IPython": {"ipython"},
    "sqlalchemy": {"store"},
    "fsspec": {"store"},
    "papermill": {"nbrun"},
    "nbclient": {"nbrun"},
    "jupyter_client": {"nbrun"},
    "nbformat": {"nbrun"},
    "numpy": set(),
    "pandas": set(),
    "matplotlib": set(),
    "tornado": {"server"},
    "kubernetes": set(),
}


def imported_at_module_level(path: Path) -> set[str]:
    """Return the top-level packages that importing ``path`` imports; those under TYPE_CHECKING do not count."""
    found: set[str] = set()

    def walk(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                walk(node.orelse)
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for part in ("body", "orelse", "finalbody"):
                    walk(getattr(node, part, []))
                for handler in getattr(node, "handlers", []):
                    walk(handler.body)

    walk(ast.parse(path.read_text("utf-8")).body)
    return found


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    wrong = {name for name in imported_at_module_level(path) & HEAVY.keys() if room not in HEAVY[name]}
    wrong -= {"IPython"} if path in GUEST_WITH_IPYTHON else set()
    assert not wrong, f"import {wrong} inside the function that needs it"


@pytest.mark.parametrize("path", sorted((PACKAGE / "runtime").rglob("*.py")), ids=lambda p: p.name)
def test_guest_needs_the_standard_library_only(path: Path) -> None:
    more = {"IPython", "traitlets"} if path in GUEST_WITH_IPYTHON else set()
    assert imported_at_module_level(path) <= set(sys.stdlib_module_names) | {"__future__"} | more
    ast.parse(path.read_text("utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_say_what_they_are(path: Path) -> None:
    text = path.read_text("utf-8")
    assert path.stem not in {"utils", "util", "helpers", "common", "manager", "misc"}
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), "a module docstring says which room it is"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b|not implemented", text)


def test_words_need_the_standard_library_only() -> None:
    for path in [PACKAGE / "errors.py", PACKAGE / "config.py", *(PACKAGE / "model").rglob("*.py")]:
        assert imported_at_module_level(path) <= set(sys.stdlib_module_names) | {"jupyter_kf"}


def test_links_in_the_documentation_lead_somewhere() -> None:
    broken = []
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")]
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", text):
            link = target[0] or target[1]
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            there = (page.parent / path) if path else page
            if not there.exists() or (anchor and there.suffix == ".md" and anchor not in _anchors(there)):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert len(pages) > 5
    assert not broken


def test_every_page_is_in_an_index() -> None:
    listed = {
        (index.parent / link).resolve()
        for index in (ROOT / "docs" / "README.md", ROOT / "docs" / "design" / "README.md")
        for link in re.findall(r"\]\(([^)#\s]+\.md)", index.read_text("utf-8"))
    }
    pages = {p.resolve() for p in (ROOT / "docs").rglob("*.md") if p != ROOT / "docs" / "README.md"}
    assert len(pages) > 10
    assert sorted(p.name for p in pages - listed) == []


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ +(.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_examples_are_saved_without_outputs() -> None:
    notebooks = sorted((ROOT / "examples").glob("*.ipynb"))
    assert len(notebooks) >= 5
    for path in notebooks:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        assert all(not c.get("outputs") and c.get("execution_count") is None for c in cells), path.name
        assert len({c["id"] for c in cells}) == len(cells)


def test_picture_of_the_readme_is_small() -> None:
    pictures = [p for p in (ROOT / "docs").rglob("*") if p.suffix in {".png", ".svg"}]
    assert pictures
    assert all(p.stat().st_size < 300_000 for p in pictures)


def test_base_install_is_light() -> None:
    names = {re.split(r"[<>=\[ ]", d)[0] for d in PROJECT["project"]["dependencies"]}
    needed = {"ipython", "ipykernel", "traitlets", "sqlalchemy", "fsspec", "papermill", "pyyaml", "anywidget"}
    assert names == needed


def test_environment_is_set_up_once(tmp_path: Path) -> None:
    """A second call with the same pyproject.toml leaves the environment alone, without a look at the network."""
    venv = tmp_path / "venv"
    made = subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=False)
    assert made.returncode == 0
    namespace: dict[str, object] = {"__name__": "environment", "__file__": str(ROOT / "dev" / "environment.py")}
    exec((ROOT / "dev" / "environment.py").read_text("utf-8"), namespace)
    installed: list[list[str]] = []
    namespace["install"] = lambda python, what: installed.append(what)
    main = namespace["main"]
    assert callable(main)
    assert [main(venv, ["test", "s3"]), main(venv, ["s3"]), main(venv, ["test"])] == [0, 0, 0]
    assert [what[1].rpartition("[")[2] for what in installed] == ["s3,test]"]
    assert main(venv, ["lab"]) == 0
    assert installed[1][1].endswith("[lab,s3,test]")


def test_documentation_names_every_verb_option_and_setting() -> None:
    from jupyter_kf.config import Settings
    from jupyter_kf.notebook.directives import RESERVED_OPTIONS, RESERVED_VERBS, STEP_OPTIONS, VERBS
    from jupyter_kf.workbench import verbs

    options = set()
    for verb in verbs.VERBS.values():
        parser = verbs.Parser(prog=verb.name, add_help=False)
        verb.fill(parser, False)
        options |= {w for action in parser._actions for w in action.option_strings[:1]}
    assert len(options) > 20
    assert [w for w in sorted(options) if f"`{w}" not in _page("cli.md")] == []
    assert [v for v in verbs.VERBS if not re.search(rf"`{v}[ `]", _page("cli.md"))] == []
    assert [
        w for w in [*STEP_OPTIONS, *RESERVED_OPTIONS, *RESERVED_VERBS] if f"`{w}" not in _page("directives.md")
    ] == []
    assert [w for w in VERBS if f"%%kubeflow {w}" not in _page("directives.md")] == []
    assert [f.name for f in fields(Settings) if f"| `{f.name}` |" not in _page("configuration.md")] == []


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")

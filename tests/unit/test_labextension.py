"""Rules about the JupyterLab extension that its own checks do not know."""

from __future__ import annotations

import importlib.metadata
import json
import re
import runpy
import shutil
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.store_servers import require

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "labextension"


def shortcuts(folder: Path) -> list[tuple[tuple[str, ...], str]]:
    """Return the keys and commands that the settings schemas below ``folder`` bind."""
    found = []
    for path in sorted(folder.rglob("*.json")):
        for one in json.loads(path.read_text("utf-8")).get("jupyter.lab.shortcuts", []):
            for system in ("keys", "macKeys", "winKeys", "linuxKeys"):
                if one.get(system, [""]) != [""] and not one.get("disabled"):
                    found.append((tuple(one[system]), str(one["command"])))
    return found


def test_lock_names_no_host() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text("utf-8"))
    assert len(lock["packages"]) > 500
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert [name for name, entry in lock["packages"].items() if name and "integrity" not in entry] == []


def test_extension_and_package_have_one_version() -> None:
    package = json.loads((SOURCE / "package.json").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (package["name"], package["version"]) == (project["name"], project["version"])


def test_shortcuts_are_ours_alone() -> None:
    ours = shortcuts(SOURCE / "schema")
    assert len(ours) > 10
    assert [keys for keys, count in Counter(keys for keys, _ in ours).items() if count > 1] == []
    try:
        files = importlib.metadata.distribution("jupyterlab").files or ()
    except importlib.metadata.PackageNotFoundError:
        require("JupyterLab is not installed: pip install jupyterlab")
    schemas = [f for f in files if "share/jupyter/lab/schemas/" in f.as_posix()]
    labs = shortcuts(Path(str(schemas[0].locate())).resolve().parents[2])
    assert len(labs) > 100
    # a chord collides with whatever is bound to its beginning as well
    taken = {keys[:length] for keys, _ in labs for length in range(1, len(keys) + 1)}
    assert [one for one in ours if one[0] in taken or one[0][:1] in {keys for keys, _ in labs}] == []


def test_commands_have_a_shortcut() -> None:
    """All but those that need to be told which run, and those that a menu gives the cell."""
    text = (SOURCE / "src" / "tokens.ts").read_text("utf-8")
    commands = set(re.findall(r"'(jupyter-kf:[\w-]+)'", text)) - {"jupyter-kf:IWorkbench"}
    assert len(commands) > 10
    bound = {command for _, command in shortcuts(SOURCE / "schema")}
    assert commands - bound == {"jupyter-kf:open-run", "jupyter-kf:compare-runs"}


def test_browser_and_server_speak_of_the_same_event() -> None:
    text = (SOURCE / "src" / "api" / "live.ts").read_text("utf-8")
    name = re.search(r"CHANGES = '([^']+)'", text)
    assert name
    schema = (ROOT / "jupyter_kf" / "server" / "events" / "changes.yaml").read_text("utf-8")
    assert f"$id: {name[1]}\n" in schema


def test_bundle_is_made_anew_for_other_sources(tmp_path: Path) -> None:
    source = tmp_path / "labextension"
    for part in ("src", "style", "schema"):
        shutil.copytree(SOURCE / part, source / part)
    for part in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(SOURCE / part, source / part)
    bundle: dict[str, Any] = runpy.run_path(str(ROOT / "dev" / "bundle.py"))
    names = bundle["is_current"].__globals__
    names["SOURCE"], names["OUTPUT"] = source, tmp_path / "out"
    made: list[tuple[str, ...]] = []
    names["npm"] = lambda *what: (made.append(what), (tmp_path / "out").mkdir(exist_ok=True), 0)[-1]
    bundle["build"]()
    bundle["build"]()
    assert len(made) == 1
    (source / "src" / "runs" / "__tests__" / "more.spec.ts").write_text("it('is', () => {});")
    assert bundle["is_current"]()
    (source / "src" / "index.ts").write_text("export default [];")
    assert not bundle["is_current"]()
    names["npm"] = lambda *what: 2
    with pytest.raises(SystemExit):
        bundle["build"]()
    assert not bundle["is_current"]()

"""Each error code has its place on a page of the documentation, and the page tells of none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = list((ROOT / "jupyter_kf").rglob("*.py"))


def test_every_error_code_has_its_place_on_the_page() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    said = set(re.findall(r"[\"'\[](KF[2-8]\d\d)\b", text))
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    listed = re.findall(r"^### (KF\d+)$", page, re.MULTILINE)
    assert listed == sorted(said)


def test_every_code_of_a_training_job_has_its_place_on_the_page_of_jobs() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    page = (ROOT / "docs" / "jobs.md").read_text("utf-8")
    listed = re.findall(r"^### (KF\d+)$", page, re.MULTILINE)
    assert listed == sorted(set(re.findall(r"[\"'\[](KF9\d\d)\b", text)))
    entries = re.split(r"^### KF\d+$", page, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "→" not in entry] == []


def test_every_entry_says_what_to_do() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    entries = re.findall(r"^### (KF\d+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert [code for code, text in entries if "→" not in text] == []
    assert len(entries) > 70


def test_tables_and_texts_name_only_codes_that_exist() -> None:
    known = set()
    for name in ("errors.md", "diagnostics.md"):
        known |= set(re.findall(r"^### (KF\d+)$", (ROOT / "docs" / name).read_text("utf-8"), re.MULTILINE))
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    named = {(code, page.name) for page in pages for code in re.findall(r"KF[1-8]\d\d", page.read_text("utf-8"))}
    assert {(code, page) for code, page in named if code not in known and code not in {"KF199"}} == set()

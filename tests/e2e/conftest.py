"""A browser for each module that needs one; a test in a browser that fails leaves a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lab_server import chromium, screenshot_folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser. Playwright's event loop counts as running as long as it is open, so no other module may meet it."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return screenshot_folder(tmp_path_factory.getbasetemp() / "screenshots")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    page = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and page is not None:
        report.sections.append(("the page", str(page.screenshot(f"failed-{item.name}"))))
    return report

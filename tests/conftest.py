"""Rules for every test: a home of its own for all state, nothing left running, no silent skip where all is there.

A test that leaves behind a thread that would keep Python alive, or a process of a run, fails. With
``JUPYTER_KF_REQUIRE_ALL=1`` a skip is a failure, unless its reason begins with ``platform:`` (another operating system)
or names Python (another version of it).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from jupyter_kf.config import Settings

#: Set in the environment of every process that belongs to a run.
MARKER = "JUPYTER_KF_RUN"
#: Set in the environment of everything that descends from this test session.
SESSION = "JUPYTER_KF_TEST_SESSION"
GRACE = 10.0

_session = f"{os.getpid()}-{time.time_ns()}"


def pytest_configure(config: pytest.Config) -> None:
    """Give the session its own home before any module reads the settings."""
    config.addinivalue_line("markers", "keeps_processes: the test's module stops its processes itself, later")
    # short: the path of a Unix socket has room for about a hundred characters
    root = tempfile.mkdtemp(prefix="kft-", dir="/tmp" if Path("/tmp").is_dir() else None)
    config.stash[_ROOT] = Path(root)
    for setting in ["config", *(f.name for f in fields(Settings))]:
        os.environ.pop(f"JUPYTER_KF_{setting.upper()}", None)
    os.environ[SESSION] = _session
    os.environ["JUPYTER_KF_HOME"] = f"{root}/home"
    os.environ["JUPYTER_RUNTIME_DIR"] = f"{root}/jupyter"
    os.environ["IPYTHONDIR"] = f"{root}/ipython"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that need a cluster last: it may still be being built."""
    cluster = Path(__file__).parent / "cluster"
    items.sort(key=lambda item: cluster in item.path.parents)


_OTHER_MACHINE = re.compile(r"^platform:|\bPython\b")
_ROOT = pytest.StashKey[Path]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what is still warm (fork servers wait for minutes by design) and remove the session's folder."""
    for process in _descendants():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    root = config.stash.get(_ROOT, None)
    if root is not None:
        shutil.rmtree(root, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip into a failure where everything must be there."""
    report = yield
    return _required(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Do the same for a module that skips itself."""
    report = yield
    return _required(report)


def _required(report):  # type: ignore[no-untyped-def]
    if os.environ.get("JUPYTER_KF_REQUIRE_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not _OTHER_MACHINE.search(reason.removeprefix("Skipped: ")):
            report.outcome = "failed"
            report.longrepr = f"must not be skipped here (JUPYTER_KF_REQUIRE_ALL=1): {reason}"
    return report


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a non-daemon thread or a process of a run behind."""
    threads = set(threading.enumerate())
    processes = {p.pid for p in _descendants() if p.run}
    yield
    if request.node.get_closest_marker("keeps_processes"):
        return
    deadline = time.monotonic() + GRACE
    while True:
        left = [t for t in threading.enumerate() if t not in threads and t.is_alive() and not t.daemon]
        running = [p for p in _descendants() if p.run and p.pid not in processes]
        if not left and not running:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    pytest.fail(
        "left behind: "
        + ", ".join(
            [f"thread {t.name}" for t in left] + [f"process {p.pid} of run {p.run}: {p.command}" for p in running]
        )
    )


@dataclass(frozen=True)
class _Process:
    pid: int
    run: str
    command: str


def _descendants() -> list[_Process]:
    """Return the living processes that inherited this session's mark, this one apart. Empty where there is no /proc."""
    found = []
    mark = f"{SESSION}={_session}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            if int(folder.name) == os.getpid() or mark not in environment:
                continue
            if (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (OSError, ValueError):
            continue
        run = next((e.partition(b"=")[2] for e in environment if e.startswith(MARKER.encode() + b"=")), b"")
        found.append(_Process(int(folder.name), run.decode(errors="replace"), command))
    return found

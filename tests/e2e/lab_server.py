"""A real JupyterLab or Notebook 7 with every folder of its own, and Debian's Chromium, for the tests in a browser."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.store_servers import require

#: What the browser needs to run as root in a container, and to ask nothing outside this machine.
_BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_READY_SECONDS = 120.0
_STOP_SECONDS = 30.0


class LabServer:
    """A server process; ``root`` is the folder that it shows, ``home`` is where jupyter_kf keeps its state."""

    def __init__(self, folder: Path, app: str = "jupyterlab", python: str = sys.executable) -> None:
        """Name a server, not started yet.

        Args:
            folder: an empty folder of its own; short, because Unix sockets live below it.
            app: the module to run, ``jupyterlab`` or ``notebook``.
            python: the interpreter of the environment that holds it.
        """
        self.folder, self.app, self.python = folder, app, python
        self.root, self.home = folder / "root", folder / "home"
        self.port = _free_port()
        self.token = "of-a-test"
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        for made in (self.root, folder / "config" / "labconfig", folder / "runtime", folder / "data"):
            made.mkdir(parents=True, exist_ok=True)
        # nothing pops up over what a test wants to click, nothing asks a package index
        switched_off = {"@jupyterlab/apputils-extension:announcements": True}
        config = json.dumps({"disabledExtensions": switched_off})
        (folder / "config" / "labconfig" / "page_config.json").write_text(config)
        settings = {
            "expose_app_in_browser": True,
            "workspaces_dir": str(folder / "workspaces"),
            "user_settings_dir": str(folder / "settings"),
            "extension_manager": "readonly",
        }
        if app != "jupyterlab":
            del settings["extension_manager"]
        # a file, because Notebook 7 does not hear these on its command line
        text = json.dumps({"LabApp" if app == "jupyterlab" else "JupyterNotebookApp": settings})
        (folder / "config" / f"jupyter_{'lab' if app == 'jupyterlab' else 'notebook'}_config.json").write_text(text)

    @property
    def base(self) -> str:
        """The server's address, with a slash at its end."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        """What tells this server's processes from those of others."""
        return {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "JUPYTER_KF_HOME": str(self.home),
            "JUPYTER_KF_TEST_SERVER": str(self.folder),
        }

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [
            self.python, "-m", self.app, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}",
            "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}",
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.api("GET", "api/status")
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.app} does not answer:\n{self.log.read_text('utf-8', errors='replace')[-4000:]}")

    def stop(self) -> None:
        """Let the server end with all its kernels, as Ctrl-C Ctrl-C does."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            self._process = None

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server's REST interface; return the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def end_kernels(self) -> None:
        """Shut down every kernel."""
        for kernel in self.api("GET", "api/kernels"):
            with contextlib.suppress(urllib.error.HTTPError):
                self.api("DELETE", f"api/kernels/{kernel['id']}")

    def processes(self) -> dict[int, str]:
        """Return the living processes that descend from this server: pid → command line."""
        mark = f"JUPYTER_KF_TEST_SERVER={self.folder}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark not in (folder / "environ").read_bytes().split(b"\0"):
                    continue
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if command:  # a zombie has none
                    found[int(folder.name)] = command
        return found


def write_notebook(path: Path, *sources: str) -> Path:
    """Write a notebook of code cells with the ids ``c0``, ``c1``, … and Python's kernel."""
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for i, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    text = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    path.write_text(json.dumps(text, indent=1), "utf-8")
    return path


@contextlib.contextmanager
def running(folder: Path, app: str, python: str = sys.executable) -> Iterator[LabServer]:
    """Give a server; afterwards nothing of it may be left but warm fork servers, which are then stopped, too."""
    server = LabServer(folder, app, python)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        left = _wait_until_only_warm(server)
        for pid in server.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not left, f"left behind by {app}: {left}"


def _wait_until_only_warm(server: LabServer) -> dict[int, str]:
    deadline = time.monotonic() + _STOP_SECONDS
    while True:
        # a fork server stays warm for the next run by design
        left = {pid: command for pid, command in server.processes().items() if "guest.py serve" not in command}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Give a browser (playwright's ``Browser``)."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        require("playwright (a Python package) is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        require("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_BROWSER_OPTIONS)
        yield browser
        browser.close()


def screenshot_folder(otherwise: Path) -> Path:
    """Return the folder for pictures: the one that ``JUPYTER_KF_SCREENSHOTS`` names, else the one given."""
    folder = Path(os.environ.get("JUPYTER_KF_SCREENSHOTS") or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def need(module: str, name: str) -> None:
    """Skip where a package is not installed (a failure where everything must be there)."""
    import importlib.util

    if importlib.util.find_spec(module) is None:
        require(f"{name} (a Python package) is not installed")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

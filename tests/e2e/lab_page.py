"""Page objects: what a user does in a notebook that is open in JupyterLab or Notebook 7.

Keys and clicks go through the page as a user's do. What the page does not show (is the kernel really there? which
execution is this?) is asked of the application object, which the test servers expose as ``jupyterapp``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.e2e.lab_server import LabServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

#: Milliseconds; two busy cores are slow now and then, a test that waits for what never comes still ends.
PATIENCE = 60_000

_PANEL = "jupyterapp.shell.currentWidget"
_MODELS = f"{_PANEL}.content.widgets"


class LabPage:
    """One browser tab with one notebook in front.

    ``mistakes`` collects what the page's console calls an error, ``elsewhere`` every request that left this machine.
    """

    def __init__(self, browser: Browser, server: LabServer, pictures: Path, *, width: int = 1280) -> None:
        self.server, self.pictures = server, pictures
        self.mistakes: list[str] = []
        self.elsewhere: list[str] = []
        self._context = browser.new_context(viewport={"width": width, "height": 900})
        self._context.set_default_timeout(PATIENCE)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.page.on("request", self._note_request)

    def close(self) -> None:
        """Close the tab and forget its cookies."""
        self._context.close()

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.mistakes.append(message.text)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.server.base, "data:", "blob:")):
            self.elsewhere.append(request.url)

    # the notebook as a whole

    def open(self, path: str) -> None:
        """Load the application with a notebook, and wait until its kernel answers."""
        lab = self.server.app == "jupyterlab"
        place = f"lab/tree/{quote(path)}" if lab else f"notebooks/{quote(path)}"
        self.page.goto(f"{self.server.base}{place}?token={self.server.token}{'&reset' if lab else ''}")
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self._wait_until_shown(path)
        self.wait_for_kernel()

    def switch_to(self, path: str) -> None:
        """Open one more notebook in the page that is loaded already (JupyterLab only)."""
        self.command("docmanager:open", {"path": path, "factory": "Notebook"})
        self._wait_until_shown(path)
        self.wait_for_kernel()

    def _wait_until_shown(self, path: str) -> None:
        self.page.wait_for_function(
            f"path => {_PANEL}?.context?.path === path && {_PANEL}.context.isReady && {_MODELS}.length > 0", arg=path
        )

    def wait_for_kernel(self) -> None:
        """Wait until the kernel has told who it is and is idle: before that, what is sent may be lost."""
        self.page.evaluate(
            f"""() => {{
              window.kfAnswered = '';
              const kernel = {_PANEL}.sessionContext.session?.kernel;
              kernel?.info.then(() => {{ window.kfAnswered = kernel.id; }});
            }}"""
        )
        self.page.wait_for_function(
            f"""() => {{
              const context = {_PANEL}.sessionContext;
              const kernel = context.session?.kernel;
              if (!context.isReady || !kernel || kernel.connectionStatus !== 'connected') return false;
              if (window.kfAnswered !== kernel.id) {{
                kernel.info.then(() => {{ window.kfAnswered = kernel.id; }});
                return false;
              }}
              return kernel.status === 'idle';
            }}"""
        )

    def save(self) -> None:
        """Save by the key, and wait until nothing is unsaved."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function(f"() => !{_PANEL}.context.model.dirty")

    def saved(self) -> Any:
        """Whether the file holds everything that is on the page."""
        return not self.page.evaluate(f"() => {_PANEL}.context.model.dirty")

    def rename(self, name: str) -> None:
        """Rename the open notebook by the application's dialog."""
        self.command("docmanager:rename")
        dialog = self.page.locator(".jp-Dialog")
        box = dialog.locator("input.jp-mod-styled, input")
        box.first.fill(name)
        dialog.locator("button.jp-mod-accept").click()
        self.page.wait_for_function(f"name => {_PANEL}.context.path.endsWith(name)", arg=name)

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Execute a command of the application; do not wait for its promise, which may outlive the page's patience."""
        self.page.evaluate(
            "([name, args]) => { void jupyterapp.commands.execute(name, args); }", [name, arguments or {}]
        )

    def close_all(self) -> None:
        """Close every notebook without asking; what is unsaved is lost."""
        self.page.evaluate(
            """() => {
              for (const widget of [...jupyterapp.shell.widgets('main')]) {
                if (widget.context) widget.context.model.dirty = false;
                widget.close();
              }
            }"""
        )
        self.page.wait_for_function(
            "() => [...jupyterapp.shell.widgets('main')].every(widget => widget.context === undefined)"
        )

    def interrupt(self) -> None:
        """Interrupt the kernel."""
        self.command("notebook:interrupt-kernel")

    def restart(self) -> None:
        """Restart the kernel and say yes to the question."""
        before = self.page.evaluate(f"() => {_PANEL}.sessionContext.session.kernel.id")
        self.page.evaluate(
            f"""() => {{
              window.kfRestarts = 0;
              {_PANEL}.sessionContext.session.kernel.statusChanged.connect((_, status) => {{
                if (status === 'restarting' || status === 'autorestarting') window.kfRestarts += 1;
              }});
            }}"""
        )
        self.command("notebook:restart-kernel")
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.page.wait_for_function(
            f"before => window.kfRestarts > 0 || {_PANEL}.sessionContext.session.kernel.id !== before", arg=before
        )
        self.wait_for_kernel()

    # cells

    @property
    def notebook(self) -> Locator:
        """The notebook in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")

    def cell(self, index: int) -> Locator:
        """The cell at an index, the last one at -1."""
        cells = self.notebook.locator(".jp-Cell")
        return cells.last if index == -1 else cells.nth(index)

    def count(self) -> int:
        """How many cells there are."""
        return int(self.page.evaluate(f"() => {_MODELS}.length"))

    def source(self, index: int) -> str:
        """A cell's text."""
        return str(self.page.evaluate(f"i => {_MODELS}.at(i).model.sharedModel.source", index))

    def edit(self, index: int, text: str) -> None:
        """Replace a cell's text as if it were pasted."""
        editor = self.cell(index).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)
        assert self.source(index) == text

    def add(self, text: str) -> int:
        """Add a cell below the last one; return its index."""
        index = self.count()
        self.page.evaluate(f"() => {{ {_PANEL}.content.activeCellIndex = {_MODELS}.length - 1; }}")
        self.command("notebook:insert-cell-below")
        self.page.wait_for_function(f"n => {_MODELS}.length === n", arg=index + 1)
        self.edit(index, text)
        return index

    def start(self, index: int) -> None:
        """Execute a cell and come back at once."""
        self.page.evaluate(f"i => {{ {_MODELS}.at(i).model.sharedModel.execution_count = null; }}", index)
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            f"i => {{ const m = {_MODELS}.at(i).model; return m.executionState === 'running' || m.executionCount; }}",
            arg=index,
        )

    def wait(self, index: int) -> str:
        """Wait until a cell that was started is through; return what stands below it."""
        self.page.wait_for_function(
            f"i => {{ const m = {_MODELS}.at(i).model; return m.executionState === 'idle' && m.executionCount; }}",
            arg=index,
        )
        return self.text(index)

    def run(self, index: int) -> str:
        """Execute a cell, wait for its end, return the text of its outputs."""
        self.start(index)
        return self.wait(index)

    def do(self, text: str) -> str:
        """Write a new cell at the end and run it; return the text of its outputs."""
        return self.run(self.add(text))

    def outputs(self, index: int) -> Locator:
        """The outputs of a cell."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def text(self, index: int) -> str:
        """The text of a cell's outputs as it is read on the page, style sheets apart."""
        parts = self.cell(index).locator(".jp-OutputArea-output").evaluate_all(
            """nodes => nodes.map(node => {
              const copy = node.cloneNode(true);
              copy.querySelectorAll('style, script, title, desc').forEach(e => e.remove());
              return copy.textContent;
            })"""
        )  # fmt: skip
        return "\n".join(parts)

    def wait_for_text(self, index: int, pattern: str) -> str:
        """Wait until the outputs of a cell match a regular expression; return their text."""
        return self.until(lambda: self.text(index), lambda text: re.search(pattern, text) is not None, pattern)

    def until(self, ask: Callable[[], str], fits: Callable[[str], bool], wanted: str) -> str:
        """Ask again and again until the answer fits; fail with the last answer."""
        found = ""
        for _ in range(PATIENCE // 100):
            found = ask()
            if fits(found):
                return found
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{wanted!r} did not come; there is:\n{found}")

    # help while typing

    def complete(self, index: int, text: str) -> list[str]:
        """Type at the end of a cell's text, press Tab, return what the completer offers."""
        self.edit(index, text)
        self.page.keyboard.press("Control+End")
        self.page.keyboard.press("Tab")
        box = self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item .jp-Completer-match")
        box.first.wait_for()
        found = [item.strip() for item in box.all_text_contents()]
        self.page.keyboard.press("Escape")
        return found

    # looking at it

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the page."""
        path = self.pictures / f"{name}.png"
        self.page.screenshot(path=path)
        return path

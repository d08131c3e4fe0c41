"""The guest's room, shells: executes cells as a kernel would.

:func:`make_shell` gives an IPython shell where the interpreter has IPython (magics, shell lines, rich display), else
:class:`PlainShell`, which runs plain cells and says clearly what needs IPython. Both execute cells within one running
asyncio loop, as a kernel does: top-level ``await`` works, tasks live on from cell to cell, ``asyncio.run`` does not.
"""

from __future__ import annotations

import abc
import ast
import asyncio
import base64
import builtins
import contextvars
import inspect
import os
import re
import sys
import types
from dataclasses import dataclass
from typing import Any, Coroutine, Dict, Iterable, List, NoReturn, Optional, Tuple

from . import loops
from .capture import Capture
from .failure import CellSource, CodeNames
from .namespace import future_flags

_DIRECTIVE = re.compile(r"\s*(#\s*)?%%kubeflow\b")
#: Cells with such words are executed as a task of the running loop.
_ASYNCHRONOUS = re.compile(r"\b(await|async|asyncio)\b")
#: Libraries that ask for the current task where they are loaded.
_ASKS_FOR_TASK = ("anyio", "sniffio", "nest_asyncio")
_INERT = re.compile(r"\s*%(kubeflow\b|(load_ext|reload_ext|unload_ext)\s+jupyter_kf\b)")


@dataclass(frozen=True)
class Outcome:
    """How a cell ended: with an exception, or with the wish to leave (``exit``), or neither."""

    error: Optional[BaseException] = None
    leave: bool = False


def strip_directives(source: str) -> Tuple[str, int]:
    r"""Make directive lines at the top of a cell inert; return the text and how many lines were cut off its top.

    A directive becomes a comment, so that line numbers stay true; only where a cell magic follows it is cut off,
    because a cell magic must come first.

    >>> strip_directives("%%kubeflow step a\nx = 1")
    ('# %%kubeflow step a\nx = 1', 0)
    >>> strip_directives("%%kubeflow step a\n\n%%bash\nls")
    ('%%bash\nls', 2)
    """
    lines = source.split("\n")
    at, found = 0, False
    while at < len(lines) and (not lines[at].strip() or _DIRECTIVE.match(lines[at])):
        if lines[at].strip():
            found = True
            if not lines[at].lstrip().startswith("#"):
                lines[at] = "# " + lines[at].lstrip()
        at += 1
    if found and at < len(lines) and lines[at].startswith("%%"):
        return "\n".join(lines[at:]), at
    return "\n".join(lines), 0


def refuse_input(prompt: object = "", *args: object, **kwargs: object) -> NoReturn:
    """Stand in for ``input`` and ``getpass``: nobody sits before a step."""
    raise RuntimeError(
        "A step cannot ask for input (%r): nobody is there to answer. "
        "Make the value a parameter of the pipeline (%%%%kubeflow params), or pass a secret (--secret)." % str(prompt)
    )


def make_shell(module: types.ModuleType) -> Shell:
    """Return a shell whose cells run in ``module``, which it makes ``sys.modules["__main__"]``.

    The shell is not bound to an execution yet (:meth:`Shell.bind`), so that a fork server can make it ahead of time.
    """
    try:
        from .ipython_shell import IPythonShell
    except ImportError:
        return PlainShell(module)
    return IPythonShell(module)


class Shell(abc.ABC):
    """What a step asks of a shell. ``capture`` and ``names`` are set by :meth:`bind`."""

    capture: Capture
    names: CodeNames

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module
        self.loop: Any = loops.SleepingLoop()
        self._busy = False

    def bind(self, capture: Capture, names: CodeNames) -> None:
        """Tie the shell to the execution it is to serve."""
        self.capture = capture
        self.names = names
        builtins.input = refuse_input
        import getpass

        getpass.getpass = refuse_input

    @abc.abstractmethod
    def obey(self, features: Iterable[str]) -> None:
        """Compile cells with these ``__future__`` features, which cells above have switched on."""

    def warm(self) -> None:
        """Load ahead of time what every cell needs; a fork server's children have it then."""
        import getpass  # noqa: F401

    @abc.abstractmethod
    def forget(self) -> None:
        """Have executed nothing, after a rehearsal."""

    @abc.abstractmethod
    def run(self, cell: CellSource) -> Coroutine[Any, Any, Outcome]:
        """Execute a cell; never raises an exception of user code."""

    @abc.abstractmethod
    def run_plain(self, cell: CellSource) -> Optional[Outcome]:
        """Execute a cell without ``await``, beside the loop; None where that is not the way for it."""

    def execute(self, cell: CellSource) -> Outcome:
        """Execute a cell in its turn; tasks that cells have made get theirs, as between a kernel's cells."""
        outcome: Optional[Outcome] = None
        process = os.getpid()
        self._busy = True
        try:
            if not _ASYNCHRONOUS.search(cell.source) and not any(name in sys.modules for name in _ASKS_FOR_TASK):
                loops.present(self.loop)
                try:
                    outcome = self.run_plain(cell)
                finally:
                    loops.withdraw(self.loop)
            if outcome is None:
                return self._run_as_task(cell)  # type: ignore[no-any-return]
            if loops.is_awake(self.loop) and os.getpid() == process:
                self._run_as_task(None)
            return outcome
        finally:
            self._busy = False

    def _run_as_task(self, cell: Optional[CellSource]) -> Any:
        """Run a cell, then what waits for its turn, within the loop that all cells share.

        The context variables it sets (numpy's print options are some) stay set, although a task has a copy of its own.
        """
        ended = contextvars.copy_context()
        process = os.getpid()

        async def run() -> Optional[Outcome]:
            nonlocal ended
            try:
                outcome = await self.run(cell) if cell else None
                if os.getpid() == process:  # a child that the cell forked has no part in the others' tasks
                    await asyncio.sleep(0)
                return outcome
            finally:
                ended = contextvars.copy_context()

        process = os.getpid()

        asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(run())
        finally:
            for variable, value in ended.items():
                variable.set(value)

    def run_now(self, cell: CellSource) -> Outcome:
        """Execute a cell at once, be it while another one runs; then it cannot await anything that takes time."""
        if not self._busy:
            return self.execute(cell)
        body = self.run(cell)
        try:
            body.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        body.close()
        return Outcome(RuntimeError("A setup cell that is needed while another cell runs cannot await."))


class PlainShell(Shell):
    """Cells without IPython: plain Python, top-level await, display of the last expression, pyplot's figures."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(module)
        sys.modules["__main__"] = module
        self._count = 0
        namespace = module.__dict__
        namespace.setdefault("__builtins__", builtins)
        namespace.setdefault("In", [""])
        namespace.setdefault("Out", {})
        builtins.display = self._display  # type: ignore[attr-defined]
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def obey(self, features: Iterable[str]) -> None:
        """Compile cells with these ``__future__`` features."""
        self._flags |= future_flags(features)

    def forget(self) -> None:
        """Have executed nothing, after a rehearsal."""
        self._count = 0
        del self.module.__dict__["In"][1:]
        self.module.__dict__["Out"].clear()

    def run_plain(self, cell: CellSource) -> Optional[Outcome]:
        """Execute a cell that awaits nothing."""
        body = self.run(cell)
        try:
            body.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        raise RuntimeError("A cell without 'await' has awaited something.")

    async def run(self, cell: CellSource) -> Outcome:
        """Execute a cell; never raises an exception of user code."""
        self._count += 1
        source, offset = strip_directives(cell.source)
        self.names.enter(cell, offset)
        namespace = self.module.__dict__
        namespace["In"].append(cell.source)
        source = "\n".join("pass" if _INERT.match(line) else line for line in source.split("\n"))
        try:
            await self._execute(source, self.names.name(cell, offset, source))
        except SystemExit as exc:
            return Outcome(None, True) if exc.code in (None, 0) else Outcome(exc, True)
        except BaseException as exc:  # noqa: BLE001 - the outcome carries it
            return Outcome(exc)
        finally:
            self._show_figures()
        return Outcome()

    async def _execute(self, source: str, filename: str) -> None:
        namespace = self.module.__dict__
        try:
            tree = compile(source, filename, "exec", ast.PyCF_ONLY_AST | self._flags, dont_inherit=True)
        except SyntaxError as exc:
            raise _magic_error(source, exc, filename) from None
        assert isinstance(tree, ast.Module)
        last = tree.body[-1] if tree.body else None
        silent = source.rstrip().endswith(";")
        if isinstance(last, ast.Expr) and not silent:
            await self._evaluate(ast.Module(tree.body[:-1], tree.type_ignores), filename)
            code = compile(ast.Expression(last.value), filename, "eval", self._flags, dont_inherit=True)
            value = eval(code, namespace)  # noqa: S307 - executing the user's cell is the purpose
            if code.co_flags & inspect.CO_COROUTINE:
                value = await value
            if value is not None:
                namespace["___"], namespace["__"] = namespace.get("__", ""), namespace.get("_", "")
                namespace["_"] = namespace["Out"][self._count] = value
                data = {"data": _mime_bundle(value), "metadata": {}, "execution_count": self._count}
                self.capture.emit({"output_type": "execute_result", **data})
        else:
            await self._evaluate(tree, filename)

    async def _evaluate(self, tree: ast.Module, filename: str) -> None:
        code = compile(tree, filename, "exec", self._flags, dont_inherit=True)
        made = eval(code, self.module.__dict__)  # noqa: S307
        if code.co_flags & inspect.CO_COROUTINE:
            await made

    def _display(self, *values: Any, **kwargs: Any) -> None:
        for value in values:
            self.capture.emit({"output_type": "display_data", "data": _mime_bundle(value), "metadata": {}})

    def _show_figures(self) -> None:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            self._display(pyplot.figure(number))
        pyplot.close("all")


def _magic_error(source: str, exc: SyntaxError, filename: str) -> SyntaxError:
    lines = source.split("\n")
    line = lines[exc.lineno - 1].lstrip() if exc.lineno and exc.lineno <= len(lines) else ""
    if not line.startswith(("%", "!", "?")) and not line.rstrip().endswith("?"):
        return exc
    text = "magics and shell lines need IPython, which the step's interpreter does not have"
    return SyntaxError(text, (filename, exc.lineno, exc.offset, line))


def _mime_bundle(value: Any) -> Dict[str, Any]:
    data: Dict[str, Any] = {"text/plain": repr(value)}
    if isinstance(value, type):
        return data
    figure_png = _figure_png(value)
    if figure_png:
        data["image/png"] = figure_png
    for method, mime in (
        ("_repr_html_", "text/html"),
        ("_repr_svg_", "image/svg+xml"),
        ("_repr_markdown_", "text/markdown"),
        ("_repr_latex_", "text/latex"),
        ("_repr_png_", "image/png"),
    ):
        made = getattr(value, method)() if callable(getattr(value, method, None)) else None
        if made is not None:
            data[mime] = encode_bytes(made)
    return data


def _figure_png(value: Any) -> Optional[str]:
    module = sys.modules.get("matplotlib.figure")
    if module is None or not isinstance(value, module.Figure):
        return None
    import io

    buffer = io.BytesIO()
    value.savefig(buffer, format="png", bbox_inches="tight")
    return base64.b64encode(buffer.getvalue()).decode()


def encode_bytes(value: Any) -> Any:
    """Return bytes as base64 text, as nbformat has it; anything else as it is."""
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray)) else value


def encode_bundle(data: Dict[str, Any]) -> Dict[str, Any]:
    """Return a MIME bundle in which bytes are base64 text."""
    return {mime: encode_bytes(value) for mime, value in data.items()}


#: Names that a shell puts into the namespace for itself.
SHELL_NAMES: List[str] = ["In", "Out", "_", "__", "___", "get_ipython", "exit", "quit", "open"]

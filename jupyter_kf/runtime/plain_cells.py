"""The guest's room, plain cells: the short way through IPython for cells that hold nothing but plain Python.

IPython looks for its own syntax in every cell, asks for callbacks, and keeps a history that it can write to a database.
In a freshly forked process most of what a trivial step costs is to touch the memory of all that. A cell that IPython
would hand to the compiler as it is goes there directly: its statements are still executed by ``shell.run_code``, shown
by the shell's display hook, and found in ``In``, ``_i`` and their kin.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from IPython.core.interactiveshell import ExecutionResult

if TYPE_CHECKING:
    from .ipython_shell import IPythonShell

#: Words and signs with which IPython may do more than to compile: magics, shell lines, help, prompts, its own objects.
_UNUSUAL = re.compile(r"^\s*[%!?/,;]|=\s*[%!]|\?\s*$|>>>|In ?\[|^\s*\.\.\.|get_ipython|^\s*(exit|quit)\b", re.MULTILINE)


class PlainCells:
    """Executes plain cells in the shell of ``owner``."""

    def __init__(self, owner: IPythonShell) -> None:
        self._owner = owner
        shell = owner.shell
        self._parsed: List[str] = shell.history_manager.input_hist_parsed
        self._raw: List[str] = shell.history_manager.input_hist_raw
        self._inputs = ["", "", "", ""]  # of which _i, _ii and _iii are told
        self._behind = False
        self._ahead = shell.execution_count - shell.displayhook.prompt_count  # versions of IPython differ
        self._usual = self._settings()

    def _settings(self) -> List[Any]:
        """Return what user code, or a library, changes to take part in the execution of cells."""
        shell = self._owner.shell
        manager = shell.input_transformer_manager
        transforms = (manager.cleanup_transforms, manager.line_transforms, manager.token_transformers)
        return [
            *(len(held) for held in (*shell.events.callbacks.values(), *transforms, shell.ast_transformers)),
            len(shell.input_transformers_post),
            len(shell.custom_exceptions),
            shell.ast_node_interactivity,
        ]

    def parsed(self, source: str) -> Optional[ast.Module]:
        """Return the cell's statements, None where it must go the long way."""
        if not source or source[0].isspace() or _UNUSUAL.search(source) or self._settings() != self._usual:
            return None
        try:
            tree = self._owner.shell.compile.ast_parse(source + "\n", "<cell>")
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
            return None  # the long way tells
        return tree if isinstance(tree, ast.Module) else None

    def execute(self, tree: ast.Module, source: str, filename: str) -> Optional[BaseException]:
        """Execute statements as the next cell; return what they raised."""
        shell, namespace = self._owner.shell, self._owner.module.__dict__
        number, result = shell.execution_count, ExecutionResult(None)  # type: ignore[no-untyped-call,unused-ignore]
        result.execution_count = number
        shell.execution_count += self._ahead
        namespace.pop("__warningregistry__", None)  # every cell warns anew
        self._remember(source, number, namespace)
        try:
            with shell.display_trap:
                self._run(tree, filename, result)
        finally:
            shell.execution_count = number + 1
            shell.last_execution_result, shell.last_execution_succeeded = result, result.error_in_exec is None
            if shell.events.callbacks["post_execute"] or shell.events.callbacks["post_run_cell"]:
                shell.events.trigger("post_execute")  # a library has just asked for it; pyplot's figures are shown so
                shell.events.trigger("post_run_cell", result)
        return result.error_in_exec

    def _run(self, tree: ast.Module, filename: str, result: ExecutionResult) -> None:
        shell = self._owner.shell
        last = len(tree.body) - 1
        for i, node in enumerate(tree.body):
            shown = i == last and isinstance(node, ast.Expr)
            unit: Any = ast.Interactive([node]) if shown else ast.Module([node], [])
            try:
                code = shell.compile(unit, filename, "single" if shown else "exec")
            except Exception as exc:  # noqa: BLE001 - it could be parsed but means nothing: "return" outside a function
                result.error_in_exec = exc
                return
            body = shell.run_code(code, result)
            try:
                body.send(None)
            except StopIteration as done:
                if done.value:
                    return

    def _remember(self, source: str, number: int, namespace: Dict[str, Any]) -> None:
        """Append to ``In``; do for ``_i``, ``_ii``, ``_iii``, ``_i3`` what the history does."""
        text = source.rstrip("\n")
        self._parsed.append(text)
        self._raw.append(text)
        if not self._behind:
            history = self._owner.shell.history_manager
            self._inputs = [history._i00, history._i, history._ii, history._iii]
            self._behind = True
        self._inputs = [text, *self._inputs[:3]]
        namespace["_i"], namespace["_ii"], namespace["_iii"] = self._inputs[1:]
        namespace["_i%d" % number] = text

    def catch_up(self) -> None:
        """Tell the history of what it has not seen, before a cell that goes the long way."""
        if self._behind:
            history = self._owner.shell.history_manager
            history._i00, history._i, history._ii, history._iii = self._inputs
            self._behind = False

    def forget(self) -> None:
        """Have executed nothing yet."""
        del self._parsed[1:], self._raw[1:]
        self._owner.shell.execution_count = 1
        self._inputs, self._behind = ["", "", "", ""], False

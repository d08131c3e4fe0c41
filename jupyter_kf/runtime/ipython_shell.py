"""The guest's room, IPython: the interpreter's own ``InteractiveShell`` as a step's shell.

No history database, no threads, no colours, no profile: what is left behaves as a kernel's shell does. Displays go to
the :class:`~.capture.Capture`; exceptions are left to the step, which describes them once.
Importing this module raises :class:`ImportError` where the interpreter has no IPython.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Dict, Iterable, Optional

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .failure import CellSource, describe
from .namespace import future_flags
from .plain_cells import PlainCells
from .shell import Outcome, Shell, encode_bundle, strip_directives

INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


class StepCompiler(CachingCompiler):  # type: ignore[misc,unused-ignore]
    """Names compiled code after its cell."""

    owner: Optional[IPythonShell] = None

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """Return the cell's file name, whoever asks for it."""
        if self.owner is None or not hasattr(self.owner, "names"):
            return "<setup>"
        return self.owner.code_name(raw_code, transformed_code)


class StepDisplayHook(DisplayHook):  # type: ignore[misc,unused-ignore]
    """Turns the value of a cell's last expression into an ``execute_result``."""

    owner: Optional[IPythonShell] = None
    made: Optional[Dict[str, Any]] = None

    def start_displayhook(self) -> None:
        """Begin with nothing."""
        self._is_active = True
        self.made = None

    def write_output_prompt(self) -> None:
        """Write none."""

    def write_format_data(self, format_dict: Dict[str, Any], md_dict: Optional[Dict[str, Any]] = None) -> None:
        """Keep the representations for the end."""
        self.made = {"data": encode_bundle(format_dict), "metadata": md_dict or {}}

    def finish_displayhook(self) -> None:
        """Append the output."""
        if self.made is not None and self.owner is not None:
            count = self.prompt_count
            self.owner.capture.emit({"output_type": "execute_result", "execution_count": count, **self.made})
        self.made = None
        self._is_active = False


class StepDisplayPublisher(DisplayPublisher):  # type: ignore[misc,unused-ignore]
    """Takes ``display()``, ``clear_output()`` and ``update_display()``."""

    owner: Optional[IPythonShell] = None

    def publish(self, data: Dict[str, Any], metadata: Any = None, source: Any = None, **extra: Any) -> None:
        """Append a display, or the update of one."""
        if self.owner is None or not data:
            return
        kind = "update_display_data" if extra.get("update") else "display_data"
        output: Dict[str, Any] = {"output_type": kind, "data": encode_bundle(data), "metadata": metadata or {}}
        if extra.get("transient"):
            output["transient"] = extra["transient"]
        self.owner.capture.emit(output)

    def clear_output(self, wait: bool = False) -> None:
        """Record that the outputs of the cell are to go."""
        if self.owner is not None:
            self.owner.capture.emit({"output_type": "clear_output", "wait": bool(wait)})


class StepInteractiveShell(InteractiveShell):  # type: ignore[misc,unused-ignore]
    """IPython's shell without what only a terminal needs."""

    owner: Optional[IPythonShell] = None
    leave = False

    def init_virtualenv(self) -> None:
        """Leave ``sys.path`` alone: the interpreter is the environment's own."""

    def init_logstart(self) -> None:
        """Keep no log."""

    def atexit_operations(self) -> None:
        """Leave nothing to do at exit: the process ends by ``os._exit``."""

    def ask_exit(self) -> None:
        """``exit`` and ``quit``: the step ends after this cell, as a kernel would."""
        self.leave = True

    exiter_leave = ask_exit

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Leave the exception that ended a cell to the step; show one that a magic or a callback hands in."""
        owner = self.owner
        exc_tuple = args[0] if args else kwargs.get("exc_tuple")
        exc = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        if owner is None or exc is None:
            return
        if exc_tuple:
            owner.show(exc)
        else:
            owner.caught = exc

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
        """Leave it to the step."""

    def _format_exception_for_storage(self, exception: Any, *args: Any, **kwargs: Any) -> Dict[str, Any]:
        return {"ename": type(exception).__name__, "evalue": "", "traceback": []}

    def system(self, cmd: str) -> None:
        """Run a shell line on the step's own descriptors, so that its output streams."""
        self.system_raw(cmd)  # type: ignore[no-untyped-call,unused-ignore]

    def enable_gui(self, gui: Any = None) -> None:
        """Accept and ignore: a step has no event loop of a window system."""


class IPythonShell(Shell):
    """Executes cells through :class:`StepInteractiveShell`."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(module)
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        config.Completer.use_jedi = False
        shell: Any = StepInteractiveShell.instance(
            config=config,
            user_module=module,
            user_ns=module.__dict__,
            compiler_class=StepCompiler,
            displayhook_class=StepDisplayHook,
            display_pub_class=StepDisplayPublisher,
            autoindent=False,
            banner1="",
        )
        self.shell: Any = shell
        shell.owner = shell.compile.owner = shell.displayhook.owner = shell.display_pub.owner = self
        self._cell: Optional[CellSource] = None
        self._offset = 0
        self._given = ""
        self._problem: Optional[BaseException] = None
        self.caught: Optional[BaseException] = None
        self._register_inert_magics()
        self._page_as_output()
        shell.builtin_trap.__enter__()  # get_ipython() is there and exit is the shell's, as long as the step lasts
        self._plain = PlainCells(self)

    def obey(self, features: Iterable[str]) -> None:
        """Compile cells with these ``__future__`` features."""
        self.shell.compile.flags |= future_flags(features)

    def _page_as_output(self) -> None:
        from IPython.core import page

        def show(text: Any, *args: Any, **kwargs: Any) -> None:
            data = text if isinstance(text, dict) else {"text/plain": str(text)}
            self.capture.emit({"output_type": "display_data", "data": encode_bundle(data), "metadata": {}})

        as_hook: Any = page.as_hook
        self.shell.set_hook("show_in_pager", as_hook(show), 99)

    def _register_inert_magics(self) -> None:
        def kubeflow(line: str, cell: Optional[str] = None) -> None:
            """Do nothing: inside a step, jupyter_kf's own commands are inert."""

        self.shell.register_magic_function(kubeflow, "line_cell", "kubeflow")

    def code_name(self, raw: str, transformed: str) -> str:
        """Return the file name for code that the shell compiles."""
        if self._cell is not None and raw == self._given:
            return self.names.name(self._cell, self._offset, transformed)
        return self.names.nested(raw, transformed)

    def show(self, exc: BaseException) -> None:
        """Append an exception that user code handed in (and survives) to the outputs of its cell."""
        if exc is self._problem:
            return
        error = describe(exc, self.names)
        output = {k: error[k] for k in ("ename", "evalue", "traceback")}
        self.capture.error({"output_type": "error", **output}, "\n".join(error["traceback"]) + "\n")

    def warm(self) -> None:
        """Have IPython load and compile what every cell needs, without a trace in the namespace."""
        super().warm()
        shell = self.shell
        namespace = dict(self.module.__dict__)
        source = "_ = [1]\n!true\n%pwd\n_?\n_"
        shell.should_run_async(source, transformed_cell=shell.transform_cell(source))
        for _ in range(10):  # often enough for the interpreter to have specialised what it runs
            shell.run_cell("pass", store_history=False)
        shell.display_formatter.format([1])
        self.module.__dict__.clear()
        self.module.__dict__.update(namespace)

    def forget(self) -> None:
        """Have executed nothing: no history, no number."""
        self._plain.forget()

    def run_plain(self, cell: CellSource) -> Optional[Outcome]:
        """Execute a cell of plain Python, which IPython has nothing to do with but to show its last value."""
        source, offset = strip_directives(cell.source)
        tree = self._plain.parsed(source)
        if tree is None:
            return None
        self.names.enter(cell, offset)
        self._cell, self._offset, self._given = cell, offset, source
        self.shell.leave = False
        self.caught = self._problem = None
        try:
            filename = self.names.name(cell, offset, source + "\n")
            return self._outcome(self._plain.execute(tree, source, filename))
        except BaseException as exc:  # noqa: BLE001 - the outcome carries it
            return Outcome(exc)
        finally:
            self._cell = None

    def _outcome(self, error: Optional[BaseException]) -> Outcome:
        error = error or self.caught
        if isinstance(error, SystemExit):
            return Outcome(None, True) if error.code in (None, 0) else Outcome(error, True)
        return Outcome(error, self.shell.leave)

    async def run(self, cell: CellSource) -> Outcome:
        """Execute a cell; never raises an exception of user code."""
        shell = self.shell
        self._plain.catch_up()
        source, offset = strip_directives(cell.source)
        self.names.enter(cell, offset)
        self._cell, self._offset, self._given = cell, offset, source
        shell.leave = False
        self.caught = self._problem = None
        problem: Any = None
        try:
            transformed = shell.transform_cell(source)
        except Exception:  # noqa: BLE001 - a magic's own transformer may raise; the shell shows it
            transformed, problem = source, sys.exc_info()
            self._problem = problem[1]
        try:
            result = None
            try:
                result = await shell.run_cell_async(
                    source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=problem
                )
            finally:
                shell.events.trigger("post_execute")
                shell.events.trigger("post_run_cell", result)
        except BaseException as exc:  # noqa: BLE001 - the outcome carries it
            return Outcome(exc)
        finally:
            self._cell = None
        return self._outcome(result.error_before_exec or result.error_in_exec)

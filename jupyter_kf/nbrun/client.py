"""Feature room, whole notebooks: papermill's machinery with saves that are few, and cells that can be stopped.

Importing this module imports papermill and nbclient, which costs seconds; only the process that executes does it.
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, v4
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from papermill.iorw import LocalHandler, papermill_io, write_ipynb
from papermill.log import logger as papermill_logger

from jupyter_kf.errors import KFError

logger = logging.getLogger(__name__)

#: Least number of seconds between two saves of a notebook that is being executed.
SAVE_EVERY = 5.0
#: Least ratio of the time between two saves to the time that a save takes.
SAVE_RATIO = 10.0
#: Seconds between two looks at the clock, the stop request and unsaved output while a cell runs.
TICK = 0.5


class Observer(Protocol):
    """Is told what happens while a notebook runs."""

    def cell_started(self, index: int) -> None:
        """The cell at ``index`` of the executed notebook is about to run."""

    def cell_finished(self, index: int) -> None:
        """It is over, well or not."""

    def message(self, index: int, kind: str, content: Mapping[str, Any]) -> None:
        """Its kernel sent a message of this kind on the iopub channel (``stream``, ``display_data``, …)."""

    def tick(self) -> None:
        """Some time has gone by."""


class SavingManager(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's state keeper of one notebook, with saves that are throttled and atomic.

    ``autosave_cell_every`` keeps papermill's meaning for saves in the middle of a cell: 0 switches them off.
    """

    def __init__(self, *args: Any, save_every: float = SAVE_EVERY, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.save_every = save_every
        self.saves = 0
        self.whole = False
        self._saved_at = float("-inf")
        self._cost = 0.0
        self._dirty = True

    def save(self, **kwargs: Any) -> None:
        """Note that there is something to save, and save if it is time to."""
        if kwargs.get("nb") is not None:
            self.nb = kwargs["nb"]
        self._dirty = True
        self.save_if_due()

    def save_if_due(self, every: float = 0.0) -> None:
        """Save unsaved changes if the last save is long enough ago, in seconds and against what it cost."""
        wait = max(self.save_every, every, SAVE_RATIO * self._cost)
        if not self._dirty or time.monotonic() - self._saved_at < wait:
            return
        try:
            self.save_now()
        except OSError as exc:  # a full disk, a share that is away: no reason to lose the cells that ran
            logger.warning("the notebook could not be saved for now: %s", exc)
            self._saved_at = time.monotonic()

    def save_now(self) -> None:
        """Write the notebook now."""
        started = time.monotonic()
        if self.output_path:
            save_notebook(self.nb, self.output_path)
        self.last_save_time = self.now()
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - started
        self._dirty = False
        self.saves += 1

    def autosave_cell(self, **kwargs: Any) -> None:
        """A message came in: note it. The client's ticker saves, so that quiet cells are saved as well."""
        self._dirty = True

    def cell_aborted(self, cell: NotebookNode) -> None:
        """Mark a cell that was stopped from outside or lost its kernel."""
        cell.metadata.papermill["exception"] = True
        cell.metadata.papermill["status"] = self.FAILED
        self.nb.metadata.papermill["exception"] = True

    def notebook_complete(self, **kwargs: Any) -> None:
        """Close the books and save; cells that never ran stay pending, unless the whole notebook went through."""
        self.end_time = self.now()
        about = self.nb.metadata.papermill
        about["end_time"] = self.end_time.isoformat()
        about["duration"] = (self.end_time - self.start_time).total_seconds()
        if self.whole:
            for cell in self.nb.cells:
                if cell.metadata.papermill["status"] == self.PENDING:
                    cell.metadata.papermill["status"] = self.COMPLETED
            self.complete_pbar()
        self.cleanup_pbar()
        self.save_now()


class NotebookRunner(PapermillNotebookClient):  # type: ignore[misc]
    """Executes the cells of a notebook in one go of the event loop and can be stopped while it does.

    ``outcome`` is the exception that ended the notebook early (:class:`CellExecutionError`, :class:`CellTimeoutError`,
    :class:`DeadKernelError`), or ``None``; ``failed_at`` the index of the cell; ``stopped`` the reason given to
    :meth:`stop`.
    """

    def __init__(
        self,
        nb_man: SavingManager,
        *,
        observer: Observer | None = None,
        grace: float = 5.0,
        cell_limit: float | None = None,
        deadline: float | None = None,
        connection_file: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(nb_man, **kwargs)
        self.connection_file = connection_file
        self.observer = observer
        self.grace = grace
        self.cell_limit = cell_limit
        self.deadline = deadline
        self.outcome: Exception | None = None
        self.failed_at: int | None = None
        self.stopped = ""
        self.died: int | None = None
        self._stopped_at = 0.0
        self._interrupts = 0
        self._ready = False
        self._cell_started = 0.0

    def execute(self, **kwargs: Any) -> NotebookNode:
        """Start the kernel, execute the cells, end the kernel; ``kwargs`` go to the kernel's start.

        Raises:
            Exception: what the kernel's start raises; nothing a cell does is raised.
        """
        self.reset_execution_trackers()
        with self.setup_kernel(**kwargs):
            self._ready = True
            try:
                self._run_cells()
            finally:
                self._note_death()
        return cast("NotebookNode", self.nb)

    def create_kernel_manager(self) -> KernelManager:
        """Make the kernel manager; messages are encrypted where kernel and jupyter_client both can."""
        manager = super().create_kernel_manager()
        if manager.has_trait("transport_encryption"):
            manager.transport_encryption = "auto"
        if self.connection_file:
            manager.connection_file = self.connection_file
        return cast("KernelManager", manager)

    def stop(self, reason: str) -> None:
        """Ask the running cell to end: interrupted at once, killed after the grace time. Safe in a signal handler.

        A kernel that is not ready yet is killed, which ends the wait for it.
        """
        if not self.stopped:
            self.stopped = reason
            self._stopped_at = time.monotonic()
            process = self._process()
            if not self._ready and process is not None:
                process.kill()

    def _process(self) -> Any:
        return getattr(getattr(self.km, "provisioner", None), "process", None)

    async def _async_run_cells(self) -> None:
        info = await self.async_wait_for_reply(await ensure_async(self.kc.kernel_info()))
        if info:
            self.nb.metadata["language_info"] = info["content"]["language_info"]
        ticker = asyncio.ensure_future(self._watch())
        try:
            for index, cell in enumerate(self.nb.cells):
                if self.stopped or not await self._run_cell(index, cell):
                    return
            self.nb_man.whole = True
        finally:
            self.set_widgets_metadata()
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)

    _run_cells = run_sync(_async_run_cells)

    async def _run_cell(self, index: int, cell: NotebookNode) -> bool:
        """Run one cell; ``False`` where the notebook ends with it."""
        runs = cell.cell_type == "code" and bool(cell.source.strip())
        self.nb_man.cell_start(cell, index)
        self._cell_started = time.monotonic()
        if self.observer and runs:
            self.observer.cell_started(index)
        try:
            await self.async_execute_cell(cell, index)
        except CellExecutionError as exc:
            self.nb_man.cell_exception(cell, cell_index=index, exception=exc)
            self.outcome, self.failed_at = exc, index
        except (DeadKernelError, CellTimeoutError) as exc:
            self.nb_man.cell_aborted(cell)
            self.outcome, self.failed_at = exc, index
        finally:
            self._cell_started = 0.0
            self._join_streams(index, cell)
            if self.stopped:
                self.failed_at = index
                self.nb_man.cell_aborted(cell)
            self.nb_man.cell_complete(cell, cell_index=index)
            if self.observer and runs:
                self.observer.cell_finished(index)
        return self.outcome is None and not self.stopped

    def _join_streams(self, index: int, cell: NotebookNode) -> None:
        """Make one output of neighbouring pieces of a stream, unless outputs are known by their place."""
        if len(cell.get("outputs", ())) < 2 or any(index in cells for cells in self._display_id_map.values()):
            return
        joined: list[NotebookNode] = []
        for key, group in itertools.groupby(cell.outputs, lambda o: o.get("name", "") and (o.output_type, o.name)):
            pieces = list(group)
            if key and len(pieces) > 1:
                pieces[0].text = "".join(piece.text for piece in pieces)
                del pieces[1:]
            joined += pieces
        cell.outputs = joined

    async def _watch(self) -> None:
        """While cells run: save, look at the clock, carry out a stop."""
        while True:
            await asyncio.sleep(TICK)
            if not self._cell_started or self.nb_man.autosave_cell_every:
                self.nb_man.save_if_due(every=self.nb_man.autosave_cell_every if self._cell_started else 0.0)
            try:
                if self.observer:
                    self.observer.tick()
            except KFError as exc:  # the next tick tries again, and the end of the notebook must get through
                logger.warning("what the notebook logged could not be recorded yet: %s", exc)
            now = time.monotonic()
            if self.deadline is not None and now >= self.deadline:
                self.stop("timeout")
            if self.cell_limit and self._cell_started and now - self._cell_started >= self.cell_limit:
                self.stop("cell-timeout")
            if self.stopped:
                await self._press(now - self._stopped_at)

    async def _press(self, waited: float) -> None:
        """Interrupt the kernel once, and end it if that did not help within the grace time."""
        if self.km is None:
            return
        if not self._interrupts:
            self._interrupts = 1
            await ensure_async(self.km.interrupt_kernel())
        elif waited > self.grace and self._interrupts == 1:
            self._interrupts = 2
            await ensure_async(self.km.signal_kernel(signal.SIGKILL))

    def _note_death(self) -> None:
        """Remember how the kernel ended, while its process can still be asked."""
        process = self._process()
        if process is not None:
            self.died = process.poll()

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Handle a message from the kernel as nbclient does, and let the observer see it."""
        if self.observer is not None:
            self.observer.message(cell_index, msg["msg_type"], msg["content"])
        return cast("NotebookNode | None", super().process_message(msg, cell, cell_index))


def save_notebook(nb: NotebookNode, path: str) -> None:
    """Write ``nb`` to ``path``: a local file is replaced in one move, anything else goes through papermill's handlers.

    A relative path is taken from where papermill was called, which need not be the present working folder.
    """
    handler = papermill_io.get_handler(path)
    if not isinstance(handler, LocalHandler):
        write_ipynb(nb, path)
        return
    called_from = handler.cwd(None)
    handler.cwd(called_from)
    target = Path(called_from or ".", path).resolve()
    if target.exists() and not target.is_file():  # a device or a pipe is written to, never replaced
        write_ipynb(nb, path)
        return
    replace_text(target, str(v4.writes(nb)))  # type: ignore[no-untyped-call]  # papermill has made it nbformat 4


def replace_text(target: Path, text: str) -> None:
    """Put ``text`` in place of the file ``target``, so that no reader ever sees half of it."""
    staged = target.with_name(f".{target.name}.saving")
    try:
        staged.write_text(text, "utf-8")
        if target.exists():
            staged.chmod(target.stat().st_mode & 0o7777)
        staged.replace(target)
    except PermissionError:  # a file that may be written in a folder that may not
        staged.unlink(missing_ok=True)
        target.write_text(text, "utf-8")
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def as_kernel() -> Callable[[], None]:
    """Return a ``preexec_fn`` for kernels of a process that ignores interrupts and may be killed.

    The kernel does heed interrupts, and on Linux it is killed when this process dies, however it dies: ipykernel
    watches its parent by itself, other kernels do not. Source: prctl(2), PR_SET_PDEATHSIG.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None

    def ask() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        if prctl is not None:
            prctl(1, signal.SIGKILL, 0, 0, 0)

    return ask


def execute_with_papermill(
    nb: NotebookNode,
    kernel_name: str,
    *,
    output_path: str | None = None,
    progress_bar: bool | dict[str, Any] = True,
    log_output: bool = False,
    autosave_cell_every: float = 30,
    start_timeout: float = 60,
    execution_timeout: float | None = None,
    stdout_file: Any = None,
    stderr_file: Any = None,
    **kwargs: Any,
) -> NotebookNode:
    """What ``papermill --engine jupyter_kf`` does; see :class:`jupyter_kf.nbrun.engine.KfEngine`."""
    manager = SavingManager(
        nb,
        output_path=output_path,
        progress_bar=progress_bar,
        log_output=log_output,
        autosave_cell_every=autosave_cell_every,
    )
    manager.notebook_start()
    kwargs.pop("input_path", None)
    limit = execution_timeout or kwargs.pop("timeout", None)
    runner = NotebookRunner(
        manager,
        kernel_name=kernel_name,
        log=papermill_logger,
        log_output=log_output,
        stdout_file=stdout_file,
        stderr_file=stderr_file,
        startup_timeout=kwargs.pop("startup_timeout", start_timeout),
        timeout=limit,
        **kwargs,
    )
    try:
        runner.execute()
        if isinstance(runner.outcome, DeadKernelError | CellTimeoutError):
            raise runner.outcome
    finally:
        manager.notebook_complete()
    return cast("NotebookNode", manager.nb)

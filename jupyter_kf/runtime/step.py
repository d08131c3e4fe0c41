"""The guest's room, a step: from the manifest to the report, in the order ``docs/design/0001-data-flow.md`` gives.

Change of folder and environment, parameters, replay, inputs, cells, then what is left of it all: values as artifacts,
files as digests, metrics. ``report.json`` is in its place before the process says that it is done.
"""

from __future__ import annotations

import atexit
import functools
import json
import linecache
import os
import signal
import sys
import threading
import time
import types
from typing import Any, Dict, NoReturn, Optional

from . import bundle, tracking
from .capture import Capture
from .failure import CellSource, CodeNames, describe
from .namespace import Namespace
from .numeric_threads import limit_variables
from .random_state import RandomStates
from .shell import Outcome, Shell, make_shell
from .values import Unstorable, Values
from .watch import Watch, usage

REPORT_VARIABLE = "_JUPYTER_KF_REPORT"
PARENT_VARIABLE = "_JUPYTER_KF_PARENT"
INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


class Stopped(BaseException):
    """SIGTERM: the step was asked to stop; raised in the main thread so that ``finally`` blocks run."""


def fresh_main() -> types.ModuleType:
    """Return a module ``__main__`` as a kernel has it: no file, no spec."""
    module = types.ModuleType("__main__", "Automatically created module for the cells of a step")
    module.__dict__["__builtin__"] = sys.modules["builtins"]
    module.__dict__["__builtins__"] = sys.modules["builtins"]
    return module


class StepExecution:
    """One execution of a step in this process."""

    def __init__(self, manifest: Dict[str, Any], shell: Shell, watch: Watch) -> None:
        self.manifest = manifest
        self.shell = shell
        self.watch = watch
        self.namespace: Dict[str, Any] = shell.module.__dict__
        self.names = CodeNames(manifest["step"])
        self.capture = Capture(manifest["folder"], manifest.get("limits"))
        self.cells = {c["index"]: CellSource(c["id"], c["index"], c["source"]) for c in manifest["cells"]}
        self.timings: Dict[str, float] = {}
        self._mark = time.perf_counter()
        self._process = os.getpid()

    def run(self) -> Dict[str, Any]:
        """Execute the step; return its report, which is on disk by then. Raises nothing."""
        error: Optional[Dict[str, Any]] = None
        parts: Dict[str, Any] = {"names": {}, "artifacts": []}
        try:
            self._enter()
            values = self._prepare()
            error = self._failed(self._cells())
            self._lap("run")
            if error is None:
                self.random.put_back(self.namespace)
                parts = values.store()
        except Unstorable as exc:
            error = self._refused(exc)
        except BaseException as exc:  # noqa: BLE001 - whatever it is, it is this step's failure
            error = self._failed(Outcome(exc))
        self._lap("store")
        return self._report(error, parts)

    # --- before the cells ---
    def _enter(self) -> None:
        manifest = self.manifest
        self.capture.open()
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open
        sys.stdout = sys.__stdout__ = self.capture.stdout  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = self.capture.stderr  # type: ignore[misc]
        self.shell.bind(self.capture, self.names)
        self.shell.obey(manifest.get("future") or ())
        os.environ.update(manifest.get("env") or {})
        if "TZ" in (manifest.get("env") or ()):
            time.tzset()
        os.environ[tracking.FOLDER_VARIABLE] = manifest["folder"]
        if not os.environ.get("MPLBACKEND"):
            os.environ["MPLBACKEND"] = plot_backend()
        if manifest.get("threads"):
            limit_variables(int(manifest["threads"]))
        os.chdir(manifest["cwd"])
        sys.argv = [""]
        if not sys.path or sys.path[0] != manifest["cwd"]:
            sys.path.insert(0, manifest["cwd"])
        _catch_signals()
        self.watch.start(manifest["cwd"], [manifest["artifacts"], manifest["folder"]], self.capture.flush)

    def _prepare(self) -> Values:
        manifest = self.manifest
        values = Values(manifest, self.namespace, self._fragment_name, self._run_setup)
        self.capture.mute(os.path.join(manifest["folder"], "replay.log"))
        try:
            values.replay()
        finally:
            self.capture.unmute()
        self._lap("replay")
        values.load()
        implicit = [*manifest.get("random", ()), *manifest.get("live", ())]
        self.random = RandomStates(implicit)
        self.random.set(self.namespace)
        self._lap("load")
        return values

    def _fragment_name(self, fragment: Dict[str, Any]) -> str:
        return self.names.name(self._fragment_cell(fragment))

    def _fragment_cell(self, fragment: Dict[str, Any]) -> CellSource:
        index = fragment["cell_index"]
        known = self.cells.get(index)
        if known is None or known.id != fragment["cell"]:
            padded = "\n" * (fragment["line"] - 1) + fragment["source"]
            known = CellSource(fragment["cell"], index, padded)
        return known

    def _run_setup(self, fragment: Dict[str, Any]) -> None:
        """Execute a fragment in IPython's language. What it prints while it is replayed goes to ``replay.log``."""
        cell = self._fragment_cell(fragment)
        outcome = self.shell.run_now(cell)
        if outcome.error is not None:
            raise outcome.error

    # --- the cells ---
    def _cells(self) -> Outcome:
        for cell in self.cells.values():
            self.capture.begin(cell.id)
            outcome = self.shell.execute(cell)
            if os.getpid() != self._process:
                self._end_child(outcome)
            if outcome.error is not None or outcome.leave:
                return outcome
        return Outcome()

    def _end_child(self, outcome: Outcome) -> NoReturn:
        """End a process that the cell forked and that did not end itself: the report is its parent's to make."""
        status = 0
        try:
            if isinstance(outcome.error, SystemExit):
                code = outcome.error.code
                status = code & 0xFF if isinstance(code, int) else int(code is not None)
                if code is not None and not isinstance(code, int):
                    sys.stderr.write("%s\n" % (code,))
            elif outcome.error is not None:
                status = 1
                sys.stderr.write("\n".join(describe(outcome.error, self.names)["traceback"]) + "\n")
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        finally:
            os._exit(status)

    # --- after the cells ---
    def _failed(self, outcome: Outcome) -> Optional[Dict[str, Any]]:
        exc = outcome.error
        if exc is None:
            return None
        error = describe(exc, self.names)
        if isinstance(exc, Stopped):
            error.update(code="KF202", message="The step was asked to stop (SIGTERM).", fix="Run or resume it again.")
        elif isinstance(exc, SystemExit):
            error.update(
                message="The cell left with exit status %s." % (exc.code,), fix="Status 0 ends a step without failure."
            )
        text = "\n".join(error["traceback"]) + "\n"
        output = {"output_type": "error", **{k: error[k] for k in ("ename", "evalue", "traceback")}}
        try:
            self.capture.error(output, text)
        except OSError as broken:
            error["details"] = "The error could not be added to the outputs: %s" % broken
        return error

    def _refused(self, exc: Unstorable) -> Dict[str, Any]:
        cell = next(iter(reversed(list(self.cells.values()))), None)
        error = {
            "type": "StepFailed", "code": "KF210", "message": str(exc), "fix": exc.fix,
            "cell": cell.id if cell else None, "cell_index": cell.index if cell else None, "line": None, "quote": "",
            "ename": "StepFailed", "evalue": str(exc), "traceback": [str(exc)], "names": exc.names,
        }  # fmt: skip
        output = {"output_type": "error", **{k: error[k] for k in ("ename", "evalue", "traceback")}}
        self.capture.error(output, "[KF210] %s\n  -> %s\n" % (exc, exc.fix))
        return error

    def _report(self, error: Optional[Dict[str, Any]], parts: Dict[str, Any]) -> Dict[str, Any]:
        folder = self.manifest["folder"]
        report: Dict[str, Any] = {
            "version": 1, "state": "FAILED" if error else "SUCCEEDED", "error": error,
            "names": {} if error else parts["names"], "artifacts": [] if error else parts["artifacts"],
            **self.watch.report(cell.source for cell in self.cells.values()),
            "metrics": tracking.last_metrics(folder), "timings": self.timings, "usage": usage(),
        }  # fmt: skip
        self.capture.close()
        temporary = os.path.join(folder, ".report.json")
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps(report))
        os.replace(temporary, os.path.join(folder, "report.json"))
        return report

    def _lap(self, name: str) -> None:
        now = time.perf_counter()
        self.timings[name] = round(now - self._mark, 6)
        self._mark = now


class Rehearsal:
    """What every step does, done once in the process of a step to come, while nobody waits for it; it leaves no trace.

    Most of the time that a trivial step takes in a forked process goes into copies of the pages that it writes to,
    reference counts above all. ``folder`` may be used by any number of processes at once.
    """

    def __init__(self, shell: Shell, watch: Watch, folder: str) -> None:
        self._shell, self._watch, self._folder = shell, watch, folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        made = bundle.dump({"a": [0, 1.5]}, folder, Namespace({}))
        self._path = os.path.join(folder, made.names["a"]["digest"][:2], made.names["a"]["digest"])
        self._cell = CellSource("", 0, "# nothing\n_ = [1]")

    def prepare(self) -> None:
        """Do it ahead of all forks, often enough for the interpreter to have specialised what it executes."""
        for _ in range(10):
            self._run(Capture(self._folder))

    def run(self) -> None:
        """Do it in a forked child, whose streams it takes."""
        capture = Capture(self._folder)
        capture.open()
        self._run(capture)
        capture.close()

    def _run(self, capture: Capture) -> None:
        shell, variables = self._shell, self._shell.module.__dict__
        kept = dict(variables)
        names = CodeNames("")
        shell.bind(capture, names)
        self._watch.start(self._folder, [self._folder], capture.flush)
        capture.begin("")
        outcome = shell.execute(self._cell)
        assert outcome.error is None, outcome.error
        shell.forget()
        variables.clear()
        variables.update(kept)
        linecache.cache.pop(names.name(self._cell), None)
        namespace = Namespace({})
        bundle.load(self._path, ["a"], namespace)
        namespace.variables["a"].append(2)
        bundle.store(namespace, ["a"], ["a"], self._folder)
        self._watch.report([])
        json.loads(json.dumps({"a": [1, 2.5, {"b": None, "c": True}]}))


@functools.lru_cache(maxsize=None)
def plot_backend() -> str:
    """Return the value of ``MPLBACKEND`` for a step: figures inline, as in a notebook, where that can be had."""
    import importlib.util

    return INLINE_BACKEND if importlib.util.find_spec("matplotlib_inline") is not None else "agg"


def _catch_signals() -> None:
    step = os.getpid()

    def stop(number: int, frame: Any) -> None:
        if os.getpid() != step:  # a signal that a forked child got before it forgot this handler
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Stopped()

    def hold() -> None:
        masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def let_go() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop(threading.get_ident(), ()))

    def forget() -> None:
        if signal.getsignal(signal.SIGTERM) is stop:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let_go()

    # In a child that user code forks, SIGTERM means what it always means. Python drops what such a child was sent
    # before it is ready and runs handlers between bytecodes only: terminated at its start it would wait for ever.
    masks: Dict[int, Any] = {}
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=forget)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def main(path: str) -> int:
    """Run the step whose manifest is at ``path`` in this process; does not return but leaves."""
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    channel = os.environ.pop(REPORT_VARIABLE, "")
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if parent and not die_with_parent(int(parent)):
        os._exit(1)
    shell = make_shell(fresh_main())
    report = StepExecution(manifest, shell, Watch()).run()
    tell(int(channel) if channel else -1, manifest, report)
    leave(report)


def die_with_parent(parent: int) -> bool:
    """Have the kernel kill this process when its parent dies (``prctl(2)``, Linux); False where it is dead already.

    Elsewhere than on Linux this does nothing; what is left over is found by its mark at recovery.
    """
    if not sys.platform.startswith("linux"):
        return True
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    return os.getppid() == parent


def tell(channel: int, manifest: Dict[str, Any], report: Dict[str, Any]) -> None:
    """Say on a descriptor, in one line, that the report is in its place."""
    if channel >= 0:
        line = json.dumps({"event": "reported", "execution": manifest["execution"], "state": report["state"]}) + "\n"
        os.write(channel, line.encode())


def leave(report: Dict[str, Any]) -> NoReturn:
    """End the process as a kernel ends: functions registered with ``atexit`` run, threads are not waited for."""
    status = 0 if report["state"] == "SUCCEEDED" else 1
    try:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:  # noqa: BLE001, S110 - the report is made; what goes wrong while leaving changes nothing
        pass
    finally:
        os._exit(status)

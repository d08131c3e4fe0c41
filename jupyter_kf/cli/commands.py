"""CLI room: each verb is one call of the workbench and one answer printed. All return the exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_kf.cli.progress import Progress
from jupyter_kf.cli.terminal import Terminal
from jupyter_kf.errors import KFError, UsageError
from jupyter_kf.model.run import State
from jupyter_kf.widgets.text import diagnostics_text, step_text, text_of
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.naming import existing
from jupyter_kf.workbench.reading import diagnostic_of
from jupyter_kf.workbench.verbs import job_answer, job_words, labels_of, split_pairs
from jupyter_kf.workbench.views import RunRefused, RunView, superseded

_TICK = 0.5


class _HungUp(BaseException):
    """The terminal is gone; the run is not."""


def check(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``check NOTEBOOK``: 0, or 1 where a finding is an error."""
    found = bench.check(args.notebook, in_order=args.in_order)
    terminal.answer(found)
    return 0 if found.ok else 1


def graph(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``graph NOTEBOOK|RUN``: text, Mermaid or SVG, to stdout or a file."""
    from jupyter_kf.widgets.graph import graph_mermaid, graph_svg

    drawn = bench.graph(args.notebook)
    suffix = Path(args.output).suffix if args.output else ""
    if args.mermaid or suffix in {".mmd", ".mermaid"}:
        text = graph_mermaid(drawn.pipeline, drawn.executions)
    elif args.svg or suffix == ".svg":
        text = graph_svg(drawn.pipeline, drawn.executions) + "\n"
    else:
        text = text_of(drawn, width=10_000 if args.output else terminal.width, paint=terminal.paint) + "\n"
    if args.output:
        _write(Path(args.output), text.encode())
        terminal.say(args.output)
    if terminal.as_json:
        terminal.document(drawn.to_dict())
    elif not args.output:
        terminal.write(text)
    return 0


def run(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``run NOTEBOOK``: 0 succeeded, 1 failed or refused, 130 cancelled."""
    only = [name for text in args.only for name in text.split(",") if name]
    path = existing(args.notebook)

    def go(progress: Progress) -> RunView:
        return bench.run(
            path,
            **labels_of(args),
            no_cache=args.no_cache,
            only=only,
            from_=args.from_,
            until=args.until,
            base=args.base,
            in_order=args.in_order,
            python=args.python,
            kernel=args.kernel,
            on_event=progress.event,
            on_start=progress.started,
        )

    return _attended(bench, args, terminal, go)


def notebook(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``notebook NOTEBOOK``: the same, whole."""
    path = existing(args.notebook)

    def go(progress: Progress) -> RunView:
        return bench.notebook(
            path,
            **labels_of(args),
            timeout=args.timeout,
            cell_timeout=args.cell_timeout,
            kernel=args.kernel,
            on_event=progress.event,
            on_start=progress.started,
        )

    return _attended(bench, args, terminal, go)


def resume(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``resume [RUN]``: as ``run``."""

    def go(progress: Progress) -> RunView:
        return bench.resume(
            args.run, edited=args.edited, detach=args.detach, on_event=progress.event, on_start=progress.started
        )

    return _attended(bench, args, terminal, go)


def _attended(bench: Workbench, args: Any, terminal: Terminal, go: Callable[[Progress], RunView]) -> int:
    """Wait for a run with progress on the terminal; Ctrl-C cancels it, a hang-up leaves it alone."""
    progress = Progress(terminal)
    try:
        with _signals(progress if terminal.live else None):
            try:
                view = go(progress)
            except KeyboardInterrupt:
                if not progress.run:
                    raise
                view = _cancelled(bench, progress, terminal)
        progress.done()
    except _HungUp:
        return 129
    except UsageError:
        raise
    except KFError as exc:
        return _refused(exc, terminal)
    if terminal.as_json:
        terminal.document(view.to_dict())
    elif args.detach:
        terminal.say(f"started; follow it with: jupyter kf logs -f {view.id}")
    else:
        _closing(view, terminal)
    return view.exit_code


def _refused(error: KFError, terminal: Terminal) -> int:
    found = error.check if isinstance(error, RunRefused) else None
    diagnostics = found.diagnostics if found else (diagnostic_of(error),)
    if terminal.as_json:
        listed = [d.to_dict() for d in diagnostics]
        terminal.document({"run": None, "executions": [], "diagnostics": listed, "error": error.to_dict()})
        return 1
    if found is None or not diagnostics:
        raise error
    terminal.warn(diagnostics_text(diagnostics, found.sources, terminal.paint))
    terminal.warn("not run")
    return 1


def _cancelled(bench: Workbench, progress: Progress, terminal: Terminal) -> RunView:
    if not terminal.as_json:
        terminal.warn("cancelling …")
    bench.cancel(progress.run)
    try:
        return bench.wait(progress.run, on_event=progress.event, after=progress.cursor)
    except KeyboardInterrupt:  # a second Ctrl-C: the run ends without being watched
        return bench.show(progress.run)


def _closing(view: RunView, terminal: Terminal) -> None:
    paint = terminal.paint
    failed = [e for e in view.latest().values() if e.state is State.FAILED]
    for execution in failed:
        terminal.say("\n" + step_text(view, execution.step, width=terminal.width, paint=paint))
    if view.run.error and not failed:
        terminal.say(f"\n{view.run.error.get('message', '')}\n  → {view.run.error.get('fix', '')}")
    for finding in view.diagnostics:
        if finding.severity == "warning":
            terminal.say(diagnostics_text([finding], None, paint))
    if view.metrics:
        terminal.say("metrics  " + ", ".join(f"{k} = {v:.6g}" for k, v in view.metrics.items()))
    lost = sorted({e.step for e in view.executions if superseded(e)})
    if lost:
        terminal.say(f"ran twice, because an earlier step changed what they had taken: {', '.join(lost)}")
    terminal.say(f"{_state(view, terminal)}  {view.id}")


def _state(view: RunView, terminal: Terminal) -> str:
    from jupyter_kf.widgets.text import state_text

    return state_text(view.state, terminal.paint)


@contextmanager
def _signals(progress: Progress | None) -> Iterator[None]:
    """SIGTERM cancels like Ctrl-C, a hang-up leaves the run alone; a timer keeps the running times moving."""

    def terminate(*_: Any) -> None:
        raise KeyboardInterrupt

    def hang_up(*_: Any) -> None:
        raise _HungUp

    def tick(*_: Any) -> None:
        if progress is not None:
            progress.tick()

    handlers: dict[int, Any] = {signal.SIGTERM: terminate, signal.SIGHUP: hang_up}
    if progress is not None:
        handlers[signal.SIGALRM] = tick
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    if progress is not None:
        signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)
    try:
        yield
    finally:
        if progress is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def runs(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``runs``: the table."""
    terminal.answer(
        bench.runs(
            args.filter,
            sort=args.sort,
            experiment=args.experiment,
            notebook=args.notebook,
            state=args.state,
            limit=args.limit,
            offset=args.offset,
        )
    )
    return 0


def show(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``show [RUN [STEP]]``."""
    view = bench.show(args.run, args.step)
    if args.step:
        if terminal.as_json:
            document = view.to_dict()
            document["executions"] = [e for e in document["executions"] if e["step"] == args.step]
            terminal.document(document)
        else:
            terminal.say(step_text(view, args.step, width=terminal.width, paint=terminal.paint))
    else:
        terminal.answer(view)
    return 0


def logs(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``logs [RUN [STEP]] [-f]``: lines, each after its step's name where there are several."""
    lines = bench.logs(args.run, args.step, follow=args.follow, tail=args.tail)
    if terminal.as_json:
        terminal.document({"lines": [line.to_dict() for line in lines]})
        return 0
    colours = {"stderr": "yellow", "error": "red"}
    try:
        for line in lines:
            text = terminal.paint(line.text, colours.get(line.stream, ""))
            terminal.say(text if args.step else f"{terminal.paint(line.step, 'dim')} │ {text}")
    except KeyboardInterrupt:
        return 130
    return 0


def cancel(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``cancel RUN``: returns at once."""
    view = bench.cancel(args.run)
    if terminal.as_json:
        terminal.document(view.to_dict(streams=False))
    elif view.state is State.CANCELING:
        terminal.say(f"{view.name} ({view.id}) is being stopped")
    else:
        terminal.say(f"{view.name} ({view.id}) is {view.state}")
    return 0


def get(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``get RUN STEP [NAME…]``: what there is; one value's text; or a file with ``--output``."""
    from jupyter_kf.workbench.exporting import write_values

    if terminal.as_json:
        terminal.answer(bench.describe(args.run, args.step, *args.names, inputs=args.inputs))
    elif args.output:
        values = bench.get(args.run, args.step, *args.names, inputs=args.inputs)
        write_values(values, Path(args.output))
        terminal.say(args.output)
    elif args.names:
        values = bench.get(args.run, args.step, *args.names, inputs=args.inputs)
        for name in args.names:
            text = values[name] if isinstance(values[name], str) else repr(values[name])
            terminal.say(text if len(args.names) == 1 else f"{name} = {text}")
    else:
        terminal.answer(bench.describe(args.run, args.step, inputs=args.inputs))
    return 0


def compare(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``compare A B``."""
    terminal.answer(bench.compare(args.a, args.b))
    return 0


def delete(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``delete RUN…``."""
    terminal.answer(bench.delete(*args.run))
    return 0


def experiments(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``experiments``."""
    terminal.answer(bench.experiments())
    return 0


def lineage(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``lineage RUN|DIGEST`` or ``lineage RUN STEP NAME``."""
    terminal.answer(bench.lineage(args.subject, args.step, args.name))
    return 0


def artifacts(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``artifacts [RUN [STEP]]``."""
    terminal.answer(bench.artifacts(args.run, args.step))
    return 0


def gc(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``gc [--dry-run]``."""
    terminal.answer(bench.gc(dry_run=args.dry_run))
    return 0


def doctor(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``doctor``: 0, or 1 where something is in the way."""
    found = bench.doctor()
    terminal.answer(found)
    return 0 if found.ok else 1


def tag(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``tag RUN NAME=VALUE…``."""
    terminal.answer(bench.tag(args.run, **split_pairs(args.tags, "tag")))
    return 0


def note(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``note RUN TEXT…``."""
    terminal.answer(bench.note(args.run, " ".join(args.text)))
    return 0


def report(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``report [RUN] [-o FILE] [--open]``: writes the page and prints its path."""
    from jupyter_kf.widgets.report import write_report

    path = write_report(bench, args.run, Path(args.output) if args.output else None)
    if terminal.as_json:
        terminal.document({"path": str(path)})
    else:
        terminal.say(str(path))
    if args.open:
        import webbrowser

        if not _has_display() or not webbrowser.open(path.as_uri()):
            terminal.warn("no browser to open it with: open the file yourself")
    return 0


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}.", code="KF406", fix="Give another file.") from exc


def job(bench: Workbench, args: Any, terminal: Terminal) -> int:
    """``job ACTION …``: see :data:`~jupyter_kf.workbench.verbs.JOB_ACTIONS`."""
    words = job_words(args)
    if args.action == "run":
        return _run_job(bench, args, words[0], terminal)
    if args.action == "logs":
        args.run, args.step = bench.jobs.show(*words[:1]).view.id, words[1] if len(words) > 1 else ""
        return logs(bench, args, terminal)
    answer = job_answer(bench, args)
    terminal.answer(answer)
    return 1 if getattr(answer, "ok", True) is False else 0


def _run_job(bench: Workbench, args: Any, file: str, terminal: Terminal) -> int:
    if not args.local:
        raise UsageError(
            "Running a job on a cluster is not there yet.",
            fix="Add --local: its replicas are processes of this machine.",
        )

    def go(progress: Progress) -> RunView:
        return bench.jobs.run(
            file, experiment=args.experiment, name=args.name, note=args.note, detach=args.detach,
            on_event=progress.event, on_start=progress.started,
        ).view  # fmt: skip

    return _attended(bench, args, terminal, go)


COMMANDS: dict[str, Callable[[Workbench, Any, Terminal], int]] = {
    f.__name__: f
    for f in (
        check,
        graph,
        run,
        notebook,
        runs,
        show,
        logs,
        report,
        cancel,
        resume,
        compare,
        tag,
        note,
        delete,
        experiments,
        get,
        artifacts,
        lineage,
        gc,
        doctor,
        job,
    )
}

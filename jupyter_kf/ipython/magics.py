"""IPython room: what ``%kubeflow`` and ``%%kubeflow`` do when they are called."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_kf.errors import KFError, UsageError
from jupyter_kf.ipython.extension import HELP, KernelSession
from jupyter_kf.ipython.notebook_file import notebook_path, overrides, unsaved
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.naming import existing
from jupyter_kf.workbench.verbs import (
    KERNEL_VERBS,
    VERBS,
    build_parser,
    job_answer,
    job_words,
    labels_of,
    parse,
    split_pairs,
)
from jupyter_kf.workbench.views import RunRefused, RunView


def call(session: KernelSession, line: str, cell: str | None = None) -> Any:
    """Run a magic; an error of ours is shown as a few lines, without a traceback through this package."""
    try:
        return _line(session, line) if cell is None else _cell(session, line, cell)
    except KFError as exc:
        exc.message, exc.fix = (text.replace("jupyter kf ", "%kubeflow ") for text in (exc.message, exc.fix))
        if not hasattr(exc, "_render_traceback_"):
            _shorten(exc)
        raise exc from None


def workbench(session: KernelSession) -> Workbench:
    """Return the kernel's workbench, opened when it is first needed."""
    if session.bench is None:
        session.bench = Workbench()
    bench: Workbench = session.bench
    return bench


def _shorten(error: KFError) -> None:
    """Let IPython show the error's own words instead of a traceback (its ``_render_traceback_`` protocol)."""

    def lines() -> list[str]:
        from jupyter_kf.widgets.text import diagnostics_text, error_text

        check = error.check if isinstance(error, RunRefused) else None
        if check is not None and check.diagnostics:
            return diagnostics_text(check.diagnostics, check.sources).split("\n")
        return error_text(error).split("\n")

    error._render_traceback_ = lines  # type: ignore[attr-defined]


def _line(session: KernelSession, line: str) -> Any:
    try:
        words = shlex.split(line)
    except ValueError:  # a lone quote, as in a note
        words = line.split()
    if not words or words[0] in {"help", "-h", "--help"}:
        sys.stdout.write(HELP + "\n")
        return None
    if words[0] in KERNEL_VERBS:
        return _use(session, words[1:])
    args = parse(words, prog="%kubeflow", kernel=True)
    if args.help:
        sys.stdout.write(build_parser(args.verb, prog="%kubeflow", kernel=True).format_help())
        return None
    return _VERBS[args.verb](session, args)


def _use(session: KernelSession, words: list[str]) -> None:
    if len(words) != 1:
        raise UsageError("use takes one path.", code="KF402", fix="%kubeflow use PATH")
    session.used = str(existing(words[0]))
    sys.stdout.write(f"this kernel belongs to {session.used}\n")


def _cell(session: KernelSession, line: str, cell: str) -> Any:
    """Only what the input transformer leaves comes here: ``--on``, and lines that mark nothing."""
    from jupyter_kf.notebook.directives import parse_directive

    words = line.split(None, 1)
    if not words or words[0] in {"--help", "-h"}:
        sys.stdout.write(HELP + "\n")
        return None
    found = parse_directive(f"%%kubeflow {line}")
    errors = [p for p in found.problems if p.severity == "error"] if found else []
    if errors:
        if words[0] in VERBS:
            raise UsageError(
                f"{words[0]!r} is a line magic.", code="KF107", fix=f"Write %kubeflow {line.strip()}, with one %."
            )
        raise UsageError(errors[0].message, code=errors[0].code, fix=errors[0].fix)
    if found is None or found.on is None:
        return session.shell.run_cell(cell).result
    from jupyter_kf.ipython.one_cell import run_cell_on

    return run_cell_on(session, found, f"%%kubeflow {line}\n{cell}")


# verbs


def _path(session: KernelSession, args: Any) -> Path:
    named = args.notebook or getattr(args, "notebook_option", None)
    return existing(named) if named else notebook_path(session)


def _check(session: KernelSession, args: Any) -> Any:
    path = _path(session, args)
    return workbench(session).check(path, overrides=overrides(session, path), in_order=args.in_order)


def _graph(session: KernelSession, args: Any) -> Any:
    named = args.notebook or args.notebook_option
    if named and not named.endswith(".ipynb"):
        drawn = workbench(session).graph(named)
    else:
        path = _path(session, args)
        drawn = workbench(session).graph(path, overrides=overrides(session, path))
    if not (args.mermaid or args.svg or args.output):
        return drawn
    from jupyter_kf.widgets.graph import graph_mermaid, graph_svg

    as_svg = args.svg or (args.output or "").endswith(".svg")
    text = (graph_svg if as_svg else graph_mermaid)(drawn.pipeline, drawn.executions)
    if args.output:
        Path(args.output).write_text(text, "utf-8")
    sys.stdout.write(f"{args.output}\n" if args.output else text + "\n")
    return None


def _run(session: KernelSession, args: Any) -> Any:
    path = _path(session, args)
    # The steps of this very notebook run in this kernel's interpreter, those of another one in its kernelspec's.
    own = not (args.notebook or args.notebook_option) and not args.kernel
    only = [name for text in args.only for name in text.split(",") if name]
    replaced = overrides(session, path)
    left_out = unsaved(session, path)

    def go(**watching: Any) -> Any:
        return workbench(session).run(
            path, **labels_of(args), no_cache=args.no_cache, only=only, from_=args.from_, until=args.until,
            base=args.base, in_order=args.in_order, python=args.python or (sys.executable if own else ""),
            kernel=args.kernel, overrides=replaced, **watching,
        )  # fmt: skip

    try:
        return _attended(session, go, left_out)
    except RunRefused:  # what is missing may well be what is not saved
        _say_unsaved(left_out)
        raise


def _say_unsaved(directives: Sequence[str]) -> None:
    if directives:
        what = "a marked cell is" if len(directives) == 1 else f"{len(directives)} marked cells are"
        lines = [f"{what} not in the saved file, so not in this run; save the notebook first:", *directives]
        sys.stdout.write("\n    ".join(lines) + "\n")


def _notebook(session: KernelSession, args: Any) -> Any:
    path = _path(session, args)

    def go(**watching: Any) -> Any:
        return workbench(session).notebook(
            path, **labels_of(args), timeout=args.timeout, cell_timeout=args.cell_timeout, kernel=args.kernel,
            overrides=overrides(session, path), **watching,
        )  # fmt: skip

    return _attended(session, go)


def _resume(session: KernelSession, args: Any) -> Any:
    replaced = {}
    if args.edited:
        path = Path(workbench(session).show(args.run).run.notebook)
        replaced = overrides(session, path)

    def go(**watching: Any) -> Any:
        return workbench(session).resume(
            args.run, edited=args.edited, overrides=replaced, detach=args.detach, **watching
        )

    return _attended(session, go)


def _attended(session: KernelSession, go: Callable[..., Any], left_out: Sequence[str] = ()) -> Any:
    """Wait with a display that changes; an interrupt leaves the run alone."""
    from jupyter_kf.ipython.live import LiveRun

    workbench(session)
    live = LiveRun(session)

    def started(view: RunView) -> None:
        _say_unsaved(left_out)
        live.started(view)

    try:
        view = go(on_event=live.event, on_start=started)
    except KeyboardInterrupt:
        if not live.run:
            raise
        live.left()
        return None
    except KFError:
        live.lost()
        raise
    live.done(view)
    return view


def _logs(session: KernelSession, args: Any) -> None:
    lines = workbench(session).logs(args.run, args.step, follow=args.follow, tail=args.tail)
    try:
        for line in lines:
            stream = sys.stdout if line.stream == "stdout" else sys.stderr
            stream.write(f"{line.text}\n" if args.step else f"{line.step} │ {line.text}\n")
    except KeyboardInterrupt:
        sys.stdout.write("no longer followed\n")


def _get(session: KernelSession, args: Any) -> Any:
    found = workbench(session).get(
        args.run, args.step, *args.names, inputs=args.inputs, namespace=session.shell.user_ns
    )
    if found.values:
        sys.stdout.write(f"now variables of this kernel: {', '.join(found.values)}\n")
    return found


def _job(session: KernelSession, args: Any) -> Any:
    words = job_words(args)
    bench = workbench(session)
    if args.action == "run":
        if not args.local:
            raise UsageError("Running a job on a cluster is not there yet.", fix="Add --local.")

        def go(**watching: Any) -> Any:
            return bench.jobs.run(
                words[0], experiment=args.experiment, name=args.name, note=args.note, detach=args.detach, **watching
            ).view

        return _attended(session, go)
    if args.action == "logs":
        args.run, args.step = bench.jobs.show(*words[:1]).view.id, words[1] if len(words) > 1 else ""
        return _logs(session, args)
    return job_answer(bench, args)


def _report(session: KernelSession, args: Any) -> None:
    from jupyter_kf.widgets.report import write_report

    path = write_report(workbench(session), args.run, Path(args.output) if args.output else None)
    sys.stdout.write(f"{path}\n")


_VERBS: dict[str, Callable[[KernelSession, Any], Any]] = {
    "check": _check,
    "graph": _graph,
    "run": _run,
    "notebook": _notebook,
    "resume": _resume,
    "logs": _logs,
    "get": _get,
    "report": _report,
    "runs": lambda s, a: workbench(s).runs(
        a.filter,
        sort=a.sort,
        experiment=a.experiment,
        notebook=a.notebook,
        state=a.state,
        limit=a.limit,
        offset=a.offset,
    ),
    "show": lambda s, a: workbench(s).show(a.run, a.step),
    "cancel": lambda s, a: workbench(s).cancel(a.run),
    "compare": lambda s, a: workbench(s).compare(a.a, a.b),
    "tag": lambda s, a: workbench(s).tag(a.run, **split_pairs(a.tags, "tag")),
    "note": lambda s, a: workbench(s).note(a.run, " ".join(a.text)),
    "delete": lambda s, a: workbench(s).delete(*a.run),
    "experiments": lambda s, a: workbench(s).experiments(),
    "artifacts": lambda s, a: workbench(s).artifacts(a.run, a.step),
    "lineage": lambda s, a: workbench(s).lineage(a.subject, a.step, a.name),
    "gc": lambda s, a: workbench(s).gc(dry_run=a.dry_run),
    "doctor": lambda s, a: workbench(s).doctor(),
    "job": _job,
}

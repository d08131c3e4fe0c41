"""Widgets room: answers as plain text, for terminals and for ``text/plain``. Pure but for reading outputs' files."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

from jupyter_kf.errors import KFError
from jupyter_kf.model.lineage import Lineage, LineageGraph
from jupyter_kf.model.pipeline import IMPLICIT_NAMES, Diagnostic
from jupyter_kf.model.run import Execution, Run, State
from jupyter_kf.widgets.graph import graph_text
from jupyter_kf.widgets.words import SIGNS, ago, duration, moment, number, plain, size, titled
from jupyter_kf.workbench.jobs import JobCheckView, JobEnvironmentView, JobView
from jupyter_kf.workbench.views import (
    ArtifactList,
    CheckView,
    Comparison,
    DoctorView,
    Done,
    ExperimentList,
    GraphView,
    RunList,
    RunView,
    Values,
    superseded,
)

Paint = Callable[[str, str], str]

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "dim": "2", "bold": "1"}
STATE_COLOURS = {
    State.SUCCEEDED: "green",
    State.FAILED: "red",
    State.RUNNING: "blue",
    State.INTERRUPTED: "yellow",
    State.CANCELED: "yellow",
    State.CANCELING: "yellow",
    State.SKIPPED: "dim",
    State.PENDING: "dim",
}


def no_paint(text: str, colour: str) -> str:
    """Return the text as it is."""
    return text


def ansi_paint(text: str, colour: str) -> str:
    """Return the text in a colour, for a terminal."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour in _CODES and text else text


def cells_wide(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide characters two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def clip(text: str, width: int) -> str:
    """Return the text cut to ``width`` columns, with an ellipsis where something is missing."""
    if cells_wide(text) <= width:
        return text
    kept = ""
    for char in text:
        if cells_wide(kept + char) > width - 1:
            break
        kept += char
    return kept + "…"


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int = 80,
    paint: Paint = no_paint,
    colours: Mapping[tuple[int, int], str] | None = None,
    right: Sequence[int] = (),
    flexible: int | None = None,
    whole: Sequence[int] = (),
) -> str:
    """Return aligned columns, at most ``width`` wide: the ``flexible`` column is cut first, then the last ones.

    ``colours`` maps (row, column) to a colour; ``right`` lists columns to be aligned at their right, ``whole`` those
    that are never cut.
    """
    columns = [max([cells_wide(h), *(cells_wide(row[i]) for row in rows)]) for i, h in enumerate(header)]
    over = sum(columns) + 2 * (len(columns) - 1) - width
    order = ([flexible] if flexible is not None else []) + [i for i in range(len(columns) - 1, -1, -1) if i != flexible]
    for i in order:
        if i in whole:
            continue
        cut = min(over, max(0, columns[i] - max(8, cells_wide(header[i]))))
        columns[i] -= max(0, cut)
        over -= max(0, cut)

    def line(row: Sequence[str], number: int) -> str:
        parts = []
        for i, text in enumerate(row):
            shown = clip(text, columns[i])
            space = " " * (columns[i] - cells_wide(shown))
            colour = "dim" if number < 0 else (colours or {}).get((number, i), "")
            painted = paint(shown, colour) if colour else shown
            parts.append(space + painted if i in right else painted + space)
        return "  ".join(parts).rstrip()

    return "\n".join([line(header, -1), *(line(row, k) for k, row in enumerate(rows))])


def error_text(error: KFError, paint: Paint = no_paint) -> str:
    """Return an error as a few lines: what, where, the quoted line, what to do."""
    where = ""
    if error.cell_index is not None:
        where = f" (cell {error.cell_index}" + (f", line {error.line})" if error.line else ")")
    lines = [f"{paint('error', 'red')} {paint(error.code, 'dim')}  {error.message}{where}"]
    if error.quote:
        lines.append(f"    {error.quote}")
    if error.fix:
        lines.append(f"  {paint('→', 'bold')} {error.fix}")
    return "\n".join(lines)


def diagnostics_text(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, str] | None = None, paint: Paint = no_paint
) -> str:
    """Return findings, each with its place, the line it is about, and what to do."""
    colour = {"error": "red", "warning": "yellow", "info": "blue"}
    blocks = []
    for d in diagnostics:
        where = ""
        if d.cell_index is not None:
            where = f"cell {d.cell_index}" + (f", line {d.line}" if d.line else "") + ": "
        lines = [f"{paint(d.severity, colour[d.severity])} {paint(d.code, 'dim')}  {where}{d.message}"]
        source = (sources or {}).get(d.cell or "", "").split("\n")
        if d.line and d.line <= len(source) and source[d.line - 1].strip():
            lines.append(f"    {source[d.line - 1].strip()}")
        if d.fix:
            lines.append(f"  {paint('→', 'bold')} {d.fix}")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def state_text(state: State, paint: Paint = no_paint) -> str:
    """Return a state with its sign, in its colour."""
    return paint(f"{SIGNS[state]} {state}", STATE_COLOURS.get(state, ""))


def execution_note(execution: Execution) -> str:
    """Return what there is to say about an execution beside its state: its error, or the reason for what happened."""
    if execution.error:
        error = execution.error
        where = f" (cell {error['cell_index']}, line {error['line']})" if error.get("line") else ""
        return plain(str(error.get("message", ""))).split("\n")[0] + where
    return execution.reason


@singledispatch
def text_of(answer: Any, *, width: int = 80, paint: Paint = no_paint) -> str:
    """Return any answer of the workbench as text."""
    return str(answer)


@text_of.register
def _(answer: CheckView, *, width: int = 80, paint: Paint = no_paint) -> str:
    parts = []
    name = Path(answer.notebook).name
    if answer.whole:
        parts.append(f"{paint(name, 'bold')}: no cell is marked; it runs as a whole notebook, in one kernel.")
        if answer.parameters:
            parts.append("parameters  " + ", ".join(f"{p['name']} = {number(p['default'])}" for p in answer.parameters))
    elif answer.pipeline is not None and answer.pipeline.steps:
        pipeline = answer.pipeline
        dialect = ", in Kale's dialect" if answer.dialect == "kale" else ""
        steps = len(pipeline.steps)
        parts.append(f"{paint(name, 'bold')}: {steps} step{'s' if steps != 1 else ''}{dialect}")
        if pipeline.parameters:
            parts.append("parameters  " + ", ".join(f"{p.name} = {number(p.default)}" for p in pipeline.parameters))
        parts.append("")
        parts.append(_clipped(graph_text(pipeline), width))
    if answer.replaced:
        parts.append(_replaced(answer.replaced))
    if answer.diagnostics:
        parts += ["", diagnostics_text(answer.diagnostics, answer.sources, paint)]
    counts = {s: sum(d.severity == s for d in answer.diagnostics) for s in ("error", "warning")}
    said = [f"{n} {word}{'s' if n != 1 else ''}" for word, n in counts.items() if n]
    end = paint(", ".join(said), "red" if counts["error"] else "yellow") if said else paint("nothing wrong", "green")
    return "\n".join([*parts, "", end]).strip("\n")


@text_of.register
def _(answer: JobCheckView, *, width: int = 80, paint: Paint = no_paint) -> str:
    lines = []
    for severity, colour, findings in (("error", "red", answer.errors), ("warning", "yellow", answer.warnings)):
        for finding in findings:
            where = f"{finding.field}: " if finding.field else ""
            lines.append(f"{paint(severity, colour)} {paint(finding.code, 'dim')}  {where}{finding.message}")
            lines.append(f"  {paint('→', 'bold')} {finding.fix}")
    return "\n".join(lines) or paint("nothing wrong", "green")


@text_of.register
def _(answer: JobEnvironmentView, *, width: int = 80, paint: Paint = no_paint) -> str:
    blocks = []
    for name, variables in answer.variables.items():
        lines = [f"  {key}={value}" for key, value in variables.items()]
        blocks.append("\n".join([paint(name, "bold"), *(lines or ["  (nothing is set)"])]))
    return "\n".join(blocks)


@text_of.register
def _(answer: JobView, *, width: int = 80, paint: Paint = no_paint) -> str:
    parts = [text_of(answer.view, width=width, paint=paint)]
    if answer.waits_for:
        parts.append(answer.waits_for)
    for condition in answer.status.get("conditions", ()):
        sign = "✓" if condition["status"] else "·"
        parts.append(f"{sign} {condition['type']:<11}{moment(condition['since'])}  {condition['message']}")
    return "\n".join(parts)


def _replaced(cells: Sequence[str]) -> str:
    many = "cell" if len(cells) == 1 else "cells"
    return f"text executed in this session stands for what is saved in {many} {', '.join(cells)}"


def _clipped(text: str, width: int) -> str:
    return "\n".join(clip(line, width) for line in text.split("\n"))


@text_of.register
def _(answer: GraphView, *, width: int = 80, paint: Paint = no_paint) -> str:
    return _clipped(graph_text(answer.pipeline, answer.executions), width)


@text_of.register
def _(answer: RunView, *, width: int = 80, paint: Paint = no_paint) -> str:
    run = answer.run
    parts = [f"{paint(run.name, 'bold')}  {run.id}  {state_text(run.state, paint)}"]
    parts += _facts(run)
    if answer.replaced:
        parts.append(_replaced(answer.replaced))
    rows, colours = [], {}
    for k, execution in enumerate(answer.executions):
        state = "SUPERSEDED" if superseded(execution) else f"{SIGNS[execution.state]} {execution.state}"
        attempt = f" (attempt {execution.attempt})" if execution.attempt > 1 else ""
        time = "cached" if execution.cached else duration(execution.seconds)
        rows.append([execution.step + attempt, state, time, execution_note(execution)])
        colours[k, 1] = "dim" if superseded(execution) else STATE_COLOURS.get(execution.state, "")
    if rows:
        parts += [
            "",
            table(
                ["STEP", "STATE", "TIME", ""], rows, width=width, paint=paint, colours=colours, right=[2], flexible=3
            ),
        ]
    for execution in answer.latest().values():
        if execution.error and execution.state is State.FAILED:
            parts += ["", *_error_block(execution.error, execution.step, paint)]
    if run.error and not any(e.error for e in answer.executions):
        parts += ["", *_error_block(run.error, "", paint)]
    if run.state in {State.FAILED, State.INTERRUPTED, State.CANCELED} and run.kind in {"pipeline", "notebook"}:
        parts += ["", f"{paint('→', 'bold')} go on with it: resume {run.id}"]
    return "\n".join(parts)


def _facts(run: Run) -> list[str]:
    facts = []
    begun = moment(run.started or run.created)
    took = f", {duration(run.finished - run.started)}" if run.finished and run.started else ""
    facts.append(f"{begun}{took}, experiment {run.experiment}" + (f", {run.notebook}" if run.notebook else ""))
    for label, values in (("parameters", run.parameters), ("metrics", run.metrics), ("tags", run.tags)):
        if values:
            facts.append(f"{label:<10}  " + ", ".join(f"{k} = {number(v)}" for k, v in values.items()))
    if run.note:
        facts.append(f"{'note':<10}  {run.note}")
    return facts


def _error_block(error: Mapping[str, Any], step: str, paint: Paint) -> list[str]:
    where = f" (cell {error['cell_index']}" if error.get("cell_index") is not None else ""
    where += (f", line {error['line']})" if error.get("line") else ")") if where else ""
    title = f"{step}: " if step else ""
    lines = [f"{paint(title + plain(str(error.get('message', ''))), 'red')}{where}"]
    if error.get("quote"):
        lines.append(f"    {error['quote']}")
    if error.get("fix"):
        lines.append(f"  {paint('→', 'bold')} {error['fix']}")
    return lines


def step_text(answer: RunView, step: str, *, width: int = 80, paint: Paint = no_paint) -> str:
    """Return all that is known of one step of a run: each execution with inputs, outputs, metrics, reason, error."""
    parts = []
    for execution in answer.executions:
        if execution.step != step:
            continue
        parts.append(
            f"{paint(step, 'bold')}  attempt {execution.attempt}  {state_text(execution.state, paint)}  "
            + ("cached" if execution.cached else duration(execution.seconds))
        )
        rows = [
            ("why", execution.reason),
            ("cells", _cells(answer, step)),
            ("inputs", ", ".join(f"{n} ({d[:10]})" for n, d in execution.inputs.items() if n not in IMPLICIT_NAMES)),
            ("outputs", ", ".join(f"{n} ({d[:10]})" for n, d in execution.outputs.items() if n not in IMPLICIT_NAMES)),
            ("metrics", ", ".join(f"{n} = {number(v)}" for n, v in execution.metrics.items())),
            ("folder", execution.folder),
        ]
        parts += [f"{label:<8}  {value}" for label, value in rows if value]
        if execution.error:
            lines = "\n".join(plain(str(line)) for line in execution.error.get("traceback") or ()).rstrip().split("\n")
            block = _error_block(execution.error, "", paint)
            told = lines[-1] == plain(str(execution.error.get("message", "")))  # the fix still has to be said
            parts += ["", *lines, *(block[-1:] if told and execution.error.get("fix") else [] if told else block)]
        parts.append("")
    return "\n".join(parts).rstrip("\n") or f"{step} has not begun."


def _cells(answer: RunView, step: str) -> str:
    if answer.pipeline is None or step not in {s.name for s in answer.pipeline.steps}:
        return ""
    return ", ".join(f"{c.index} ({c.id})" if c.id != str(c.index) else c.id for c in answer.pipeline.step(step).cells)


@text_of.register
def _(answer: RunList, *, width: int = 80, paint: Paint = no_paint) -> str:
    if not answer.runs:
        return "no runs"
    room = width - 62 - min(24, max(len(titled(run)) for run in answer.runs))
    shown: list[str] = []
    for name in answer.metrics:
        room -= max(len(name), 8) + 2
        if room < 0:
            break
        shown.append(name)
    header = ["RUN", "NAME", "STATE", "STARTED", "TIME", *shown]
    rows, colours = [], {}
    for k, run in enumerate(answer.runs):
        took = duration(run.finished - run.started) if run.finished and run.started else ""
        values = [number(run.metrics[m]) if m in run.metrics else "" for m in shown]
        rows.append(
            [run.id, titled(run), f"{SIGNS[run.state]} {run.state}", ago(run.started or run.created), took, *values]
        )
        colours[k, 2] = STATE_COLOURS.get(run.state, "")
    right = [4, *range(5, 5 + len(shown))]
    return table(header, rows, width=width, paint=paint, colours=colours, right=right, flexible=1, whole=[0, 2])


@text_of.register
def _(answer: ExperimentList, *, width: int = 80, paint: Paint = no_paint) -> str:
    if not answer.experiments:
        return "no experiments"
    rows = [[e.name, str(e.runs), ago(e.last_run)] for e in answer.experiments]
    return table(["EXPERIMENT", "RUNS", "LAST RUN"], rows, width=width, paint=paint, right=[1], flexible=0)


@text_of.register
def _(answer: ArtifactList, *, width: int = 80, paint: Paint = no_paint) -> str:
    if not answer.entries:
        return f"{answer.run.name} ({answer.run.id}) has stored nothing"
    rows = []
    for entry in answer.entries:
        artifact = entry.artifact
        kind = artifact.types.get(entry.name) or artifact.kind
        rows.append(
            [
                entry.step,
                entry.name,
                kind,
                size(artifact.size),
                artifact.digest[:12],
                _preview(artifact.meta, entry.name),
            ]
        )
    header = ["STEP", "NAME", "TYPE", "SIZE", "DIGEST", ""]
    return table(header, rows, width=width, paint=paint, right=[3], flexible=5)


def _preview(meta: Mapping[str, Any], name: str) -> str:
    preview = meta.get("preview")
    return str(preview.get(name, "")).split("\n")[0] if isinstance(preview, Mapping) else ""


@text_of.register
def _(answer: Values, *, width: int = 80, paint: Paint = no_paint) -> str:
    what = "was given" if answer.inputs else "left"
    names = list(answer.types) or list(answer.values)
    parts = []
    if names:
        rows = [[n, answer.types.get(n, ""), answer.previews.get(n, "").split("\n")[0]] for n in names]
        parts.append(table(["NAME", "TYPE", ""], rows, width=width, paint=paint, flexible=2))
    else:
        parts.append(f"{answer.step} {what} nothing that is stored")
    parts += [f"{paint(name, 'yellow')}: {why}" for name, why in answer.missing.items()]
    return "\n".join(parts)


@text_of.register
def _(answer: Comparison, *, width: int = 80, paint: Paint = no_paint) -> str:
    a, b = answer.a, answer.b
    parts = [f"a  {a.name}  {a.id}  {state_text(a.state, paint)}", f"b  {b.name}  {b.id}  {state_text(b.state, paint)}"]
    for title, entries in (("PARAMETER", answer.parameters), ("METRIC", answer.metrics)):
        if entries:
            rows, colours = [], {}
            for k, d in enumerate(entries):
                rows.append([d.name, _side(d.a), _side(d.b), _delta(d.a, d.b)])
                if d.a != d.b:
                    colours[k, 3] = "yellow"
            parts += ["", table([title, "A", "B", ""], rows, width=width, paint=paint, colours=colours, right=[1, 2])]
    if answer.steps:
        rows = [
            [d.name, _outcome(d.a), _outcome(d.b), "code differs" if d.name in answer.code else ""]
            for d in answer.steps
        ]
        parts += ["", table(["STEP", "A", "B", ""], rows, width=width, paint=paint)]
    for text in answer.code.values():
        colour = {"+": "green", "-": "red", "@": "blue"}
        parts += ["", "\n".join(paint(line, colour.get(line[:1], "")) for line in text.split("\n"))]
    if answer.environment:
        rows = [[d.name, _side(d.a), _side(d.b)] for d in answer.environment]
        parts += ["", table(["ENVIRONMENT", "A", "B"], rows, width=width, paint=paint)]
    else:
        parts += ["", "same environment"]
    return "\n".join(parts)


def _side(value: Any) -> str:
    return "" if value is None else number(value)


def _delta(a: Any, b: Any) -> str:
    if a == b:
        return ""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    return f"{b - a:+.4g}" if numbers else "differs"


def _outcome(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return ""
    return f"{said['state']} {'cached' if said['cached'] else duration(said['seconds'])}".strip()


@text_of.register
def _(answer: Lineage, *, width: int = 80, paint: Paint = no_paint) -> str:
    artifact = answer.artifact
    names = ", ".join(artifact.names) or artifact.kind
    parts = [f"{paint(names, 'bold')}  {artifact.digest}  {size(artifact.size)}"]
    for title, uses in (("MADE BY", answer.made_by), ("USED BY", answer.used_by)):
        if uses:
            rows = [[u.step or u.role, u.name, u.run_name, u.run, "from the cache" if u.cached else ""] for u in uses]
            parts += ["", table([title, "AS", "OF RUN", "", ""], rows, width=width, paint=paint, flexible=2)]
        else:
            parts += ["", f"{title.lower()} nothing that is recorded"]
    return "\n".join(parts)


@text_of.register
def _(answer: LineageGraph, *, width: int = 80, paint: Paint = no_paint) -> str:
    known = {a.digest: a for a in answer.artifacts}
    made: dict[str, list[str]] = {}
    used: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    for use in answer.uses:
        who = use.step or use.role
        if use.role in {"output", "logged"}:
            made.setdefault(use.digest, []).append(who)
        elif use.role == "input":
            used.setdefault(use.digest, []).append(who)
        if use.name:
            names.setdefault(use.digest, []).append(use.name)
    rows = [
        [
            ", ".join(dict.fromkeys(names.get(d, [known[d].kind]))),
            ", ".join(dict.fromkeys(made.get(d, ["given"]))),
            ", ".join(dict.fromkeys(used.get(d, ["-"]))),
            d[:12],
            size(known[d].size),
        ]
        for d in known
        if d in made or d in used
    ]
    if not rows:
        return "the run has stored nothing"
    return table(
        ["VALUE", "MADE BY", "USED BY", "DIGEST", "SIZE"], rows, width=width, paint=paint, right=[4], flexible=0
    )


@text_of.register
def _(answer: DoctorView, *, width: int = 80, paint: Paint = no_paint) -> str:
    sign = {"ok": paint("✓", "green"), "note": paint("!", "yellow"), "bad": paint("✗", "red")}
    wide = max(len(f.topic) for f in answer.findings)
    lines = []
    for f in answer.findings:
        lines.append(f"{sign[f.state]} {f.topic:<{wide}}  {f.message}")
        if f.fix:
            lines.append(f"  {'':<{wide}}  {paint('→', 'bold')} {f.fix}")
    return "\n".join(lines)


@text_of.register
def _(answer: Done, *, width: int = 80, paint: Paint = no_paint) -> str:
    return answer.message

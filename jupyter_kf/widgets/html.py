"""Widgets room: answers as HTML for a notebook's output area. It is whole without scripts, and nothing is fetched.

Long tables bring a small script that sorts and filters them where scripts run; it needs no kernel, unlike a widget.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, singledispatch
from html import escape
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from jupyter_kf.model.lineage import Lineage, LineageGraph
from jupyter_kf.model.pipeline import Diagnostic
from jupyter_kf.model.run import Execution, Run, State, iso
from jupyter_kf.widgets.chart import chart_svg
from jupyter_kf.widgets.graph import GRAPH_STYLE, LIVE_ROOM, graph_svg
from jupyter_kf.widgets.live import LiveState
from jupyter_kf.widgets.text import execution_note, text_of
from jupyter_kf.widgets.words import SIGNS, ago, duration, moment, number, plain, size, titled
from jupyter_kf.workbench.views import (
    ArtifactList,
    CheckView,
    Comparison,
    Difference,
    DoctorView,
    Done,
    ExperimentList,
    GraphView,
    RunList,
    RunView,
    Values,
    superseded,
)

#: Colours from JupyterLab's theme where it is there, else fitting ones.
STYLE = (
    """
.kf{--kf-ink:var(--jp-ui-font-color1,#1c2430);--kf-soft:var(--jp-ui-font-color2,#5b6575);
--kf-card:var(--jp-layout-color1,#fff);--kf-line:var(--jp-border-color1,#c4cad3);--kf-muted:var(--jp-border-color0,#8a93a1);
--kf-good:var(--jp-success-color1,#1a7f4b);--kf-bad:var(--jp-error-color1,#c62f2f);
--kf-busy:var(--jp-brand-color1,#1f6feb);--kf-warn:var(--jp-warn-color1,#b26a00);--kf-cached:#7d6be0;
color:var(--kf-ink);font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.kf table.kft{border-collapse:collapse;margin:6px 0;width:auto;border:0}
.kf table.kft th,.kf table.kft td{text-align:left;padding:3px 14px 3px 0;border:0;
border-bottom:1px solid var(--kf-line);vertical-align:top;background:none;white-space:normal;max-width:42em}
.kf table.kft th{color:var(--kf-soft);font-weight:600;font-size:11px}
.kf table.kft th.n,.kf table.kft td.n{text-align:right;font-variant-numeric:tabular-nums}
.kf code,.kf pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px;background:none}
.kf pre{margin:2px 0;white-space:pre-wrap}.kf .soft{color:var(--kf-soft)}.kf .scroll{overflow-x:auto}
.kf .s{font-weight:600;font-size:12px;white-space:nowrap}
.kf .SUCCEEDED{color:var(--kf-good)}.kf .FAILED{color:var(--kf-bad)}
.kf .RUNNING{color:var(--kf-busy)}.kf .INTERRUPTED,.kf .CANCELED,.kf .CANCELING{color:var(--kf-warn)}
.kf .PENDING,.kf .SKIPPED{color:var(--kf-soft)}
.kf .finding{border-left:3px solid var(--kf-muted);padding:2px 0 2px 10px;margin:6px 0}
.kf .finding.error{border-color:var(--kf-bad)}.kf .finding.warning{border-color:var(--kf-warn)}
.kf .finding.info{border-color:var(--kf-busy)}
.kf .kf-button{font:inherit;font-size:12px;padding:2px 10px;border:1px solid var(--kf-line);border-radius:4px;
background:var(--jp-layout-color2,#f1f3f5);color:var(--kf-ink);cursor:pointer}
.kf .kf-button:hover{border-color:var(--kf-busy)}.kf .kf-button:disabled{opacity:.55;cursor:default}
.kf .kf-button:focus-visible{outline:2px solid var(--kf-busy);outline-offset:1px}
.kf .kf-button.kf-lab{display:none}.kf .kf-button[data-l]::before{content:attr(data-l)}
body:has(#jupyter-kf-panel) .kf .kf-button.kf-lab{display:inline-block}.kf .kf-buttons{display:inline-flex;gap:6px}
.kf table.kft th button{all:unset;cursor:pointer}.kf table.kft th button:hover{color:var(--kf-ink)}
.kf table.kft th button:focus-visible{outline:2px solid var(--kf-busy);outline-offset:2px}
.kf th[aria-sort=ascending] button::after{content:" \\25b4"}
.kf th[aria-sort=descending] button::after{content:" \\25be"}
.kf table.kf-diff td{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;border:0;
padding:0 10px 0 4px;min-width:18em}
.kf table.kf-diff td.gone{background:color-mix(in srgb,var(--kf-bad) 16%,transparent)}
.kf table.kf-diff td.come{background:color-mix(in srgb,var(--kf-good) 16%,transparent)}
.kf .kf-filter{margin:4px 0}.kf .kf-filter input{font:inherit;padding:2px 6px;margin-right:8px;color:var(--kf-ink);
background:var(--kf-card);border:1px solid var(--kf-line);border-radius:4px}
.kf .kf-charts{display:flex;flex-wrap:wrap;gap:8px 18px}
.kf figure.chart{margin:4px 0;width:280px;max-width:100%}
.kf figure.chart figcaption{font-size:12px;color:var(--kf-soft)}.kf figure.chart b{color:var(--kf-ink)}
.kf figure.chart svg{width:100%;height:auto}.kf figure.chart .axis{stroke:var(--kf-line)}
.kf figure.chart .line{fill:none;stroke:var(--kf-busy);stroke-width:1.5}.kf figure.chart .dot{fill:var(--kf-busy)}
.kf figure.chart .line.other{stroke:var(--kf-warn);stroke-dasharray:5 3}.kf figure.chart .dot.other{fill:var(--kf-warn)}
.kf figure.chart .side{color:var(--kf-busy);margin-left:6px}.kf figure.chart .side.other{color:var(--kf-warn)}
.kf figure.chart .side b{color:inherit}
.kf figure.chart text{fill:var(--kf-soft);font-size:10px}
"""
    + GRAPH_STYLE
)


def framed(body: str) -> str:
    """Return a fragment with its style sheet around it."""
    return f'<div class="kf"><style>{STYLE}</style>{body}</div>'


def state_html(state: State) -> str:
    """Return a state with its sign, coloured."""
    return f'<span class="s {state}">{SIGNS[state]} {state}</span>'


Cell = str | tuple[str, Any]
#: Charts that a comparison shows.
_CHARTS = 12


def table_html(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], numbers: Sequence[int] = (), *, alive: bool = False
) -> str:
    """Return a table; the cells are HTML already, or pairs of HTML and the value that it is sorted by.

    ``numbers`` lists columns aligned at their right; ``alive`` adds the script that sorts and filters.
    """
    head = "".join(
        f'<th scope="col"{" class=n" if i in numbers else ""}>{escape(h)}</th>' if h else "<td></td>"
        for i, h in enumerate(header)
    )
    lines = []
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            markup, value = cell if isinstance(cell, tuple) else (cell, None)
            sorted_by = "" if value is None else f' data-v="{escape(str(value))}"'
            cells.append(f"<td{' class=n' if i in numbers else ''}{sorted_by}>{markup}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    drawn = f'<table class="kft"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    if not alive or len(rows) < 2:
        return drawn
    return f'<div class="kf-table">{drawn}</div><script>{_script("table.js")}</script>'


@cache
def _script(name: str) -> str:
    return Path(__file__).with_name("static").joinpath(name).read_text("utf-8")


def time_html(seconds: float | None) -> Cell:
    """Return how long ago a moment was, with the whole date and time on hover."""
    if not seconds:
        return ""
    return f'<time datetime="{iso(seconds)}" title="{moment(seconds)}">{ago(seconds)}</time>', seconds


def findings_html(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str] | None = None) -> str:
    """Return findings, each with its place, the line and what to do."""
    parts = []
    for d in diagnostics:
        where = f"cell {d.cell_index}" if d.cell_index is not None else ""
        where += f", line {d.line}" if where and d.line else ""
        source = (sources or {}).get(d.cell or "", "").split("\n")
        quote = source[d.line - 1].strip() if d.line and d.line <= len(source) else ""
        why = f'<div class="soft">{escape(d.why)}</div>' if d.why else ""
        parts.append(
            f'<div class="finding {d.severity}"><b>{d.severity}</b> <span class="soft">{escape(d.code)} {where}</span> '
            f"{escape(d.message)}{f'<pre>{escape(quote)}</pre>' if quote else ''}{why}"
            f"{f'<div>→ {escape(d.fix)}</div>' if d.fix else ''}</div>"
        )
    return "".join(parts)


def error_html(error: Mapping[str, Any], step: str = "") -> str:
    """Return a step's or a run's error: what, where, the quoted line, what to do."""
    where = f"cell {error['cell_index']}" if error.get("cell_index") is not None else ""
    where += f", line {error['line']}" if where and error.get("line") else ""
    quote = f"<pre>{escape(str(error['quote']))}</pre>" if error.get("quote") else ""
    fix = f"<div>→ {escape(str(error['fix']))}</div>" if error.get("fix") else ""
    return (
        f'<div class="finding error"><b>{escape(step)}</b> '
        f'<span class="soft">{escape(str(error.get("code", "")))} {where}</span> '
        f"{escape(plain(str(error.get('message', ''))))}{quote}{fix}</div>"
    )


def executions_html(executions: Sequence[Execution], *, links: bool = False) -> str:
    """Return the table of a run's executions."""
    rows: list[list[Cell]] = []
    for e in executions:
        name = f'<a href="#step-{escape(e.step)}">{escape(e.step)}</a>' if links else escape(e.step)
        attempt = f' <span class="soft">attempt {e.attempt}</span>' if e.attempt > 1 else ""
        state = '<span class="soft">superseded</span>' if superseded(e) else state_html(e.state)
        time = "cached" if e.cached else duration(e.seconds)
        metrics = ", ".join(f"{escape(n)} = {escape(number(v))}" for n, v in e.metrics.items())
        rows.append([name + attempt, state, time, metrics, f'<span class="soft">{escape(execution_note(e))}</span>'])
    has_metrics = any(row[3] for row in rows)
    if not has_metrics:
        rows = [[*row[:3], row[4]] for row in rows]
    return table_html(["Step", "State", "Time", *(["Metrics"] if has_metrics else []), ""], rows, [2])


def values_html(values: Mapping[str, Any]) -> str:
    """Return names with values, in one line."""
    return ", ".join(f"<code>{escape(k)}</code> = {escape(number(v))}" for k, v in values.items())


def live_html(live: LiveState, log: str = "", hint: str = "") -> str:
    """Return a run under way: its graph, with what is happening; ``log`` is the end of what a step printed."""
    view = live.view
    drawn = graph_svg(view.pipeline, live.executions, styled=False, room=LIVE_ROOM) if view.pipeline else ""
    words = f'<span class="soft">{escape(live.words())}</span>'
    told = f'<pre class="soft">{escape(log.rstrip())}</pre>' if log.strip() else ""
    below = f'<div class="soft">{escape(hint)}</div>' if hint else ""
    buttons = _lab_buttons(view.run, "cancel")
    head = f"<div><b>{escape(view.name)}</b> <code>{view.id}</code> {state_html(view.state)} {words}{buttons}</div>"
    return framed(f'{head}<div class="scroll">{drawn}</div>{told}{below}')


#: What can be asked of JupyterLab's extension about a run: command and what its button says.
_COMMANDS = {"open": ("jupyter-kf:open-run", "Open"), "cancel": ("jupyter-kf:cancel-run", "Cancel"),
             "resume": ("jupyter-kf:resume-run", "Resume")}  # fmt: skip


def _lab_buttons(run: Run, *more: str) -> str:
    """Return buttons that JupyterLab's own listener serves; without the extension's sidebar they are not seen."""
    arguments = escape(json.dumps({"run": run.id}))
    buttons = []
    for command, label in (_COMMANDS[name] for name in ("open", *more)):
        buttons.append(
            f'<button type="button" class="kf-button kf-lab" aria-label="{label} run" title="{label} run" '
            f'data-commandlinker-command="{command}" data-commandlinker-args="{arguments}" data-l="{label}"></button>'
        )
    return f' <span class="kf-buttons">{"".join(buttons)}</span>'


def end_html(view: RunView, charts: str = "", logs: Sequence[tuple[str, str]] = ()) -> str:
    """Return a run that is over as the live view leaves it: with its metrics' charts and what the steps printed last.

    ``logs`` are pairs of a step and text.
    """
    failed = {step for step, execution in view.latest().items() if execution.state is State.FAILED}
    told = "".join(
        f"<details{' open' if step in failed else ''}><summary>output of {escape(step)}</summary>"
        f"<pre>{escape(text.rstrip())}</pre></details>"
        for step, text in logs
        if text.strip()
    )
    drawn = f'<div class="kf-charts">{charts}</div>' if charts else ""
    return framed(_run_body(view, LIVE_ROOM) + drawn + told)


@singledispatch
def html_of(answer: Any) -> str:
    """Return any answer of the workbench as HTML."""
    return framed(f"<pre>{escape(text_of(answer, width=110))}</pre>")


@html_of.register
def _(answer: CheckView) -> str:
    name = escape(Path(answer.notebook).name)
    if answer.whole:
        head = f"<div><b>{name}</b>: no cell is marked; it runs as a whole notebook, in one kernel.</div>"
    else:
        steps = len(answer.pipeline.steps) if answer.pipeline else 0
        head = f"<div><b>{name}</b>: {steps} step{'s' if steps != 1 else ''}</div>"
    drawn = ""
    if answer.pipeline is not None and answer.pipeline.steps:
        if answer.pipeline.parameters:
            values = {p.name: p.default for p in answer.pipeline.parameters}
            head += f'<div class="soft">parameters {values_html(values)}</div>'
        drawn = f'<div class="scroll">{graph_svg(answer.pipeline, styled=False)}</div>'
    found = findings_html(answer.diagnostics, answer.sources) or '<div class="SUCCEEDED">nothing wrong</div>'
    return framed(head + drawn + found)


@html_of.register
def _(answer: GraphView) -> str:
    return framed(f'<div class="scroll">{graph_svg(answer.pipeline, answer.executions, styled=False)}</div>')


@html_of.register
def _(answer: RunView) -> str:
    return framed(_run_body(answer))


def _run_body(answer: RunView, room: int = 0) -> str:
    run = answer.run
    took = duration(run.finished - run.started) if run.finished and run.started else ""
    again = run.state in {State.FAILED, State.INTERRUPTED, State.CANCELED} and run.kind in {"pipeline", "notebook"}
    buttons = _lab_buttons(run, *(["resume"] if again else [] if run.state.final else ["cancel"]))
    parts = [f"<div><b>{escape(run.name)}</b> <code>{run.id}</code> {state_html(run.state)} {took}"]
    parts.append(
        f' <span class="soft">{moment(run.started or run.created)}, experiment {escape(run.experiment)}</span>'
        f"{buttons}</div>"
    )
    for label, values in (("parameters", run.parameters), ("metrics", run.metrics), ("tags", run.tags)):
        if values:
            parts.append(f'<div><span class="soft">{label}</span> {values_html(values)}</div>')
    if run.note:
        parts.append(f'<div><span class="soft">note</span> {escape(run.note)}</div>')
    if answer.pipeline is not None and answer.pipeline.steps:
        parts.append(
            f'<div class="scroll">{graph_svg(answer.pipeline, answer.latest(), styled=False, room=room)}</div>'
        )
    if answer.executions:
        parts.append(executions_html(answer.executions))
    errors = [(e.error, e.step) for e in answer.latest().values() if e.error and e.state is State.FAILED]
    parts += [error_html(error, step) for error, step in errors]
    if run.error and not errors:
        parts.append(error_html(run.error))
    return "".join(parts) + findings_html(answer.diagnostics)


@html_of.register
def _(answer: RunList) -> str:
    if not answer.runs:
        return framed("no runs")
    shown = answer.metrics[:4]
    return framed(runs_html(answer.runs, shown))


def runs_html(runs: Sequence[Run], metrics: Sequence[str]) -> str:
    """Return the table of runs, with a column for each of the metrics."""
    rows: list[list[Cell]] = []
    for run in runs:
        seconds = run.finished - run.started if run.finished and run.started else None
        values = [(escape(number(v)), v) if (v := run.metrics.get(m)) is not None else "" for m in metrics]
        rows.append(
            [
                f"<code>{run.id}</code>",
                escape(titled(run)),
                state_html(run.state),
                time_html(run.started or run.created),
                (duration(seconds), seconds) if seconds is not None else "",
                *values,
                values_html(run.parameters),
            ]
        )
    header = ["Run", "Name", "State", "Started", "Time", *metrics, "Parameters"]
    return table_html(header, rows, list(range(4, 5 + len(metrics))), alive=True)


@html_of.register
def _(answer: ExperimentList) -> str:
    rows = [[escape(e.name), str(e.runs), time_html(e.last_run)] for e in answer.experiments]
    table = table_html(["Experiment", "Runs", "Last run"], rows, [1], alive=True)
    return framed(table if rows else "no experiments")


@html_of.register
def _(answer: ArtifactList) -> str:
    rows: list[list[Cell]] = []
    for entry in answer.entries:
        a = entry.artifact
        kind = escape(a.types.get(entry.name) or a.kind)
        digest = f"<code>{a.digest[:12]}</code>"
        rows.append([escape(entry.step), escape(entry.name), kind, (size(a.size), a.size), digest])
    table = table_html(["Step", "Name", "Type", "Size", "Digest"], rows, [3], alive=True)
    return framed(table if rows else "nothing stored")


@html_of.register
def _(answer: Values) -> str:
    names = list(answer.types) or list(answer.values)
    rows = [
        [
            f"<code>{escape(n)}</code>",
            escape(answer.types.get(n, "")),
            f"<code>{escape(answer.previews.get(n, ''))}</code>",
        ]
        for n in names
    ]
    missing = "".join(f'<div class="finding warning">{escape(n)}: {escape(w)}</div>' for n, w in answer.missing.items())
    what = "was given" if answer.inputs else "left"
    head = f'<div class="soft">what {escape(answer.step)} {what}</div>'
    return framed(head + (table_html(["Name", "Type", ""], rows) if rows else "nothing that is stored") + missing)


@html_of.register
def _(answer: Comparison) -> str:
    runs = (answer.a, answer.b)
    names = [f"{escape(run.name)}<br><code>{run.id}</code>" for run in runs]
    seconds = [run.finished - run.started if run.finished and run.started else None for run in runs]
    facts = [
        ["run", *names],
        ["state", *(state_html(run.state) for run in runs)],
        ["time", *map(duration, seconds)],
    ]
    parts = [_sides("", facts)]
    for title, entries in (("Parameter", answer.parameters), ("Metric", answer.metrics)):
        if entries:
            parts.append(_sides(title, [[escape(d.name), _value(d.a), _value(d.b), _change(d)] for d in entries]))
    drawn = [chart_svg(name, a, b) for name, (a, b) in islice(answer.curves.items(), _CHARTS)]
    if drawn:
        parts.append(f'<div class="kf-charts">{"".join(drawn)}</div>')
    if answer.steps:
        rows = []
        for d in answer.steps:
            code = "code differs" if d.name in answer.code else ""
            rows.append([escape(d.name), _outcome(d.a), _outcome(d.b), f'<span class="soft">{code}</span>'])
        parts.append(_sides("Step", rows))
    if answer.environment:
        parts.append(_sides("Environment", [[escape(d.name), _value(d.a), _value(d.b)] for d in answer.environment]))
    else:
        parts.append('<div class="soft">same environment</div>')
    for step, text in answer.code.items():
        title = f"<summary>code of {escape(step)}</summary>"
        parts.append(f'<details open>{title}<div class="scroll">{diff_html(text)}</div></details>')
    return framed("".join(parts))


def _sides(title: str, rows: Sequence[Sequence[str]]) -> str:
    wide = max(map(len, rows))
    return table_html([title, "A", "B", ""][:wide], rows)


def _value(value: Any) -> str:
    return "" if value is None else escape(number(value))


def _change(difference: Difference) -> str:
    """Return by how much two values differ, in words where they are no numbers."""
    a, b = difference.a, difference.b
    if a == b:
        return ""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    return f"<b>{f'{b - a:+.4g}' if numbers else 'differs'}</b>"


def _outcome(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return ""
    time = "cached" if said["cached"] else duration(said["seconds"])
    return f'{state_html(State(said["state"]))} <span class="soft">{time}</span>'


def diff_html(text: str) -> str:
    """Return a unified diff as two columns: what was, what is."""
    rows: list[str] = []
    gone: list[str] = []
    come: list[str] = []

    def settle() -> None:
        for left, right in zip_longest(gone, come):
            sides = ((left, "gone"), (right, "come"))
            cells = (
                f'<td class="{look}">{escape(line)}</td>' if line is not None else "<td></td>" for line, look in sides
            )
            rows.append(f"<tr>{''.join(cells)}</tr>")
        gone.clear()
        come.clear()

    for line in text.split("\n")[2:]:  # after the names of both sides
        if line.startswith("-"):
            gone.append(line[1:])
        elif line.startswith("+"):
            come.append(line[1:])
        else:
            settle()
            kept = f"<td>{escape(line[1:])}</td>"
            if not line.startswith("@@"):
                rows.append(f"<tr>{kept}{kept}</tr>")
            elif rows:
                rows.append('<tr><td class="soft" colspan="2">⋯</td></tr>')
    settle()
    head = '<thead><tr><th scope="col">A</th><th scope="col">B</th></tr></thead>'
    return f'<table class="kft kf-diff">{head}<tbody>{"".join(rows)}</tbody></table>'


@html_of.register
def _(answer: DoctorView) -> str:
    colour = {"ok": "SUCCEEDED", "note": "INTERRUPTED", "bad": "FAILED"}
    sign = {"ok": "✓", "note": "!", "bad": "✗"}
    rows = [
        [
            f'<span class="s {colour[f.state]}">{sign[f.state]}</span>',
            escape(f.topic),
            escape(f.message) + (f"<br>→ {escape(f.fix)}" if f.fix else ""),
        ]
        for f in answer.findings
    ]
    return framed(table_html(["", "", ""], rows))


@html_of.register
def _(answer: Done) -> str:
    return framed(escape(answer.message))


@html_of.register
def _(answer: Lineage) -> str:
    a = answer.artifact
    parts = [f"<div><b>{escape(', '.join(a.names) or a.kind)}</b> <code>{a.digest[:16]}</code> {size(a.size)}</div>"]
    for title, uses in (("Made by", answer.made_by), ("Used by", answer.used_by)):
        rows = [[escape(u.step or u.role), escape(u.name), escape(u.run_name), f"<code>{u.run}</code>"] for u in uses]
        parts.append(
            table_html([title, "as", "of run", ""], rows) if rows else f"<div>{title.lower()} nothing recorded</div>"
        )
    return framed("".join(parts))


@html_of.register
def _(answer: LineageGraph) -> str:
    return framed(f"<pre>{escape(text_of(answer, width=110))}</pre>")

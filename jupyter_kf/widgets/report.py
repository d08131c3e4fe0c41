"""Widgets room: a run as one HTML page.

It needs no network, follows the reader's light or dark theme, and runs no script but its own, which only fits frames to
their content.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from jupyter_kf.errors import KFError, UsageError
from jupyter_kf.model.pipeline import IMPLICIT_NAMES, Cell
from jupyter_kf.model.run import Execution, State
from jupyter_kf.widgets.chart import chart_svg
from jupyter_kf.widgets.graph import graph_svg
from jupyter_kf.widgets.html import error_html, executions_html, state_html
from jupyter_kf.widgets.outputs import outputs_html, stream_html
from jupyter_kf.widgets.report_style import SCRIPT, STYLE
from jupyter_kf.widgets.words import duration, moment, number
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.comparing import curves_of, environment_of
from jupyter_kf.workbench.naming import last_of_notebook
from jupyter_kf.workbench.views import RunView, read_stream, superseded

_CHARTS = 12


@dataclass(frozen=True)
class ReportData:
    """All that a page shows. ``cells`` and ``outputs`` by step; outputs by cell id; ``curves``: points by metric."""

    view: RunView
    cells: Mapping[str, Sequence[Cell]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


def write_report(bench: Workbench, run: str, path: Path | None = None) -> Path:
    """Write the page of a run and return its path; the default lies in the run's folder.

    Raises:
        UsageError: KF406 where the file cannot be written.
    """
    data = gather(bench, run)
    if path is None:
        folder = bench.settings.home / "runs" / data.view.id
        folder = folder if folder.is_dir() else bench.settings.home / "reports"
        path = folder / ("report.html" if folder.name == data.view.id else f"{data.view.id}.html")
    path = path.expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report_html(data), "utf-8")
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}.", code="KF406", fix="Give another file.") from exc
    return path


def gather(bench: Workbench, run: str) -> ReportData:
    """Read what the page of a run needs: its record, what its steps displayed, its metrics, its environment."""
    from jupyter_kf import __version__
    from jupyter_kf.runtime.capture import read_outputs

    view = bench.show(last_of_notebook(bench.store, run))
    outputs = {e.step: read_outputs(e.folder) for e in view.latest().values() if e.folder}
    curves = curves_of(bench.store, view.run)
    return ReportData(
        view=view,
        cells=_cells(bench, view),
        outputs=outputs,
        curves={name: curve for name, curve in curves.items() if len(curve) > 1},
        environment=environment_of(bench.store, view.run),
        version=__version__,
    )


def _cells(bench: Workbench, view: RunView) -> dict[str, Sequence[Cell]]:
    if view.pipeline is not None:
        return {step.name: step.cells for step in view.pipeline.steps}
    run, store = view.run, bench.store
    if run.kind != "notebook" or not run.snapshot or not store.artifacts.has(run.snapshot):
        return {}
    from jupyter_kf.notebook.document import read_document

    try:
        document = read_document(Path(store.artifacts.path(run.snapshot)).read_bytes())
    except KFError:  # not the notebook it was: the page shows the rest
        return {}
    cells = tuple(Cell(c.id, c.index, c.source) for c in document.code)
    return {execution.step: cells for execution in view.executions}


def report_html(data: ReportData) -> str:
    """Return the page. Pure."""
    view, run = data.view, data.view.run
    pin = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{pin}'; frame-src 'self'"
    )
    body = [_header(data), _notice(view), _graph(view), _numbers(data), _steps(data), _environment(data)]
    foot = f"<footer>{escape(run.id)} · made by jupyter_kf {escape(data.version)}</footer>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(run.name)} · {run.state}</title><style>{STYLE}</style></head>"
        f'<body><main class="kf">{"".join(body)}{foot}</main><script>{SCRIPT}</script></body></html>\n'
    )


def _header(data: ReportData) -> str:
    run = data.view.run
    took = duration(run.finished - run.started) if run.finished and run.started else ""
    facts = [
        ("Started", escape(moment(run.started or run.created))),
        ("Took", took),
        ("Experiment", escape(run.experiment)),
        ("Notebook", escape(Path(run.notebook).name)),
        ("Run", f"<code>{run.id}</code>"),
    ]
    cached = sum(e.cached for e in data.view.latest().values())
    if cached:
        facts.append(("From the cache", f"{cached} of {len(data.view.latest())} steps"))
    listed = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in facts if value)
    tags = "".join(f'<span class="tag">{escape(k)}{f" = {escape(v)}" if v else ""}</span>' for k, v in run.tags.items())
    note = f'<p class="note">{escape(run.note)}</p>' if run.note else ""
    return (
        f'<header><div class="title"><h1>{escape(run.name)}</h1>'
        f'<span class="pill {run.state}">{state_html(run.state)}</span></div>'
        f'<dl class="facts">{listed}</dl>{f"<p>{tags}</p>" if tags else ""}{note}</header>'
    )


def _notice(view: RunView) -> str:
    failed = [e for e in view.latest().values() if e.state is State.FAILED and e.error]
    parts = [error_html(e.error or {}, e.step) for e in failed]
    if view.run.error and not failed:
        parts.append(error_html(view.run.error))
    return f'<section aria-label="Errors">{"".join(parts)}</section>' if parts else ""


def _graph(view: RunView) -> str:
    if view.pipeline is None or not view.pipeline.steps:
        return ""
    drawn = graph_svg(view.pipeline, view.latest(), links=True, styled=False)
    return f'<section class="card scroll" aria-label="Steps">{drawn}</section>'


def _numbers(data: ReportData) -> str:
    run = data.view.run
    cards = []
    for title, values in (("Metrics", run.metrics), ("Parameters", run.parameters)):
        if values:
            rows = "".join(
                f'<tr><th scope="row">{escape(name)}</th><td>{escape(number(value))}</td></tr>'
                for name, value in values.items()
            )
            cards.append(f'<section class="card"><h2>{title}</h2><table class="pairs">{rows}</table></section>')
    charts = "".join(chart_svg(name, curve) for name, curve in list(data.curves.items())[:_CHARTS])
    if charts:
        cards.append(f'<section class="card charts"><h2>Over time</h2>{charts}</section>')
    return f'<div class="columns">{"".join(cards)}</div>' if cards else ""


def _steps(data: ReportData) -> str:
    view = data.view
    if not view.executions:
        return '<section class="card"><p class="soft">No step has begun.</p></section>'
    table = executions_html(view.executions, links=True)
    shown = "".join(_step(data, e) for e in view.executions if not superseded(e) and view.execution(e.step) is e)
    return f'<section class="card scroll"><h2>Steps</h2>{table}</section>{shown}'


def _step(data: ReportData, execution: Execution) -> str:
    name = execution.step
    took = "from the cache" if execution.cached else duration(execution.seconds)
    attempt = f" · attempt {execution.attempt}" if execution.attempt > 1 else ""
    flows = "".join(
        f'<span class="flow"><b>{label}</b> {", ".join(f"<code>{escape(n)}</code>" for n in names)}</span>'
        for label, names in (
            ("takes", [n for n in execution.inputs if n not in IMPLICIT_NAMES]),
            ("makes", [n for n in execution.outputs if n not in IMPLICIT_NAMES]),
        )
        if names
    )
    reason = f'<span class="flow">{escape(execution.reason)}</span>' if execution.reason else ""
    metrics = "".join(
        f'<span class="flow"><b>{escape(n)}</b> {escape(number(v))}</span>' for n, v in execution.metrics.items()
    )
    outputs = data.outputs.get(name, {})
    body = [_cell(cell, outputs.get(cell.id, ())) for cell in data.cells.get(name, ())]
    known = {cell.id for cell in data.cells.get(name, ())}
    body += [outputs_html(loose) for cell, loose in outputs.items() if cell not in known]
    if not outputs:
        body += [stream_html(read_stream(execution, stream), stream) for stream in ("stdout", "stderr")]
    if execution.error and not any(o.get("output_type") == "error" for shown in outputs.values() for o in shown):
        lines = "\n".join(map(str, execution.error.get("traceback") or ()))
        body.append(f'<pre class="out err">{escape(lines)}</pre>' if lines else error_html(execution.error))
    return (
        f'<section class="card step {execution.state}" id="step-{escape(name)}">'
        f'<div class="stephead"><h2>{escape(name)}</h2>'
        f'{state_html(execution.state)}<span class="soft">{took}{attempt}</span></div>'
        f'<p class="flows">{flows}{metrics}{reason}</p>{"".join(body)}</section>'
    )


def _cell(cell: Cell, outputs: Sequence[Mapping[str, Any]]) -> str:
    return (
        f'<div class="cell"><details open><summary>cell {cell.index}</summary>{_highlighted(cell.source)}</details>'
        f"{outputs_html(outputs)}</div>"
    )


def _highlighted(source: str) -> str:
    """Return source in colours, where Pygments (which comes with IPython) is there."""
    try:
        from pygments import highlight  # type: ignore[import-untyped, unused-ignore]
        from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped, unused-ignore]
        from pygments.lexers import PythonLexer  # type: ignore[import-untyped, unused-ignore]
    except ImportError:  # pragma: no cover - IPython brings it
        return f'<pre class="src">{escape(source)}</pre>'
    coloured: str = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return f'<pre class="src">{coloured.rstrip()}</pre>'


def _environment(data: ReportData) -> str:
    record = data.environment
    if not record:
        return ""
    git = record.get("git") or {}
    facts = [
        ("Python", f"{record.get('python', '')} {record.get('implementation', '')}"),
        ("Interpreter", str(record.get("executable", ""))),
        ("Kernel", str(record.get("kernel") or "")),
        ("System", " ".join(str(record.get(k, "")) for k in ("system", "release", "machine"))),
        ("Git", " ".join(f"{k}={v}" for k, v in git.items() if v not in (None, "", [], {}))),
    ]
    rows = "".join(
        f'<tr><th scope="row">{label}</th><td>{escape(value)}</td></tr>' for label, value in facts if value.strip()
    )
    packages = record.get("packages") or {}
    listed = ", ".join(f"{escape(str(n))} {escape(str(v))}" for n, v in sorted(packages.items()))
    more = (
        f"<details><summary>{len(packages)} packages</summary><p class='packages'>{listed}</p></details>"
        if packages
        else ""
    )
    return f'<section class="card"><h2>Environment</h2><table class="pairs">{rows}</table>{more}</section>'

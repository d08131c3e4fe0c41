"""Widgets room: a pipeline's graph as SVG, Mermaid and text. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from html import escape

from jupyter_kf.model.pipeline import IMPLICIT_NAMES, Pipeline
from jupyter_kf.model.run import Execution
from jupyter_kf.widgets.layout import layers, place, reduced
from jupyter_kf.widgets.words import SIGNS, duration

#: Colours that both themes share; the report's and the notebook's style sheet are made of them.
GRAPH_STYLE = """
.kf-graph{font:13px/1.3 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;max-width:100%;height:auto}
.kf-graph .box{fill:var(--kf-card,#fff);stroke:var(--kf-line,#c4cad3);stroke-width:1.25}
.kf-graph .bar{fill:var(--kf-muted,#8a93a1)}
.kf-graph .name{fill:var(--kf-ink,#1c2430);font-weight:600}
.kf-graph .sub{fill:var(--kf-soft,#5b6575);font-size:11px}
.kf-graph .edge{fill:none;stroke:var(--kf-muted,#8a93a1);stroke-width:1.4}
.kf-graph .tip{fill:var(--kf-muted,#8a93a1)}
.kf-graph .SUCCEEDED .bar{fill:var(--kf-good,#1a7f4b)}.kf-graph .FAILED .bar{fill:var(--kf-bad,#c62f2f)}
.kf-graph .RUNNING .bar{fill:var(--kf-busy,#1f6feb)}.kf-graph .FAILED .box{stroke:var(--kf-bad,#c62f2f)}
.kf-graph .RUNNING .box{stroke:var(--kf-busy,#1f6feb)}
.kf-graph .INTERRUPTED .bar,.kf-graph .CANCELED .bar,.kf-graph .CANCELING .bar{fill:var(--kf-warn,#b26a00)}
.kf-graph .cached .bar{fill:var(--kf-cached,#6f5bd0)}
.kf-graph a:focus .box,.kf-graph a:hover .box{stroke:var(--kf-busy,#1f6feb);stroke-width:2}
"""

#: Characters that the second lines of boxes may grow to while a run goes on.
LIVE_ROOM = 20


def graph_svg(
    pipeline: Pipeline,
    executions: Mapping[str, Execution] | None = None,
    *,
    links: bool = False,
    styled: bool = True,
    room: int = 0,
) -> str:
    """Return the graph as one SVG element; ``links`` makes each step a link to ``#step-NAME``.

    ``styled``: with a style sheet inside, so that the element can stand alone. ``room``: boxes are at least so many
    characters wide, for second lines that change.
    """
    executions = executions or {}
    nodes = [step.name for step in pipeline.steps]
    edges = reduced(nodes, [(before, step.name) for step in pipeline.steps for before in step.after])
    labels = {step.name: (_clip(step.name, 30), _subtitle(pipeline, step.name, executions)) for step in pipeline.steps}
    sizes = {n: (max(116.0, 34 + 7.6 * max(len(a), 0.84 * max(room, len(b)))), 46.0) for n, (a, b) in labels.items()}
    drawn = place(nodes, edges, sizes)
    width, height = round(drawn.width, 1), round(drawn.height, 1)
    parts = [
        f'<svg class="kf-graph" xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(_spoken(pipeline, executions))}">'
    ]
    if styled:
        parts.append(f"<style>{GRAPH_STYLE}</style>")
    for points in drawn.paths.values():
        parts.append(f'<path class="edge" d="{_curve(points, drawn.across)}"/>{_tip(points[-1], drawn.across)}')
    for step in pipeline.steps:
        name, (title, subtitle), box = step.name, labels[step.name], drawn.boxes[step.name]
        execution = executions.get(name)
        state = _classes(execution)
        tip = escape(_tooltip(pipeline, name, execution))
        body = (
            f'<g class="{state}" data-step="{escape(name)}"><title>{tip}</title>'
            f'<rect class="box" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height}" rx="7"/>'
            f'<rect class="bar" x="{box.x + 6:.1f}" y="{box.y + 8:.1f}" width="4" height="{box.height - 16}" rx="2"/>'
            f'<text class="name" x="{box.x + 19:.1f}" y="{box.y + 20:.1f}">{escape(title)}</text>'
            f'<text class="sub" x="{box.x + 19:.1f}" y="{box.y + 36:.1f}">{escape(subtitle)}</text></g>'
        )
        parts.append(f'<a href="#step-{escape(name)}">{body}</a>' if links else body)
    parts.append("</svg>")
    return "".join(parts)


def graph_mermaid(pipeline: Pipeline, executions: Mapping[str, Execution] | None = None) -> str:
    """Return the graph as a Mermaid flow chart."""
    key = {step.name: f"s{i}" for i, step in enumerate(pipeline.steps)}
    lines = ["flowchart LR"]
    for step in pipeline.steps:
        execution = (executions or {}).get(step.name)
        label = step.name.replace('"', "#quot;") + (f"<br/>{execution.state}" if execution else "")
        lines.append(f'  {key[step.name]}["{label}"]')
    for step in pipeline.steps:
        given: dict[str, list[str]] = {}
        for item in step.inputs:
            if item.name not in IMPLICIT_NAMES:
                given.setdefault(item.producer, []).append(item.name)
        for before in step.after:
            names = ", ".join(given.get(before, []))
            arrow = f'-- "{_clip(names, 40)}" -->' if names else "-->"
            lines.append(f"  {key[before]} {arrow} {key[step.name]}")
    return "\n".join(lines) + "\n"


def graph_text(pipeline: Pipeline, executions: Mapping[str, Execution] | None = None) -> str:
    """Return the graph as text: one line a step, in layers, with what it comes after and what it hands on."""
    executions = executions or {}
    nodes = [step.name for step in pipeline.steps]
    level = layers(nodes, [(before, step.name) for step in pipeline.steps for before in step.after])
    rows = []
    for step in pipeline.steps:
        execution = executions.get(step.name)
        sign = SIGNS.get(execution.state, "·") if execution else ("●" if not step.after else "└")
        left = "  " * level[step.name] + f"{sign} {step.name}"
        outputs = [n for n in step.outputs if n not in IMPLICIT_NAMES]
        rows.append((left, ", ".join(step.after), ", ".join(outputs)))
    wide = max((len(r[0]) for r in rows), default=0)
    lines = []
    for left, after, made in rows:
        text = left.ljust(wide) + (f"  ← {after}" if after else "")
        lines.append((text + (f"  ⇒ {made}" if made else "")).rstrip())
    return "\n".join(lines)


def step_marks(pipeline: Pipeline, executions: Mapping[str, Execution]) -> dict[str, list[str]]:
    """Return what changes in a drawn graph: by step the class of its group, the box's second line and its tooltip."""
    return {
        step.name: [
            _classes(executions.get(step.name)),
            _subtitle(pipeline, step.name, executions),
            _tooltip(pipeline, step.name, executions.get(step.name)),
        ]
        for step in pipeline.steps
    }


def _classes(execution: Execution | None) -> str:
    if execution is None:
        return ""
    return f"{execution.state} cached" if execution.cached else str(execution.state)


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _subtitle(pipeline: Pipeline, name: str, executions: Mapping[str, Execution]) -> str:
    execution = executions.get(name)
    if execution is None:
        cells = len(pipeline.step(name).cells)
        return f"{cells} cell{'s' if cells != 1 else ''}"
    if execution.cached:
        return "from the cache"
    text = str(execution.state).lower()
    return f"{text} · {duration(execution.seconds)}" if execution.seconds is not None else text


def _tooltip(pipeline: Pipeline, name: str, execution: Execution | None) -> str:
    step = pipeline.step(name)
    lines = [name]
    if execution:
        lines.append(f"{execution.state} {execution.reason}".strip())
    inputs = ", ".join(i.name for i in step.inputs if i.name not in IMPLICIT_NAMES)
    outputs = ", ".join(n for n in step.outputs if n not in IMPLICIT_NAMES)
    if inputs:
        lines.append(f"takes {inputs}")
    if outputs:
        lines.append(f"makes {outputs}")
    return "\n".join(lines)


def _spoken(pipeline: Pipeline, executions: Mapping[str, Execution]) -> str:
    words = []
    for step in pipeline.steps:
        state = f" ({str(executions[step.name].state).lower()})" if step.name in executions else ""
        after = f" after {', '.join(step.after)}" if step.after else ""
        words.append(f"{step.name}{state}{after}")
    return f"Graph of {pipeline.name}: " + "; ".join(words)


def _curve(points: tuple[tuple[float, float], ...], across: bool) -> str:
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if across:
            middle = (x0 + x1) / 2
            text += f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        else:
            middle = (y0 + y1) / 2
            text += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    return text


def _tip(point: tuple[float, float], across: bool) -> str:
    x, y = point
    corners = [(x, y), (x - 7, y - 4), (x - 7, y + 4)] if across else [(x, y), (x - 4, y - 7), (x + 4, y - 7)]
    return '<polygon class="tip" points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in corners) + '"/>'

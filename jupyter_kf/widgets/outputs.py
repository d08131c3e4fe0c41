"""Widgets room: what a cell displayed, as HTML that can do no harm: no script runs, nothing is fetched."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from jupyter_kf.widgets.words import plain

#: Characters of a stream or text that are shown; the files of the execution have it all.
TEXT_LIMIT = 20_000
#: Bytes of HTML that are framed; larger ones are shown by their text.
HTML_LIMIT = 2_000_000

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")

#: Style of the frames that foreign HTML is shown in: a notebook's look, in both themes.
_FRAME_STYLE = """
:root{color-scheme:light dark}body{margin:2px;font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
color:CanvasText;background:transparent;overflow-x:auto}
table,thead,tbody,tr{border:0!important}table{border-collapse:collapse;font-size:12px}
th,td{padding:4px 9px;text-align:right;border:0}
thead th{border-bottom:1px solid #8a93a1}tbody tr:nth-child(even){background:rgba(128,138,155,.12)}
@media(prefers-color-scheme:dark){body{color:#d7dde6}}
"""


def outputs_html(outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return a cell's outputs (nbformat's shape), one under the other."""
    return "".join(_output(output) for output in outputs)


def stream_html(text: str, name: str = "stdout") -> str:
    """Return a stream's text as a terminal would show it in the end; the middle of a long one is left out."""
    shown = plain(text)
    if len(shown) > TEXT_LIMIT:
        half = TEXT_LIMIT // 2
        left = len(shown) - 2 * half
        shown = f"{shown[:half]}\n\n… {left:,} characters left out …\n\n{shown[-half:]}"
    return f'<pre class="out {escape(name)}">{escape(shown.rstrip())}</pre>' if shown.strip() else ""


def _output(output: Mapping[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return stream_html(_text(output.get("text")), str(output.get("name", "stdout")))
    if kind == "error":
        lines = output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]
        return f'<pre class="out err">{escape(plain(chr(10).join(map(str, lines))))}</pre>'
    data = output.get("data")
    return _bundle(data) if isinstance(data, Mapping) else ""


def _bundle(data: Mapping[str, Any]) -> str:
    """Return the richest form that needs no script."""
    markup = _text(data.get("text/html"))
    image = next((kind for kind in _IMAGES if data.get(kind)), None)
    if markup and len(markup) <= HTML_LIMIT and not (image and "<script" in markup.lower()):
        return _framed(markup, _text(data.get("text/plain")))
    if data.get("image/svg+xml"):
        encoded = b64encode(_text(data["image/svg+xml"]).encode()).decode()
        return f'<img class="fig" alt="figure" src="data:image/svg+xml;base64,{encoded}">'
    if image:
        content = "".join(_text(data[image]).split())
        return f'<img class="fig" alt="figure" src="data:{image};base64,{escape(content)}">'
    for kind in ("text/markdown", "text/latex", "text/plain"):
        if data.get(kind):
            return stream_html(_text(data[kind]), "result")
    if "application/json" in data:
        return stream_html(json.dumps(data["application/json"], indent=2, default=str), "result")
    kinds = ", ".join(map(str, data))
    return f'<p class="soft">an output that needs a notebook to be seen ({escape(kinds)})</p>' if kinds else ""


def _framed(markup: str, text: str) -> str:
    """Put foreign HTML into a frame of its own, without scripts, forms or links out of it."""
    if "<script" in markup.lower() and text:
        note = '<p class="soft">shown without its script; in a notebook there is more to see</p>'
    else:
        note = ""
    page = f'<!doctype html><meta charset="utf-8"><style>{_FRAME_STYLE}</style><body>{markup}'
    return (
        f'<iframe class="html" sandbox="allow-same-origin" loading="eager" title="table or other HTML output" '
        f'srcdoc="{escape(page, quote=True)}"></iframe>{note}'
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else "".join(map(str, value)) if isinstance(value, list) else str(value)

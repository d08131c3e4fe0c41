"""IPython room: makes directive lines inert, so that a marked cell runs as if it were not marked.

Runs among the ``input_transformers_cleanup``, before IPython looks for a cell magic on the first line. The directive
becomes a comment, so line numbers stay; above another cell magic (``%%time``) it goes away altogether, because that
magic must stand first, as it would without the directive. Pure: IPython asks several times for one execution.
"""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r"(?P<comment>#[ \t]*)?%%kubeflow(?P<rest>[ \t].*)?$")
_MARKING = frozenset({"step", "params", "setup", "skip"})


def inert(lines: list[str]) -> list[str]:
    """Return the cell's lines with a directive on the first one made inert.

    A line stays as it is, and so becomes a call of the cell magic, where that has something to do: run the cell
    elsewhere (``--on``), show help, or complain about a line that marks nothing.
    """
    if not lines:
        return lines
    match = _DIRECTIVE.match(lines[0].rstrip())
    if match is None:
        return lines
    if match["comment"] is None and not _marks(lines[0], match["rest"] or ""):
        return lines
    follow = next((i for i, line in enumerate(lines[1:], 1) if line.strip()), None)
    if follow is not None and lines[follow].startswith("%%"):
        return lines[follow:]
    return lines if match["comment"] else [f"# {lines[0]}", *lines[1:]]


def _marks(line: str, rest: str) -> bool:
    words = rest.split(None, 1)
    if not words or words[0] not in _MARKING:
        return False
    from jupyter_kf.notebook.directives import parse_directive

    found = parse_directive(line)
    return found is not None and found.on is None and not any(p.severity == "error" for p in found.problems)

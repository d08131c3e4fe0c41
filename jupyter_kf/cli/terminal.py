"""CLI room: where answers are printed. Knows width, colours and whether anybody watches."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from typing import Any

from jupyter_kf.widgets.text import Paint, ansi_paint, no_paint, text_of
from jupyter_kf.widgets.words import plain


class Terminal:
    """Stdout as it is: a terminal, a file, a pipe; or one JSON document.

    ``NO_COLOR`` (any value) takes the colours away, ``FORCE_COLOR`` brings them where no terminal is.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.live = not as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        coloured = (self.live or bool(os.environ.get("FORCE_COLOR"))) and not os.environ.get("NO_COLOR")
        self.paint: Paint = ansi_paint if coloured and not as_json else no_paint

    @property
    def width(self) -> int:
        """Columns there are; 100 where nobody says."""
        return shutil.get_terminal_size((100, 24)).columns

    def say(self, text: str) -> None:
        """Print a text, if it is not JSON that is wanted."""
        if not self.as_json:
            self.write(text + "\n")

    def warn(self, text: str) -> None:
        """Print to stderr; without colours where that is no terminal."""
        sys.stderr.write((text if sys.stderr.isatty() else plain(text)) + "\n")
        sys.stderr.flush()

    def write(self, text: str) -> None:
        """Write text as it is; characters that the stream cannot take are replaced."""
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding or "ascii"
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()

    def answer(self, answer: Any) -> None:
        """Print what the workbench answered, as text or as JSON."""
        if self.as_json:
            self.document(answer.to_dict())
        else:
            self.say(text_of(answer, width=self.width, paint=self.paint))

    def document(self, document: Any) -> None:
        """Print the JSON document. Numbers that JSON does not have (NaN, infinities) become null."""
        self.write(json.dumps(_finite(document), indent=2, default=str) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value

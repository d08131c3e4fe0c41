"""The guest's room, failures: an exception of user code as an error that points at the cell.

Code of cells is compiled under names that :class:`CodeNames` hands out, ``<cell 3>`` for the cell with index 3, so that
any traceback, the user's own included, names the cell. :func:`describe` makes the ``error`` of a report
(``docs/design/0001-data-flow.md``) and never raises, whatever the exception does when it is looked at.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Tuple

_MAGIC_FILES = ("<timed exec>", "<timed eval>", "<magic-timeit>", "<unknown>")
#: What to do about an exception of which nothing more is known.
GENERAL_FIX = "Correct the cell, then go on with: resume --edited. To look at its inputs: get RUN STEP --inputs."
_FRAMES = 40
_CHAIN = 12


@dataclass(frozen=True)
class CellSource:
    """A cell as the traceback shows it: ``index`` in the file, text with the directive line."""

    id: str
    index: int
    source: str


class CodeNames:
    """File names of compiled cells, and the way back to cell and line.

    ``step`` is the step's name; ``current`` the cell that is executed now, ``offset`` the lines of it that were cut
    off before it was given to the shell.
    """

    def __init__(self, step: str) -> None:
        self.step = step
        self.current: Optional[CellSource] = None
        self._places: Dict[str, Tuple[CellSource, int]] = {}

    def enter(self, cell: CellSource, offset: int) -> None:
        """``cell`` is executed next, without its first ``offset`` lines."""
        self.current = cell
        body = cell.source.split("\n")[offset:]
        cut = offset
        while body and not body[0].strip():
            body.pop(0)
            cut += 1
        magic = cut + 1 if body and body[0].startswith("%%") else cut
        for name in _MAGIC_FILES:
            self._places[name] = (cell, magic)

    def name(self, cell: CellSource, offset: int = 0, text: Optional[str] = None) -> str:
        """Return the file name for code of ``cell`` whose line 1 is the cell's line ``offset`` + 1.

        ``text``, where given, is registered for tracebacks and ``inspect.getsource``.
        """
        name = "<cell %d>" % cell.index
        number = 1
        while name in self._places and self._places[name] != (cell, offset):
            number += 1
            name = "<cell %d.%d>" % (cell.index, number)
        self._places[name] = (cell, offset)
        if text is None:
            text = "\n".join(cell.source.split("\n")[offset:])
        linecache.cache[name] = (len(text), None, [line + "\n" for line in text.split("\n")], name)
        return name

    def nested(self, raw: str, transformed: str) -> str:
        """Return the file name for text that code of the current cell hands to the shell (``%%capture``, ``%run``)."""
        cell = self.current
        if cell is None:
            return "<setup>"
        lines = cell.source.split("\n")
        first = next((line for line in raw.split("\n") if line.strip()), "")
        skipped = raw.split("\n").index(first) if first else 0
        offset = lines.index(first) - skipped if first in lines else 0
        return self.name(cell, max(0, offset), transformed)

    def place(self, filename: str, line: Optional[int]) -> Optional[Tuple[CellSource, Optional[int]]]:
        """Return the cell and the line in it for a line of a compiled file; ``None`` for any other file."""
        found = self._places.get(filename)
        if found is None:
            return None
        cell, offset = found
        return cell, None if line is None else line + offset


def describe(exc: BaseException, names: CodeNames) -> Dict[str, Any]:
    """Return the report's ``error`` for an exception raised by user code."""
    ename = type(exc).__name__
    cell, line = _where(exc, names)
    evalue = str(exc.msg) if isinstance(exc, SyntaxError) and names.place(exc.filename or "", 1) else _text(exc)
    quote = ""
    if cell is not None and line is not None:
        lines = cell.source.split("\n")
        quote = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    try:
        trace = list(_trace(exc, names, 0, set()))
    except RecursionError:
        trace = ["%s: %s" % (ename, evalue)]
    return {
        "type": "StepFailed",
        "code": "KF201",
        "message": "%s: %s" % (ename, evalue) if evalue else ename,
        "fix": _fix(exc, evalue),
        "cell": cell.id if cell else None,
        "cell_index": cell.index if cell else None,
        "line": line,
        "quote": quote,
        "ename": ename,
        "evalue": evalue,
        "traceback": trace,
    }


def _text(exc: BaseException) -> str:
    try:
        text = str(exc)
    except Exception as second:  # noqa: BLE001 - user code's __str__ may raise anything
        return "<its text cannot be had: %s in __str__>" % type(second).__name__
    return text if len(text) <= 20_000 else text[:10_000] + " […] " + text[-2_000:]


def _where(exc: BaseException, names: CodeNames) -> Tuple[Optional[CellSource], Optional[int]]:
    if isinstance(exc, SyntaxError):
        found = names.place(exc.filename or "", exc.lineno)
        if found is not None:
            return found
    own: Optional[Tuple[CellSource, Optional[int]]] = None
    deepest: Optional[Tuple[CellSource, Optional[int]]] = None
    trace = exc.__traceback__
    while trace is not None:
        found = names.place(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        if found is not None:
            deepest = found
            if names.current is not None and found[0].id == names.current.id:
                own = found
        trace = trace.tb_next
    return own or deepest or (names.current, None)


def _trace(exc: BaseException, names: CodeNames, depth: int, seen: set[int]) -> Iterator[str]:
    seen.add(id(exc))
    cause, context = exc.__cause__, exc.__context__
    if len(seen) < _CHAIN:
        if cause is not None and id(cause) not in seen:
            yield from _trace(cause, names, depth, seen)
            yield "The exception above was the direct cause of this one:"
        elif context is not None and not exc.__suppress_context__ and id(context) not in seen:
            yield from _trace(context, names, depth, seen)
            yield "While that exception was handled, another one happened:"
    yield from _frames(exc, names)
    yield from _last_lines(exc, names)
    members = getattr(exc, "exceptions", None)
    if isinstance(members, (tuple, list)) and depth < 5:
        for number, member in enumerate(members[:15], 1):
            if isinstance(member, BaseException) and id(member) not in seen:
                yield "  +-- %d of %d" % (number, len(members))
                yield from ("  | " + line for line in _trace(member, names, depth + 1, set(seen)))


def _frames(exc: BaseException, names: CodeNames) -> Iterator[str]:
    frames: List[Tuple[str, int, str]] = []
    trace = exc.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    first = next((i for i, frame in enumerate(frames) if names.place(frame[0], 1)), None)
    frames = frames[first:] if first is not None else [frame for frame in frames if not _is_machinery(frame[0])]
    if not frames:
        return
    yield "Traceback (most recent call last):"
    if len(frames) > _FRAMES:
        half = _FRAMES // 2
        left_out = len(frames) - 2 * half
        shown: List[Optional[Tuple[str, int, str]]] = [*frames[:half], None, *frames[-half:]]
    else:
        left_out, shown = 0, list(frames)
    for frame in shown:
        if frame is None:
            yield "  [… %d frames left out …]" % left_out
            continue
        yield from _frame(*frame, names=names)


def _frame(filename: str, line: int, function: str, *, names: CodeNames) -> Iterator[str]:
    inside = "" if function == "<module>" or function.startswith("<cell line") else ", in " + function
    place = names.place(filename, line)
    if place is not None:
        cell, number = place
        lines = cell.source.split("\n")
        text = lines[number - 1] if number and 0 < number <= len(lines) else ""
        yield "  Cell [%d] step:%s, line %s%s" % (cell.index, names.step, number, inside)
    else:
        text = linecache.getline(filename, line)
        yield "  File %s:%d%s" % (shorten(filename), line, inside)
    if text.strip():
        yield "    " + text.strip()


def _last_lines(exc: BaseException, names: CodeNames) -> Iterator[str]:
    evalue = _text(exc)
    if isinstance(exc, SyntaxError):
        place = names.place(exc.filename or "", exc.lineno)
        if place is not None:
            yield "  Cell [%d] step:%s, line %s" % (place[0].index, names.step, place[1])
            evalue = str(exc.msg)
        if exc.text:
            text = exc.text.rstrip("\n")
            yield "    " + text.lstrip()
            if exc.offset:
                yield "    " + " " * max(0, exc.offset - 1 - (len(text) - len(text.lstrip()))) + "^"
    module = type(exc).__module__
    name = type(exc).__qualname__
    if module not in ("builtins", "__main__"):
        name = module + "." + name
    yield from (name + ": " + evalue if evalue else name).split("\n")
    notes = getattr(exc, "__notes__", None)
    if isinstance(notes, (list, tuple)):
        for note in notes:
            yield from str(note).split("\n")


def _is_machinery(filename: str) -> bool:
    return filename.startswith(os.path.dirname(os.path.abspath(__file__))) or "/IPython/" in filename


def shorten(filename: str) -> str:
    """Return a library's file as ``sklearn/base.py``, any other path as it is."""
    paths = sysconfig.get_paths()
    for root in (paths["platlib"], paths["purelib"], *sys.path, paths["stdlib"]):
        if root and filename.startswith(root.rstrip("/") + "/") and root != "/":
            return filename[len(root.rstrip("/")) + 1 :]
    return filename


def _fix(exc: BaseException, evalue: str) -> str:
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        top = exc.name.partition(".")[0]
        return "Install %s in the environment of the notebook's kernel (%s)." % (top, sys.executable)
    if isinstance(exc, FileNotFoundError):
        return "Steps run in the notebook's folder (%s): check the path, and that an earlier step makes the file." % (
            _cwd()
        )
    if isinstance(exc, NameError):
        match = re.search(r"name '(\w+)'", evalue)
        if match:
            return (
                "No step before this one, nor an import or definition, gives %r: make it in a step, or mark the cell "
                "that makes it with %%%%kubeflow setup." % match.group(1)
            )
    if isinstance(exc, MemoryError):
        return "Give the step more memory (--memory), or work on the data in pieces."
    if isinstance(exc, RecursionError):
        return "Give the recursion an end; sys.setrecursionlimit holds within one step only."
    if isinstance(exc, SyntaxError):
        return "Install ipython in %s." % sys.executable if "need IPython" in evalue else "Correct the cell."
    return GENERAL_FIX


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "it is gone"

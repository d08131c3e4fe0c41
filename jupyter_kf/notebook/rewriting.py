"""Notebook room: mechanical fixes. Directive lines rewritten word by word, and the text edits that findings offer.

An edit is ``{"cell", "line", "end_line", "text"}``: the lines from ``line`` to ``end_line`` (from 1, both included) of
the cell become ``text``. Words that an edit is not about keep their spelling, quotes and spaces.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_kf.notebook.document import DocumentCell

Edit = dict[str, Any]

#: A word as :func:`shlex.split` takes it, with its quotes.
_WORD = re.compile(r"""(?:[^ \t\r\n"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
_HEAD = re.compile(r"^(?:#[ \t]*)?%%kubeflow")


def lines_edit(cell: DocumentCell, line: int, end_line: int, text: str) -> Edit:
    """The edit that puts ``text`` in the place of some lines of a cell."""
    return {"cell": cell.id, "line": line, "end_line": end_line, "text": text}


def directive_edit(cell: DocumentCell, line: int, words: str) -> Edit | None:
    """The edit that makes a directive's line say ``words``; it stays a comment where it is one."""
    lines = cell.source.split("\n")
    head = _HEAD.match(lines[line - 1]) if line <= len(lines) else None
    return lines_edit(cell, line, line, f"{head[0]} {words}".rstrip()) if head else None


def marking_edit(cells: Iterable[DocumentCell], cell: DocumentCell, words: str) -> Edit | None:
    """The edit that marks a code cell which has no directive, in the form the notebook's other directives have.

    Above a cell magic only the form without ``#`` works.
    """
    lines = cell.source.split("\n")
    first = next((text for text in lines if text.strip()), "")
    if cell.kind != "code" or _HEAD.match(first):
        return None
    heads = [next((t for t in c.source.split("\n") if t.strip()), "") for c in cells if c.kind == "code"]
    directives = [head for head in heads if _HEAD.match(head)]
    comment = bool(directives) and all(d.startswith("#") for d in directives) and not first.startswith("%%")
    return lines_edit(cell, 1, 1, f"{'# ' if comment else ''}%%kubeflow {words}\n{lines[0]}")


def moved_up(cell: DocumentCell, line: int) -> Edit | None:
    """The edit that moves a directive to the top of its cell, where that leaves the cell what it is."""
    lines = cell.source.split("\n")
    directive = lines[line - 1].rstrip()
    first = next((text for text in lines if text.strip()), "")
    if directive.startswith("#") and first.startswith("%%"):
        return None
    return lines_edit(cell, 1, line, "\n".join([directive, *lines[: line - 1]]))


def one_word(text: str, start: int) -> str:
    """Join the plain words of a directive from word ``start`` to the first option by ``_``."""
    spans = list(_WORD.finditer(text))
    end = next((i for i, word in enumerate(spans) if i >= start and word[0].startswith("--")), len(spans))
    taken = spans[start:end]
    if not taken:
        return text
    joined = "_".join(_plain(word[0]) for word in taken)
    return text[: taken[0].start()] + quoted(joined) + text[taken[-1].end() :]


def without_words(text: str, words: Iterable[str]) -> str:
    """Take words off a directive, each with the space before it."""
    gone = list(words)
    for word in reversed(list(_WORD.finditer(text))):
        plain = _plain(word[0])
        if plain in gone or plain.partition("=")[0] in gone:
            text = text[: word.start()].rstrip() + text[word.end() :]
    return text


def without_option(text: str, option: str, *, takes_value: bool) -> str:
    """Take an option and its value off a directive, wherever it stands."""
    for start, end, _ in reversed(_occurrences(text, option, takes_value=takes_value)):
        text = text[:start].rstrip() + text[end:]
    return text


def renamed_option(text: str, option: str, better: str) -> str:
    """Write another option's name in the place of one, once."""
    for start, _, _ in _occurrences(text, option, takes_value=False)[:1]:
        return text[:start] + better + text[start + len(option) :]
    return text


def replaced_word(text: str, place: int, better: str) -> str:
    """Write another word in the place of word number ``place`` (from 0)."""
    word = list(_WORD.finditer(text))[place]
    return text[: word.start()] + quoted(better) + text[word.end() :]


def changed_list(text: str, option: str, change: Callable[[list[str]], list[str]]) -> str:
    """Change the comma-separated values of an option; where none is left, the option goes."""
    for start, end, value in reversed(_occurrences(text, option, takes_value=True)):
        before = [v.strip() for v in (value or "").split(",") if v.strip()]
        after = change(before)
        if after == before:
            continue
        equals = "=" if text[start + len(option) : start + len(option) + 1] == "=" else " "
        if after:
            text = text[:start] + option + equals + quoted(",".join(after)) + text[end:]
        else:
            text = text[:start].rstrip() + text[end:]
    return text


def added_to_list(text: str, option: str, value: str) -> str:
    """Add a value to an option that takes several, after those that it has."""
    found = _occurrences(text, option, takes_value=True)
    if not found or not found[-1][2]:
        return f"{text.rstrip()} {option} {quoted(value)}"
    start, end, old = found[-1]
    equals = "=" if text[start + len(option)] == "=" else " "
    return text[:start] + option + equals + quoted(f"{old},{value}") + text[end:]


def quoted(word: str) -> str:
    """A word as it must be written in a directive: in quotes only where it needs them."""
    return word if re.fullmatch(r"""[^ \t\r\n"'\\]+""", word) else shlex.quote(word)


def _occurrences(text: str, option: str, *, takes_value: bool) -> list[tuple[int, int, str | None]]:
    """Start, end and value of each place where an option stands; a value that is missing is ``None``."""
    spans = list(_WORD.finditer(text))
    found: list[tuple[int, int, str | None]] = []
    for place, word in enumerate(spans):
        name, equals, value = _plain(word[0]).partition("=")
        if name != option:
            continue
        following = spans[place + 1] if place + 1 < len(spans) else None
        if equals:
            found.append((word.start(), word.end(), value))
        elif takes_value and following is not None and not following[0].startswith("--"):
            found.append((word.start(), following.end(), _plain(following[0])))
        else:
            found.append((word.start(), word.end(), None))
    return found


def _plain(word: str) -> str:
    """A word without its quotes; one whose quote is never closed is taken as it is."""
    try:
        return (shlex.split(word) or [""])[0]
    except ValueError:
        return word

"""Notebook room: IPython text becomes a Python tree whose lines are those of the cell.

A cell that is Python already is parsed as it stands. Otherwise IPython's own transformer is asked, a fresh one per
cell, and the calls of ``get_ipython()`` that it writes are replaced by what they mean for data flow:

- magics whose text is Python (``%time``, ``%%capture`` …) by that Python;
- shell lines and opaque cells by the names in their ``{x}`` and ``$x``, and by the names they bind (``--out``);
- what nobody can see through (``%run``, ``%store`` …) by a mark.

Marks for the walks are plain attributes of nodes: ``kf_soft`` (a name that may well be absent), ``kf_now`` (a function
that runs at once), ``kf_shell`` (text of a command), ``kf_blind`` (why it cannot be seen through).
"""

from __future__ import annotations

import ast
import difflib
import itertools
import re
import shlex
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from jupyter_kf.notebook.directives import without_directive

#: Line and cell magics whose text is Python that binds in the notebook's namespace.
_PYTHON_MAGICS = frozenset({"time", "prun", "mprun", "lprun", "snakeviz", "pyinstrument", "scalene", "heat", "debug"})
#: Those that run their Python in a function: they read, but bind nothing.
_TIMED_MAGICS = frozenset({"timeit", "memit"})
#: Cell magics whose text is another language, or a file.
_OPAQUE_CELLS = frozenset(
    {
        "bash", "sh", "script", "html", "HTML", "svg", "SVG", "javascript", "js", "latex", "markdown", "writefile",
        "file", "perl", "ruby", "python", "python2", "python3", "pypy", "system", "sx", "!", "!!", "cmd",
        "powershell", "R", "sql", "bigquery", "spark", "mermaid", "graphviz", "dot",
    }
)  # fmt: skip
#: Magics that bind or read names in ways that no text shows.
_BLIND_MAGICS = {
    "run": "runs another file in the notebook's namespace",
    "store": "loads variables of an earlier session",
    "reset": "deletes variables",
    "reset_selective": "deletes variables",
    "xdel": "deletes a variable",
    "load": "pastes code into the cell",
    "macro": "runs recorded lines",
    "rerun": "runs recorded lines",
    "recall": "runs recorded lines",
    "pylab": "imports all names of numpy and matplotlib",
    "cython": "compiles names into the notebook's namespace",
    "run_notebook": "runs another notebook",
}
_N = TypeVar("_N", bound=ast.AST)
_SHELL_CALLS = frozenset({"system", "getoutput", "getoutput_unsplit", "system_raw", "system_piped"})
_TAKES_VALUE = re.compile(r"^-[a-zA-Z]$")
_BRACES = re.compile(r"\{([^{}]+)\}")
_DOLLAR = re.compile(r"(?<![\\$])\$([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Translation:
    """A cell as Python. ``tree`` is ``None`` where it cannot be parsed; then ``error`` is (line, message)."""

    tree: ast.Module | None
    error: tuple[int, str] | None = None
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a statement's text stands: lines of transformed text, and the line of the cell they begin at."""

    lines: list[str]
    first: int
    last: int
    alone: bool


def translate(source: str) -> Translation:
    """Turn the text of a cell, directive line included, into a tree with line numbers of the cell."""
    text = without_directive(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Translation(_parsed(text, None))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as first:
            try:
                tree = _through_ipython(text, 0)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
                shown = exc if isinstance(exc, SyntaxError) else first
                return Translation(None, _described(shown))
            return Translation(tree, plain=False)


def statement_source(statement: ast.stmt) -> str:
    """Return a top-level statement's Python text, decorators included, without other statements of its lines."""
    origin: Origin = statement.kf_origin  # type: ignore[attr-defined]
    if not origin.alone:
        return ast.unparse(statement)
    return "\n".join(origin.lines[origin.first - 1 : origin.last])


def _described(exc: BaseException) -> tuple[int, str]:
    if isinstance(exc, SyntaxError):
        return max(exc.lineno or 1, 1), exc.msg or "invalid syntax"
    return 1, str(exc) or type(exc).__name__


def _parsed(text: str, lines_of: Callable[[int], int] | None) -> ast.Module:
    """Parse, check with the compiler (``return`` outside a function …), note origins and move to the cell's lines."""
    try:
        tree = ast.parse(text)
        compile(tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as exc:
        if lines_of is not None and exc.lineno:
            exc.lineno = lines_of(exc.lineno)
        raise
    lines = text.split("\n")
    for position, statement in enumerate(tree.body):
        decorators = getattr(statement, "decorator_list", ())
        first = min([statement.lineno, *(d.lineno for d in decorators)])
        last = statement.end_lineno or statement.lineno
        before = tree.body[position - 1].end_lineno if position else 0
        after = tree.body[position + 1].lineno if position + 1 < len(tree.body) else last + 1
        statement.kf_origin = Origin(lines, first, last, before != first and after != last)  # type: ignore[attr-defined]
    if lines_of is not None:
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                node.lineno = lines_of(node.lineno)
                node.end_lineno = lines_of(getattr(node, "end_lineno", None) or node.lineno)  # type: ignore[attr-defined]
    return tree


def _through_ipython(text: str, above: int) -> ast.Module:
    """Transform, parse and rewrite; ``above`` is the number of the cell's lines above ``text``."""
    from IPython.core.inputtransformer2 import TransformerManager

    changed = str(TransformerManager().transform_cell(text))  # type: ignore[no-untyped-call]
    mapping = _line_map(text.split("\n"), changed.split("\n"))
    tree = _parsed(changed, lambda line: above + mapping[min(max(line, 1), len(mapping)) - 1])
    return _Rewriter().module(tree)


def _line_map(old: list[str], new: list[str]) -> list[int]:
    """For each line of ``new``, the line (from 1) of ``old`` that it came from."""
    blank = next((i for i, line in enumerate(old) if line.strip()), 0)
    body = old[blank:]
    while body and not body[-1].strip():
        body = body[:-1]
    kept = len(new) - (1 if new and not new[-1] else 0)
    if kept == len(body):
        return [min(blank + i, len(old) - 1) + 1 for i in range(len(new))]
    if body and body[0].lstrip().startswith("%%"):
        return [blank + 1] * len(new)
    found: list[int] = [0] * len(new)
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, body, new, autojunk=False).get_opcodes():
        for j in range(j1, j2):
            found[j] = blank + 1 + (i1 + j - j1 if tag == "equal" else min(i1, max(len(body) - 1, 0), i2))
    return found


def names_in_shell(text: str) -> Iterator[ast.expr]:
    """Yield the expressions that IPython would expand in a command: ``{expression}`` and ``$name``."""
    for match in _BRACES.finditer(text):
        try:
            tree = ast.parse(match[1].strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.kf_soft = True  # type: ignore[attr-defined]
        yield tree.body
    for match in _DOLLAR.finditer(text):
        yield _soft_name(match[1])


def _soft_name(name: str) -> ast.Name:
    node = ast.Name(name, ast.Load())
    node.kf_soft = True  # type: ignore[attr-defined]
    return node


def _ipython_call(node: ast.AST) -> tuple[str, list[str]] | None:
    """Return (method, texts) where the node is ``get_ipython().method('text', …)``."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords):
        return None
    shell = node.func.value
    if not (isinstance(shell, ast.Call) and isinstance(shell.func, ast.Name) and shell.func.id == "get_ipython"):
        return None
    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return (node.func.attr, texts) if len(texts) == len(node.args) else None


class _Rewriter(ast.NodeTransformer):
    """Replaces IPython's calls in a tree; statements may become several."""

    def module(self, tree: ast.Module) -> ast.Module:
        visited = self.visit(tree)
        assert isinstance(visited, ast.Module)
        return visited

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        call = _ipython_call(node.value)
        statements = self._statements(call, node) if call else None
        if statements is None:
            return self.generic_visit(node)
        origin = getattr(node, "kf_origin", None)
        for statement in statements:
            if origin is not None and not hasattr(statement, "kf_origin"):
                statement.kf_origin = origin  # type: ignore[attr-defined]
        return statements or [_placed(ast.Pass(), node)]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        call = _ipython_call(node)
        if call is None:
            return self.generic_visit(node)
        method, texts = call
        if method == "run_line_magic" and len(texts) == 2 and texts[0] in _PYTHON_MAGICS | _TIMED_MAGICS:
            body = _python_of(texts[0], texts[1])
            try:
                return _relined(ast.parse(body.strip(), mode="eval").body, node)
            except (SyntaxError, ValueError):
                return _reads(body, node)
        text = texts[-1] if texts else ""
        made = _reads(text, node)
        if method in _SHELL_CALLS or (texts and texts[0] in {"sx", "system"}):
            made.kf_shell = text  # type: ignore[attr-defined]
        elif method == "run_line_magic" and texts[0] in _BLIND_MAGICS:
            made.kf_blind = f"`%{texts[0]}` {_BLIND_MAGICS[texts[0]]}"  # type: ignore[attr-defined]
        return made

    def _statements(self, call: tuple[str, list[str]], node: ast.Expr) -> list[ast.stmt] | None:
        method, texts = call
        if method == "run_line_magic" and len(texts) == 2:
            return self._line_magic(texts[0], texts[1], node)
        if method == "run_cell_magic" and len(texts) == 3:
            return self._cell_magic(texts[0], texts[1], texts[2], node)
        return None

    def _line_magic(self, name: str, line: str, node: ast.Expr) -> list[ast.stmt] | None:
        if name in _PYTHON_MAGICS:
            return _spliced(_python_of(name, line), node.lineno - 1)
        if name in _TIMED_MAGICS:
            return [_timed(_spliced(_python_of(name, line), node.lineno - 1), node)]
        return None

    def _cell_magic(self, name: str, line: str, body: str, node: ast.Expr) -> list[ast.stmt]:
        above = node.lineno
        if name == "capture":
            bound = [w for w in _words(line) if not w.startswith("-")][:1]
            return [*_spliced(body, above), *_binds(bound, node)]
        if name in _PYTHON_MAGICS:
            return [*_spliced(_python_of(name, line), above - 1), *_spliced(body, above)]
        if name in _TIMED_MAGICS:
            setup = _python_of(name, line)
            return [_timed([*_spliced(setup, above - 1), *_spliced(body, above)], node)]
        made = _reads("" if name in {"html", "HTML", "latex", "markdown", "javascript", "js"} else line, node)
        if name not in {"writefile", "file"}:
            made = _reads(line + "\n" + body, node)
            made.kf_shell = body  # type: ignore[attr-defined]
        else:
            target = [w for w in _words(line) if not w.startswith("-")]
            made.kf_shell = f": > {shlex.quote(target[0])}" if target else ""  # type: ignore[attr-defined]
        if name in _BLIND_MAGICS or name not in _OPAQUE_CELLS:
            why = _BLIND_MAGICS.get(name, "is not known here, and may read or bind any name")
            made.kf_blind = f"`%%{name}` {why}"  # type: ignore[attr-defined]
        reads, bound = _declared(name, line)
        made.elts.extend(_placed(_soft_name(r), node) for r in reads)
        return [_placed(ast.Expr(made), node), *_binds(bound, node)]


def _declared(name: str, line: str) -> tuple[list[str], list[str]]:
    """Names that options of a cell magic read and bind: ``--out x --err y``, ``%%R -i x -o y``, ``%%sql x <<``."""
    words = _words(line)
    reads: list[str] = []
    bound: list[str] = []
    for option, value in itertools.pairwise(words):
        if option in {"--out", "--err", "--proc"} or (name == "R" and option in {"-o", "--output"}):
            bound.extend(v for v in value.split(",") if v.isidentifier())
        elif name == "R" and option in {"-i", "--input"}:
            reads.extend(v for v in value.split(",") if v.isidentifier())
    for word in words:
        option, equals, value = word.partition("=")
        if equals and option in {"--out", "--err", "--proc"} and value.isidentifier():
            bound.append(value)
    if name in {"sql", "bigquery"} and words and words[0].isidentifier() and (name == "bigquery" or "<<" in words):
        bound.append(words[0])
    return reads, bound


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _python_of(name: str, line: str) -> str:
    """Take the options off a line magic whose rest is Python."""
    rest = line.strip()
    valued = {"timeit": "nrt", "memit": "rti", "prun": "lsTD", "lprun": "fmDTsu", "mprun": "fT"}.get(name, "")
    while rest.startswith("-"):
        word, _, tail = rest.partition(" ")
        tail = tail.lstrip()
        if _TAKES_VALUE.match(word) and word[1] in valued:
            _, _, tail = tail.partition(" ")
        rest = tail.lstrip()
    return rest


def _spliced(text: str, above: int) -> list[ast.stmt]:
    if not text.strip():
        return []
    try:
        tree = _parsed(text, lambda line: above + line)
    except SyntaxError:
        tree = _through_ipython(text, above)
    return list(tree.body)


def _timed(body: list[ast.stmt], node: ast.AST) -> ast.stmt:
    """Wrap statements in a function that runs at once and binds nothing outside."""
    empty = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    made = ast.FunctionDef("<timed>", empty, body or [ast.Pass()], [])
    if "type_params" in made._fields:
        made.type_params = []  # type: ignore[attr-defined]
    made.kf_now = True  # type: ignore[attr-defined]
    return _placed(made, node)


def _reads(text: str, node: ast.AST) -> ast.Tuple:
    made = ast.Tuple([_relined(e, node) for e in names_in_shell(text)], ast.Load())
    return _placed(made, node)


def _binds(names: list[str], node: ast.AST) -> list[ast.stmt]:
    made: list[ast.stmt] = []
    for name in names:
        if name.isidentifier():
            value = _placed(ast.Call(_placed(ast.Constant(None), node), [], []), node)
            made.append(_placed(ast.Assign([_placed(ast.Name(name, ast.Store()), node)], value), node))
    return made


def _placed(node: _N, at: ast.AST) -> _N:
    return ast.copy_location(node, at)


def _relined(node: ast.expr, at: ast.AST) -> ast.expr:
    for inner in ast.walk(node):
        if isinstance(inner, ast.expr):
            ast.copy_location(inner, at)
    return node

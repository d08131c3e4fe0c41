from __future__ import annotations

import pytest

from jupyter_kf.nbrun.failure import cell_error, dead_kernel, failing_line

NEW = [
    "\x1b[31mValueError\x1b[39m",
    "\x1b[36mCell\x1b[39m \x1b[32mIn[3]\x1b[39m\x1b[32m, line 6\x1b[39m\n      4 x\n----> 6 f()\n",
    "Cell In[1], line 2, in f()\n----> 2 g()",
    "File /lib/x.py:9, in g()\n----> 9 raise ValueError",
]
OLD = ["Input In [3], in <cell line: 2>()\n      1 a\n----> 2 f()\n", "Input In [1], in f()\n----> 7 raise"]


@pytest.mark.parametrize(
    ("traceback", "count", "line"),
    [
        (NEW, 3, 6),
        (NEW, 1, 2),
        (NEW, 2, None),
        (OLD, 3, 2),
        (OLD, 1, 7),
        (["Error in f(): boom"], 1, None),
        ([], None, None),
        (["Cell In[3], line 2, in a()", "Cell In[3], line 9, in b()"], 3, 9),
    ],
)
def test_failing_line(traceback: list[str], count: int | None, line: int | None) -> None:
    assert failing_line(traceback, count) == line


def test_cell_error_quotes_the_line() -> None:
    output = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": NEW}
    cell = {"source": "\n".join("abcdef"), "outputs": [output], "execution_count": 3}
    error = cell_error(cell, "ValueError", "no", {"cell": "c2", "cell_index": 2})
    assert (error.code, error.cell, error.cell_index, error.line, error.quote) == ("KF201", "c2", 2, 6, "f")
    assert error.to_dict()["traceback"][0] == "ValueError"


@pytest.mark.parametrize(
    ("status", "code", "said"), [(-9, "KF220", "SIGKILL"), (3, "KF222", "status 3"), (None, "KF222", "died.")]
)
def test_dead_kernel(status: int | None, code: str, said: str) -> None:
    error = dead_kernel(status, {"cell": "c0", "cell_index": 0})
    assert error.code == code
    assert said in error.message

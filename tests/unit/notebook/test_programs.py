"""Random programs: steps that are given what the analysis says print what the notebook prints."""

from __future__ import annotations

import pytest

from jupyter_kf.notebook import convert

from .notebooks import notebook
from .programs import Writer, run_as_notebook, run_as_pipeline

#: A shared cell that failed, or that a step depends on beyond what is replayed, makes no promise.
NO_PROMISE = {"KF120", "KF124", "KF125"}


@pytest.mark.parametrize("block", range(6))
def test_steps_do_what_the_notebook_does(block: int) -> None:
    compared = 0
    for seed in range(block * 60, block * 60 + 60):
        cells = Writer(seed).program()
        conversion = convert(notebook(*cells))
        assert conversion.pipeline is not None
        if NO_PROMISE & {d.code for d in conversion.diagnostics}:
            continue
        if any(d.code == "KF116" for d in conversion.diagnostics):
            continue
        expected = run_as_notebook(cells)
        if expected is None:
            continue
        compared += len(expected)
        assert run_as_pipeline(conversion.pipeline) == expected, f"seed {seed}"
    assert compared > 30

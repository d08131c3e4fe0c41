"""The grammar of verbs, for the shell and for the kernel."""

from __future__ import annotations

import pytest

from jupyter_kf.errors import UsageError
from jupyter_kf.workbench.verbs import RESERVED, VERBS, build_parser, overview, parse, split_pairs


def test_run_takes_all_its_options() -> None:
    line = (
        "run nb.ipynb -p a=1 --parameter b=x=y --experiment e --name n --tag t=1 --no-cache --only s,t --only u "
        "--from f --until g --base last --in-order --detach --python py --json --home /h"
    )
    args = parse(line.split())
    assert (args.verb, args.notebook, args.parameters, args.only) == ("run", "nb.ipynb", ["a=1", "b=x=y"], ["s,t", "u"])
    assert (args.from_, args.until, args.base, args.home) == ("f", "g", "last", "/h")
    assert args.no_cache and args.in_order and args.detach and args.json
    assert split_pairs(args.parameters, "-p") == {"a": "1", "b": "x=y"}


def test_a_home_may_stand_before_the_verb() -> None:
    assert parse(["--home", "/h", "runs"]).home == "/h"


def test_a_value_may_begin_with_a_dash() -> None:
    assert parse(["runs", "--sort", "-metrics.acc,created"]).sort == "-metrics.acc,created"


def test_in_a_kernel_the_notebook_may_be_left_out() -> None:
    args = parse(["run", "-p", "a=1"], prog="%kubeflow", kernel=True)
    assert args.notebook is None
    assert parse(["check", "--notebook", "x.ipynb"], kernel=True).notebook_option == "x.ipynb"


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_explains_itself(verb: str) -> None:
    assert parse([verb, "--help"]).help
    assert parse(["help", verb]).verb == verb
    for kernel in (False, True):
        text = build_parser(verb, kernel=kernel).format_help()
        assert VERBS[verb].lead in text
    assert f"  {verb}" in overview()
    assert max(map(len, overview().splitlines())) <= 100


@pytest.mark.parametrize("verb", list(RESERVED))
def test_reserved_verbs_say_that_they_are_not_there_yet(verb: str) -> None:
    with pytest.raises(UsageError, match="not there yet"):
        parse([verb, "x"])


@pytest.mark.parametrize("pair", ["a", "=1", " =1"])
def test_pairs_that_are_none(pair: str) -> None:
    with pytest.raises(UsageError) as caught:
        split_pairs([pair], "-p")
    assert caught.value.code == "KF403"

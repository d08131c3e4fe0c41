from __future__ import annotations

import pytest

from jupyter_kf.engine.base import convert_parameter, resolve_parameters, unsupported
from jupyter_kf.errors import ParameterError
from jupyter_kf.model.pipeline import Cell, Parameter, Pipeline, Step, StepOptions

PIPELINE = Pipeline(
    "p",
    "kubeflow",
    (Parameter("lr", "float", 0.1), Parameter("epochs", "int", 3), Parameter("extra", "none", None)),
    (),
)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("int", "12", 12),
        ("int", "-3", -3),
        ("int", "0x10", 16),
        ("int", 4.0, 4),
        ("float", "1e-3", 0.001),
        ("float", 2, 2.0),
        ("bool", "no", False),
        ("bool", "True", True),
        ("str", "12", "12"),
        ("list", "[1, 'a']", [1, "a"]),
        ("list", (1, 2), [1, 2]),
        ("dict", '{"a": true}', {"a": True}),
        ("none", "3", 3),
        ("none", "plain words", "plain words"),
    ],
)
def test_text_and_values_become_the_type_of_the_parameter(kind: str, given: object, expected: object) -> None:
    value = convert_parameter(Parameter("p", kind, None), given)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("int", "1.5"),
        ("int", True),
        ("int", 1.5),
        ("float", "x"),
        ("bool", "maybe"),
        ("str", 3),
        ("list", "{}"),
        ("dict", "["),
    ],
)
def test_a_value_of_another_type_is_refused_with_an_example(kind: str, given: object) -> None:
    with pytest.raises(ParameterError) as caught:
        convert_parameter(Parameter("p", kind, None, "cell-a", 2), given)
    assert caught.value.code == "KF301"
    assert caught.value.cell == "cell-a"
    assert caught.value.line == 2
    assert caught.value.fix


def test_defaults_fill_what_is_not_given() -> None:
    assert resolve_parameters(PIPELINE, {"epochs": "7"}) == {"lr": 0.1, "epochs": 7, "extra": None}


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(ParameterError) as caught:
        resolve_parameters(PIPELINE, {"epoch": 1})
    assert caught.value.code == "KF300"
    assert "'epochs'" in caught.value.fix


def test_advice_is_a_warning_and_a_need_an_error() -> None:
    options = StepOptions(image="python:3.12", gpu=1)
    step = Step("train", (Cell("c", 4, "x = 1"),), options=options)
    found = unsupported(Pipeline("p", "kubeflow", (), (step,)), frozenset({"cpu"}))
    assert [(d.code, d.severity, d.cell) for d in found] == [("KF702", "warning", "c"), ("KF702", "error", "c")]
    assert not unsupported(Pipeline("p", "kubeflow", (), (step,)), frozenset({"image", "gpu"}))

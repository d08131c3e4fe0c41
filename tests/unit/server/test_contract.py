"""The contract and the handlers say the same; no verb is open to whoever is not allowed."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_kf.server import app, contract
from jupyter_kf.server.handlers import HANDLERS, routes
from jupyter_kf.server.handlers.base import KFHandler

VERBS = ("get", "head", "post", "put", "patch", "delete")


def own_verbs(kind: type[KFHandler]) -> dict[str, Any]:
    """Return the verbs that a handler answers: those that are not tornado's refusal."""
    refused = web.RequestHandler._unimplemented_method
    return {v: getattr(kind, v) for v in VERBS if getattr(kind, v) is not refused}


def test_every_path_and_verb_is_in_the_contract_and_the_other_way_round() -> None:
    served = {(verb, path) for path, kind in HANDLERS for verb in own_verbs(kind)}
    assert served == set(contract.operations())
    assert len(HANDLERS) == len({path for path, _ in HANDLERS})


def decorators(verb: Any) -> list[str]:
    """Return the names of the decorators around a verb, outermost first, as its source has them."""
    source = inspect.getsource(verb)
    return [line.strip() for line in source.splitlines() if line.strip().startswith("@")]


@pytest.mark.parametrize(("path", "kind"), HANDLERS, ids=[path for path, _ in HANDLERS])
def test_every_verb_is_authenticated_and_authorised(path: str, kind: type[KFHandler]) -> None:
    assert issubclass(kind, APIHandler)  # checks the origin, and XSRF on what writes
    assert kind.auth_resource == app.NAME
    assert kind.check_xsrf_cookie is APIHandler.check_xsrf_cookie
    for name, verb in own_verbs(kind).items():
        assert decorators(inspect.unwrap(verb)) == ["@web.authenticated", "@authorized"], f"{name} {path}"
        assert hasattr(verb, "__wrapped__"), f"{name} {path}"


def test_an_undecorated_verb_is_noticed() -> None:
    class Open(KFHandler):
        async def get(self) -> None:
            self.answer({})

    assert decorators(inspect.unwrap(own_verbs(Open)["get"])) == []


def test_earlier_patterns_do_not_hide_later_ones() -> None:
    import re

    patterns = [(re.compile(pattern + "$"), options["path"]) for pattern, _, options in routes("")]
    for path, _ in HANDLERS:
        sample = path.replace("{", "").replace("}", "")
        assert next(known for pattern, known in patterns if pattern.match(sample)) == path


def test_the_contract_is_sound() -> None:
    document = contract.document()
    names = [operation.name for operation in contract.operations().values()]
    assert len(names) == len(set(names))

    def references(part: Any) -> Any:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    for reference in references(document):
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        missing = set(schema.get("required", ())) - set(schema.get("properties", ()))
        assert not missing, name


def test_events_have_the_schema_that_the_contract_names() -> None:
    schema = yaml.safe_load((Path(app.__file__).parent / "events" / "changes.yaml").read_text("utf-8"))
    assert schema["$id"] == app.CHANGES
    assert app.CHANGES in contract.document()["info"]["description"]
    changes = contract.document()["components"]["schemas"]["Changes"]
    assert set(schema["properties"]) == set(changes["properties"])
    assert set(schema["required"]) == set(changes["required"])

"""Server room, the contract: ``openapi.yaml`` read once; what comes in is held against it before anything is done."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_kf.errors import UsageError

PATH = Path(__file__).parent / "openapi.yaml"
#: Added to every request by Jupyter's clients and servers; a cache buster is a number.
_ALWAYS = re.compile(r"token|_xsrf|no_track_activity|_|\d+")
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One verb of one path: its query parameters and the schema of its body, ``$ref`` of the document included."""

    name: str
    method: str
    path: str
    query: Mapping[str, Mapping[str, Any]]
    body: Mapping[str, Any] | None
    body_required: bool

    def arguments(self, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the query's parameters by name, of their types, defaults included; others are left out.

        Raises:
            UsageError: KF440 for one that is unknown, missing, or of the wrong type.
        """
        for name in given:
            if name not in self.query and not _ALWAYS.fullmatch(name):
                raise _wrong(f"{self.path} has no parameter {name!r}.", f"It takes: {', '.join(self.query) or 'none'}.")
        values: dict[str, Any] = {}
        for name, parameter in self.query.items():
            schema = _resolved(parameter["schema"])
            texts = given.get(name)
            if texts:
                value = list(texts) if schema["type"] == "array" else _typed(name, texts[-1], schema)
                _check(value, schema, f"the parameter {name!r}")
                values[name] = value
            elif parameter.get("required"):
                raise _wrong(f"{self.path} needs the parameter {name!r}.", str(parameter.get("description", "")))
            elif "default" in schema:
                values[name] = schema["default"]
        return values

    def content(self, body: bytes) -> dict[str, Any]:
        """Return the request's body.

        Raises:
            UsageError: KF440 where it is no JSON or not what the operation takes.
        """
        if self.body is None:
            return {}
        if not body.strip():
            if self.body_required:
                raise _wrong(f"{self.method.upper()} {self.path} needs a body.", "Send a JSON object.")
            return {}
        try:
            data = json.loads(body)
        except ValueError as exc:
            raise _wrong(f"The request's body is no JSON: {exc}.", "Send a JSON object.") from exc
        _check(data, self.body, "the request's body")
        return dict(data)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(PATH.read_text("utf-8"), Loader=loader)  # noqa: S506 - a safe one either way
    return found


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """Return every operation by method (lower case) and path as the document writes it."""
    found = {}
    for path, verbs in document()["paths"].items():
        shared = verbs.get("parameters", [])
        for method in _METHODS:
            if method not in verbs:
                continue
            verb = verbs[method]
            parameters = [_resolved(p) for p in (*shared, *verb.get("parameters", []))]
            body = verb.get("requestBody") or {}
            schema = body.get("content", {}).get("application/json", {}).get("schema")
            found[method, path] = Operation(
                verb["operationId"],
                method,
                path,
                {p["name"]: p for p in parameters if p["in"] == "query"},
                schema,
                bool(body.get("required")),
            )
    return found


def validator(schema: Mapping[str, Any]) -> Any:
    """Return a JSON schema validator for a schema of the document."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator({**schema, "components": document()["components"]})


def _check(value: Any, schema: Mapping[str, Any], what: str) -> None:
    for error in validator(schema).iter_errors(value):
        where = "/".join(str(part) for part in error.absolute_path)
        raise _wrong(f"In {what}{f', at {where}' if where else ''}: {error.message[:300]}.", "See openapi.yaml.")


def _resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _typed(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    kind = schema["type"]
    if kind == "integer":
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise _wrong(f"The parameter {name!r} is a whole number; {text!r} is not.")
        return int(text)
    if kind == "boolean":
        if text.lower() not in {"true", "false", "1", "0"}:
            raise _wrong(f"The parameter {name!r} is true or false, not {text!r}.")
        return text.lower() in {"true", "1"}
    return text


def _wrong(message: str, fix: str = "") -> UsageError:
    return UsageError(message.replace("..", "."), fix=fix or "See openapi.yaml.", code="KF440")

"""A Jupyter server with the extension, in this process; every answer is held against the contract as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - its fixtures and hooks, for this folder only
from tornado.httpclient import HTTPClientError
from traitlets.config import Config

from jupyter_kf.server import contract
from jupyter_kf.server.app import PREFIX

PIPELINE = {
    "params": "%%kubeflow params\nn = 3\nname = 'a'",
    "make": "%%kubeflow step make\nvalues = list(range(n))\nprint('made', n)",
    "total": (
        "%%kubeflow step total\nimport jupyter_kf as kf\nfrom pathlib import Path\ntotal = sum(values)\n"
        "for i in range(5):\n    kf.log_metric('loss', 1 / (i + 1), step=i)\n"
        "Path('table.csv').write_text('a,b\\n1,2\\n3,4\\n')\nkf.log_artifact('table.csv')\n"
        "Path('page.html').write_text('<script>alert(1)</script>')\nkf.log_artifact('page.html')\nprint(total)"
    ),
    "show": "%%kubeflow step show\nprint('total is', total)\ntotal",
}
FAILING = {"ok": "%%kubeflow step ok\nx = 1", "bad": "%%kubeflow step bad\nprint(x)\n1 / 0"}
WAITING = {
    "wait": "%%kubeflow step wait\nimport time, pathlib\nprint('begun', flush=True)\n"
    "while not pathlib.Path('go').exists():\n    time.sleep(0.02)\nprint('done')\nx = 1",
    "after": "%%kubeflow step after\nprint(x)",
}


def notebook(cells: dict[str, str]) -> dict[str, Any]:
    """Return a notebook's JSON with these code cells by id."""
    made = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for name, text in cells.items()
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}


def write(path: Path, cells: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(cells)), "utf-8")
    return path


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any
    headers: Any
    body: bytes


Call = Callable[..., Awaitable[Answer]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kf"
    monkeypatch.setenv("JUPYTER_KF_HOME", str(folder))
    return folder


@pytest.fixture
def jp_server_config(home: Path) -> Config:
    extensions = {"jupyter_kf": True, "jupyter_server_terminals": False}
    return Config({"ServerApp": {"jpserver_extensions": extensions, "allow_unauthenticated_access": False}})


def schema_of(method: str, path: str, status: int) -> dict[str, Any] | None:
    """Return the contract's schema for an answer."""
    operation = contract.document()["paths"][path][method.lower()]
    responses = operation["responses"]
    if str(status) not in responses:
        assert status >= 400, f"{method} {path} may not answer {status}"
        return {"$ref": "#/components/schemas/Error"}
    return responses[str(status)].get("content", {}).get("application/json", {}).get("schema")


@pytest.fixture
def call(jp_fetch: Any) -> Call:
    """Call an operation by method and the contract's path; the answer must be what the contract says."""

    async def send(
        method: str, path: str, body: Any = None, *, headers: Any = None, query: Any = None, **names: str
    ) -> Answer:
        parts = path.format(**names).strip("/").split("/")
        text = body if isinstance(body, str) else None if body is None else json.dumps(body)
        if method in {"POST", "PATCH"} and text is None:
            text = ""
        try:
            response = await jp_fetch(
                *PREFIX.strip("/").split("/"), *parts, method=method, body=text, params=query, headers=headers
            )
        except HTTPClientError as exc:
            assert exc.response is not None, exc
            response = exc.response
        data: Any = None
        if "json" in response.headers.get("Content-Type", "") and response.body:
            data = json.loads(response.body, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
            schema = schema_of(method, path, response.code)
            if schema is not None:
                errors = [f"{list(e.absolute_path)}: {e.message}" for e in contract.validator(schema).iter_errors(data)]
                assert not errors, f"{method} {path} {response.code}: {errors[:3]}"
        return Answer(response.code, data, response.headers, response.body)

    return send


async def over(call: Call, run: str, seconds: float = 60.0) -> Any:
    """Wait for the end of a run; return its detail."""
    for _ in range(int(seconds / 0.1)):
        found = (await call("GET", "/runs/{run}", run=run)).data
        if found["run"]["state"] in {"SUCCEEDED", "FAILED", "CANCELED", "INTERRUPTED"}:
            return found
        await asyncio.sleep(0.1)
    pytest.fail(f"run {run} is not over after {seconds} seconds")


@pytest.fixture
def started(call: Call, jp_root_dir: Path) -> Callable[..., Awaitable[Any]]:
    """Write a notebook, start it and return the run's detail, at its end unless told otherwise."""

    async def start(cells: dict[str, str] = PIPELINE, name: str = "nb.ipynb", wait: bool = True, **more: Any) -> Any:
        write(jp_root_dir / name, cells)
        answer = await call("POST", "/runs", {"path": name, **more})
        assert answer.status == 201, answer.data
        return await over(call, answer.data["run"]["id"]) if wait else answer.data

    return start

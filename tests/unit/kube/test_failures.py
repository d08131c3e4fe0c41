"""Each answer that is not a good one has a code of its own and says what to do."""

from __future__ import annotations

import pickle
import random
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_kf.kube.backoff import Backoff
from jupyter_kf.kube.failures import failure, retry_after
from jupyter_kf.kube.kinds import CONFIG_MAP, NAMESPACE, NOTEBOOK, POD


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"reason": "BadRequest", "message": "no"}', "KF809"),
        (401, b'{"reason": "Unauthorized"}', "KF802"),
        (403, b'{"reason": "Forbidden", "message": "no"}', "KF803"),
        (404, b'{"reason": "NotFound"}', "KF804"),
        (404, b"404 page not found\n", "KF804"),
        (405, b"", "KF809"),
        (409, b'{"reason": "AlreadyExists"}', "KF805"),
        (409, b'{"reason": "Conflict"}', "KF806"),
        (409, b'{"reason": "Conflict", "details": {"causes": [{"reason": "FieldManagerConflict"}]}}', "KF807"),
        (410, b'{"reason": "Expired"}', "KF808"),
        (422, b'{"reason": "Invalid"}', "KF809"),
        (429, b"", "KF810"),
        (500, b'{"reason": "InternalError"}', "KF811"),
        (502, b"<html>bad gateway</html>", "KF811"),
        (504, b'{"reason": "Timeout"}', "KF811"),
    ],
)
def test_an_answer_has_its_code_and_a_remedy(status: int, body: bytes, code: str) -> None:
    error = failure(status, body, "GET /api/v1/pods")
    assert (error.code, error.details["status"]) == (code, status)
    assert error.fix
    assert "GET /api/v1/pods" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b'{"details": null}', b"\xff\xfe"])
def test_answers_that_are_no_status_are_errors_as_well(body: bytes) -> None:
    assert failure(500, body, "GET /").code == "KF811"


def test_a_conflict_of_managers_names_fields_and_owners() -> None:
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".spec.replicas"}]
    error = failure(409, {"reason": "Conflict", "details": {"causes": causes}}, "PATCH /x")
    assert '.spec.replicas (conflict with "kubectl")' in error.message
    assert error.details["causes"] == causes


def test_how_long_to_wait_is_read_from_header_or_answer() -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after(failure(429, b"", "GET /", "7")) == 7
    assert 3500 < retry_after(failure(429, b"", "GET /", later)) <= 3600
    assert retry_after(failure(429, b"", "GET /", "soon")) == 0
    assert retry_after(failure(429, {"details": {"retryAfterSeconds": 3}}, "GET /")) == 3


def test_waits_grow_to_a_cap_with_jitter_and_begin_anew() -> None:
    backoff = Backoff(first=1, cap=8, rng=random.Random(1))
    for bound in (1, 2, 4, 8, 8, 8):
        assert bound / 2 <= backoff.wait() <= bound
    assert 60 <= backoff.wait(60) <= 64
    backoff.reset()
    assert backoff.wait() <= 1
    for _ in range(2000):
        assert backoff.wait() <= 8, "it never ends and never overflows"


def test_paths() -> None:
    assert POD.path() == "/api/v1/pods"
    assert POD.path("a", "b", "log") == "/api/v1/namespaces/a/pods/b/log"
    assert NOTEBOOK.path("a") == "/apis/kubeflow.org/v1/namespaces/a/notebooks"
    assert NAMESPACE.path("", "a") == "/api/v1/namespaces/a"
    assert CONFIG_MAP.path("a", "../secrets/x") == "/api/v1/namespaces/a/configmaps/..%2Fsecrets%2Fx"
    assert (str(POD), str(NOTEBOOK), NOTEBOOK.api_version) == ("pods", "notebooks.kubeflow.org", "kubeflow.org/v1")
    with pytest.raises(ValueError, match="without its namespace"):
        POD.path(name="a")

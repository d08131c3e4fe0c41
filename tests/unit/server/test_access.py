"""Who may do what, and which paths there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_kf.server import contract
from jupyter_kf.server.app import PREFIX
from tests.unit.server.conftest import PIPELINE, Call, notebook, write

NAMES = {"run": "some-run", "execution": "some-execution", "stream": "stdout", "digest": "0" * 64}


async def test_nobody_gets_in_without_a_token(http_server_client: Any, jp_base_url: str, jp_serverapp: Any) -> None:
    for method, path in contract.operations():
        url = jp_base_url.rstrip("/") + PREFIX + path.format(**NAMES)
        body = "" if method in {"post", "patch"} else None
        with pytest.raises(HTTPClientError) as caught:
            await http_server_client.fetch(url, method=method.upper(), body=body, follow_redirects=False)
        assert caught.value.code in {401, 403}, f"{method} {path}"


async def test_the_authorizer_is_asked_for_every_verb(
    call: Call, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def deny(handler: Any, user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jp_serverapp.authorizer, "is_authorized", deny)
    for method, path in contract.operations():
        asked.clear()
        answer = await call(method.upper(), path, **NAMES)
        assert answer.status == 403, f"{method} {path}"
        assert asked == [("read" if method == "get" else "write", "jupyter_kf")]


async def test_a_cookie_alone_cannot_write(
    jp_serverapp: Any, http_server_client: Any, jp_base_url: str, jp_root_dir: Path
) -> None:
    """What a foreign page could make a browser send is refused: a cookie without the XSRF token."""
    write(jp_root_dir / "nb.ipynb", PIPELINE)
    token = jp_serverapp.identity_provider.token
    url = jp_base_url.rstrip("/")
    page = await http_server_client.fetch(f"{url}/login", follow_redirects=False)
    xsrf = re.search(r"_xsrf=([^;]+)", " ".join(page.headers.get_list("Set-Cookie")))
    assert xsrf
    try:
        entered = await http_server_client.fetch(
            f"{url}/login?next=%2F", method="POST", follow_redirects=False,
            body=urlencode({"password": token, "_xsrf": xsrf[1]}), headers={"Cookie": f"_xsrf={xsrf[1]}"},
        )  # fmt: skip
    except HTTPClientError as exc:
        assert exc.code == 302 and exc.response is not None
        entered = exc.response
    cookies = "; ".join(c.split(";")[0] for c in entered.headers.get_list("Set-Cookie"))
    seen = re.search(r"_xsrf=([^;]+)", cookies)
    xsrf_now = seen[1] if seen else xsrf[1]
    cookie = cookies if seen else f"{cookies}; _xsrf={xsrf_now}"
    runs = f"{url}{PREFIX}/runs"
    assert (await http_server_client.fetch(runs, headers={"Cookie": cookie})).code == 200
    body = '{"path": "nb.ipynb", "until": "nothing"}'
    with pytest.raises(HTTPClientError) as caught:
        await http_server_client.fetch(runs, method="POST", body=body, headers={"Cookie": cookie})
    assert caught.value.code == 403
    with pytest.raises(HTTPClientError) as caught:  # with it, the request arrives
        headers = {"Cookie": cookie, "X-XSRFToken": xsrf_now}
        await http_server_client.fetch(runs, method="POST", body=body, headers=headers)
    assert caught.value.code == 400


async def test_another_site_is_refused(call: Call) -> None:
    assert (await call("GET", "/status")).status == 200
    assert (await call("GET", "/status", headers={"Origin": "https://evil.example", "Authorization": ""})).status in {
        403,
        404,
    }


async def test_no_path_leads_out_of_the_root(call: Call, jp_root_dir: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside.ipynb", PIPELINE)
    (jp_root_dir / "link.ipynb").symlink_to(outside)
    (jp_root_dir / "folder").symlink_to(tmp_path)
    write(jp_root_dir / ".hidden" / "nb.ipynb", PIPELINE)
    write(jp_root_dir / "real" / "nb.ipynb", PIPELINE)
    (jp_root_dir / "inside.ipynb").symlink_to(jp_root_dir / "real" / "nb.ipynb")
    for path in (
        "../outside.ipynb", "real/../../outside.ipynb", "link.ipynb", "folder/outside.ipynb", ".hidden/nb.ipynb",
        "real/../.hidden/nb.ipynb",
    ):  # fmt: skip
        for method, where, body, query in (
            ("GET", "/notebooks/check", None, {"path": path}),
            ("POST", "/notebooks/check", {"path": path, "content": notebook(PIPELINE)}, None),
            ("POST", "/runs", {"path": path}, None),
            ("GET", "/runs", None, {"notebook": path}),
        ):
            answer = await call(method, where, body, query=query)
            assert (answer.status, answer.data["code"]) == (404, "KF441"), (method, where, path)
    assert (await call("POST", "/runs", {"path": "a\0b.ipynb"})).data["code"] == "KF441"
    absolute = await call("GET", "/notebooks/check", query={"path": str(outside)})
    assert absolute.status == 404  # an absolute path is one below the root, as in the contents API
    for path in ("inside.ipynb", "/real/nb.ipynb", "real//nb.ipynb"):
        assert (await call("GET", "/notebooks/check", query={"path": path})).status == 200


async def test_hidden_files_are_there_where_the_server_shows_them(
    call: Call, jp_serverapp: Any, jp_root_dir: Path
) -> None:
    write(jp_root_dir / ".hidden" / "nb.ipynb", PIPELINE)
    jp_serverapp.contents_manager.allow_hidden = True
    assert (await call("GET", "/notebooks/check", query={"path": ".hidden/nb.ipynb"})).status == 200


async def test_runs_of_notebooks_elsewhere_are_listed_without_a_path(call: Call, tmp_path: Path) -> None:
    from jupyter_kf.workbench import Workbench

    with Workbench() as bench:
        bench.run(write(tmp_path / "elsewhere" / "nb.ipynb", {"a": "%%kubeflow step a\nx = 1"}))
    page = (await call("GET", "/runs")).data
    assert [(run["path"], Path(run["notebook"]).name) for run in page["runs"]] == [(None, "nb.ipynb")]


async def test_contents_that_are_no_files(call: Call, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = jp_serverapp.web_app.settings["jupyter_kf_desk"].paths
    monkeypatch.setattr(paths, "_files", False)  # as for a contents manager that keeps notebooks in a database
    started = await call("POST", "/runs", {"path": "nb.ipynb"})
    assert (started.status, started.data["code"]) == (409, "KF442")
    checked = await call("POST", "/notebooks/check", {"path": "a/nb.ipynb", "content": notebook(PIPELINE)})
    assert [step["name"] for step in checked.data["pipeline"]["steps"]] == ["make", "total", "show"]

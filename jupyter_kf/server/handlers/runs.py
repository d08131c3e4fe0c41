"""Server room, handlers of runs: list, start, look at, stop, go on, label, forget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_kf.server.answers import comparison_answer, overview_answer, page_answer
from jupyter_kf.server.handlers.base import KFHandler
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.details import compare_with_progress
from jupyter_kf.workbench.views import RunOverview, RunView


class RunsHandler(KFHandler):
    """``/runs``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List runs."""
        asked = self.query()
        if "notebook" in asked:
            asked["notebook"] = self.desk.paths.local(asked["notebook"])
        shown = self.desk.paths.shown
        self.answer(await self.desk.call(lambda bench: page_answer(bench.page(**asked), shown)))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Start a run."""
        given = self.content()
        path = self.desk.paths.local(given["path"])
        shown = self.desk.paths.shown
        answer = await self.desk.call(lambda bench: overview_answer(_started(bench, path, given), shown))
        self.wake()
        self.answer(answer, 201)


class CompareHandler(KFHandler):
    """``/runs/compare``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Put runs side by side."""
        named = self.query()["run"]
        shown = self.desk.paths.shown
        self.answer(await self.desk.call(lambda bench: comparison_answer(*compare_with_progress(bench, named), shown)))


class RunHandler(KFHandler):
    """``/runs/{run}``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Look at a run."""
        self.query()
        shown = self.desk.paths.shown
        self.answer(await self.desk.call(lambda bench: overview_answer(bench.overview(run), shown)))

    @web.authenticated
    @authorized
    async def patch(self, run: str) -> None:
        """Set tags and the note."""
        given = self.content()

        def edit(bench: Workbench) -> RunOverview:
            found = bench.find(run).id
            if given.get("tags"):
                bench.tag(found, **given["tags"])
            if "note" in given:
                bench.note(found, given["note"])
            return bench.overview(found)

        await self.answer_run(edit)

    @web.authenticated
    @authorized
    async def delete(self, run: str) -> None:
        """Forget a finished run."""
        await self.desk.call(lambda bench: bench.delete(run))
        self.set_status(204)
        self.finish()


class CancelHandler(KFHandler):
    """``/runs/{run}/cancel``."""

    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        """Ask a run to stop."""

        def cancel(bench: Workbench) -> RunOverview:
            return bench.overview(bench.cancel(run).id)

        await self.answer_run(cancel, 202)


class ResumeHandler(KFHandler):
    """``/runs/{run}/resume``."""

    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        """Go on with a run."""
        edited = self.content().get("edited", False)

        shown = self.desk.paths.shown

        def resume(bench: Workbench) -> dict[str, Any]:
            view = bench.resume(run, edited=edited, detach=True)
            return overview_answer(_with_findings(bench, view), shown)

        answer = await self.desk.call(resume)
        self.wake()
        self.answer(answer, 202)


class DeleteRunsHandler(KFHandler):
    """``/runs/delete``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Forget several finished runs, all or none."""
        given = self.content()["runs"]
        done = await self.desk.call(lambda bench: bench.delete(*given))
        self.answer({"deleted": done.facts["deleted"]})


def _started(bench: Workbench, path: Path, given: Mapping[str, Any]) -> RunOverview:
    named = {name: given[name] for name in ("parameters", "experiment", "name", "note", "tags") if name in given}
    if given.get("whole"):
        return _with_findings(bench, bench.notebook(path, **named, detach=True))
    chosen = {name: given[name] for name in ("no_cache", "only", "until", "base", "in_order") if name in given}
    view = bench.run(path, **named, **chosen, from_=given.get("from", ""), detach=True)
    return _with_findings(bench, view)


def _with_findings(bench: Workbench, view: RunView) -> RunOverview:
    overview = bench.overview(view.id)
    return replace(overview, view=replace(overview.view, diagnostics=view.diagnostics))


HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (
    ("/runs", RunsHandler),
    ("/runs/delete", DeleteRunsHandler),
    ("/runs/compare", CompareHandler),
    ("/runs/{run}", RunHandler),
    ("/runs/{run}/cancel", CancelHandler),
    ("/runs/{run}/resume", ResumeHandler),
)

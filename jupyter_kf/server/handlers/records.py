"""Server room, handlers of what was written down about a run as a whole."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_kf.model.lineage import LineageGraph
from jupyter_kf.server.answers import curves_answer, entry_answer, graph_answer, source_answer
from jupyter_kf.server.handlers.base import KFHandler
from jupyter_kf.workbench import Workbench
from jupyter_kf.workbench.details import curves, run_environment, run_notebook, run_source


class SourceHandler(KFHandler):
    """``/runs/{run}/source``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return the cells of each step as they were."""
        self.query()
        self.answer(source_answer(await self.desk.call(lambda bench: run_source(bench, run))))


class NotebookHandler(KFHandler):
    """``/runs/{run}/notebook``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return the notebook as it was run."""
        executed = self.query()["executed"]
        text = await self.desk.call(lambda bench: run_notebook(bench, run, executed=executed).read_bytes())
        await self.finish(text, set_content_type="application/x-ipynb+json")


class EnvironmentHandler(KFHandler):
    """``/runs/{run}/environment``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return Python, platform, packages and the state of git."""
        self.query()
        self.answer(await self.desk.call(lambda bench: run_environment(bench, run)))


class MetricsHandler(KFHandler):
    """``/runs/{run}/metrics``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return the logged points."""
        asked = self.query()
        self.answer(curves_answer(await self.desk.call(lambda bench: curves(bench, run, **asked))))


class RunArtifactsHandler(KFHandler):
    """``/runs/{run}/artifacts``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """List what the run's steps made and logged."""
        self.query()

        def listed(bench: Workbench) -> dict[str, Any]:
            entries = list(bench.artifacts(run))
            gone = bench.store.metadata.collected([entry.artifact.digest for entry in entries])
            return {"artifacts": [entry_answer(entry, gone) for entry in entries]}

        self.answer(await self.desk.call(listed))


class RunLineageHandler(KFHandler):
    """``/runs/{run}/lineage``."""

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Return the run's artifacts, and what made and used them."""
        self.query()

        def drawn(bench: Workbench) -> dict[str, Any]:
            graph: LineageGraph = bench.store.metadata.lineage_of_run(bench.find(run).id)
            return graph_answer(graph, bench.store.metadata.collected([a.digest for a in graph.artifacts]))

        self.answer(await self.desk.call(drawn))


HANDLERS: tuple[tuple[str, type[KFHandler]], ...] = (
    ("/runs/{run}/source", SourceHandler),
    ("/runs/{run}/notebook", NotebookHandler),
    ("/runs/{run}/environment", EnvironmentHandler),
    ("/runs/{run}/metrics", MetricsHandler),
    ("/runs/{run}/artifacts", RunArtifactsHandler),
    ("/runs/{run}/lineage", RunLineageHandler),
)

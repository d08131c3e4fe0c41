"""Server room, the extension: what Jupyter Server loads. Its traits overrule the settings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from jupyter_kf.config import Settings, load_settings
from jupyter_kf.model.change import Changes
from jupyter_kf.server.answers import changes_answer, plain
from jupyter_kf.server.live import Live
from jupyter_kf.server.metrics import observe
from jupyter_kf.server.paths import ServerPaths
from jupyter_kf.workbench import Workbench

#: Where the REST interface lies under the server's base URL.
PREFIX = "/jupyter-kf/api"
#: Id of the events' schema.
CHANGES = "urn:jupyter_kf:events:changes:v1"
#: Name of this extension, of its resource for authorisation, and of its entry in the server's times of activity.
NAME = "jupyter_kf"
_SCHEMA = Path(__file__).parent / "events" / "changes.yaml"
_THREADS = 4
_ACTIVITY_EVERY = 30.0


class Desk:
    """What the handlers share: the workbench, the threads that its blocking calls run in, the server's paths."""

    def __init__(self, settings: Callable[[], Settings], paths: ServerPaths) -> None:
        self.paths = paths
        #: True once the server stops: answers that go on end then.
        self.closing = False
        self._settings = settings
        self._bench: Workbench | None = None
        self._opening = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="jupyter_kf")

    def open_bench(self) -> Workbench:
        """Return a workbench of one's own."""
        return Workbench(self._settings())

    @property
    def bench(self) -> Workbench:
        """The workbench of the handlers, opened when the first of them needs it. Not for the event loop's thread."""
        with self._opening:
            if self._bench is None:
                bench = self.open_bench()
                _ = bench.store, bench.engine  # opened here, once, not by two requests at a time
                self._bench = bench
        return self._bench

    def there(self) -> bool:
        """True once there is a store: a server that nobody runs anything on makes none."""
        settings = self._settings()
        return bool(settings.database) or self._bench is not None or (settings.home / "kf.db").exists()

    async def call(self, work: Callable[[Workbench], Any]) -> Any:
        """Do what may block in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(self.bench))

    def close(self) -> None:
        """End the threads and close the store."""
        self.closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._bench is not None:
            self._bench.close()


class KubeflowExtension(ExtensionApp):
    """``jupyter_kf`` in Jupyter Server: ``c.KubeflowExtension.home`` and so on in the server's configuration."""

    name = NAME
    load_other_extensions = True
    home = Unicode(help="Folder of all state; empty: JUPYTER_KF_HOME, else ~/.jupyter_kf.").tag(config=True)
    experiment = Unicode(help="Experiment of runs that name none; empty: as in the settings.").tag(config=True)
    _desk: Desk | None = None
    _live: Live | None = None
    _events: Any = None

    def settings_in_force(self) -> Settings:
        """Return the settings of the file and the environment, overruled by the traits."""
        return load_settings(home=self.home or None, experiment=self.experiment or None)

    def initialize_settings(self) -> None:
        """Make what the handlers share, and begin to follow the log."""
        server = self.serverapp
        if server is None:
            raise RuntimeError("jupyter_kf is an extension of Jupyter Server and does not run without one")
        desk = Desk(self.settings_in_force, ServerPaths(server.contents_manager))
        self._events = server.event_logger
        if CHANGES not in self._events.schemas:
            self._events.register_event_schema(_SCHEMA)
        self._desk = desk
        self._live = Live(desk.open_bench, self._tell, listened=self._listened, there=desk.there)
        self.settings.update({f"{NAME}_desk": desk, f"{NAME}_live": self._live})
        self._live.start()
        self._count_activity()

    def initialize_handlers(self) -> None:
        """Put the REST interface in its place."""
        from jupyter_kf.server.handlers import routes

        self.handlers.extend(routes(PREFIX))

    async def stop_extension(self) -> None:
        """End the threads, close the store; runs go on."""
        loop = asyncio.get_running_loop()
        if self._live is not None:
            await loop.run_in_executor(None, self._live.stop)
        if self._desk is not None:
            await loop.run_in_executor(None, self._desk.close)

    def current_activity(self) -> list[str] | None:
        """Return the ids of unfinished runs: a server with one of them is not idle."""
        return [run.id for run in self._live.unfinished] or None if self._live is not None else None

    # live

    def _listened(self) -> bool:
        known = [getattr(self._events, name, None) for name in ("_modified_listeners", "_unmodified_listeners")]
        return any(listeners is None or listeners.get(CHANGES) for listeners in known)

    def _tell(self, changes: Changes) -> None:
        """Send what changed to all who are connected. Called in the thread that follows the log."""
        observe(changes)
        if self.serverapp is not None and self._desk is not None:
            data = plain(changes_answer(changes, self._desk.paths.shown))
            self.serverapp.io_loop.add_callback(self._emit, data)

    def _emit(self, data: dict[str, Any]) -> None:
        if self.serverapp is not None:
            self._note_activity()
            self._events.emit(schema_id=CHANGES, data=data)

    def _count_activity(self) -> None:
        """Say every now and then that the server is busy, as long as a run goes on."""
        self._note_activity()
        if self.serverapp is not None:
            self.serverapp.io_loop.call_later(_ACTIVITY_EVERY, self._count_activity)

    def _note_activity(self) -> None:
        if self.serverapp is not None and self.current_activity():
            self.serverapp.web_app.settings["last_activity_times"][NAME] = utcnow()

"""STATE: the event log, the tables that are its fold, and content-addressed artifacts.

::

    open_store(settings) -> Store
    store.metadata    append, rebuild, delete; run, runs, count_runs, experiments, executions, execution, cached,
                      metrics, artifact, artifacts, lineage, lineage_of_run; events, cursor, wait, follow
    store.artifacts   has, size, path, open, put_bytes, put_file, publish, delete, iterate; folder, url, remote
    store.gc          what nothing needs any more
    store.trusted     whether what it holds may be unpickled
"""

from __future__ import annotations

from jupyter_kf.store.artifacts import Artifacts, digest_of
from jupyter_kf.store.collect import Collection
from jupyter_kf.store.metadata import Metadata
from jupyter_kf.store.store import Store, open_store

__all__ = ["Artifacts", "Collection", "Metadata", "Store", "digest_of", "open_store"]

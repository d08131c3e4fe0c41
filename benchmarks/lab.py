"""JupyterLab.

A real JupyterLab in Chromium. How long after the supervisor noted the end of a step (for changes that are not held
back) the sidebar's DOM has changed, by a `MutationObserver` on the same clock; beside it what an event of Jupyter's
own takes. The view of a run of 500 steps: from the command until steps are painted (first while the run goes on and
the view's code is not loaded), and frames while all of them change. A server with 20 clients that listen. Lab's start
with and without the extension, in turns, nothing in the browser's cache.
"""

from __future__ import annotations

from benchmarks import lab_clients, lab_page, lab_server
from benchmarks.measure import Context, Row
from tests.e2e.lab_server import chromium


def measure(context: Context) -> list[Row]:
    lab_server.check_installed()
    rows = lab_clients.measure(context)
    with chromium() as browser:
        rows = lab_page.measure_latency(context, browser) + lab_page.measure_view(context, browser) + rows
        return rows + lab_page.measure_start(context, browser)

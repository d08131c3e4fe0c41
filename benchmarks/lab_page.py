"""Benchmarks, JupyterLab: what the page in the browser shows, when, and how smoothly."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from benchmarks import notebooks
from benchmarks.lab_clients import CHANGES
from benchmarks.lab_server import (
    cpu_seconds,
    finish_times,
    percentile,
    server,
    server_pid,
    start_run,
    wait_for_end,
)
from benchmarks.measure import Context, Row
from tests.e2e.lab_server import LabServer

_PATIENCE = 120_000

#: Runs before the page's own scripts: notes when Lab is through with its start.
_WATCH_START = """
Object.defineProperty(window, 'jupyterapp', {
  configurable: true,
  get() { return this._benchmarkApp; },
  set(app) {
    this._benchmarkApp = app;
    app.restored.then(() => { window.benchmarkRestored = performance.now(); });
  }
});
"""
#: Notes when the progress that a run's row shows changes.
_WATCH_ROWS = """
() => {
  window.benchmarkSeen = [];
  const shown = {};
  new MutationObserver(() => {
    const now = Date.now();
    for (const bar of document.querySelectorAll('[data-run] [role=progressbar]')) {
      const run = bar.closest('[data-run]').dataset.run;
      const done = Number(bar.getAttribute('aria-valuenow'));
      if (shown[run] !== done) {
        shown[run] = done;
        window.benchmarkSeen.push({ run, done, now });
      }
    }
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
}
"""
_WATCH_EVENTS = """
schema => {
  window.benchmarkEvents = [];
  jupyterapp.serviceManager.events.stream.connect((_, event) => {
    if (event.schema_id === schema) window.benchmarkEvents.push({ cursor: event.cursor, now: Date.now() });
  });
}
"""
#: Milliseconds from the command until boxes of steps are painted: there in one frame, and that frame is over.
_OPEN_RUN = """
run => new Promise((done, fail) => {
  const begin = performance.now();
  void jupyterapp.commands.execute('jupyter-kf:open-run', { run });
  const look = () => {
    if (document.querySelector('.jp-KFRunPanel:not(.lm-mod-hidden) .jp-KFRun-box')) {
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
    } else if (performance.now() - begin > 60000) {
      fail(new Error('no step was painted'));
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})
"""
_CLOSE_RUNS = "() => { for (const w of [...jupyterapp.shell.widgets('main')]) w.close(); }"
_WATCH_FRAMES = """
() => {
  const frames = (window.benchmarkFrames = []);
  const note = now => {
    if (window.benchmarkFrames !== frames) return;
    frames.push(now);
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}
"""


@contextmanager
def opened(browser: Any, lab: LabServer) -> Iterator[Any]:
    """Lab in a new page of its own, through with its start."""
    browsing = browser.new_context(viewport={"width": 1280, "height": 900})
    browsing.set_default_timeout(_PATIENCE)
    try:
        page = browsing.new_page()
        page.add_init_script(_WATCH_START)
        page.goto(f"{lab.base}lab?token={lab.token}&reset")
        page.wait_for_function("() => window.benchmarkRestored !== undefined")
        yield page
    finally:
        browsing.close()


def measure_latency(context: Context, browser: Any) -> list[Row]:
    """Return the rows about how long a change takes to be seen in the sidebar."""
    steps = context.size(60, 6)
    with server(context) as lab, opened(browser, lab) as page:
        # longer than the pause between two messages about a run, and never in step with a clock
        cells = ["# %%kubeflow step s0\nimport time\nx = 0"]
        cells += [f"# %%kubeflow step s{n}\ntime.sleep({0.3 + 0.0137 * (n % 11)})\nx = x + 1" for n in range(1, steps)]
        notebooks.write(lab.root / "paced.ipynb", cells)
        notebooks.wide(lab.root / "warm.ipynb", 2, 1)
        _show_runs(page)
        wait_for_end(lab, start_run(lab, "warm.ipynb"))
        page.evaluate(_WATCH_ROWS)
        run = start_run(lab, "paced.ipynb")
        finished = finish_times(wait_for_end(lab, run))
        seen = {s["done"]: s["now"] for s in page.evaluate("() => window.benchmarkSeen") if s["run"] == run}
        # the last one ends the run, whose row has no bar then; the first follows on the run's own start
        late = [seen[done] - 1000 * finished[done - 1] for done in range(2, steps) if done in seen]
        if len(late) < 0.9 * (steps - 2):
            raise RuntimeError(f"only {len(late)} of {steps - 2} changes were seen in the sidebar")
        floor = _event_times(page, lab, steps)
    name = "an event of Jupyter's by REST to the page"
    return [
        Row("step's end → sidebar, median", "ms", statistics.median(late), {name: statistics.median(floor)}),
        Row("step's end → sidebar, p95", "ms", percentile(late, 0.95), {name: percentile(floor, 0.95)}, 60.0),
    ]


def _show_runs(page: Any) -> None:
    page.evaluate("() => { void jupyterapp.commands.execute('jupyter-kf:show-runs'); }")
    panel = page.locator(".jp-KFSidebar .jp-KFRuns")
    panel.wait_for()
    panel.get_by_role("group", name="Whose runs").get_by_role("button").last.click()


def _event_times(page: Any, lab: LabServer, count: int) -> list[float]:
    """Milliseconds that messages without content take from a client through the server to the page."""
    page.evaluate(_WATCH_EVENTS, CHANGES)
    cursor = lab.api("GET", "jupyter-kf/api/changes?after=0")["cursor"]
    empty = {"after": cursor, "cursor": cursor, "runs": [], "executions": [], "deleted": [], "reset": False}
    found = []
    for number in range(count):
        before = time.time()
        lab.api("POST", "api/events", {"schema_id": CHANGES, "version": "1", "data": empty})
        page.wait_for_function("n => window.benchmarkEvents.length > n", arg=number)
        found.append(page.evaluate("n => window.benchmarkEvents[n].now", number) - 1000 * before)
    return found


def measure_view(context: Context, browser: Any) -> list[Row]:
    """Return the rows about the view of a large run."""
    steps = context.size(500, 30)
    with server(context) as lab, opened(browser, lab) as page:
        cells = [f"# %%kubeflow step s{n}\nimport time\ntime.sleep(0.05)\n{_sum(n)}" for n in range(steps)]
        notebooks.write(lab.root / "large.ipynb", cells)
        idle = _frames(page, lambda: page.wait_for_timeout(context.size(5000, 1000)))
        run = start_run(lab, "large.ipynb")
        first = page.evaluate(_OPEN_RUN, run)
        live = _frames(page, lambda: wait_for_end(lab, run))
        again = []
        for _ in range(context.turns):
            page.evaluate(_CLOSE_RUNS)
            page.wait_for_function("() => !document.querySelector('.jp-KFRunPanel')")
            again.append(page.evaluate(_OPEN_RUN, run))
    name = "the same page, nothing going on"
    return [
        Row(f"view of {steps} steps, first paint", "ms", first, goal=1000.0, note="the run goes on; cold code"),
        Row(f"view of {steps} steps, opened again", "ms", statistics.median(again), goal=1000.0),
        Row(
            f"a frame while {steps} steps go on, mean of the worst second",
            "ms",
            _worst_second(live),
            {name: _worst_second(idle)},
            1000 / 30,
        ),
        Row(
            "longest frame",
            "ms",
            max(b - a for a, b in pairwise(live)),
            {name: max(b - a for a, b in pairwise(idle))},
        ),
    ]


def _sum(number: int) -> str:
    """A graph of layers of 25 steps, each of which needs two of the layer before."""
    if number < 25:
        return f"y{number} = {number}"
    other = number - 25 - number % 25 + (number + 1) % 25
    return f"y{number} = y{number - 25} + y{other}"


def _frames(page: Any, happens: Any) -> list[float]:
    """Return when frames were drawn, in ms, while something happens."""
    page.evaluate(_WATCH_FRAMES)
    happens()
    frames: list[float] = page.evaluate("() => window.benchmarkFrames")
    page.evaluate("() => { window.benchmarkFrames = null; }")
    if len(frames) < 3:
        raise RuntimeError("no frames were drawn")
    return frames


def _worst_second(frames: list[float]) -> float:
    """Return the mean milliseconds of a frame in the second that had the fewest."""
    counts: dict[int, int] = {}
    for at in frames:
        counts[int((at - frames[0]) // 1000)] = counts.get(int((at - frames[0]) // 1000), 0) + 1
    whole = [counts.get(second, 0) for second in range(max(counts))]  # the last one is not over
    return 1000 / max(1, min(whole)) if whole else (frames[-1] - frames[0]) / (len(frames) - 1)


def measure_start(context: Context, browser: Any) -> list[Row]:
    """Return the rows about Lab's start with and without the extension."""
    with server(context) as ours, server(context, extension=False) as bare:
        starting = {"ours": cpu_seconds(server_pid(ours)), "bare": cpu_seconds(server_pid(bare))}
        taken: dict[str, list[float]] = {"ours": [], "bare": []}
        loaded = 0.0
        for turn in range(context.turns + 1):
            for name, lab in (("ours", ours), ("bare", bare)):
                with opened(browser, lab) as page:
                    if turn:  # the first fills the server's own caches
                        taken[name].append(page.evaluate("() => window.benchmarkRestored"))
                    size = page.evaluate(
                        """() => performance.getEntriesByType('resource')
                          .filter(e => e.name.includes('/extensions/jupyter-kf/'))
                          .reduce((sum, e) => sum + e.decodedBodySize, 0) / 1000"""
                    )
                    if name == "ours":
                        loaded = size
                    elif size:
                        raise RuntimeError("the extension was loaded where it is switched off")
    name = "without the extension"
    return [
        Row(
            "page loaded until Lab is restored",
            "s",
            statistics.median(taken["ours"]) / 1000,
            {name: statistics.median(taken["bare"]) / 1000},
            1.1,
            "ratio",
            name,
        ),
        Row("JavaScript loaded for it at the start", "kB", loaded, note="graph, plots and views come when first shown"),
        Row("server's start", "CPU s", starting["ours"], {name: starting["bare"]}),
    ]

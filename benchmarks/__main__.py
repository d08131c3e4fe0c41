"""``python -m benchmarks [NAME…]``: measure, print, and (when everything was measured in full) rewrite the page."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.measure import ROOT, Context, Row, machine

NAMES = ("chain", "cached", "wide", "analysis", "values", "startup", "metrics", "whole", "store", "lab")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--quick", action="store_true", help="smallest sizes, once, without peers: does it work?")
    parser.add_argument("--peers", action="store_true", help="measure peers even with --quick")
    parser.add_argument("--no-peers", action="store_true", help="make no environments for peers")
    parser.add_argument("--repeat", type=int, default=5, help="turns (default 5)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where files are written")
    parser.add_argument("--write", action="store_true", help="rewrite the page even if only some were measured")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    context = Context(
        options.quick, options.peers or not (options.no_peers or options.quick), max(1, options.repeat), options.folder
    )
    about = machine() | {"date": datetime.now(UTC).date().isoformat(), "turns": context.turns}
    if about["load"][0] > 0.5 * (os.cpu_count() or 1):
        logging.warning("The machine is busy (load %s): these numbers will not be worth much.", about["load"][0])
    sections: dict[str, tuple[str, str, list[Row]]] = {}
    failed = []
    for name in options.names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        title, _, about_it = (module.__doc__ or "").strip().partition("\n\n")
        logging.info("%s …", title)
        try:
            rows = module.measure(context)
        except (RuntimeError, AssertionError, OSError) as exc:
            logging.error("%s could not be measured: %s", name, exc)
            failed.append(name)
            continue
        sections[name] = (title.rstrip("."), about_it, rows)
        sys.stdout.write(f"\n{title}\n{report.table(rows)}\n\n")
        sys.stdout.flush()
    about["load_after"] = machine()["load"]
    if not options.quick and not failed and (options.write or not options.names):
        for path in report.write(ROOT, about, sections):
            sys.stdout.write(f"written: {path.relative_to(ROOT)}\n")
    missed = [f"{name}: {row.case}" for name, (_, _, rows) in sections.items() for row in rows if row.met is False]
    if missed and not options.quick:
        sys.stdout.write("goals missed: " + "; ".join(missed) + "\n")
    if failed:
        sys.stdout.write("could not be measured: " + ", ".join(failed) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""CLI room, the door: exit codes, ``--json``, signals.

Exit codes: 0 done, 1 it failed (or a finding is an error), 2 wrong usage, 130 cancelled; 129 the terminal was hung up
while waiting, and the run goes on. With ``--json``, stdout holds one JSON document and nothing else, whatever happens.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from jupyter_kf.errors import KFError, PlatformError, UsageError
from jupyter_kf.workbench.verbs import build_parser, overview, parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``jupyter kf`` with these words and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        args = parse(words)
        if args.help:
            return _help(args.verb, words)
        return _call(args)
    except BrokenPipeError:
        # The reader is gone (`… | head`): nothing more can be said, and Python must not try at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KFError as exc:
        return report_error(exc, as_json=as_json)
    except KeyboardInterrupt:
        if as_json:
            _print_json({"error": {"type": "KeyboardInterrupt", "code": "", "message": "Interrupted.", "fix": ""}})
        return 130


def _help(verb: str, words: Sequence[str]) -> int:
    if not verb and "--version" in words:
        from jupyter_kf import __version__

        sys.stdout.write(f"{__version__}\n")
    else:
        sys.stdout.write((build_parser(verb).format_help() if verb else overview()).rstrip("\n") + "\n")
    asked = not words or {"-h", "--help", "help", "--version"} & set(words)
    return 0 if asked else 2


def _call(args: Any) -> int:
    logging.basicConfig(format="%(name)s: %(message)s", level=os.environ.get("JUPYTER_KF_LOG", "ERROR").upper())
    from jupyter_kf.cli.commands import COMMANDS
    from jupyter_kf.cli.terminal import Terminal
    from jupyter_kf.config import load_settings
    from jupyter_kf.workbench import Workbench

    with Workbench(load_settings(home=args.home)) as bench:
        return COMMANDS[args.verb](bench, args, Terminal(as_json=args.json))


def report_error(error: KFError, *, as_json: bool) -> int:
    """Say what went wrong, as JSON on stdout or in words on stderr; return the exit code."""
    if as_json:
        _print_json({"error": error.to_dict()})
    else:
        from jupyter_kf.widgets.text import ansi_paint, error_text, no_paint

        coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        sys.stderr.write(error_text(error, ansi_paint if coloured else no_paint) + "\n")
        if isinstance(error, PlatformError) and error.__cause__ is not None and os.environ.get("JUPYTER_KF_LOG"):
            sys.stderr.write(f"  because of {type(error.__cause__).__name__}: {error.__cause__}\n")
    return 2 if isinstance(error, UsageError) else 1


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    sys.stdout.flush()

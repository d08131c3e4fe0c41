"""Workbench room, the grammar: each verb with its arguments, once for ``jupyter kf`` and for ``%kubeflow``."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_kf.errors import UsageError

if TYPE_CHECKING:
    from jupyter_kf.workbench.bench import Workbench

#: Verbs with a name and no answer yet.
RESERVED = {
    "schedule": "Running a notebook again and again",
    "tune": "Hyperparameter search",
    "serve": "Serving a model",
    "compile": "Compiling to a KFP pipeline",
    "tensorboard": "TensorBoard",
    "tfjob": "Distributed training with TensorFlow",
    "pytorchjob": "Distributed training with PyTorch",
    "jaxjob": "Distributed training with JAX",
    "xgboostjob": "Distributed training with XGBoost",
    "mpijob": "Distributed training with MPI",
}

#: What can be done with training jobs, each with the words it takes.
JOB_ACTIONS = {
    "check": ("FILE", "what is wrong with the job of a YAML file"),
    "env": ("FILE", "what each of its replicas gets"),
    "run": ("FILE", "run it, with --local on this machine"),
    "list": ("", "list jobs"),
    "show": ("[JOB]", "its replicas and conditions"),
    "logs": ("[JOB] [REPLICA]", "what the replicas printed"),
    "cancel": ("JOB", "end it"),
    "suspend": ("JOB", "end its replicas for now"),
    "resume": ("JOB", "start them again"),
    "scale": ("JOB ROLE=NUMBER…", "more or fewer replicas"),
    "delete": ("JOB…", "forget jobs"),
}


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that raises UsageError, with the nearest right word, and never prints or exits."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError KF401 (unknown verb or option), KF402 (other wrong usage)."""
        fix = f"See: {self.prog} --help"
        words = [word for action in self._actions for word in action.option_strings if word.startswith("--")]
        if "unrecognized arguments" in message:
            unknown = message.split(":", 1)[1].split()
            options = [word for word in unknown if word.startswith("-")]
            if options:
                near = difflib.get_close_matches(options[0].split("=")[0], words, 1, 0.5)
                fix = f"Did you mean {near[0]}? {fix}" if near else f"Options are {', '.join(words)}. {fix}"
                raise UsageError(f"{self.prog} has no option {options[0]}.", fix=fix, code="KF401")
            raise UsageError(f"{self.prog} takes no further argument: {' '.join(unknown)}.", fix=fix, code="KF402")
        raise UsageError(f"{self.prog}: {message}.", fix=fix, code="KF402")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; a verb's own parser complains about what is left over, for it knows which words are near."""
        known, left = super().parse_known_args(args, namespace)
        if left and self.get_default("verb"):
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return known, left


@dataclass(frozen=True, slots=True)
class Verb:
    """``fill`` adds the verb's arguments; ``lead`` is one line for the list of verbs."""

    name: str
    lead: str
    fill: Callable[[Parser, bool], None]
    group: str


def parse(words: Sequence[str], *, prog: str = "jupyter kf", kernel: bool = False) -> argparse.Namespace:
    """Read a command line into a namespace whose ``verb`` names the verb; ``help`` is set where help was asked for.

    ``kernel``: in a kernel the notebook need not be named, and there is no ``--home``.

    Raises:
        UsageError: KF400 for a verb that is not there (yet), KF401 for an option, KF402 for other wrong usage.
    """
    words = list(words)
    leading = []
    while words and words[0].startswith("-") and not kernel:  # --home DIR before the verb
        leading.append(words.pop(0))
        if leading[-1] == "--home" and words:
            leading.append(words.pop(0))
    if not words or words[0] in {"help", "-h", "--help"}:
        asked = words[1] if len(words) > 1 and words[0] == "help" else ""
        if asked not in VERBS:
            if any(w not in {"-h", "--help", "--version", "--json"} for w in leading) and not words:
                known = Parser(prog=prog, add_help=False)
                for option in ("--help", "--version", "--home"):
                    known.add_argument(option, nargs="?")
                known.parse_args(leading)
            return argparse.Namespace(verb="", help=True, json="--json" in leading)
        words = [asked, "--help"]
    verb = words[0]
    if verb in RESERVED:
        raise UsageError(
            f"{RESERVED[verb]} ({verb}) is not there yet.",
            fix="The name is reserved; what there is: " + ", ".join(VERBS) + ".",
        )
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, [*VERBS, *RESERVED], 1, 0.5)
        fix = f"Did you mean {near[0]!r}?" if near else f"The verbs are: {', '.join(VERBS)}."
        raise UsageError(f"There is no verb {verb!r}.", fix=fix)
    parser = build_parser(verb, prog=prog, kernel=kernel)
    if "-h" in words[1:] or "--help" in words[1:]:
        return argparse.Namespace(verb=verb, help=True, json=False)
    namespace = parser.parse_args([*leading, *_joined(words[1:])])
    namespace.help = False
    return namespace


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words with ``--sort -x`` as ``--sort=-x``: a value may begin with a dash."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in {"--sort", "--note"}:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def build_parser(verb: str, *, prog: str = "jupyter kf", kernel: bool = False) -> Parser:
    """Return the parser of one verb."""
    spec = VERBS[verb]
    parser = Parser(prog=f"{prog} {verb}", description=spec.lead, allow_abbrev=False, add_help=False)
    parser.set_defaults(verb=verb)
    spec.fill(parser, kernel)
    other = parser.add_argument_group("everywhere")
    if not kernel:
        other.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        other.add_argument(
            "--home", metavar="DIR", help="folder of all state (default: $JUPYTER_KF_HOME, ~/.jupyter_kf)"
        )
    other.add_argument("-h", "--help", action="store_true", help="show this help")
    return parser


def overview(prog: str = "jupyter kf") -> str:
    """Return the list of verbs, as ``--help`` and ``%kubeflow?`` show it."""
    lines = [
        f"usage: {prog} VERB …",
        "",
        "Run a notebook's cells as a pipeline of separate processes, on this machine.",
        "",
    ]
    for group in dict.fromkeys(v.group for v in VERBS.values()):
        lines.append(f"{group}:")
        lines += [f"  {v.name:<13}{v.lead}" for v in VERBS.values() if v.group == group]
        lines.append("")
    lines.append(f"{prog} VERB --help says more. A RUN is an id, the beginning of one, 'last' or 'last~1'.")
    return "\n".join(lines)


def _notebook(parser: Parser, kernel: bool) -> None:
    nargs: Any = "?" if kernel else None
    parser.add_argument("notebook", metavar="NOTEBOOK", nargs=nargs, help="path of the .ipynb file")
    if kernel:
        parser.add_argument("--notebook", dest="notebook_option", metavar="PATH", help="path, where it is not this one")


def _run(parser: Parser, what: str = "id, beginning of an id, last, last~1", **more: Any) -> None:
    parser.add_argument("run", metavar="RUN", help=what, **more)


def _labels(parser: Parser) -> None:
    parser.add_argument("-p", "--parameter", dest="parameters", metavar="NAME=VALUE", action="append", default=[],
                        help="value of a parameter; may be given several times")  # fmt: skip
    parser.add_argument("--experiment", metavar="NAME", help="group of runs to file it under")
    parser.add_argument("--name", help="name of the run (default: the notebook's)")
    parser.add_argument("--tag", dest="tags", metavar="NAME=VALUE", action="append", default=[], help="label the run")
    parser.add_argument("--note", default="", help="free text kept with the run")


def _fill_check(parser: Parser, kernel: bool) -> None:
    _notebook(parser, kernel)
    parser.add_argument("--in-order", action="store_true", help="as it would be with every step after the one above")


def _fill_graph(parser: Parser, kernel: bool) -> None:
    parser.add_argument("notebook", metavar="NOTEBOOK|RUN", nargs="?" if kernel else None, help="notebook, or a run")
    if kernel:
        parser.add_argument("--notebook", dest="notebook_option", metavar="PATH", help="path, where it is not this one")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--mermaid", action="store_true", help="as Mermaid text")
    kind.add_argument("--svg", action="store_true", help="as an SVG picture")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file (.svg and .mmd say what)")


def _fill_run(parser: Parser, kernel: bool) -> None:
    _notebook(parser, kernel)
    _labels(parser)
    parser.add_argument("--no-cache", action="store_true", help="execute every step anew")
    parser.add_argument("--only", metavar="STEP", action="append", default=[], help="just these steps")
    parser.add_argument("--from", dest="from_", metavar="STEP", default="", help="this step and all that need it")
    parser.add_argument("--until", metavar="STEP", default="", help="this step and all that it needs")
    parser.add_argument("--base", metavar="RUN", default="", help="run that --only and --from take their inputs from")
    parser.add_argument("--in-order", action="store_true", help="every step after the one above it")
    parser.add_argument("--detach", action="store_true", help="return as soon as it is started")
    parser.add_argument("--python", metavar="PATH", default="", help="interpreter of the steps")
    parser.add_argument("--kernel", metavar="NAME", default="", help="kernelspec whose interpreter the steps use")


def _fill_notebook(parser: Parser, kernel: bool) -> None:
    _notebook(parser, kernel)
    _labels(parser)
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="time limit of the whole notebook")
    parser.add_argument("--cell-timeout", metavar="SECONDS", type=float, help="time limit of each cell")
    parser.add_argument("--kernel", metavar="NAME", default="", help="kernelspec to use")
    parser.add_argument("--detach", action="store_true", help="return as soon as it is started")


def _fill_runs(parser: Parser, kernel: bool) -> None:
    parser.add_argument("--filter", metavar="EXPR", default="", help="""such as 'metrics.acc > 0.9 and tags.x = "a"'""")
    parser.add_argument(
        "--sort", metavar="FIELDS", default="", help="such as -metrics.acc,created (default: newest first)"
    )
    parser.add_argument("--experiment", metavar="NAME", help="only this experiment's")
    parser.add_argument("--notebook", metavar="PATH", help="only this notebook's")
    parser.add_argument("--state", help="only runs in this state")
    parser.add_argument(
        "--limit", metavar="N", type=whole_number, default=20, help="at most so many (default 20; 0: all)"
    )
    parser.add_argument("--offset", metavar="N", type=whole_number, default=0, help="leave out the first ones")


def _fill_show(parser: Parser, kernel: bool) -> None:
    _run(parser, nargs="?", default="last")
    parser.add_argument("step", metavar="STEP", nargs="?", default="", help="just this step, with all it has")


def _fill_logs(parser: Parser, kernel: bool) -> None:
    _run(parser, nargs="?", default="last")
    parser.add_argument("step", metavar="STEP", nargs="?", default="", help="just this step's")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run is over")
    parser.add_argument(
        "--tail", metavar="LINES", type=whole_number, default=0, help="only the last lines of each step"
    )


def _fill_cancel(parser: Parser, kernel: bool) -> None:
    _run(parser)


def _fill_resume(parser: Parser, kernel: bool) -> None:
    _run(parser, nargs="?", default="last")
    parser.add_argument("--edited", action="store_true", help="with the notebook as it is today")
    parser.add_argument("--detach", action="store_true", help="return as soon as it is started")


def _fill_get(parser: Parser, kernel: bool) -> None:
    _run(parser)
    parser.add_argument("step", metavar="STEP")
    parser.add_argument("names", metavar="NAME", nargs="*", help="variables (default: all)")
    parser.add_argument("--inputs", action="store_true", help="what the step was given, instead of what it made")
    if not kernel:
        parser.add_argument("-o", "--output", metavar="FILE", help="write to .pkl .json .csv .npy .parquet .txt")


def _fill_compare(parser: Parser, kernel: bool) -> None:
    parser.add_argument("a", metavar="RUN", help="a run")
    parser.add_argument("b", metavar="RUN", help="another run")


def _fill_delete(parser: Parser, kernel: bool) -> None:
    _run(parser, nargs="+")


def _fill_lineage(parser: Parser, kernel: bool) -> None:
    parser.add_argument("subject", metavar="RUN|DIGEST", help="a run, or an artifact by (the beginning of) its digest")
    parser.add_argument("step", metavar="STEP", nargs="?", default="", help="with NAME: a variable of a run's step")
    parser.add_argument("name", metavar="NAME", nargs="?", default="")


def _fill_artifacts(parser: Parser, kernel: bool) -> None:
    _run(parser, nargs="?", default="last")
    parser.add_argument("step", metavar="STEP", nargs="?", default="", help="just this step's")


def _fill_gc(parser: Parser, kernel: bool) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def _fill_tag(parser: Parser, kernel: bool) -> None:
    _run(parser)
    parser.add_argument("tags", metavar="NAME=VALUE", nargs="+", help="NAME= removes the tag")


def _fill_note(parser: Parser, kernel: bool) -> None:
    _run(parser)
    parser.add_argument("text", metavar="TEXT", nargs="+")


def _fill_report(parser: Parser, kernel: bool) -> None:
    _run(parser, nargs="?", default="last")
    parser.add_argument("-o", "--output", metavar="FILE", help="the HTML file to write (default: in the state folder)")
    if not kernel:
        parser.add_argument("--open", action="store_true", help="show it in the browser")


def _fill_nothing(parser: Parser, kernel: bool) -> None:
    """The verb takes no arguments."""


def _fill_job(parser: Parser, kernel: bool) -> None:
    lines = [f"  {f'{action} {words}':<26}{what}" for action, (words, what) in JOB_ACTIONS.items()]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(["actions:", *lines])
    parser.add_argument("action", metavar="ACTION", type=_job_action, help="one of those below")
    parser.add_argument("words", metavar="WORD", nargs="*", help="what it is about")
    parser.add_argument("--form", choices=("operator", "local"), default="operator",
                        help="env: as the Training Operator sets it (default), or as a replica finds it")  # fmt: skip
    parser.add_argument("--local", action="store_true", help="run: the replicas are processes of this machine")
    parser.add_argument("--detach", action="store_true", help="run: return as soon as it is started")
    parser.add_argument("--experiment", metavar="NAME", default="", help="run: group of runs to file it under")
    parser.add_argument("--name", default="", help="run: its name (default: the job's)")
    parser.add_argument("--note", default="", help="run: free text kept with it")
    parser.add_argument("-f", "--follow", action="store_true", help="logs: go on until the job is over")
    parser.add_argument("--tail", metavar="LINES", type=whole_number, default=0, help="logs: only the last lines")
    parser.add_argument("--limit", metavar="N", type=whole_number, default=20, help="list: at most so many (0: all)")


def _job_action(text: str) -> str:
    if text == "submit":
        fix = "`job run FILE --local` runs it on this machine."
        raise UsageError("Submitting a job to a cluster is not there yet.", fix=fix)
    if text not in JOB_ACTIONS:
        near = difflib.get_close_matches(text, JOB_ACTIONS, 1, 0.5)
        fix = f"Did you mean {near[0]!r}?" if near else f"The actions are: {', '.join(JOB_ACTIONS)}."
        raise UsageError(f"job has no action {text!r}.", code="KF402", fix=fix)
    return text


def job_words(args: argparse.Namespace) -> list[str]:
    """Return the words of a ``job`` line once there are as many as its action takes.

    Raises:
        UsageError: KF402.
    """
    form = JOB_ACTIONS[args.action][0]
    wanted = form.split()
    least = sum(not word.startswith("[") for word in wanted)
    most = None if form.endswith("…") else len(wanted)
    if len(args.words) < least or (most is not None and len(args.words) > most):
        usage = f"job {args.action} {form}".rstrip()
        raise UsageError(f"job {args.action} takes {form or 'nothing'}.", code="KF402", fix=f"Write: {usage}")
    return list(args.words)


def job_answer(bench: Workbench, args: argparse.Namespace) -> Any:
    """Return the answer to a ``job`` line that neither waits nor prints as it goes.

    Raises:
        UsageError: KF402 for too few or too many words; what the workbench raises.
    """
    words = job_words(args)
    jobs = bench.jobs
    if args.action == "env":
        return jobs.env(words[0], form=args.form)
    if args.action == "list":
        return jobs.list(limit=args.limit or None)
    if args.action == "scale":
        return jobs.scale(words[0], **split_pairs(words[1:], "job scale"))
    return getattr(jobs, args.action)(*words)


def _fill_use(parser: Parser, kernel: bool) -> None:
    parser.add_argument("notebook", metavar="PATH", help="the notebook that this kernel belongs to")


def whole_number(text: str) -> int:
    """Read a count, for ``type=``."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 up")
    return int(text)


_NOTEBOOKS, _RUNS, _VALUES, _STATE = "Notebooks", "Runs", "What runs made", "This installation"
_JOBS = "Jobs"

VERBS: dict[str, Verb] = {
    v.name: v
    for v in (
        Verb("check", "What the pipeline is, and what is wrong with it", _fill_check, _NOTEBOOKS),
        Verb("graph", "The steps and what comes before what", _fill_graph, _NOTEBOOKS),
        Verb("run", "Run the notebook's steps", _fill_run, _NOTEBOOKS),
        Verb("notebook", "Run the whole notebook in one kernel", _fill_notebook, _NOTEBOOKS),
        Verb("runs", "List runs", _fill_runs, _RUNS),
        Verb("show", "A run's steps, with the reasons for what happened", _fill_show, _RUNS),
        Verb("logs", "What the steps printed", _fill_logs, _RUNS),
        Verb("report", "A run as one HTML page", _fill_report, _RUNS),
        Verb("cancel", "Stop a run", _fill_cancel, _RUNS),
        Verb("resume", "Go on with a run that failed or was stopped", _fill_resume, _RUNS),
        Verb("compare", "Two runs: parameters, metrics, code, environment", _fill_compare, _RUNS),
        Verb("tag", "Label a run", _fill_tag, _RUNS),
        Verb("note", "Write down a thought about a run", _fill_note, _RUNS),
        Verb("delete", "Forget runs", _fill_delete, _RUNS),
        Verb("experiments", "List the groups of runs", _fill_nothing, _RUNS),
        Verb("get", "A step's variables, or what it was given", _fill_get, _VALUES),
        Verb("artifacts", "What a run stored", _fill_artifacts, _VALUES),
        Verb("lineage", "What made a thing, and what used it", _fill_lineage, _VALUES),
        Verb("job", "Training jobs: check one, run it, look at it (see job --help)", _fill_job, _JOBS),
        Verb("gc", "Free the space that nothing needs", _fill_gc, _STATE),
        Verb("doctor", "What works here, and how to get what is missing", _fill_nothing, _STATE),
    )
}

#: Verbs that only a kernel has.
KERNEL_VERBS = {"use": Verb("use", "Say which notebook this kernel belongs to", _fill_use, _NOTEBOOKS)}


def labels_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what ``run`` and ``notebook`` were told about the run itself, as keywords of the workbench.

    Raises:
        UsageError: as :func:`split_pairs`.
    """
    return {
        "parameters": split_pairs(args.parameters, "-p"),
        "tags": split_pairs(args.tags, "--tag"),
        "experiment": args.experiment,
        "name": args.name,
        "note": args.note,
        "detach": args.detach,
    }


def split_pairs(pairs: Sequence[str], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` texts; raises UsageError KF403 for one without ``=`` or with an empty name."""
    values = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"{option} {pair!r} is not of the form NAME=VALUE.", code="KF403",
                             fix=f"Write, for example, {option} lr=0.1")  # fmt: skip
        values[name.strip()] = value
    return values

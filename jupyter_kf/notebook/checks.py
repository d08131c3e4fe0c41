"""Notebook room: what is wrong, or worth a word, once the hand-over is worked out; and the edges of files."""

from __future__ import annotations

import ast
import itertools
import re

from jupyter_kf.model.pipeline import IMPLICIT_NAMES
from jupyter_kf.notebook.directives import nearest
from jupyter_kf.notebook.edits import edit_after, edit_list, edit_mark, edit_own_step, edit_star
from jupyter_kf.notebook.facts import Site
from jupyter_kf.notebook.fragments import BUILTINS, is_mutable
from jupyter_kf.notebook.handoff import Demand, Draft, Handoff, is_private
from jupyter_kf.notebook.lint import Report, listed
from jupyter_kf.notebook.reading import Reading
from jupyter_kf.notebook.scopes import changed_by_call, root_name

_MANY = 50
_GENERATOR_NAMES = {"<random>": "random", "<numpy.random>": "numpy.random"}


def declared_edges(reading: Reading, report: Report) -> None:
    """Turn ``--after`` and ``prev:`` into edges; steps that stand below cannot come before."""
    places = {d.name: d.index for d in reading.drafts}
    forward: list[tuple[Draft, Draft]] = []
    for draft in reading.drafts:
        site = reading.marking.lines[draft.name]
        for name in draft.options.after:
            other = places.get(name)
            if other is None:
                near = nearest(name, places.keys() - {draft.name})
                fix = f"Did you mean `{near}`?" if near else f"The steps are {listed(places)}."
                edit = edit_list(draft, "--after", name, near)
                report.say(
                    "KF119",
                    site,
                    f"Step `{draft.name}` is to run after `{name}`, but there is no such step.",
                    fix,
                    edit=edit,
                )
            elif other == draft.index:
                message = f"Step `{name}` is to run after itself."
                report.say("KF122", site, message, "Take it off the list.", edit=edit_list(draft, "--after", name))
            elif other > draft.index:
                forward.append((draft, reading.drafts[other]))
            else:
                draft.order.add(other)
    for draft, later in forward:
        site = reading.marking.lines[draft.name]
        chain = _chain(reading.drafts, draft.index, later.index)
        if chain:
            shown = " → ".join(f"`{reading.drafts[s].name}`" for s in [*chain, draft.index])
            report.say("KF122", site, f"The steps wait for each other: {shown}.", "Take one of the edges away.")
        else:
            report.say(
                "KF129",
                site,
                f"Step `{draft.name}` is to run after `{later.name}`, which stands below it.",
                f"Move the cells of `{later.name}` above cell {draft.first}.",
                why="Steps take values as the notebook would from top to bottom.",
            )


def _chain(drafts: list[Draft], start: int, end: int) -> list[int]:
    """The way from ``start`` to ``end`` along steps that declare to come after one another, both included."""
    places = {d.name: d.index for d in drafts}
    came: dict[int, int] = {start: start}
    for_later: dict[int, list[int]] = {}
    for draft in drafts:
        for name in draft.options.after:
            if name in places:
                for_later.setdefault(places[name], []).append(draft.index)
    queue = [start]
    while queue:
        step = queue.pop(0)
        if step == end:
            way = [end]
            while way[-1] != start:
                way.append(came[way[-1]])
            return way[::-1]
        for following in for_later.get(step, ()):
            if following not in came:
                came[following] = step
                queue.append(following)
    return []


def file_edges(reading: Reading, report: Report) -> None:
    """Order steps that write a file and those that read or write it, as in the notebook."""
    written: dict[str, int] = {}
    read: dict[str, list[int]] = {}
    interesting = {path for d in reading.drafts for path in d.traces.writes}
    for draft in reading.drafts:
        touched = {p: s for p, s in draft.traces.mentions.items() if p in interesting}
        touched.update(draft.traces.writes)
        for path in sorted(touched):
            writer = written.get(path)
            before = {writer} if writer is not None else set()
            if path in draft.traces.writes:
                before.update(read.pop(path, ()))
            before.discard(draft.index)
            for step in sorted(before):
                if step not in draft.order:
                    draft.order.add(step)
                    if reading.drafts[step].name not in draft.options.after:
                        report.say(
                            "KF160",
                            touched[path],
                            f"Step `{draft.name}` runs after `{reading.drafts[step].name}`, because both use the file"
                            f" {path!r}.",
                            "Nothing to do here; where steps share no folder, hand the data over as a variable.",
                        )
            if path in draft.traces.writes:
                written[path] = draft.index
            else:
                read.setdefault(path, []).append(draft.index)


def check(reading: Reading, handoff: Handoff, report: Report) -> None:
    """Report everything about the hand-over."""
    blind = _blind(reading, report)
    for draft in reading.drafts:
        _missing(reading, handoff, report, draft, blind)
        _resources(reading, report, draft)
        _rebound_outside(reading, handoff, report, draft)
        _doubtful(reading, report, draft)
        _declared(reading, handoff, report, draft)
    for name, one, other, reader in handoff.clashes():
        _clash(report, name, one, other, reader)
    _late_rebound(reading, handoff, report)
    _interleaved(reading, report)
    _stars(reading, report)
    _setup(reading, handoff, report)
    _random(reading, handoff, report)
    _modules(reading, report)
    _environment(reading, report)
    _defaults(reading, report)


def _blind(reading: Reading, report: Report) -> int:
    """Report what cannot be seen through; return the first step that hides something."""
    first = len(reading.drafts)
    for draft in reading.drafts:
        if not draft.traces.blind:
            continue
        first = min(first, draft.index)
        if draft.options.inputs or draft.options.outputs:
            continue
        for why, site in draft.traces.blind.items():
            report.say(
                "KF126",
                site,
                f"The analysis cannot see through this line: {why}.",
                "Say what it reads and makes: `--in NAME --out NAME`, either of them may be left out.",
                why="A name that only such a line binds reaches later steps, but the graph does not show it.",
            )
    return first


def _missing(reading: Reading, handoff: Handoff, report: Report, draft: Draft, blind: int) -> None:
    for name, demand in sorted(draft.missing.items(), key=lambda item: (item[1].site, item[0])):
        if demand.how in {"quiet", "doubtful", "passes"}:
            continue
        if _between(reading, report, draft, name, demand):
            continue
        if _explored(reading, report, draft, name, demand):
            continue
        if name in handoff.binders and demand.how != "hard":
            continue
        via = f" (in `{demand.through}`)" if demand.through else ""
        below = _below(reading, draft, name)
        if demand.how == "hard" and blind > draft.index:
            near = _nearest_known(reading, handoff, report, name)
            fix = below or f"Import or define `{name}` above, or make it in an earlier step"
            report.say(
                "KF121",
                demand.site,
                f"Step `{draft.name}` uses `{name}`, which nothing before it makes.",
                fix + (f"; did you mean `{near}`?" if near and not below else "."),
            )
        else:
            report.say(
                "KF128",
                demand.site,
                f"Step `{draft.name}` may use `{name}`{via}, which nothing before it makes.",
                below or f"Define `{name}` above, or leave it where it is never reached.",
            )


def _nearest_known(reading: Reading, handoff: Handoff, report: Report, name: str) -> str | None:
    """The known name most like a missing one; not asked for where very much is missing."""
    if len(report.found) > _MANY:
        return None
    return nearest(name, {*handoff.binders, *reading.parameters, *handoff.shelf.by_name, *BUILTINS} - {name})


def _below(reading: Reading, draft: Draft, name: str) -> str:
    pieces = [p for p in reading.shelf.by_name.get(name, ()) if p.owner < 0]
    if pieces:
        return f"Move cell {pieces[0].cell_index}, which makes it, above cell {draft.first}."
    later = [d for d in reading.drafts if d.index > draft.index and name in d.binds]
    if later:
        return f"Step `{later[0].name}`, which makes it, stands below: move its cells above cell {draft.first}."
    return ""


def _between(reading: Reading, report: Report, draft: Draft, name: str, demand: Demand) -> bool:
    """A cell of the step uses what a step in between makes."""
    for other in reading.drafts[draft.index + 1 :]:
        if other.first > demand.site.cell:
            break
        if name not in other.binds:
            continue
        back = [n for n, p in other.inputs.items() if p == draft.index]
        code = "KF122" if back else "KF123"
        chain = f"`{draft.name}` → `{other.name}` → `{draft.name}`"
        report.say(
            code,
            demand.site,
            f"Step `{draft.name}` uses `{name}` here, which step `{other.name}` makes in between"
            + (f", and `{other.name}` takes {listed(sorted(back))} from it: {chain}." if back else "."),
            f"Give cell {demand.site.cell} a step name of its own.",
            edit=edit_own_step(reading, draft, demand.site.cell),
            why="All cells of a step run together, in the place of its first cell.",
        )
        return True
    return False


def _explored(reading: Reading, report: Report, draft: Draft, name: str, demand: Demand) -> bool:
    above = [(s, role) for s, role in reading.explored.get(name, ()) if s.cell < draft.last]
    if not above:
        return False
    site, role = above[-1]
    sure = demand.how in {"hard", "called"}
    kind = "is skipped" if role == "skip" else "is not part of the pipeline"
    report.say(
        "KF124",
        demand.site,
        f"Step `{draft.name}` needs `{name}`, which only cell {site.cell} makes (line {site.line}); that cell {kind}.",
        f"Mark cell {site.cell} with `%%kubeflow setup`, or with `%%kubeflow step {draft.name}` to make it part of the"
        " step.",
        why="Of an unmarked cell, imports, definitions and literal values are taken; the rest is exploration.",
        severity="error" if sure else "warning",
        edit=edit_mark(reading, site.cell, "setup") if role != "skip" else None,
    )
    return True


def _resources(reading: Reading, report: Report, draft: Draft) -> None:
    for name, producer in sorted(draft.inputs.items()):
        maker = reading.drafts[producer]
        found = maker.traces.resources.get(name)
        demand = draft.demands[name]
        if found is None or demand.how in {"passes", "doubtful", "quiet", "late"}:
            continue
        what, made = found
        generator = what == "a generator"
        if generator:
            fix = f"Make a list of it in cell {made.cell}: `{name} = list({name})`."
        elif what == "a temporary folder":
            fix = "Keep a folder that stays: `tempfile.mkdtemp()` returns its path."
        else:
            fix = f"Open it in step `{draft.name}`, or in a cell marked `%%kubeflow setup`."
        report.say(
            "KF141" if generator else "KF140",
            demand.site,
            f"Step `{draft.name}` needs `{name}` of cell {made.cell} (step `{maker.name}`), but it is {what},"
            " which lives in one process only.",
            fix,
        )


def _rebound_outside(reading: Reading, handoff: Handoff, report: Report, draft: Draft) -> None:
    """An unmarked cell between maker and reader binds or changes what the reader takes from the maker."""
    for name, demand in sorted(draft.demands.items()):
        if demand.how in {"passes", "quiet"} or name in draft.missing or is_private(name):
            continue
        maker = draft.inputs.get(name)
        if maker is not None:
            sure = handoff.earlier(handoff.sure, name, draft.index)
            first = sure if sure >= 0 else handoff.binders.get(name, [maker])[0]
            base, handed = reading.drafts[first].last, f"step `{reading.drafts[maker].name}`"
        else:
            piece = reading.shelf.seen(name, draft.index, draft.last)
            if piece is None:
                continue
            base, handed = piece.cell_index, f"cell {piece.cell_index}"
        _say_rebound(reading, report, draft, name, (base, handed))
    for piece in draft.replay.values():
        for name in piece.names:
            if name in draft.facts.loads and name in reading.frozen:
                _say_rebound(reading, report, draft, name, (piece.cell_index, f"cell {piece.cell_index}"))


def _say_rebound(reading: Reading, report: Report, draft: Draft, name: str, given: tuple[int, str]) -> None:
    """Look between the cell ``given[0]`` that makes a name and the step; ``given[1]`` is how to call the maker."""
    base, handed = given
    sites = [(s, "rebinds") for s, role in reading.explored.get(name, ()) if role != "skip"]
    sites += [(s, "changes") for s in reading.nudged.get(name, ())]
    pieces = [p for p in reading.shelf.by_name.get(name, ()) if p.owner < 0 and handed.startswith("step")]
    sites += [(Site(p.cell_index, p.line), "rebinds") for p in pieces if p.kind != "import"]
    for site, verb in sorted(sites):
        if base < site.cell < draft.last:
            report.say(
                "KF125",
                site,
                f"Cell {site.cell} {verb} `{name}`, which step `{draft.name}` takes from {handed};"
                " the pipeline does not run this cell.",
                f"Make it part of step `{draft.name}`: `%%kubeflow step {draft.name}`.",
                edit=edit_mark(reading, site.cell, f"step {draft.name}"),
            )
            return


def _late_rebound(reading: Reading, handoff: Handoff, report: Report) -> None:
    """A shared statement rebinds, below the step that bound it, a name that functions read when they are called."""
    for piece in reading.shelf.pieces:
        for name in piece.names if piece.owner < 0 and piece.kind == "literal" else ():
            steps = handoff.binders.get(name, ()) if name in handoff.late_names else ()
            maker = next((reading.drafts[s] for s in steps if reading.drafts[s].last < piece.cell_index), None)
            reader = next((d for d in reading.drafts if d.first > piece.cell_index), None)
            if maker is not None and reader is not None:
                _say_rebound(reading, report, reader, name, (maker.last, f"step `{maker.name}`"))


def _doubtful(reading: Reading, report: Report, draft: Draft) -> None:
    """An edge that only a path nobody takes needs: the step binds the name itself, but not surely."""
    carried = set(draft.order)
    carried.update(p for n, p in draft.inputs.items() if draft.demands[n].how not in {"doubtful", "passes"})
    for name, producer in sorted(draft.inputs.items()):
        demand = draft.demands[name]
        if demand.how == "doubtful" and producer not in carried and name not in IMPLICIT_NAMES:
            carried.add(producer)
            report.say(
                "KF166",
                demand.site,
                f"Step `{draft.name}` waits for `{reading.drafts[producer].name}` only because `{name}` may not be"
                " bound here before it is read.",
                f"Bind `{name}` before the loop or branch, for example `{name} = None`, and the steps run in parallel.",
            )


def _declared(reading: Reading, handoff: Handoff, report: Report, draft: Draft) -> None:
    site = reading.marking.lines[draft.name]
    for name in (*draft.options.inputs, *draft.options.outputs):
        if not name.isidentifier():
            message = f"`{name}` of `--in` or `--out` is no name."
            edit = edit_list(draft, "--in", name) or edit_list(draft, "--out", name)
            report.say("KF131", site, message, "Write names, separated by commas.", edit=edit)


def _clash(report: Report, name: str, one: Draft, other: Draft, reader: Draft) -> None:
    here = other.facts.last.get(name) or Site(other.first, 1)
    there = one.facts.last.get(name) or Site(one.first, 1)
    report.say(
        "KF120",
        here,
        f"Steps `{one.name}` (cell {there.cell}) and `{other.name}` (cell {here.cell}) both bind `{name}`, nothing"
        f" orders them, and step `{reader.name}` needs it.",
        f"Use two names, or write `--after {one.name}` at step `{other.name}`.",
        edit=edit_after(other, one.name),
    )


def _interleaved(reading: Reading, report: Report) -> None:
    """A later cell of a step changes what a step that stands before that cell works with."""
    drafts = reading.drafts
    for draft in drafts:
        if draft.first == draft.last:
            continue
        for other in drafts[draft.index + 1 :]:
            if other.first > draft.last:
                break
            for name, site in sorted(draft.facts.last.items()):
                touched = name in other.needs or name in other.binds
                if site.cell > other.first and touched and (name in draft.binds or name in draft.changes):
                    report.say(
                        "KF123",
                        site,
                        f"Step `{draft.name}` binds or changes `{name}` here, below cell {other.first} of step"
                        f" `{other.name}`, which works with `{name}`, too.",
                        f"Give cell {site.cell} a step name of its own.",
                        edit=edit_own_step(reading, draft, site.cell),
                        why="All cells of a step run together, in the place of its first cell.",
                    )
                    break


def _stars(reading: Reading, report: Report) -> None:
    for piece in reading.stars:
        names = sorted({n for d in reading.drafts for n in d.stars.get(piece.id, ())})
        if names:
            module = next(iter(piece.facts.stars))[0]
            report.say(
                "KF127",
                Site(piece.cell_index, piece.line),
                f"Not all names of `from {module} import *` are known; {listed(names)} are taken to come from it.",
                f"Import them by name: `from {module} import {', '.join(names[:4])}`.",
                edit=edit_star(reading, piece.cell_index, piece.line, module, names),
            )


def _setup(reading: Reading, handoff: Handoff, report: Report) -> None:
    for piece in handoff.shelf.pieces:
        if piece.kind not in {"setup", "derived"}:
            continue
        what = "set-up" if piece.kind == "setup" else "parameters"
        for name, site in sorted(piece.facts.hard.items(), key=lambda item: item[1]):
            if name in BUILTINS or name in reading.parameters or handoff.shelf.before(name, piece) or reading.stars:
                continue
            step = next((d for d in reading.drafts if name in d.binds), None)
            if step is not None:
                report.say(
                    "KF130",
                    site,
                    f"A {what} cell cannot use `{name}`, which step `{step.name}` makes.",
                    f"Mark the cell `%%kubeflow step NAME`, or make `{name}` in a set-up cell.",
                    why="It is replayed at the beginning of steps, before any value arrives.",
                )
                continue
            explored = reading.explored.get(name)
            report.say(
                "KF124" if explored else "KF121",
                site,
                f"The {what} cell uses `{name}`, which "
                + (
                    f"only cell {explored[-1][0].cell} makes, outside the pipeline."
                    if explored
                    else "nothing above makes."
                ),
                f"Mark cell {explored[-1][0].cell} with `%%kubeflow setup`, too."
                if explored
                else f"Define `{name}` above.",
            )


def _random(reading: Reading, handoff: Handoff, report: Report) -> None:
    for name in IMPLICIT_NAMES:
        shown = _GENERATOR_NAMES[name]
        drawers = [d for d in reading.drafts if name in d.traces.draws]
        users = [d for d in drawers if name in d.traces.strong] or drawers
        if name in reading.seeded and name not in handoff.binders and users:
            report.say(
                "KF162",
                reading.seeded[name],
                f"This cell seeds `{shown}`, outside the pipeline; step `{users[0].name}` may draw from it.",
                "Mark the cell `%%kubeflow setup`, or seed in the step.",
            )
        drawers = [d for d in drawers if name in d.traces.strong]
        for before, after in itertools.pairwise(drawers):
            seed = handoff.earlier(handoff.binders, name, after.index)
            if seed < 0 or seed >= before.index or after.ancestors >> before.index & 1:
                continue
            report.say(
                "KF161",
                after.traces.strong[name],
                f"Steps `{before.name}` and `{after.name}` both draw from `{shown}` after one seed, and nothing orders"
                " them.",
                f"Give each its own generator or seed, or write `--after {before.name}` at step `{after.name}`.",
                why="The numbers of the second depend on how many the first has drawn.",
                edit=edit_after(after, before.name),
            )


#: Modules whose settings any step may notice, and those whose settings change more than how things look.
_WHOLE = frozenset({"sys", "os", "warnings", "logging", "dotenv", "locale", "site"})
_DEEP = frozenset({"sys", "os", "torch", "tensorflow", "dotenv", "decimal", "logging"})


def _modules(reading: Reading, report: Report) -> None:
    """State of an imported module does not travel: ``os.environ[…] = …``, ``plt.rcParams[…] = …``."""
    for draft in reading.drafts:
        for name, site in sorted(draft.facts.changes.items()):
            if name not in reading.frozen or name not in reading.aliases.table:
                continue
            later = next((d for d in reading.drafts[draft.index + 1 :] if name in d.facts.loads), None)
            if later is not None and re.match(r"[a-z]", reading.aliases.table[name]):
                report.say(
                    "KF163",
                    site,
                    f"This changes the module `{name}` in step `{draft.name}` only; step `{later.name}` uses it, too.",
                    "Put the line into a cell marked `%%kubeflow setup`.",
                )
        for name, site in reading.configured.get(draft.index, {}).items():
            module = reading.aliases.table.get(name, name)
            root = module.partition(".")[0]
            later = next((d for d in reading.drafts[draft.index + 1 :] if _meets(reading, d, root)), None)
            if later is not None:
                report.say(
                    "KF163",
                    site,
                    f"This sets up `{module}` in step `{draft.name}` only; step `{later.name}` does not see it.",
                    "Put the line into a cell marked `%%kubeflow setup`.",
                    severity="warning" if root in _DEEP else "info",
                )


def _meets(reading: Reading, draft: Draft, root: str) -> bool:
    """Say whether a step may notice how a module was set up; what it shows of a frame it may have got as a value."""
    return root in _WHOLE or (root in {"pandas", "numpy"} and bool(draft.needs)) or _touches(reading, draft, root)


def _environment(reading: Reading, report: Report) -> None:
    """A cell outside the pipeline sets up the process: steps run in processes of their own."""
    for name, site in sorted(reading.environment.items(), key=lambda item: item[1]):
        module = reading.aliases.table.get(name, name)
        root = module.partition(".")[0]
        whole = root in _WHOLE
        step = next((d for d in reading.drafts if d.last > site.cell and (whole or _touches(reading, d, root))), None)
        if step is None:
            continue
        report.say(
            "KF163",
            site,
            f"This sets up `{module}` outside the pipeline; step `{step.name}` does not see it.",
            f"Mark cell {site.cell} with `%%kubeflow setup`: it is then run first in each step below.",
            severity="warning" if root in _DEEP else "info",
            edit=edit_mark(reading, site.cell, "setup"),
        )


def _touches(reading: Reading, draft: Draft, root: str) -> bool:
    table = reading.aliases.table
    return any(table.get(name, "").partition(".")[0] == root for name in draft.facts.loads)


def _defaults(reading: Reading, report: Report) -> None:
    """A replayed function that collects in a mutable default begins anew in each step."""
    for piece in reading.shelf.pieces:
        users = [d.name for d in reading.drafts if piece.id in d.replay]
        for statement in reading.statements.get(piece.id, ()) if len(users) > 1 else ():
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            spec = statement.args
            pairs = zip([*spec.posonlyargs, *spec.args][::-1], spec.defaults[::-1], strict=False)
            mutable = {a.arg for a, d in pairs if is_mutable(d, reading.aliases)}
            for node in ast.walk(statement):
                changed = changed_by_call(node) if isinstance(node, ast.Call) else None
                if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                    changed = root_name(node)
                if changed in mutable:
                    report.say(
                        "KF164",
                        Site(piece.cell_index, piece.line),
                        f"`{statement.name}` collects in the default of `{changed}`; each of the steps {listed(users)}"
                        " begins with an empty one.",
                        f"Pass `{changed}` in, or define the function in the step that calls it.",
                    )
                    break

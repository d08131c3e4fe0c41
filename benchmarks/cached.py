"""The same chain, fully cached.

Seconds for the whole chain when every step comes from the cache. *run*: from the run's start to its end as recorded;
*command*: the whole of `jupyter kf run`. KFP looks a step up by the path of its inputs, jupyter_kf by their content,
and it records the run.
"""

from __future__ import annotations

from benchmarks import notebooks
from benchmarks.chain import kfp_seconds, run_seconds
from benchmarks.measure import Context, Row, take_turns


def measure(context: Context) -> list[Row]:
    steps = context.size(50, 5)
    with context.home() as home:
        notebooks.chain(home.path / "chain.ipynb", steps)
        home.kf("run", "chain.ipynb")
        command: list[float] = []

        def ours() -> float:
            document = home.kf("run", "chain.ipynb")
            if not all(e["cached"] for e in document["executions"]):
                raise RuntimeError("not every step was cached")
            command.append(document["seconds"])
            return run_seconds(document)

        kfp = kfp_seconds(context, home, steps, "second")
        found = take_turns(context.turns, ours=ours, kfp=(lambda: kfp() * steps) if callable(kfp) else None)
    others: dict[str, float | str] = {"KFP 2.17.3": found.get("kfp", kfp)}
    return [
        Row(f"{steps} steps, run", "s", found["ours"], others, 0.1),
        Row(f"{steps} steps, command", "s", sorted(command)[len(command) // 2], others),
    ]

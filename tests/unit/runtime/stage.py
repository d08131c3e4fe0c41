"""Steps in one process: a fresh ``__main__`` each, with bundles in between."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_kf.runtime import bundle
from jupyter_kf.runtime.namespace import Namespace


class Step:
    """A step's ``__main__``: cells are run in it, values leave it and come into it through bundles."""

    def __init__(self, folder: Path, fragments: Iterable[dict[str, Any]] = (), live: Iterable[str] = ()) -> None:
        self.folder = folder
        self.module = types.ModuleType("__main__")
        self.namespace = Namespace(self.module.__dict__, fragments, live=live)

    def run(self, source: str) -> Step:
        sys.modules["__main__"] = self.module
        exec(compile(source, "<cell>", "exec", dont_inherit=True), self.module.__dict__)
        return self

    def value(self, expression: str) -> Any:
        sys.modules["__main__"] = self.module
        return eval(expression, self.module.__dict__)

    def store(self, *live: str, wanted: Iterable[str] = ()) -> bundle.Outcome:
        sys.modules["__main__"] = self.module
        return bundle.store(self.namespace, live, wanted, str(self.folder))

    def states(self, *live: str) -> dict[str, str]:
        return {n: e["state"] for n, e in self.store(*live).names.items()}

    def take(self, outcome: bundle.Outcome, *names: str) -> Step:
        sys.modules["__main__"] = self.module
        for artifact in outcome.artifacts:
            chosen = [n for n in artifact["names"] if not names or n in names]
            if chosen:
                path = self.folder / artifact["digest"][:2] / artifact["digest"]
                bundle.load(str(path), chosen, self.namespace, digest=artifact["digest"])
        return self


def fragment(kind: str, names: Iterable[str], source: str, **more: Any) -> dict[str, Any]:
    names = list(names)
    base = {
        "id": f"id-{names[0]}",
        "kind": kind,
        "names": names,
        "source": source,
        "cell": "c",
        "cell_index": 0,
        "line": 1,
    }
    return {**base, "needs": [], "late": [], "future": [], "ipython": False, **more}

"""The guest's room, values: what a step is given and what it leaves, between the manifest and the bundles on disk."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from . import bundle
from .namespace import Namespace


class Unstorable(Exception):
    """Values that a later step needs cannot travel. ``names`` lists them."""

    def __init__(self, message: str, fix: str, names: List[str]) -> None:
        super().__init__(message)
        self.fix = fix
        self.names = names


class Values:
    """Replays and loads what a step is given into its namespace, and stores what later steps may want."""

    def __init__(
        self,
        manifest: Dict[str, Any],
        variables: Dict[str, Any],
        code_name: Callable[[Dict[str, Any]], str],
        run_setup: Callable[[Dict[str, Any]], None],
    ) -> None:
        self.manifest = manifest
        self.namespace = Namespace(
            variables,
            manifest.get("fragments", ()),
            live=manifest.get("live", ()),
            until=max((cell["index"] for cell in manifest["cells"]), default=None),
            own=[cell["id"] for cell in manifest["cells"]],
            filename=code_name,
            run_setup=run_setup,
        )

    def replay(self) -> None:
        """Bind the parameters and execute the fragments that the step starts from."""
        self.namespace.parameters(self.manifest.get("parameters") or {})
        self.namespace.replay(self.manifest.get("replay", ()))

    def load(self) -> None:
        """Bind the inputs; take away what must not be there."""
        for given in self.manifest.get("inputs", ()):
            bundle.load(given["path"], given["names"], self.namespace, digest=given["digest"])
        for name in self.manifest.get("absent", ()):
            self.namespace.variables.pop(name, None)

    def store(self) -> Dict[str, Any]:
        """Store what is left; return the report's ``names`` and ``artifacts``.

        Raises:
            Unstorable: a wanted name cannot be stored.
        """
        live = dict.fromkeys([*self.manifest.get("live", ()), *self.manifest.get("outputs", ())])
        wanted = {*self.manifest.get("wanted", ()), *self.manifest.get("outputs", ())}
        outcome = bundle.store(self.namespace, live, wanted, self.manifest["artifacts"])
        if outcome.refused:
            told = ["%r (%s): %s" % (name, e["type"], e["why"]) for name, e in sorted(outcome.refused.items())]
            fixes = list(dict.fromkeys(e["fix"] for e in outcome.refused.values() if e.get("fix")))
            raise Unstorable(
                "A later step needs what cannot travel: %s." % "; ".join(told).rstrip("."),
                " ".join(fixes),
                sorted(outcome.refused),
            )
        return {"names": outcome.names, "artifacts": outcome.artifacts}

"""The guest's room, values: what a step is given and what it leaves, between the manifest and the bundles on disk."""

from __future__ import annotations

import hashlib
import os
import pickle
from typing import Any, Callable, Dict, List


class Unstorable(Exception):
    """Values that a later step needs cannot travel. ``names`` lists them."""

    def __init__(self, message: str, fix: str, names: List[str]) -> None:
        super().__init__(message)
        self.fix = fix
        self.names = names


class Values:
    """Loads a step's inputs into its namespace and stores what later steps may want."""

    def __init__(
        self,
        manifest: Dict[str, Any],
        namespace: Dict[str, Any],
        code_name: Callable[[Dict[str, Any]], str],
        run_setup: Callable[[Dict[str, Any]], None],
    ) -> None:
        self.manifest = manifest
        self.namespace = namespace
        self._code_name = code_name
        self._run_setup = run_setup
        self._given: Dict[str, bytes] = {}

    def replay(self) -> None:
        """Execute the fragments that the step starts from."""
        wanted = set(self.manifest.get("replay", ()))
        for fragment in self.manifest.get("fragments", ()):
            if fragment["id"] not in wanted:
                continue
            if fragment.get("ipython"):
                self._run_setup(fragment)
            else:
                source = "\n" * (fragment["line"] - 1) + fragment["source"]
                exec(compile(source, self._code_name(fragment), "exec"), self.namespace)  # noqa: S102

    def load(self) -> None:
        """Bind the inputs."""
        for given in self.manifest.get("inputs", ()):
            with open(given["path"], "rb") as file:
                held = pickle.load(file)
            for name in given["names"]:
                self.namespace[name] = held[name]
                self._given[name] = pickle.dumps(held[name])

    def store(self) -> Dict[str, Any]:
        """Store what is left; return the report's ``names`` and ``artifacts``.

        Raises:
            Unstorable: a wanted name cannot be stored.
        """
        names: Dict[str, Any] = {}
        artifacts: List[Dict[str, Any]] = []
        for name in self.manifest.get("live", ()):
            if name not in self.namespace:
                names[name] = {"state": "absent"}
                continue
            data = pickle.dumps({name: self.namespace[name]})
            if self._given.get(name) == pickle.dumps(self.namespace[name]):
                names[name] = {"state": "unchanged"}
                continue
            digest = hashlib.sha256(data).hexdigest()
            folder = os.path.join(self.manifest["artifacts"], digest[:2])
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, digest), "wb") as file:
                file.write(data)
            names[name] = {"state": "stored", "digest": digest}
            artifacts.append({"digest": digest, "size": len(data), "kind": "bundle", "names": [name]})
        return {"names": names, "artifacts": artifacts}

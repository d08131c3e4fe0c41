"""Words for what is stored: an artifact is a typed value, or a group of values that share objects, with a digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Artifact:
    """``digest`` is ``sha256`` hex of the stored bytes; ``size`` in bytes; ``kind`` ``bundle`` (pickled values),
    ``file``, ``folder``, ``notebook`` or ``environment``; ``names`` the variables inside a bundle, ``types`` their
    Python types by name; ``late`` the names that functions inside read when they are called.
    """

    digest: str
    size: int
    kind: str = "bundle"
    names: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    created: float = 0.0
    meta: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "digest": self.digest,
            "size": self.size,
            "kind": self.kind,
            "names": list(self.names),
            "types": dict(self.types),
            "late": list(self.late),
            "created": self.created,
            "meta": dict(self.meta),
        }

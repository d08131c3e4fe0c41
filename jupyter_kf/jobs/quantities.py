"""Jobs room: amounts as Kubernetes writes them (``500m``, ``1Gi``, ``2e3``)."""

from __future__ import annotations

import re
from decimal import Decimal

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)")


def quantity(amount: object) -> Decimal:
    """Return an amount as a number (cores, bytes, devices).

    The grammar is that of ``k8s.io/apimachinery/pkg/api/resource``: a decimal number with an SI or binary suffix or an
    exponent.

    Raises:
        ValueError: it is none.
    """
    found = _QUANTITY.fullmatch(str(amount).strip()) if isinstance(amount, str | int | float) else None
    if found is None or isinstance(amount, bool):
        raise ValueError(f"{amount!r} is no amount such as 500m, 2 or 4Gi")
    number, exponent, suffix = found.groups()
    return Decimal(number + (exponent or "")) * _SUFFIXES[suffix or ""]

"""Identifiers: sortable ids for what is recorded, and slugs valid for any text."""

from __future__ import annotations

import hashlib
import os
import re
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(now: float | None = None) -> str:
    """Return a 20-character id that sorts by time of making: 9 characters of milliseconds, 11 of randomness."""
    number = (int((time.time() if now is None else now) * 1000) << 55) | (int.from_bytes(os.urandom(7), "big") >> 1)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(95, -1, -5))


def slug(text: str, limit: int = 63) -> str:
    """Return a DNS label for any text: lower-case letters, digits and dashes, at most ``limit`` characters.

    Text that already is such a label is returned as it is; anything else gets a hash, so that two texts never
    share a slug by having been made alike.
    """
    if len(text) <= limit and re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    body = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[: limit - 9].strip("-")
    return f"{body}-{digest}" if body else f"x-{digest}"[:limit]

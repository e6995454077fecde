"""Secrets in text for people and in URLs. Pure, and small: every stand-in loads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Shorter values are not masked: replacing every "a" of a log by *** helps nobody.
MIN_SECRET = 4
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]")


def url_quoted(text: str) -> str:
    """Percent-encode ``text`` for any place in a URL."""
    return "".join(
        c if _URL_SAFE.fullmatch(c) else "".join(f"%{b:02X}" for b in c.encode()) for c in text
    )


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` with every secret replaced, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text

"""Patterns of paths (RE2, of the whole path)."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What a build names by its content may be kept for ever; all else is asked for again.
_FILES = r"\.(js|mjs|css|map|wasm|woff2?|ttf|svg|png|jpe?g|gif|webp|ico|webmanifest)"
HASHED = rf"(/_next/static/.*|.*[.-][0-9a-f]{{8,}}{_FILES})"
STATIC = f".*{_FILES}"
# Where passwords, codes and consent are given.
AUTH = (
    "(?i)/(.*/)?(log-?in|sign-?in|sign-?up|register|oauth2?|token|authorize|consent|password|"
    "recover|otp|mfa|verify|callback)(/.*)?"
)
ADMIN = "(?i)(/.*)?/admin(/.*)?"


def any_of(texts: Iterable[str]) -> str:
    """Return a pattern of exactly ``texts``, whatever their case."""
    return f"(?i)({'|'.join(re.escape(text) for text in texts)})"

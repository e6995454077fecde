"""What git leaves in a file where two branches disagree. Pure."""

from __future__ import annotations

import re

from alfred_dev.errors import Problem

MARKER = re.compile(r"^<{7} ", re.MULTILINE)
WHAT = "an unfinished merge: keep one of its two sides, and delete its three marker lines"


def markers(text: str, file: str) -> list[Problem]:
    """Return a problem for each conflict that nobody has resolved."""
    places = (text.count("\n", 0, match.start()) for match in MARKER.finditer(text))
    return [Problem(file, line + 1, 1, WHAT) for line in places]

"""How the user called us: every command that we print can be typed as it stands."""

from __future__ import annotations

import re

NAME = "alfred-dev"
# Neither "alfred-dev (note)" nor the name that our CA has in a database of certificates.
_WORD = re.compile(r"(?<![\w./-])alfred-dev(?= (?!\(|local CA))")
_called = [NAME]


def called(name: str) -> None:
    """Remember the name under which this process was called."""
    _called[0] = name


def typed(text: str) -> str:
    """Return ``text`` with our command named as the user can type it."""
    return _WORD.sub(lambda _: _called[0], text)

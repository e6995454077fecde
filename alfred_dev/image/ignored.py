"""``.dockerignore``: which files of a build context never reach the engine. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

FILE = ".dockerignore"


def ignored(text: str) -> Callable[[str], bool]:
    """Return what tells whether a path, relative to the context, is left out of it.

    The last line that matches a path, or a folder above it, decides; ``!`` takes it back in.
    """
    rules = [(not line.startswith("!"), _pattern(line.removeprefix("!"))) for line in _lines(text)]

    def leaves_out(path: str) -> bool:
        result = False
        for out, pattern in rules:
            if pattern.match(path):
                result = out
        return result

    return leaves_out


def _lines(text: str) -> Iterator[str]:
    for line in text.removeprefix("\ufeff").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped


def _pattern(line: str) -> re.Pattern[str]:
    """Return a pattern for a path and for all below it; ``**`` stands for any folders."""
    parts = [part for part in line.strip().split("/") if part not in ("", ".")]
    text = "".join(_part(part, last=i == len(parts) - 1) for i, part in enumerate(parts))
    try:
        return re.compile(f"{text}(/.*)?$", re.DOTALL)
    except re.error:  # no pattern at all: the engine refuses it when it builds
        return re.compile(r"(?!)")


def _part(part: str, *, last: bool) -> str:
    if part == "**":
        return ".*" if last else "(.*/)?"
    return _name(part) + ("" if last else "/")


def _name(part: str) -> str:
    """Return a pattern for one name: ``*``, ``?``, ``[a-z]``, and ``\\`` before what is meant."""
    found = re.findall(r"\\.|\[[^\]]*\]|\*+|.", part)
    return "".join(_sign(word) for word in found)


def _sign(word: str) -> str:
    if word.startswith("*"):
        return "[^/]*"
    if word == "?":
        return "[^/]"
    return word if word.startswith("[") else re.escape(word[-1])

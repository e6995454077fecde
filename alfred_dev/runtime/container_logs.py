"""What containers have said: the engine's stream, as stamped lines. Pure, but for its caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

HEADER = 8
_STAMP = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z ?", re.MULTILINE)


def payload(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what was written, without the frames that tell stdout from stderr.

    Every frame: one byte for the stream, three of zero, four for the length.
    """
    rest = b""
    for chunk in chunks:
        rest += chunk
        while len(rest) >= HEADER:
            end = HEADER + int.from_bytes(rest[4:HEADER], "big")
            if len(rest) < end:
                break
            yield rest[HEADER:end]
            rest = rest[end:]


def stamped(data: bytes) -> str:
    """Return lines as our own logs have them: milliseconds instead of the engine's nanoseconds."""
    short = _STAMP.sub(lambda m: m[1] + b"." + (m[2] or b"").ljust(3, b"0")[:3] + b"Z ", data)
    return short.decode(errors="replace")


def whole_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what comes in whole lines."""
    rest = b""
    for part in parts:
        whole, newline, rest = (rest + part).rpartition(b"\n")
        if newline:
            yield whole + newline

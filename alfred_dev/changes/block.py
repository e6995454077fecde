"""One marked block in a text file of somebody else: bytes in, bytes out, every other byte kept.

Each of our lines ends with a tag, so a block that somebody has cut in two is found all the same,
and what others wrote between our lines stays. Lines end as the file's do. A file whose last line
has no end gets one before the block; the block says so, and takes it along when it goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

TAG = b"# alfred-dev"
BEGIN = TAG + b" begin: `alfred-dev uninstall` removes this block"
BEGIN_JOINED = BEGIN + b" (and the end of the line before it)"
END = TAG + b" end"


def put(data: bytes, lines: Iterable[bytes]) -> bytes:
    """Return ``data`` with a block of exactly ``lines``, at the end; without a block for none."""
    rest = drop(data)
    end = line_end(rest)
    own = [line + b"\t" + TAG for line in lines]
    if not own:
        return rest
    joined = bool(rest) and not rest.endswith(b"\n")
    begin = BEGIN_JOINED if joined else BEGIN
    block = end.join([begin, *own, END, b""])
    return rest + (end if joined else b"") + block


def drop(data: bytes) -> bytes:
    """Return ``data`` without any line of ours."""
    kept, position = [], 0
    for start, stop in _own(data):
        line = data[start:stop]
        before = data[position:start]
        if line.rstrip(b"\r\n") == BEGIN_JOINED:
            before = before.removesuffix(line[len(BEGIN_JOINED) :])
        kept.append(before)
        position = stop
    return b"".join([*kept, data[position:]]) if position else data


def lines(data: bytes) -> list[bytes]:
    """Return our lines as ``put`` was given them."""
    own = (data[start:stop].rstrip(b"\r\n") for start, stop in _own(data))
    return [line.removesuffix(b"\t" + TAG) for line in own if line.endswith(b"\t" + TAG)]


def line_end(data: bytes) -> bytes:
    """Return how lines of ``data`` end."""
    first = data.find(b"\n")
    return b"\r\n" if first > 0 and data[first - 1 : first] == b"\r" else b"\n"


def _own(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield begin and end of every line of ours, its line end included."""
    position = 0
    while (found := data.find(TAG, position)) >= 0:
        start = data.rfind(b"\n", 0, found) + 1
        stop = data.find(b"\n", found) + 1 or len(data)
        line = data[start:stop].rstrip(b"\r\n")
        if line in (BEGIN, BEGIN_JOINED, END) or line.endswith(b"\t" + TAG):
            yield start, stop
        position = stop

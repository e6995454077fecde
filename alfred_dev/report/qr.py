"""A QR code of a URL, for phones: bytes, error correction L, versions 1 to 5 (ISO/IEC 18004)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# Version -> code words of data, and of error correction; one block each.
CAPACITY = {1: (19, 7), 2: (34, 10), 3: (55, 15), 4: (80, 20), 5: (108, 26)}
OVERHEAD = 2  # mode, length and terminator: 16 bits
FIELD, FORMAT, FORMAT_MASK, LEVEL_L = 0x11D, 0x537, 0x5412, 0b01
QUIET = 2
MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda x, y: (x + y) % 2 == 0,
    lambda x, y: y % 2 == 0,
    lambda x, y: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (x // 3 + y // 2) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
)
Grid = list[list[bool]]


def lines(text: str) -> list[str]:
    """Return the code in half blocks, light on dark; nothing when the text is too long."""
    grid = matrix(text)
    if grid is None:
        return []
    size = len(grid) + 2 * QUIET
    light = [[True] * size for _ in range(size + size % 2)]
    for y, row in enumerate(grid):
        for x, dark in enumerate(row):
            light[y + QUIET][x + QUIET] = not dark
    blocks = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    pairs = zip(light[::2], light[1::2], strict=True)
    return ["".join(blocks[p] for p in zip(up, low, strict=True)) for up, low in pairs]


def matrix(text: str, mask: int | None = None) -> Grid | None:
    """Return the dark modules; None when ``text`` is too long. ``mask``: else the best one."""
    data = text.encode()
    fitting = [v for v, (room, _) in CAPACITY.items() if len(data) <= room - OVERHEAD]
    if not fitting:
        return None
    version = fitting[0]
    words = _code_words(data, *CAPACITY[version])
    masks = range(len(MASKS)) if mask is None else (mask,)
    return min((_drawn(version, words, number) for number in masks), key=_penalty)


def _code_words(data: bytes, room: int, correction: int) -> bytes:
    bits = 0b0100 << 8 | len(data)
    bits = bits << 8 * len(data) | int.from_bytes(data)
    whole = (bits << 4).to_bytes(len(data) + OVERHEAD)
    padding = (b"\xec\x11" * room)[: room - len(whole)]
    whole += padding
    return whole + _remainder(whole, correction)


def _times(a: int, b: int) -> int:
    found = 0
    for bit in range(7, -1, -1):
        found = found << 1 ^ (found >> 7) * FIELD
        found ^= (b >> bit & 1) * a
    return found


def _remainder(data: bytes, degree: int) -> bytes:
    """Return the Reed-Solomon code words of ``data``."""
    divisor = [0] * (degree - 1) + [1]
    root = 1
    for _ in range(degree):
        for i in range(degree):
            divisor[i] = _times(divisor[i], root) ^ (divisor[i + 1] if i + 1 < degree else 0)
        root = _times(root, 2)
    found = [0] * degree
    for word in data:
        factor = word ^ found.pop(0)
        found.append(0)
        found = [old ^ _times(part, factor) for old, part in zip(found, divisor, strict=True)]
    return bytes(found)


def _drawn(version: int, words: bytes, mask: int) -> Grid:
    size = 17 + 4 * version
    fixed: dict[tuple[int, int], bool] = dict(_patterns(size, version))
    fixed |= dict(_format(size, mask))
    bits = (word >> bit & 1 for word in words for bit in range(7, -1, -1))
    grid = [[False] * size for _ in range(size)]
    for x, y in _way(size):
        if (x, y) not in fixed:
            grid[y][x] = bool(next(bits, 0)) ^ MASKS[mask](x, y)
    for (x, y), dark in fixed.items():
        grid[y][x] = dark
    return grid


def _patterns(size: int, version: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield what every code has: timing, three finders with their edge, the alignment."""
    for i in range(size):
        yield (6, i), i % 2 == 0
        yield (i, 6), i % 2 == 0
    for centre in ((3, 3), (size - 4, 3), (3, size - 4)):
        for (x, y), ring in _rings(*centre, 4):
            if 0 <= x < size and 0 <= y < size:
                yield (x, y), ring not in (2, 4)
    if version > 1:
        yield from ((place, ring != 1) for place, ring in _rings(size - 7, size - 7, 2))


def _rings(x: int, y: int, radius: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the places around a centre, each with its distance in rings."""
    around = range(-radius, radius + 1)
    for dy in around:
        for dx in around:
            yield (x + dx, y + dy), max(abs(dx), abs(dy))


def _format(size: int, mask: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield level and mask, twice, with their own error correction."""
    data = LEVEL_L << 3 | mask
    rest = data
    for _ in range(10):
        rest = rest << 1 ^ (rest >> 9) * FORMAT
    bits = (data << 10 | rest) ^ FORMAT_MASK
    first = [(8, y) for y in (0, 1, 2, 3, 4, 5, 7, 8)] + [(x, 8) for x in (7, 5, 4, 3, 2, 1, 0)]
    second = [(size - 1 - i, 8) for i in range(8)] + [(8, size - 7 + i) for i in range(7)]
    for places in (first, second):
        for i, place in enumerate(places):
            yield place, bool(bits >> i & 1)
    yield (8, size - 8), True


def _way(size: int) -> Iterator[tuple[int, int]]:
    """Yield the places of data: two columns at a time, up and down, from the right."""
    upward = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        rows = range(size - 1, -1, -1) if upward else range(size)
        for y in rows:
            yield right, y
            yield right - 1, y
        upward = not upward


def _penalty(grid: Grid) -> int:
    """Return how hard a grid is to read: long runs and blocks of one colour, imbalance."""
    found = 0
    for row in (*grid, *map(list, zip(*grid, strict=True))):
        text = "".join("#" if dark else "." for dark in row)
        runs = text.replace("#.", "# .").replace(".#", ". #").split()
        found += sum(len(run) - 2 for run in runs if len(run) >= 5)
        found += 40 * (text.count("#.###.#....") + text.count("....#.###.#"))
    for up, low in zip(grid, grid[1:], strict=False):
        found += 3 * sum(
            len({up[x], up[x + 1], low[x], low[x + 1]}) == 1 for x in range(len(up) - 1)
        )
    dark = sum(map(sum, grid)) / len(grid) ** 2
    return found + 10 * int(abs(dark - 0.5) * 20)

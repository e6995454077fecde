"""The layers of configuration as they stand in files and in this shell."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.doctor.scene import Scene
from alfred_dev.envtext import parse_env_file
from alfred_dev.errors import AlfredError
from alfred_dev.settings import BY_KEY

LINE = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
PLACEHOLDER = re.compile(
    r"(?i)change[_-]?me.*|your[_-].*|.*placeholder.*|<.*>|x{4,}|todo|replace[_-]?me.*|example|dummy.*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """One .env file. ``twice``: keys given more than once, with their lines;
    ``placeholders``, ``empty``: keys, with their lines; ``crlf``: lines that end as on Windows."""

    path: str
    crlf: int = 0
    twice: tuple[tuple[str, tuple[int, ...]], ...] = ()
    placeholders: tuple[tuple[str, int], ...] = ()
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """``present``: whether there is a .env at all; ``astray``: where it leads instead, being a link
    to what is not there; ``files``: those there are."""

    present: bool
    astray: str = ""
    files: tuple[EnvFile, ...] = ()


async def configuration(scene: Scene) -> Configuration:
    """Read .env and .env.local as bytes: what a parser forgives is seen here."""
    if scene.workspace is None:
        return Configuration(present=False, files=())
    paths = [scene.workspace.env_file, scene.workspace.root / ".env.local"]
    found = await asyncio.to_thread(lambda: [f for p in paths for f in _file(p)])
    env = scene.workspace.env_file
    present = env.exists()
    astray = str(env.readlink()) if env.is_symlink() and not present else ""
    return Configuration(present=present, astray=astray, files=tuple(found))


def _file(path: Path) -> Iterator[EnvFile]:
    try:
        data = path.read_bytes()
        values = parse_env_file(data, file=path.name)
    except (OSError, AlfredError):  # absent, or unreadable: config-invalid says so
        return
    lines: dict[str, list[int]] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if match := LINE.match(line):
            lines.setdefault(match[1].decode(), []).append(number)
    clear = {key: text for key, (text, _) in values.items()}
    yield EnvFile(
        path=path.name,
        crlf=data.count(b"\r\n"),
        twice=tuple((k, tuple(n)) for k, n in lines.items() if len(n) > 1 and k in BY_KEY),
        placeholders=tuple(
            (key, lines.get(key, [1])[-1])
            for key, text in clear.items()
            if PLACEHOLDER.fullmatch(text.strip())
        ),
        values=tuple(clear.items()),
    )

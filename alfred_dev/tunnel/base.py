"""What a provider of tunnels does; one file each beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alfred_dev.errors import TunnelError

OPEN_TIMEOUT_S = 7.0
"""Within which a tunnel is open, or an error says why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """``url``: the public URL; ``where``: on which machine alone it holds, empty for everywhere;
    ``warning``: what deserves to be known; ``owner`` and ``mount``: see Record."""

    url: str
    where: str = ""
    warning: str = ""
    owner: str = ""
    mount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What came of asking through the public URL. ``asked``: whether that was possible;
    ``body``: the answer of our own front, empty when somebody else answered."""

    asked: bool
    ok: bool
    body: str = ""
    detail: str = ""
    code: str = ""


class Provider(Protocol):
    """One way to the world. Every method may raise TunnelError.

    ``shares``: several tunnels may lie below one URL.
    """

    name: str
    shares: bool

    async def open(self, port: int) -> Opened:
        """Lead a public URL to ``port`` of loopback; within ``OPEN_TIMEOUT_S``."""

    async def lost(self) -> TunnelError:
        """Return when the way is lost, and why."""

    async def reach(self, path: str) -> Reached:
        """Ask for ``path`` through the public URL."""

    def resume(self, url: str) -> None:
        """Take over a way that another process holds, to ask through it."""

    async def close(self) -> None:
        """Give the URL up; nothing of it runs afterwards."""

    def processes(self) -> list[int]:
        """Return the processes that were started for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a provider keeps what describes its processes, and how its tunnel is called."""

    home: Path
    name: str
    project: str

    @property
    def run(self) -> Path:
        """The folder of what describes running processes."""
        return self.home / "run"

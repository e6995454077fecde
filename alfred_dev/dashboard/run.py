"""Serving: the sampler and the pages in one process, until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from alfred_dev.dashboard.history import History
from alfred_dev.dashboard.picture import DASHBOARD
from alfred_dev.dashboard.sampler import Compose, Sampler
from alfred_dev.dashboard.server import Dashboard, Deeds
from alfred_dev.embedded import guard
from alfred_dev.embedded.gateway import DASHBOARD_SOCKET
from alfred_dev.embedded.listen import listening, listening_at
from alfred_dev.embedded.serve import configure_logging, serve
from alfred_dev.plan import LOOPBACK
from alfred_dev.render.gateway.world import GATEWAY
from alfred_dev.stack import Stack
from alfred_dev.workspace import Workspace, make_private_folder, read_bytes, write

TOKEN = "dashboard.token"  # noqa: S105 - the name of the file


def secret_of(place: Workspace) -> str:
    """Return what lets the local user in; made at the first call, readable by this user alone."""
    file = place.run / TOKEN
    found = (read_bytes(file) or b"").decode().strip()
    if not found:
        make_private_folder(place.run)
        found = secrets.token_urlsafe(32)
        write(file, f"{found}\n".encode())
    return found


def run(compose: Compose, deeds: Deeds, authority: Callable[[Stack], Path]) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlfredError: no stack, or the port is taken.

    ``authority``: the file of the CA that signs the certificates of a stack.
    """
    stack = compose()
    place, endpoint = stack.workspace, stack.plan[DASHBOARD].endpoints[0]
    taken = [listening(LOOPBACK, endpoint.listen)]
    if GATEWAY in stack.plan.ids and stack.plan[GATEWAY].contained:
        # From a container this machine's ports cannot be reached, and need not be.
        make_private_folder(place.doors)
        taken.append(listening_at(place.home / DASHBOARD_SOCKET))
    configure_logging()
    folder = place.data / DASHBOARD
    make_private_folder(folder)
    sampler = Sampler(compose, stack, History(folder / "history.sqlite"), authority(stack))
    pages = Dashboard(sampler, deeds, secret_of(place), endpoint.port)
    names = guard.names(stack.plan.domain, (DASHBOARD,))
    asyncio.run(_serve(pages, guard.GuardMiddleware(pages.app(), names), taken))


async def _serve(pages: Dashboard, app: guard.GuardMiddleware, taken: list[socket.socket]) -> None:
    looking = asyncio.create_task(pages.sampler.run())
    try:
        headers = {"server": "alfred-dev dashboard"}
        await serve(app, taken, headers, what=DASHBOARD)
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking

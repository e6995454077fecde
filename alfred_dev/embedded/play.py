"""Running a stand-in: take its ports, serve on all of them, end on a signal."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.embedded.listen import listening
from alfred_dev.embedded.spec import EmbeddedSpec, Listener, SpecError

HTTP_KINDS = (ProbeKind.HTTP, ProbeKind.PUBSUB)
"""Ports on which the web application answers."""

log = logging.getLogger("alfred_dev.embedded")
Sockets = Sequence[tuple[Listener, socket.socket]]


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> None:
    """Play ``spec`` until SIGTERM or SIGINT. Raises AlfredError: a port is taken, a bad spec."""
    playable = (*HTTP_KINDS, ProbeKind.SMTP, ProbeKind.GRPC)
    for port in spec.ports:
        if port.probe not in playable:
            raise SpecError(f"{spec.id} is unknown: no stand-in can play {port.probe}")
    # Taken before anything large is imported: who comes early waits instead of being refused.
    taken = [(p, listening(spec.bind, p.listen)) for p in spec.ports if p.probe != ProbeKind.GRPC]
    from alfred_dev.embedded.serve import configure_logging

    configure_logging()
    if not spec.ports:
        log.info("stand-in of a task: nothing is done")
        return
    asyncio.run(_play(spec, environ, taken))


async def _play(spec: EmbeddedSpec, environ: Mapping[str, str], taken: Sockets) -> None:
    from alfred_dev.embedded.serve import serve
    from alfred_dev.embedded.standin import StandIn

    stand_in = StandIn(spec, environ)
    web = [listener for port, listener in taken if port.probe in HTTP_KINDS]
    headers = {"server": "alfred-dev stand-in", "x-alfred-service": spec.id}
    async with AsyncExitStack() as stack:
        stack.callback(stand_in.close)
        for port, listener in taken:
            if port.probe is ProbeKind.SMTP:
                from alfred_dev.embedded import smtp

                await stack.enter_async_context(smtp.serving(listener, spec.id))
        for port in spec.ports:
            if port.probe is ProbeKind.GRPC:
                from alfred_dev.embedded import grpc_health, grpc_server

                name = stand_in.real or spec.title
                serving = grpc_server.serving(spec.bind, port.listen, grpc_health.Handlers(name))
                await stack.enter_async_context(serving)
        works = [work for part in stand_in.parts for work in part.background]
        for work in (stand_in.readiness.watch, *works):
            task = asyncio.create_task(work())
            stack.callback(task.cancel)
        sockets = any(part.routes for part in stand_in.parts)
        await serve(stand_in.app(), web, headers, websockets=sockets)

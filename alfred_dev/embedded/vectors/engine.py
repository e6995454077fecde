"""Running the vector database: take its ports, open its store, serve on both doors."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

from alfred_dev.embedded import folder, guard
from alfred_dev.embedded.listen import listening
from alfred_dev.embedded.metrics import Meter, MeterMiddleware
from alfred_dev.embedded.spec import EmbeddedSpec

STORE = "edge"
"""Folder of the data, beside what a real server of this machine would keep there."""


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlfredError: a port is taken, unreadable data."""
    taken = listening(spec.bind, spec.ports[0].listen)
    data = spec.data.resolve()
    folder.lock(data, sys.stderr.write)
    from alfred_dev.embedded.serve import configure_logging

    configure_logging()
    asyncio.run(_serve(spec, taken))


async def _serve(spec: EmbeddedSpec, taken: socket.socket) -> None:
    # Imported when the ports are ours: who comes early waits instead of being refused.
    from alfred_dev.embedded.serve import serve
    from alfred_dev.embedded.vectors import rest, rpc
    from alfred_dev.embedded.vectors.service import Service
    from alfred_dev.embedded.vectors.store import Store

    store = Store(spec.data.resolve() / STORE)
    store.open()
    service, meter = Service(store), Meter()
    known = guard.names(spec.domain, (spec.id, *spec.aliases))
    app = MeterMiddleware(
        guard.GuardMiddleware(rest.app(service, meter), known),
        meter,
        {"/", rest.METRICS, *rest.HEALTH},
    )
    async with AsyncExitStack() as stack:
        stack.callback(service.close)
        await stack.enter_async_context(
            rpc.serving(spec.bind, spec.ports[-1].listen, service, meter)
        )
        headers = {"server": "alfred-dev", "x-alfred-service": spec.id}
        await serve(app, [taken], headers, what="vector database")

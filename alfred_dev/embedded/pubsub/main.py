"""Running it: take the port, serve both protocols, end on a signal."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress

from alfred_dev import topology
from alfred_dev.catalog.topology import Wanted
from alfred_dev.embedded import guard
from alfred_dev.embedded.listen import listening
from alfred_dev.embedded.spec import EmbeddedSpec


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlfredError: the port is taken."""
    # Taken before anything large is imported: who comes early waits instead of being refused.
    listener = listening(spec.bind, spec.ports[0].listen)
    from alfred_dev.embedded.serve import configure_logging

    configure_logging()
    _allow_many_connections()
    wanted = topology.told(environ)
    asyncio.run(_serve(spec, listener, wanted))


async def _serve(spec: EmbeddedSpec, listener: socket.socket, wanted: Sequence[Wanted]) -> None:
    from alfred_dev.embedded import grpc_server
    from alfred_dev.embedded.pubsub import declared, door, rpc
    from alfred_dev.embedded.pubsub.broker import Broker
    from alfred_dev.embedded.pubsub.rest import Rest
    from alfred_dev.embedded.pubsub.service import Service
    from alfred_dev.embedded.serve import serve

    service = Service(Broker())
    declared.make(service, wanted)
    known = guard.names(spec.domain, (spec.id, *spec.aliases))
    app = guard.GuardMiddleware(Rest(service).app(), known)
    with door.private_address() as (inner, address):
        grpc = rpc.server(service)
        grpc.add_insecure_port(inner)
        await grpc.start()
        try:
            await serve(
                app,
                [listener],
                {"server": "alfred-dev Pub/Sub", "x-alfred-service": spec.id},
                what="Pub/Sub",
                http=door.door(address),
            )
        finally:
            await grpc_server.stop(grpc)


def _allow_many_connections() -> None:
    """Every gRPC connection takes two descriptors; many systems begin with 256."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system that tells no limit, or does not allow it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

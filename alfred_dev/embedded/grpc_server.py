"""A gRPC server on one port, while a block runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
import grpc.aio

from alfred_dev.embedded import listen

HEALTH = "/grpc.health.v1.Health/Check"
GRACE_S = 1.0  # milliseconds suffice, but for a machine that is very busy
SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}


@asynccontextmanager
async def serving(
    bind: str, port: int, handlers: grpc.GenericRpcHandler, options: Sequence[tuple[str, int]] = ()
) -> AsyncIterator[None]:
    """Answer on ``bind:port`` while the block runs. Raises AlfredError when it is taken."""
    listen.check_free(bind, port)  # for the reason, which grpc does not tell
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), *options])
    server.add_generic_rpc_handlers((handlers,))
    try:
        taken = server.add_insecure_port(f"{bind}:{port}")
    except RuntimeError as error:
        raise listen.cannot_listen(bind, port, str(error)) from error
    if taken != port:
        raise listen.cannot_listen(bind, port, "gRPC could not bind it")
    await server.start()
    try:
        yield
    finally:
        await stop(server)


async def stop(server: grpc.aio.Server) -> None:
    """End it now, with the calls that are open, within ``GRACE_S`` seconds.

    Its own tasks follow a moment after ``stop``; cancelled by the end of the loop instead, they
    print a traceback.
    """
    await server.stop(grace=None)
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=GRACE_S)

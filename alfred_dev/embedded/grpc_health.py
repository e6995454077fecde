"""A gRPC server that knows its health and nothing else, without generated stubs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from alfred_dev.embedded import listen

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # or it writes to stderr as it likes

import grpc  # noqa: E402 - reads the variable when it is imported
import grpc.aio  # noqa: E402 - the same

CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc comes without types
    def __init__(self, real: str) -> None:
        self.real = real

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        if method == CHECK:
            return grpc.unary_unary_rpc_method_handler(self._check)
        return grpc.stream_stream_rpc_method_handler(self._refuse)

    async def _check(self, request: bytes, context: Any) -> bytes:
        if request:  # names one service, and there is none
            await context.abort(grpc.StatusCode.NOT_FOUND, "only the whole server has a health")
        return SERVING

    async def _refuse(self, requests: Any, context: Any) -> None:
        text = f"this is a stand-in of alfred-dev: {self.real} would answer this"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)


@asynccontextmanager
async def serving(bind: str, port: int, real: str) -> AsyncIterator[None]:
    """Answer on ``bind:port`` while the block runs. Raises AlfredError when it is taken."""
    listen.check_free(bind, port)  # for the reason, which grpc does not tell
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Handlers(real),))
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
        await server.stop(grace=None)

"""A gRPC server that knows its health and nothing else, without generated stubs."""

from __future__ import annotations

from typing import Any

import grpc

from alfred_dev.embedded.grpc_server import HEALTH, SERVING


class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc comes without types
    """Answers for the whole server; ``real``: who would answer everything else."""

    def __init__(self, real: str) -> None:
        self.real = real

    def service(self, handler_call_details: Any) -> Any:
        """Return what answers one method."""
        method = handler_call_details.method
        if method == HEALTH:
            return grpc.unary_unary_rpc_method_handler(self._check)
        return grpc.stream_stream_rpc_method_handler(self._refuse)

    async def _check(self, request: bytes, context: Any) -> bytes:
        if request:  # names one service, and there is none
            await context.abort(grpc.StatusCode.NOT_FOUND, "only the whole server has a health")
        return SERVING

    async def _refuse(self, requests: Any, context: Any) -> None:
        text = f"this is a stand-in of alfred-dev: {self.real} would answer this"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

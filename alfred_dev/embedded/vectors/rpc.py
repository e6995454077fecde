"""Qdrant's gRPC, as its clients use it."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
from google.protobuf import message_factory

from alfred_dev.embedded import grpc_server
from alfred_dev.embedded.grpc_server import HEALTH, SERVING
from alfred_dev.embedded.metrics import Meter
from alfred_dev.embedded.vectors.calls import CALLS
from alfred_dev.embedded.vectors.errors import VectorError
from alfred_dev.embedded.vectors.messages import SERVICES, body_of, pb
from alfred_dev.embedded.vectors.rest import BODY_LIMIT
from alfred_dev.embedded.vectors.service import COMMIT, TITLE, Service

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
    501: grpc.StatusCode.UNIMPLEMENTED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_OPTIONS = [
    ("grpc.max_receive_message_length", BODY_LIMIT),
    ("grpc.max_send_message_length", -1),
]


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc comes without types
    def __init__(self, service: Service, meter: Meter) -> None:
        self.vectors, self.meter = service, meter
        title = {"title": TITLE, "version": service.version, "commit": COMMIT}
        self.title = pb.HealthCheckReply(**title)
        self.requests = _request_classes()

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        if method == HEALTH:
            return grpc.unary_unary_rpc_method_handler(self._check)
        if method == "/qdrant.Qdrant/HealthCheck":
            return grpc.unary_unary_rpc_method_handler(
                self._title, response_serializer=pb.HealthCheckReply.SerializeToString
            )
        if method not in CALLS:
            return grpc.stream_stream_rpc_method_handler(self._refuse)
        return grpc.unary_unary_rpc_method_handler(
            self._handler(method),
            request_deserializer=self.requests[method].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    async def _check(self, request: bytes, context: Any) -> bytes:
        if request:  # names one service, and there is none
            await context.abort(grpc.StatusCode.NOT_FOUND, "only the whole server has a health")
        return SERVING

    async def _title(self, request: bytes, context: Any) -> Any:
        return self.title

    async def _refuse(self, requests: Any, context: Any) -> None:
        text = "this is alfred-dev's engine: the real server, Qdrant, may have this"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

    def _handler(self, method: str) -> Any:
        call, store = CALLS[method], self.vectors.store

        async def handle(request: Any, context: Any) -> Any:
            began = time.perf_counter()

            def work() -> Any:
                result = call.work(store, body_of(request))
                return call.reply(result, time.perf_counter() - began)

            status = 200
            try:
                return await (self.vectors.change if call.changes else self.vectors.ask)(work)
            except VectorError as error:
                status = error.status
                code = _CODES.get(error.status, grpc.StatusCode.INTERNAL)
                await context.abort(code, error.message)
            finally:
                self.meter.observe("POST", method, status, time.perf_counter() - began)

        return handle


def _request_classes() -> dict[str, Any]:
    return {
        f"/{service.full_name}/{method.name}": message_factory.GetMessageClass(method.input_type)
        for service in SERVICES
        for method in service.methods
    }


def serving(
    bind: str, port: int, service: Service, meter: Meter
) -> AbstractAsyncContextManager[None]:
    """Answer on ``bind:port`` while the block runs. Raises AlfredError when it is taken."""
    return grpc_server.serving(bind, port, _Handlers(service, meter), _OPTIONS)

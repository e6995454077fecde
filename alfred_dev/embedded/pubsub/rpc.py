"""gRPC: carries RPCs to the service, and streams messages to whoever pulls them so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from alfred_dev.embedded.pubsub import names, stubs, wire
from alfred_dev.embedded.pubsub.broker import Broker, Subscription
from alfred_dev.embedded.pubsub.errors import Code, PubsubError, invalid, not_done
from alfred_dev.embedded.pubsub.queue import Holder, Lease
from alfred_dev.embedded.pubsub.service import Rpc, Service

log = logging.getLogger("alfred_dev.embedded")

PREFIX = "/google.pubsub.v1."
STREAMING_PULL = f"{PREFIX}Subscriber/StreamingPull"
REQUEST_LIMIT = 20 * 1024 * 1024  # bytes; the real service takes 10 MB
# What a client has been sent and does not read.
UNREAD_LIMIT = 1000  # messages
UNREAD_BYTES = 16 * 1024 * 1024
OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", REQUEST_LIMIT),
    ("grpc.max_send_message_length", -1),
    # Clients ask every few seconds whether we are there, also when nothing happens.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.http2.max_ping_strikes", 0),
)
# What is raised in an RPC whose client has gone while it was answered, or when the server ends.
_GONE = (asyncio.CancelledError, grpc.aio.InternalError)
_StreamingPullRequest = stubs.message("StreamingPullRequest")


def server(service: Service) -> Any:
    """Return a gRPC server without a port."""
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_ours)
    made = grpc.aio.server(options=OPTIONS)
    made.add_generic_rpc_handlers((_Handlers(service),))
    return made


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a line of grpc's says more than that a client, or the server, has gone."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, _GONE)


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc comes without types
    def __init__(self, service: Service) -> None:
        self.broker = service.broker
        self.rpcs: Mapping[str, Any] = {
            PREFIX + name: grpc.unary_unary_rpc_method_handler(_unary(rpc))
            for name, rpc in service.rpcs().items()
        }

    def service(self, details: Any) -> Any:
        if details.method == STREAMING_PULL:
            return grpc.stream_stream_rpc_method_handler(self._stream)
        known = self.rpcs.get(details.method)
        return known or grpc.unary_unary_rpc_method_handler(_refusal(details.method))

    async def _stream(self, requests: Any, context: Any) -> None:
        async def serve() -> bytes:
            await _streaming_pull(self.broker, requests, context)
            return b""

        await _answered(serve, context)


def _unary(rpc: Rpc) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def answer(raw: bytes, context: Any) -> bytes:
        async def serve() -> bytes:
            answered = await rpc.handler(_parsed(rpc.request, raw), context.time_remaining())
            return answered if isinstance(answered, bytes) else answered.SerializeToString()

        return await _answered(serve, context)

    return answer


def _refusal(method: str) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def answer(raw: bytes, context: Any) -> bytes:
        async def serve() -> bytes:
            raise not_done(method.rpartition("/")[2] or method)

        return await _answered(serve, context)

    return answer


async def _answered(serve: Callable[[], Awaitable[bytes]], context: Any) -> bytes:
    """Return what ``serve`` does, or tell the client why not."""
    try:
        return await serve()
    except PubsubError as error:
        await context.abort(_status(error.code), error.text)
        raise  # abort has raised
    except (*_GONE, grpc.aio.AbortError):
        raise
    except Exception:
        log.exception("an RPC failed")
        raise


def _status(code: Code) -> Any:
    return next(status for status in grpc.StatusCode if status.value[0] == code.value[0])


def _parsed(kind: Any, raw: bytes) -> Any:
    try:
        return kind.FromString(raw)
    except DecodeError:
        raise invalid("the request is not a message of this kind") from None


class _Stream:
    """One StreamingPull. What it was given and has not been read yet counts against it."""

    def __init__(self, first: Any, subscription: Subscription) -> None:
        self.holder = Holder(first.max_outstanding_messages, first.max_outstanding_bytes)
        self.deadline_s = names.check_stream_deadline(first.stream_ack_deadline_seconds)
        self.subscription = subscription
        self.unsent: list[bytes] = []
        self.count = self.size = 0
        self.error: PubsubError | None = None
        self.changed = asyncio.Event()

    def wants(self) -> int:
        full = self.size >= UNREAD_BYTES or not self.holder.has_room()
        return 0 if full else UNREAD_LIMIT - self.count

    def deliver(self, leases: list[Lease]) -> None:
        self.unsent.append(self.subscription.encoded(leases))
        self.count += len(leases)
        self.size += len(self.unsent[-1])
        self.changed.set()

    def end(self, error: PubsubError) -> None:
        self.error = error
        self.changed.set()

    async def send(self, context: Any) -> None:
        """Write what is delivered, as fast as the client reads. Raises PubsubError at the end."""
        said = wire.properties(ordered=self.subscription.about.enable_message_ordering)
        while True:
            await self.changed.wait()
            self.changed.clear()
            if self.error is not None:
                raise self.error
            while self.unsent:
                await context.write(self.unsent.pop(0) + said)
            self.count = self.size = 0
            self.subscription.wake()

    async def hear(self, requests: Any) -> None:
        """Do what the client asks for, until it leaves. Raises PubsubError."""
        async for raw in requests:
            request = _parsed(_StreamingPullRequest, raw)
            if request.subscription:
                raise invalid("subscription may only be set in first message")
            self.heed(request)

    def heed(self, request: Any) -> None:
        """Do what one request asks for."""
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("ack IDs and deadlines must have the same size")
        if request.stream_ack_deadline_seconds:
            self.deadline_s = names.check_stream_deadline(request.stream_ack_deadline_seconds)
        if request.ack_ids:
            self.subscription.acknowledge(request.ack_ids)
        together: dict[int, list[str]] = {}
        pairs = zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True)
        for ack_id, seconds in pairs:
            together.setdefault(seconds, []).append(ack_id)
        for seconds, ack_ids in together.items():
            self.subscription.modify(ack_ids, seconds)


async def _streaming_pull(broker: Broker, requests: Any, context: Any) -> None:
    first = await anext(aiter(requests), None)
    first = _parsed(_StreamingPullRequest, first or b"")
    if not first.subscription:
        raise invalid("first message must set subscription")
    stream = _Stream(first, broker.subscription(first.subscription))
    stream.heed(first)
    stream.subscription.join(stream)
    hearing = asyncio.ensure_future(stream.hear(requests))
    sending = asyncio.ensure_future(stream.send(context))
    try:
        # A client that has said all it wants to say may still listen.
        done, _ = await asyncio.wait({hearing, sending}, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        stream.subscription.leave(stream)
        for task in (hearing, sending):
            task.cancel()
        await asyncio.gather(hearing, sending, return_exceptions=True)

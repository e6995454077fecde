"""REST: the same RPCs by the paths of Google's API, as JSON."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alfred_dev.embedded.pubsub import stubs
from alfred_dev.embedded.pubsub.errors import Code, PubsubError, invalid
from alfred_dev.embedded.pubsub.figures import figures
from alfred_dev.embedded.pubsub.service import Service

BODY_LIMIT = 20 * 1024 * 1024
_TOPIC = r"projects/[^/]+/topics/[^/:]+"
_SUBSCRIPTION = r"projects/[^/]+/subscriptions/[^/:]+"
_PROJECT = r"projects/[^/]+"


@dataclass(frozen=True, slots=True)
class Binding:
    """How one RPC is called. ``path``: below /v1/, its group is ``field`` of the request."""

    method: str
    path: str
    rpc: str
    field: str


BINDINGS = (
    Binding("PUT", f"({_TOPIC})", "Publisher/CreateTopic", "name"),
    Binding("GET", f"({_TOPIC})", "Publisher/GetTopic", "topic"),
    Binding("PATCH", f"({_TOPIC})", "Publisher/UpdateTopic", "topic.name"),
    Binding("DELETE", f"({_TOPIC})", "Publisher/DeleteTopic", "topic"),
    Binding("POST", f"({_TOPIC}):publish", "Publisher/Publish", "topic"),
    Binding("GET", f"({_PROJECT})/topics", "Publisher/ListTopics", "project"),
    Binding("GET", f"({_TOPIC})/subscriptions", "Publisher/ListTopicSubscriptions", "topic"),
    Binding("PUT", f"({_SUBSCRIPTION})", "Subscriber/CreateSubscription", "name"),
    Binding("GET", f"({_SUBSCRIPTION})", "Subscriber/GetSubscription", "subscription"),
    Binding("PATCH", f"({_SUBSCRIPTION})", "Subscriber/UpdateSubscription", "subscription.name"),
    Binding("DELETE", f"({_SUBSCRIPTION})", "Subscriber/DeleteSubscription", "subscription"),
    Binding("GET", f"({_PROJECT})/subscriptions", "Subscriber/ListSubscriptions", "project"),
    Binding("POST", f"({_SUBSCRIPTION}):pull", "Subscriber/Pull", "subscription"),
    Binding("POST", f"({_SUBSCRIPTION}):acknowledge", "Subscriber/Acknowledge", "subscription"),
    Binding(
        "POST", f"({_SUBSCRIPTION}):modifyAckDeadline", "Subscriber/ModifyAckDeadline",
        "subscription",
    ),
)  # fmt: skip
_QUERY = ("pageSize", "pageToken")
_PullResponse = stubs.message("PullResponse")


class Rest:
    """The web application for one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.rpcs = service.rpcs()

    def app(self) -> Starlette:
        """Return it, without a guard."""
        methods = sorted({binding.method for binding in BINDINGS})
        return Starlette(
            routes=[
                Route("/", _ok),
                Route("/metrics", self._metrics),
                Route("/v1/{path:path}", self._call, methods=methods),
            ],
            exception_handlers={PubsubError: _refused, HTTPException: _unknown},
        )

    async def _metrics(self, request: Request) -> Response:
        return Response(figures(self.service.broker), media_type="text/plain; version=0.0.4")

    async def _call(self, request: Request) -> Response:
        path = request.path_params["path"]
        for binding in BINDINGS:
            found = re.fullmatch(binding.path, path)
            if found and binding.method == request.method:
                return await self._answer(binding, found[1], request)
        text = f"alfred-dev's Pub/Sub does not answer {request.method} /v1/{path}"
        raise PubsubError(Code.UNIMPLEMENTED, f"{text}; Google's emulator or the real service may")

    async def _answer(self, binding: Binding, name: str, request: Request) -> Response:
        rpc = self.rpcs[binding.rpc]
        document = _document(await _body(request))
        document |= {k: v for k, v in request.query_params.items() if k in _QUERY}
        _put(document, binding.field.split("."), name)
        try:
            wanted = json_format.ParseDict(document, rpc.request())
        except (json_format.ParseError, RecursionError, TypeError, ValueError) as error:
            raise invalid(f"the request cannot be read: {error}") from None
        answered = await _unless_gone(rpc.handler(wanted, None), request)
        if isinstance(answered, bytes):
            answered = _PullResponse.FromString(answered)
        return JSONResponse(json_format.MessageToDict(answered))


async def _unless_gone(answering: Awaitable[Any], request: Request) -> Any:
    """Return the answer; whoever has gone while it was waited for must get no message any more."""
    answer = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(request.receive())  # after the body it can only say that
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise PubsubError(Code.CANCELLED, "the client has gone")
        return answer.result()
    finally:
        answer.cancel()
        gone.cancel()


def _put(document: dict[str, Any], path: list[str], value: str) -> None:
    *above, last = path
    for key in above:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            raise invalid(f"{key} is not an object")
        document = inner
    document[last] = value


def _document(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("the body is not JSON") from None
    if not isinstance(document, dict):
        raise invalid("the body is not a JSON object")
    return document


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise invalid(f"the request has more than {BODY_LIMIT} bytes")
    except ClientDisconnect:
        raise invalid("the request was cut off") from None
    return bytes(body)


async def _ok(request: Request) -> Response:
    return PlainTextResponse("Ok\n")


def _error(status: int, name: str, text: str) -> Response:
    error: Mapping[str, object] = {"code": status, "message": text, "status": name}
    return JSONResponse({"error": error}, status_code=status)


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, PubsubError)  # noqa: S101 - what it is registered for
    return _error(exc.code.http, exc.code.name, exc.text)


async def _unknown(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return _error(status, "NOT_FOUND", "there is nothing at this path")

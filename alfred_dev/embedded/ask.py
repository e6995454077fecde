"""The part ``ask``: a chat that agent-core passes on to model-router, as it comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from alfred_dev.embedded.answers import RequestError, body_of
from alfred_dev.embedded.models_api import chat_of
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.peers import PeerError

PATH = "/v1/chat/completions"


def part(shared: Shared) -> Part:
    """Return the page that takes a chat."""
    router = shared.peer("model-router")

    async def chat(request: Request) -> Response:
        body = await body_of(request)
        streamed, document = chat_of(body).stream, json.loads(body)
        try:
            if not streamed:
                return JSONResponse(await router.call("POST", PATH, document, what="chat"))
            pieces = router.stream(PATH, document, what="chat")
            first = await anext(pieces, b"")
        except PeerError as error:
            raise RequestError(503, "model-unavailable", str(error)) from None
        return StreamingResponse(_all(first, pieces), media_type="text/event-stream")

    return Part(pages=[Page("POST", PATH, "a chat with the model behind model-router", chat)])


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece

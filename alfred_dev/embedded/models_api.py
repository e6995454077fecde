"""The part ``models``: an OpenAI-compatible model that needs no key and no network.

What it says follows from what it is asked, byte for byte, so that a test can rely on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from alfred_dev.embedded.answers import RequestError, body_of
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.peers import PeerError

MODEL = "alfred-stub"
CREATED = 1_735_689_600  # the clock would make every answer another one
REGISTRY = "model-registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One question. ``usage``: whether a stream ends with it."""

    model: str
    text: str
    words: int
    stream: bool
    usage: bool


def part(shared: Shared) -> Part:
    """Return the pages of a model; a router asks the registry first, as a real one would."""
    routes = any(ask.service == REGISTRY for ask in shared.spec.asks)

    async def registered() -> Any:
        if not routes:
            return {"object": "list", "data": [_model(MODEL)]}
        try:
            return await shared.peer(REGISTRY).call("GET", "/v1/models", what="list models")
        except PeerError as error:
            raise RequestError(503, "registry-unavailable", str(error)) from None

    async def models(request: Request) -> Response:
        return JSONResponse(await registered())

    async def one(request: Request) -> Response:
        return JSONResponse(_model(str(request.path_params["id"])))

    async def completions(request: Request) -> Response:
        chat = chat_of(await body_of(request))
        await registered()
        if chat.stream:
            return StreamingResponse(_events(chat), media_type="text/event-stream")
        return JSONResponse(completion(chat))

    return Part(
        pages=[
            Page("GET", "/v1/models", "the models, as OpenAI lists them", models),
            Page("GET", "/v1/models/{id}", "one model", one),
            Page("POST", "/v1/chat/completions", "a stub's answer; stream: true too", completions),
        ]
    )


def _model(name: str) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "alfred-dev"}


def chat_of(body: bytes) -> Chat:
    """Read a request in OpenAI's form. Raises RequestError."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(400, "bad-json", "the body is not JSON") from None
    messages = data.get("messages") if isinstance(data, dict) else None
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise RequestError(400, "bad-messages", 'expected {"model", "messages": [...]}')
    texts = [(m.get("role"), _text(m.get("content"))) for m in messages]
    asked = [text for role, text in texts if role == "user"]
    options = data.get("stream_options")
    return Chat(
        model=data["model"] if isinstance(data.get("model"), str) else MODEL,
        text=asked[-1] if asked else "",
        words=sum(len(text.split()) for _, text in texts),
        stream=data.get("stream") is True,
        usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _text(content: object) -> str:
    if isinstance(content, list):  # parts, of which some are text
        return " ".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def reply(chat: Chat) -> str:
    """Return what the model says."""
    said = " ".join(chat.text.split())
    if not said:
        return "I am alfred-dev's stub of a model. Ask me something."
    count = len(said.split())
    words = "one word" if count == 1 else f"{count} words"
    return f"I am alfred-dev's stub of a model, so I only tell you what I heard, {words}: {said}"


def completion(chat: Chat) -> Mapping[str, Any]:
    """Return the whole answer."""
    text = reply(chat)
    message = {"role": "assistant", "content": text}
    return {
        "id": _id(chat),
        "object": "chat.completion",
        "created": CREATED,
        "model": chat.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _usage(chat, text),
    }


def _usage(chat: Chat, text: str) -> Mapping[str, int]:
    said = len(text.split())
    total = chat.words + said
    return {"prompt_tokens": chat.words, "completion_tokens": said, "total_tokens": total}


def _id(chat: Chat) -> str:
    digest = hashlib.blake2b(f"{chat.model} {chat.text}".encode("utf-8", "replace"), digest_size=12)
    return f"chatcmpl-{digest.hexdigest()}"


async def _events(chat: Chat) -> AsyncIterator[bytes]:
    text = reply(chat)
    yield _chunk(chat, {"role": "assistant", "content": ""})
    for index, word in enumerate(text.split(" ")):
        yield _chunk(chat, {"content": f" {word}" if index else word})
    yield _chunk(chat, {}, finish="stop")
    if chat.usage:
        yield _event({**_head(chat), "choices": [], "usage": _usage(chat, text)})
    yield b"data: [DONE]\n\n"


def _head(chat: Chat) -> dict[str, Any]:
    kind = "chat.completion.chunk"
    return {"id": _id(chat), "object": kind, "created": CREATED, "model": chat.model}


def _chunk(chat: Chat, delta: Mapping[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event({**_head(chat), "choices": [choice]})


def _event(document: object) -> bytes:
    return f"data: {json.dumps(document)}\n\n".encode()

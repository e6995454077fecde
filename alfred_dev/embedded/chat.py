"""The part ``chat``: a page, and a WebSocket behind it that talks to the model by agent-core."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from alfred_dev.embedded import ask, chat_page
from alfred_dev.embedded.models_api import MODEL
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.peers import Peer, PeerError

TEXT_LIMIT, REMEMBERED = 4000, 20


def part(shared: Shared) -> Part:
    """Return the page and its WebSocket."""
    core = shared.peer("agent-core")

    async def home(request: Request) -> Response:
        headers = {
            "content-security-policy": chat_page.content_security_policy(),
            "cache-control": "no-store",
        }
        return HTMLResponse(chat_page.html(shared.spec.title), headers=headers)

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):  # the browser has gone
            await _talk(socket, core)

    return Part(
        home=Page("GET", "/", "a chat with the model", home),
        routes=[WebSocketRoute("/ws/chat", talk)],
    )


async def _talk(socket: WebSocket, core: Peer) -> None:
    history: list[Mapping[str, str]] = []
    while True:
        text = _text(await socket.receive_text())
        if not text:
            message = f"expected a text of 1 to {TEXT_LIMIT} characters"
            await socket.send_text(json.dumps({"error": message}))
            continue
        history = [*history, {"role": "user", "content": text}][-REMEMBERED:]
        said = ""
        try:
            async for delta in _answer(core, history):
                said += delta
                await socket.send_text(json.dumps({"delta": delta}))
        except PeerError as error:
            await socket.send_text(json.dumps({"error": f"no answer: {error}"}))
            continue
        history.append({"role": "assistant", "content": said})
        await socket.send_text(json.dumps({"done": True}))


def _text(message: str) -> str:
    try:
        data: Any = json.loads(message)
    except (ValueError, RecursionError):
        return ""
    text = data.get("text") if isinstance(data, dict) else None
    return text.strip() if isinstance(text, str) and len(text) <= TEXT_LIMIT else ""


async def _answer(core: Peer, history: list[Mapping[str, str]]) -> AsyncIterator[str]:
    """Yield what the model says, piece by piece. Raises PeerError."""
    body = {"model": MODEL, "messages": history, "stream": True}
    left = b""
    async for piece in core.stream(ask.PATH, body, what="chat"):
        *lines, left = (left + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                choices = json.loads(line.removeprefix(b"data: "))["choices"]
                yield _delta(choices)


def _delta(choices: Any) -> str:
    return str(choices[0]["delta"].get("content") or "") if choices else ""

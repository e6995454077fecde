"""What stands behind a gateway in tests: one small web server on many ports, a port a service."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.config import Config
from uvicorn.server import Server

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
CHUNKS = 20


@contextmanager
def serving(services: Sequence[str]) -> Iterator[dict[str, int]]:
    """Serve on one free port a service, in a process of its own; yield service -> port."""
    sockets = {name: _bound() for name in services}
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
    numbers = [sock.fileno() for sock in sockets.values()]
    told = json.dumps([[name, ports[name], sock.fileno()] for name, sock in sockets.items()])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.upstream", told], pass_fds=numbers
    )
    for sock in sockets.values():
        sock.close()
    try:
        yield ports
    finally:
        process.kill()
        process.wait()


def _bound() -> socket.socket:
    """Listening already, so that who comes before the server waits for it."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen(512)
    return found


def main(told: str) -> None:
    """Serve on the sockets that the parent has opened."""
    rows = json.loads(told)
    app = _app({port: name for name, port, _ in rows})
    sockets = [socket.socket(fileno=number) for _, _, number in rows]
    server = Server(Config(app, log_config=None, ws="auto", lifespan="off"))
    asyncio.run(server.serve(sockets=sockets))


def _app(names: Mapping[int, str]) -> Starlette:
    async def echo(request: Request) -> Response:
        body = await request.body()
        said = {
            "service": names[request.scope["server"][1]],
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": dict(request.headers),
            "size": len(body),
        }
        return JSONResponse(said)

    async def events(request: Request) -> Response:
        async def chunks() -> AsyncIterator[str]:
            for number in range(CHUNKS):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(chunks(), media_type="text/event-stream")

    async def silent(request: Request) -> Response:
        await asyncio.sleep(30)
        return PlainTextResponse("late")

    async def own_policy(request: Request) -> Response:
        return PlainTextResponse("mine", headers={"content-security-policy": "default-src 'none'"})

    async def status(request: Request) -> Response:
        return PlainTextResponse("said", status_code=int(request.path_params["code"]))

    return Starlette(
        routes=[
            Route("/events", events),
            Route("/silent", silent),
            Route("/own-policy", own_policy),
            Route("/status/{code}", status),
            Route("/status/{code}/{rest:path}", status),
            WebSocketRoute("/socket", _socket),
            Route("/{path:path}", echo, methods=METHODS),
        ]
    )


async def _socket(websocket: WebSocket) -> None:
    """Say what the handshake had, then repeat what is said."""
    await websocket.accept()
    await websocket.send_text(json.dumps(dict(websocket.headers)))
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


if __name__ == "__main__":
    main(sys.argv[1])

"""Servers of every kind of bad manners, on free loopback ports, in threads of this process."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import uvicorn

Handler = Callable[[socket.socket], None]


@contextmanager
def listener(handler: Handler) -> Iterator[int]:
    """Call ``handler`` with every connection, each in a thread; yield the port.

    Leaving the block ends the listener and every connection, and waits for the threads. A
    connection that breaks off ends its handler quietly.
    """
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            handler(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()
        listening.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


@contextmanager
def unused_port() -> Iterator[int]:
    """Yield a port that refuses every connection, and that nobody else can take meanwhile."""
    with socket.socket() as bound:  # and never listening
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def silent(connection: socket.socket) -> None:
    """Read all, say nothing."""
    while connection.recv(4096):
        pass


def resetting(connection: socket.socket) -> None:
    """Break the connection off with RST, at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closing(connection: socket.socket) -> None:
    """Close at once."""
    connection.shutdown(socket.SHUT_RDWR)


def flooding(connection: socket.socket) -> None:
    """Never stop talking."""
    while True:
        connection.sendall(b"x" * 65536)


def saying(*sentences: bytes, then_close: bool = True) -> Handler:
    """Say one sentence at once and another after each that is heard; then close, or be silent."""

    def handler(connection: socket.socket) -> None:
        connection.sendall(sentences[0])
        for sentence in sentences[1:]:
            if not connection.recv(4096):
                return
            connection.sendall(sentence)
        _end(connection, then_close)

    return handler


def answering(*answers: bytes, then_close: bool = True) -> Handler:
    """Give one answer to each thing that is heard; then close, or be silent."""

    def handler(connection: socket.socket) -> None:
        for answer in answers:
            if not connection.recv(4096):
                return
            connection.sendall(answer)
        _end(connection, then_close)

    return handler


def dribbling(answer: bytes, *, pause_s: float, stop: threading.Event) -> Handler:
    """Give the right answer, one byte every ``pause_s`` seconds, until ``stop``."""

    def handler(connection: socket.socket) -> None:
        for byte in answer:
            if stop.wait(pause_s):
                return
            connection.sendall(bytes([byte]))
        silent(connection)

    return handler


def _end(connection: socket.socket, then_close: bool) -> None:
    if then_close:
        connection.shutdown(socket.SHUT_WR)  # and not RST, which could overtake the answer
    silent(connection)


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextmanager
def application(app: Callable[..., Awaitable[None]]) -> Iterator[int]:
    """Serve an ASGI application with uvicorn; yield the port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = _Uvicorn(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        assert server.is_up.wait(10)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def grpc_server(methods: dict[str, Callable[[bytes, Any], bytes]]) -> Iterator[int]:
    """Serve unary ``methods`` (path -> function of request bytes and context) with grpcio."""

    class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc] # grpcio has no types
        def service(self, details: Any) -> Any:
            method = methods.get(details.method)
            return grpc.unary_unary_rpc_method_handler(method) if method else None

    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    server.add_generic_rpc_handlers((Handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()

"""One small GET on loopback, without a client library: this is done all day."""

from __future__ import annotations

import asyncio
from http.client import HTTPConnection, HTTPException

from alfred_dev.render.prometheus import STATISTICS

# A fiftieth of all that Envoy has to say.
FORWARDED = f"{STATISTICS}?usedonly&filter=external.upstream_rq"
TIMEOUT_S = 2.0
MOST = 4 << 20


async def metrics(host: str, port: int) -> str:
    """Return the text under ``/metrics``; nothing where there is none."""
    return await get(host, port, "/metrics")


async def forwarded(host: str, port: int) -> str:
    """Return what Envoy had from each of its clusters, and when; nothing where there is none."""
    return await asyncio.to_thread(_forwarded, host, port)


def _forwarded(host: str, port: int) -> str:
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)  # Envoy speaks no HTTP/1.0
    try:
        connection.request("GET", FORWARDED, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.read(MOST).decode("utf-8", "replace") if answer.status == 200 else ""
    except (OSError, HTTPException):
        return ""
    finally:
        connection.close()


async def get(host: str, port: int, path: str) -> str:
    """Return what is under ``path``; nothing where that does not answer with 200."""
    request = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: */*\r\n\r\n"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=MOST)
            try:
                writer.write(request.encode())
                answer = await reader.read(MOST)
                while more := await reader.read(MOST):
                    answer += more
                    if len(answer) > MOST:
                        return ""
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
    head, _, body = answer.partition(b"\r\n\r\n")
    good = head.split(b" ", 2)[1:2] == [b"200"]
    chunked = b"transfer-encoding: chunked" in head.lower()  # nobody may, to HTTP/1.0
    return body.decode("utf-8", "replace") if good and not chunked else ""

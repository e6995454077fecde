"""Requests in, JSON out: what all HTTP answers of a stand-in share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

BODY_LIMIT = 64 * 1024  # bytes of a request
BODY_TIMEOUT_S = 10.0
# A body that is too large is read on for a while, so that the client hears why it was refused.
_PATIENCE = 16


class RequestError(Exception):
    """The client's request cannot be done. ``status``: of HTTP; ``code``: kebab-case."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return ``{"error": {"code", "message"}}``."""
    document = {"error": {"code": code, "message": message}}
    return JSONResponse(document, status_code=status, headers=headers)


async def refused(request: Request, exc: Exception) -> Response:
    """Answer a RequestError."""
    assert isinstance(exc, RequestError)  # noqa: S101 - what it is registered for
    # A database that is away is mostly on its way back.
    headers = {"retry-after": "1"} if exc.status == 503 else None
    return error(exc.status, exc.code, exc.message, headers)


async def crashed(request: Request, exc: Exception) -> Response:
    """Answer when the stand-in itself is at fault; the log has the traceback."""
    return error(500, "internal", "the stand-in failed; its log says why")


async def body_of(request: Request) -> bytes:
    """Return the whole body. Raises RequestError when it is too large, too slow, or cut off."""
    body = bytearray()
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= BODY_LIMIT:
                    body += chunk
                elif size > BODY_LIMIT * _PATIENCE:
                    break
    except TimeoutError:
        raise RequestError(408, "too-slow", "the body did not arrive in time") from None
    except ClientDisconnect:
        raise RequestError(400, "cut-off", "the body was cut off") from None
    if size > BODY_LIMIT:
        raise RequestError(413, "too-large", f"the body has more than {BODY_LIMIT} bytes")
    return bytes(body)

"""What all protocols share: one connection, one clock, and words for the way it ended."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from alfred_dev.probe.base import ProbeResult, Reason, Target, ill
from alfred_dev.secrecy import MIN_SECRET, masked, url_quoted

LINE_LIMIT = 1024  # bytes of one line of a line protocol
DETAIL_LIMIT = 200  # characters
EXCERPT_LIMIT = 60  # characters of what a stranger said


class AnswerError(Exception):
    """The target said something that ends the conversation; ``concluded`` makes it a result."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


async def concluded(
    ask: Callable[[Target], Awaitable[ProbeResult]], target: Target, *, timeout_s: float
) -> ProbeResult:
    """Hold the conversation ``ask`` within ``timeout_s`` and return what came of it.

    Whatever the network or the other side does is an answer. Raises nothing but cancellation.
    """
    try:
        async with asyncio.timeout(timeout_s):
            result = await ask(target)
    except AnswerError as error:
        result = ill(error.reason, error.detail)
    except TimeoutError:
        result = ill(Reason.TIMEOUT, f"no complete answer from {target} within {timeout_s:g} s")
    except ConnectionRefusedError:
        result = ill(Reason.REFUSED, f"nothing listens on {target}")
    except (ConnectionError, EOFError):
        result = ill(Reason.RESET, f"{target} closed the connection before it had answered")
    except ssl.SSLError as error:
        result = ill(Reason.PROTOCOL, f"{target}: no TLS: {error.reason or error}")
    except OSError as error:
        result = ill(Reason.OTHER, f"{target}: {error.strerror or error}")
    return replace(result, detail=_presentable(result.detail, target))


@asynccontextmanager
async def connected(
    target: Target, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield the two ends of a connection to ``target``, gone when the block ends.

    Raises OSError. What was written before the end has been handed to the operating system.
    """
    try:
        reader, writer = await asyncio.open_connection(
            target.host, target.port, limit=LINE_LIMIT, ssl=tls
        )
    except (ValueError, OverflowError) as error:  # a host or port that cannot exist
        raise OSError(str(error)) from error
    try:
        yield reader, writer
    finally:
        # Not close(): that waits for a peer who does not read.
        writer.transport.abort()


async def line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line without its end. Raises EOFError, or AnswerError where it is endless."""
    try:
        return (await reader.readuntil(b"\n")).rstrip(b"\r\n")
    except asyncio.LimitOverrunError:
        raise AnswerError(
            Reason.PROTOCOL, f"answers a line of more than {LINE_LIMIT} bytes"
        ) from None


def excerpt(data: bytes) -> str:
    """Return the beginning of what a stranger said, in quotes."""
    first = data.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
    return f"'{first[:EXCERPT_LIMIT]}{'...' if len(first) > EXCERPT_LIMIT else ''}'"


def _presentable(detail: str, target: Target) -> str:
    # What the other side says lands on a terminal: it may hold escapes, or echo our password.
    if len(target.password) >= MIN_SECRET:
        detail = masked(detail, {target.password, url_quoted(target.password)})
    detail = "".join(c if c.isprintable() else " " for c in detail)
    return detail if len(detail) <= DETAIL_LIMIT else detail[: DETAIL_LIMIT - 3] + "..."

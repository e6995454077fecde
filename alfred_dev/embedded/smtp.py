"""An SMTP server that greets, and says that it keeps no mail."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

LINE_LIMIT = 1000  # bytes of one command, more than RFC 5321 asks for
COMMAND_LIMIT = 100  # of one session
SESSION_LIMIT = 50  # at a time
IDLE_TIMEOUT_S = 60.0

KEEPS_NO_MAIL = "451 4.3.0 this stand-in keeps no mail"


def reply(command: str, name: str) -> str:
    """Return the answer to one command line, without line ends."""
    verb = command.split(" ", 1)[0].upper()
    replies: Mapping[str, str] = {
        "EHLO": f"250-{name} is a stand-in\r\n250 ENHANCEDSTATUSCODES",
        "HELO": f"250 {name} is a stand-in",
        "NOOP": "250 2.0.0 ok",
        "RSET": "250 2.0.0 ok",
        "QUIT": "221 2.0.0 bye",
        "MAIL": KEEPS_NO_MAIL,
        "RCPT": "503 5.5.1 no mail was begun",
        "DATA": "503 5.5.1 no mail was begun",
    }
    return replies.get(verb, "502 5.5.1 this stand-in does not do that")


@asynccontextmanager
async def serving(
    listener: socket.socket, name: str, *, idle_timeout_s: float = IDLE_TIMEOUT_S
) -> AsyncIterator[None]:
    """Answer on ``listener`` while the block runs. ``name``: the service that is stood in for."""
    sessions: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio makes one for every connection
        sessions.add(task)
        try:
            if len(sessions) > SESSION_LIMIT:
                writer.write(b"421 4.3.2 too many sessions\r\n")
            else:
                await _session(reader, writer, name, idle_timeout_s)
        except asyncio.CancelledError:
            writer.write(b"421 4.3.2 going down\r\n")
        except (OSError, EOFError):
            pass  # the client has gone
        finally:
            sessions.discard(task)
            writer.close()

    server = await asyncio.start_server(meet, sock=listener, limit=LINE_LIMIT)
    try:
        yield
    finally:
        server.close()
        for session in sessions:
            session.cancel()


async def _session(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, idle_timeout_s: float
) -> None:
    answer = f"220 {name} is a stand-in of alfred-dev: ESMTP without a mailbox"
    for _ in range(COMMAND_LIMIT):
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        if answer.startswith("221"):
            return
        try:
            async with asyncio.timeout(idle_timeout_s):
                line = await reader.readuntil(b"\n")
        except TimeoutError:
            writer.write(b"421 4.4.2 nothing was said for too long\r\n")
            return
        except asyncio.LimitOverrunError:
            writer.write(b"500 5.5.2 the line is too long\r\n")
            return
        answer = reply(line.decode("ascii", "replace").strip(), name)
    writer.write(b"421 4.7.0 too many commands\r\n")

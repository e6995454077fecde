"""Postgres: does it take our password and answer a query?

Two connections. The first only looks who is there: asyncpg takes any bytes for a message, waits
for the gigabytes that an HTTP server seems to announce, and cannot say what it saw.
"""

from __future__ import annotations

import asyncio
import struct

import asyncpg

from alfred_dev.probe.base import ProbeResult, Reason, Target, well
from alfred_dev.probe.wire import AnswerError, concluded, connected, excerpt

APPLICATION = "alfred-dev"
PROTOCOL_3 = 196608
MESSAGE_LIMIT = 30_000  # bytes of the first message; libpq draws the same line
HEAD_BYTES = 5  # of a message: its type, its length
EXCERPT_BYTES = 64
_STARTING = "57P03"
_AUTH_CLASS = "28"
_GONE = "08"


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether ``target`` lets its user in and answers ``SELECT 1``.

    A real log-in, without TLS. Proves neither that the database is writable nor that any table
    exists. ``timeout_s`` is wall-clock seconds over everything. An unreachable target is an
    answer, not an error. Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    await _greet(target)
    await _select_one(target)
    return well("logs in and answers SELECT 1")


async def _greet(target: Target) -> None:
    """Make sure that Postgres is there and asks for a log-in; raise AnswerError else."""
    async with connected(target) as (reader, writer):
        writer.write(_startup_message(target))
        head = await reader.read(EXCERPT_BYTES)
        if head and head[:1] not in b"RE":
            raise AnswerError(Reason.PROTOCOL, f"does not speak Postgres: answers {excerpt(head)}")
        head += await reader.readexactly(max(0, HEAD_BYTES - len(head)))
        kind, length = struct.unpack_from("!cI", head)
        if not 8 <= length <= MESSAGE_LIMIT:
            raise AnswerError(Reason.PROTOCOL, f"does not speak Postgres: answers {excerpt(head)}")
        rest = await reader.readexactly(max(0, 1 + length - len(head)))
        body = (head + rest)[HEAD_BYTES : 1 + length]
    if kind == b"E":
        fields = {f[:1]: f[1:].decode("utf-8", "backslashreplace") for f in body.split(b"\0") if f}
        raise _reported(fields.get(b"C", ""), fields.get(b"M", "an error without a message"))


def _startup_message(target: Target) -> bytes:
    pairs = ("user", target.user, "database", target.database, "application_name", APPLICATION)
    body = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in pairs) + b"\0"
    return struct.pack("!II", len(body) + 8, PROTOCOL_3) + body


async def _select_one(target: Target) -> None:
    try:
        # Every argument that asyncpg would else take from a PG* variable is given.
        connection = await asyncpg.connect(
            host=target.host,
            port=target.port,
            user=target.user,
            password=target.password,
            database=target.database,
            ssl=False,
            direct_tls=False,
            target_session_attrs="any",
            gsslib="gssapi",
            krbsrvname="postgres",
            timeout=None,
            server_settings={"application_name": APPLICATION},
        )
        try:
            await connection.fetchval("SELECT 1")
        finally:
            connection.terminate()
            # A query that was given up leaves a task that would cancel it on the server;
            # terminate() has cancelled that task, and this lets it end.
            await asyncio.sleep(0)
    except asyncpg.PostgresError as error:
        raise _reported(error.sqlstate or "", str(error)) from error
    except OSError:
        raise
    except Exception as error:  # asyncpg raises whatever its parser stumbled over
        raise AnswerError(Reason.PROTOCOL, f"does not speak Postgres: {error}") from error


def _reported(sqlstate: str, message: str) -> Exception:
    """Return what an error of the server means; ``sqlstate`` is its five-character code."""
    if sqlstate == _STARTING:
        return AnswerError(Reason.STARTING, message)
    if sqlstate.startswith(_AUTH_CLASS):
        return AnswerError(Reason.AUTH, message)
    if sqlstate.startswith(_GONE):
        return EOFError(message)
    return AnswerError(Reason.STATUS, f"{message} (SQLSTATE {sqlstate})")

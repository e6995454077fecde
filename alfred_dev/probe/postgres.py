"""Postgres: does it take our password and answer a query?

The wire protocol itself, not asyncpg: ten bytes of a stranger (``X``, a length of 4, a length of
0) send asyncpg 0.32 into an endless loop in C, where no time-out reaches it; it takes HTTP for the
announcement of a gigabyte; and what it was not told it reads from the PG* variables.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from asyncio import StreamReader, StreamWriter
from enum import IntEnum

from alfred_dev.probe import scram
from alfred_dev.probe.base import ProbeResult, Reason, Target, well
from alfred_dev.probe.wire import AnswerError, concluded, connected, excerpt

APPLICATION = "alfred-dev"
PROTOCOL_3 = 196608
HEAD_BYTES = 5  # of a message: its kind, and the length of the rest of it
MESSAGE_LIMIT = 30_000  # bytes; libpq draws the same line
MESSAGES_LIMIT = 1000  # of one conversation; a log-in takes about twenty
CHUNK = 4 * 1024
_STARTING = "57P03"
_AUTH_CLASS = "28"
_THE_ROW_1 = b"\0\1\0\0\0\1" + b"1"  # one column, one byte long


class Auth(IntEnum):
    """What an authentication message asks for or says."""

    OK = 0
    SASL = 10
    SASL_CONTINUE = 11
    SASL_FINAL = 12


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether ``target`` lets its user in and answers ``SELECT 1``.

    A real log-in by SCRAM-SHA-256, without TLS. Where we have a password nothing else is good
    enough: a server that wants it in clear, or not at all, is not ours. Proves that the server
    knows the password too, but neither that the database is writable nor that any table exists.
    ``timeout_s`` is wall-clock seconds over the whole conversation. An unreachable target is an
    answer, not an error. Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def first_row(target: Target, query: str, *, timeout_s: float) -> ProbeResult:
    """Log in as ``probe`` does and return the first column of the first row of ``query``.

    It is the detail of a result that is ok. Raises nothing but cancellation.
    """

    async def ask(target: Target) -> ProbeResult:
        return well(_first_column(await _query(target, query)))

    return await concluded(ask, target, timeout_s=timeout_s)


async def text(target: Target, query: str, *, timeout_s: float) -> str | None:
    """Log in as ``probe`` does and return the first column of the first row of ``query``, whole.

    None when there is none. Raises nothing but cancellation.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return _first_column(await _query(target, query))
    except (AnswerError, OSError, EOFError, TimeoutError):
        return None


def _first_column(row: bytes) -> str:
    size = int.from_bytes(row[2:6], "big")
    return row[6 : 6 + size].decode("utf-8", "backslashreplace")


async def _ask(target: Target) -> ProbeResult:
    row = await _query(target, "SELECT 1")
    if row != _THE_ROW_1:
        raise AnswerError(Reason.PROTOCOL, f"says that SELECT 1 is {excerpt(row)}")
    return well("logs in and answers SELECT 1")


async def _query(target: Target, query: str) -> bytes:
    """Return the first row of ``query`` as it came over the wire."""
    async with connected(target) as (reader, writer):
        session = _Session(reader, writer)
        writer.write(_startup_message(target))
        await _log_in(session, target.password)
        while await session.message(b"SKZ") != (b"Z", b"I"):
            pass
        session.send(b"Q", query.encode() + b"\0")
        await session.message(b"T")
        _, row = await session.message(b"D")
        session.send(b"X", b"")
    return row


async def _log_in(session: _Session, password: str) -> None:
    code, mechanisms = await session.authentication()
    if code == Auth.OK:
        if password:
            raise AnswerError(Reason.AUTH, "asks for no password: everybody here may use it")
        return
    if code != Auth.SASL or scram.MECHANISM not in mechanisms.split(b"\0"):
        raise AnswerError(Reason.AUTH, f"asks for a log-in that is not SCRAM (type {code})")
    nonce = secrets.token_urlsafe(18)
    first = scram.client_first(nonce).encode()
    session.send(b"p", scram.MECHANISM + b"\0" + struct.pack("!I", len(first)) + first)
    challenge = await session.expect(Auth.SASL_CONTINUE)
    try:
        proof = scram.prove(password, nonce, challenge.decode("latin-1"))
        session.send(b"p", proof.client_final.encode())
        proof.check((await session.expect(Auth.SASL_FINAL)).decode("latin-1"))
    except scram.ScramError as error:
        raise AnswerError(Reason.AUTH, f"is not the Postgres we know: {error}") from error
    await session.expect(Auth.OK)


def _startup_message(target: Target) -> bytes:
    words = ("user", target.user, "database", target.database, "application_name", APPLICATION)
    body = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words) + b"\0"
    return struct.pack("!II", len(body) + 8, PROTOCOL_3) + body


class _Session:
    """Messages over one connection."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = b""
        self._messages = 0

    def send(self, kind: bytes, body: bytes) -> None:
        self._writer.write(kind + struct.pack("!I", len(body) + 4) + body)

    async def authentication(self) -> tuple[int, bytes]:
        """Return the code of the next authentication message, and what comes with it."""
        _, body = await self.message(b"R")
        return int.from_bytes(body[:4], "big"), body[4:]

    async def expect(self, expected: Auth) -> bytes:
        """Return what comes with the next authentication message, which must be ``expected``."""
        code, body = await self.authentication()
        if code != expected:
            raise AnswerError(Reason.PROTOCOL, f"breaks the log-in off (type {code})")
        return body

    async def message(self, kinds: bytes) -> tuple[bytes, bytes]:
        """Return kind and body of the next message, one of ``kinds``; notices are skipped.

        Raises AnswerError for any other, and for an error that the server reports.
        """
        while (message := await self._next(kinds))[0] in b"Nv":
            pass
        if message[0] == b"E":
            raise _reported(message[1])
        return message

    async def _next(self, kinds: bytes) -> tuple[bytes, bytes]:
        # Every look comes as early as it can: a stranger may never send more.
        await self._fill(1)
        kind = self._buffer[:1]
        if kind not in kinds + b"ENv":
            raise self._stranger()
        await self._fill(HEAD_BYTES)
        length = int.from_bytes(self._buffer[1:HEAD_BYTES], "big")
        self._messages += 1
        if not 4 <= length <= MESSAGE_LIMIT or self._messages > MESSAGES_LIMIT:
            raise self._stranger()
        await self._fill(1 + length)
        body, self._buffer = self._buffer[HEAD_BYTES : 1 + length], self._buffer[1 + length :]
        return kind, body

    async def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            data = await self._reader.read(CHUNK)
            if not data:
                raise EOFError
            self._buffer += data

    def _stranger(self) -> AnswerError:
        seen = excerpt(self._buffer)
        return AnswerError(Reason.PROTOCOL, f"does not speak Postgres: answers {seen}")


def _reported(body: bytes) -> AnswerError:
    """Return what an error message means: fields of one letter and a text, each ended by 0."""
    fields = {f[:1]: f[1:].decode("utf-8", "backslashreplace") for f in body.split(b"\0") if f}
    sqlstate, text = fields.get(b"C", ""), fields.get(b"M", "an error without a message")
    if sqlstate == _STARTING:
        return AnswerError(Reason.STARTING, text)
    if sqlstate.startswith(_AUTH_CLASS):
        return AnswerError(Reason.AUTH, text)
    return AnswerError(Reason.STATUS, f"{text} (SQLSTATE {sqlstate})" if sqlstate else text)

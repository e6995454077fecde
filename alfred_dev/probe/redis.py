"""Redis (and Valkey): does it ask for the password, take ours, and answer PING?"""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter

from alfred_dev.probe.base import ProbeResult, Reason, Target, ill, well
from alfred_dev.probe.wire import AnswerError, concluded, connected, excerpt, line

_PONG = "+PONG"
TEXT_LIMIT = 64 * 1024


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether ``target`` answers PING, and only to those who know the password.

    PING goes out first: no password is told to a stranger, and a server that answers without one
    is found. Proves neither that data can be written (except where PING itself says so) nor that
    it survives. ``timeout_s`` is wall-clock seconds over the whole conversation. An unreachable
    target is an answer, not an error. Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def reply(target: Target, *words: str, timeout_s: float) -> ProbeResult:
    """Log in as ``probe`` does, send one command, and return the one line of its reply.

    It is the detail; ``ok`` unless it is an error. Raises nothing but cancellation.
    """

    async def ask(target: Target) -> ProbeResult:
        async with connected(target) as (reader, writer):
            if target.password:
                await _log_in(reader, writer, target)
            said = await _call(reader, writer, *words)
            if said.startswith("-"):
                raise AnswerError(Reason.STATUS, said[1:])
            return well(said[1:])

    return await concluded(ask, target, timeout_s=timeout_s)


async def text(target: Target, *words: str, timeout_s: float) -> str | None:
    """Log in as ``probe`` does, send one command, and return the text that it replies with.

    None when there is none, or more than 64 KiB of it. Raises nothing but cancellation.
    """
    try:
        async with asyncio.timeout(timeout_s), connected(target) as (reader, writer):
            if target.password:
                if not (await _call(reader, writer, "PING")).startswith("-NOAUTH"):
                    return None  # a stranger, who is told no password
                await _log_in(reader, writer, target)
            _send(writer, *words)
            head = await line(reader)
            if not re.fullmatch(rb"\$[0-9]{1,5}", head):
                return None
            size = min(int(head[1:]), TEXT_LIMIT)
            return (await reader.readexactly(size)).decode("utf-8", "replace")
    except (AnswerError, OSError, EOFError, TimeoutError):
        return None


async def _ask(target: Target) -> ProbeResult:
    async with connected(target) as (reader, writer):
        reply = await _call(reader, writer, "PING")
        if reply == _PONG and target.password:
            return ill(Reason.AUTH, "asks for no password: everybody on this machine may use it")
        if reply.startswith("-NOAUTH"):
            if not target.password:
                return ill(Reason.AUTH, "asks for a password, and none is known")
            await _log_in(reader, writer, target)
            reply = await _call(reader, writer, "PING")
        if reply == _PONG:
            return well("answers PING")
        raise _refused(reply)


async def _log_in(reader: StreamReader, writer: StreamWriter, target: Target) -> None:
    user = [target.user] if target.user else []
    reply = await _call(reader, writer, "AUTH", *user, target.password)
    if reply.startswith(("-WRONGPASS", "-ERR invalid password")):
        raise AnswerError(Reason.AUTH, f"rejects the password: {reply[1:]}")
    if reply != "+OK":
        raise _refused(reply)


async def _call(reader: StreamReader, writer: StreamWriter, *words: str) -> str:
    """Send one command and return the one line of its reply."""
    _send(writer, *words)
    reply = await line(reader)
    if not reply.startswith((b"+", b"-")):
        raise AnswerError(Reason.PROTOCOL, f"does not speak Redis: answers {excerpt(reply)}")
    return reply.decode("utf-8", "backslashreplace")


def _send(writer: StreamWriter, *words: str) -> None:
    encoded = [word.encode("utf-8", "surrogateescape") for word in words]
    head = b"*%d\r\n" % len(encoded)
    writer.write(head + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))


def _refused(reply: str) -> AnswerError:
    if reply.startswith("-LOADING"):
        return AnswerError(Reason.STARTING, reply[1:])
    if reply.startswith("-"):  # MISCONF: it cannot save to disk; MASTERDOWN; too many clients
        return AnswerError(Reason.STATUS, reply[1:])
    return AnswerError(Reason.PROTOCOL, f"does not speak Redis: answers {excerpt(reply.encode())}")

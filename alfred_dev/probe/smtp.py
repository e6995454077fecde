"""SMTP: does it greet, and answer EHLO?"""

from __future__ import annotations

import re
from asyncio import StreamReader

from alfred_dev.probe.base import ProbeResult, Reason, Target, well
from alfred_dev.probe.wire import AnswerError, concluded, connected, excerpt, line

LINES_LIMIT = 100  # lines of one reply
_REPLY = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?")


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether ``target`` greets with 220 and answers EHLO with 250, then take leave.

    Sends no mail: does not prove that one would be accepted. A server that waits for its client
    to speak first (HTTP, Redis) looks silent: a time-out. ``timeout_s`` is wall-clock seconds
    over the whole conversation. An unreachable target is an answer, not an error. Raises nothing
    but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    async with connected(target) as (reader, writer):
        await _expect(reader, 220)
        writer.write(b"EHLO localhost\r\n")
        await _expect(reader, 250)
        writer.write(b"QUIT\r\n")
        await reader.read(1)  # it says goodbye before we go, or logs a broken connection
    return well("greets and answers EHLO")


async def _expect(reader: StreamReader, code: int) -> None:
    answered, text = await _reply(reader)
    if answered != code:
        raise AnswerError(Reason.STATUS, f"answers {answered} {text}".rstrip())


async def _reply(reader: StreamReader) -> tuple[int, str]:
    """Return the code and the first text of a reply, which may have many lines."""
    text = None
    for _ in range(LINES_LIMIT):
        said = await line(reader)
        match = _REPLY.fullmatch(said)
        if match is None:
            raise AnswerError(Reason.PROTOCOL, f"does not speak SMTP: answers {excerpt(said)}")
        if text is None:
            text = (match[3] or b"").decode("utf-8", "backslashreplace")
        if match[2] != b"-":
            return int(match[1]), text
    raise AnswerError(Reason.PROTOCOL, f"answers more than {LINES_LIMIT} lines")

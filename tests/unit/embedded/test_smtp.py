from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.embedded import smtp
from alfred_dev.embedded.listen import listening


@given(st.text())
def test_every_command_has_an_answer(command: str) -> None:
    lines = smtp.reply(command, "mail-server").split("\r\n")
    code = lines[0][:3]
    assert code.isdigit() and all(line.startswith(code) for line in lines)
    assert all(line[3] == "-" for line in lines[:-1]) and lines[-1][3] == " "


@asynccontextmanager
async def session(
    idle_timeout_s: float = 30.0,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of a running server, which has been greeted."""
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with smtp.serving(listener, "mail-server", idle_timeout_s=idle_timeout_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.readline()).startswith(b"220 mail-server is a stand-in")
        yield reader, writer
        writer.close()


def test_a_line_without_end_is_refused() -> None:
    async def main() -> bytes:
        async with session() as (reader, writer):
            writer.write(b"EHLO " + b"x" * 5000)
            return await reader.read()

    assert asyncio.run(main()) == b"500 5.5.2 the line is too long\r\n"


def test_silence_ends_the_session() -> None:
    async def main() -> bytes:
        async with session(idle_timeout_s=0.05) as (reader, _):
            return await reader.read()

    assert asyncio.run(main()).startswith(b"421 4.4.2")


def test_commands_without_end_end_the_session() -> None:
    async def main() -> bytes:
        async with session() as (reader, writer):
            writer.write(b"NOOP\r\n" * 200)
            return await reader.read()

    said = asyncio.run(main()).splitlines()
    assert said[-1].startswith(b"421 4.7.0") and len(said) == smtp.COMMAND_LIMIT


def test_too_many_sessions_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "SESSION_LIMIT", 1)

    async def main() -> bytes:
        async with session() as (_, writer):
            host, port = writer.get_extra_info("peername")
            reader, second = await asyncio.open_connection(host, port)
            said = await reader.read()
            second.close()
            return said

    assert asyncio.run(main()).startswith(b"421 4.3.2")


def test_the_end_ends_open_sessions() -> None:
    async def main() -> bytes:
        async with session() as (reader, _):
            pass
        async with asyncio.timeout(5):
            return await reader.read()

    assert asyncio.run(main()) in (b"", b"421 4.3.2 going down\r\n")


def test_a_real_client_is_told_that_no_mail_is_kept() -> None:
    async def main() -> str:
        listener = listening("127.0.0.1", 0)
        async with smtp.serving(listener, "mail-server"):
            return await asyncio.to_thread(send, listener.getsockname()[1])

    def send(port: int) -> str:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            assert client.ehlo()[0] == 250
            assert client.noop()[0] == 250
            try:
                client.sendmail("a@example.com", ["b@example.com"], "text")
            except smtplib.SMTPSenderRefused as error:
                return f"{error.smtp_code} {error.smtp_error!r}"
        return "taken"

    assert "451" in (said := asyncio.run(main())) and "keeps no mail" in said

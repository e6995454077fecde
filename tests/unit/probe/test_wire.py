from __future__ import annotations

import asyncio

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import ProbeResult, Reason, Target, ill, well
from alfred_dev.probe.wire import DETAIL_LIMIT, AnswerError, concluded, excerpt
from alfred_dev.settings import url_quoted

PASSWORD = "a/secret?"
TARGET = Target(kind=ProbeKind.TCP, host="127.0.0.1", port=1, password=PASSWORD)


def conclude(what: ProbeResult | BaseException, *, timeout_s: float = 10) -> ProbeResult:
    async def ask(_: Target) -> ProbeResult:
        if isinstance(what, BaseException):
            raise what
        return what

    return asyncio.run(concluded(ask, TARGET, timeout_s=timeout_s))


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ConnectionRefusedError(), Reason.REFUSED, "nothing listens on 127.0.0.1:1"),
        (
            ConnectionResetError(),
            Reason.RESET,
            "127.0.0.1:1 closed the connection before it had answered",
        ),
        (
            BrokenPipeError(),
            Reason.RESET,
            "127.0.0.1:1 closed the connection before it had answered",
        ),
        (EOFError(), Reason.RESET, "127.0.0.1:1 closed the connection before it had answered"),
        (TimeoutError(), Reason.TIMEOUT, "no complete answer from 127.0.0.1:1 within 10 s"),
        (OSError(24, "Too many open files"), Reason.OTHER, "127.0.0.1:1: Too many open files"),
        (OSError("odd"), Reason.OTHER, "127.0.0.1:1: odd"),
        (AnswerError(Reason.STATUS, "is ill"), Reason.STATUS, "is ill"),
    ],
)
def test_every_way_to_end_has_its_reason(error: Exception, reason: Reason, detail: str) -> None:
    assert conclude(error) == ill(reason, detail)


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        conclude(ZeroDivisionError())


def test_cancellation_is_not_an_answer() -> None:
    with pytest.raises(asyncio.CancelledError):
        conclude(asyncio.CancelledError())


def test_a_conversation_that_lasts_too_long_is_a_time_out() -> None:
    async def ask(_: Target) -> ProbeResult:
        await asyncio.Event().wait()
        return well("late")

    result = asyncio.run(concluded(ask, TARGET, timeout_s=0.01))

    assert result == ill(Reason.TIMEOUT, "no complete answer from 127.0.0.1:1 within 0.01 s")


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (f"heard {PASSWORD}!", "heard ***!"),
        (f"heard {url_quoted(PASSWORD)}!", "heard ***!"),
        ("red \x1b[31m\r\nline\ttab\0\u202e", "red  [31m  line tab  "),
        ("x" * DETAIL_LIMIT, "x" * DETAIL_LIMIT),
        ("x" * (DETAIL_LIMIT - 1) + PASSWORD, "x" * (DETAIL_LIMIT - 3) + "..."),
    ],
)
def test_a_detail_is_one_short_printable_line_without_the_password(said: str, detail: str) -> None:
    assert conclude(ill(Reason.STATUS, said)).detail == detail
    assert conclude(well(said)).detail == detail


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "''"),
        (b"one\r\ntwo", "'one'"),
        (b"\xff", r"'\xff'"),
        (b"x" * 61, f"'{'x' * 60}...'"),
    ],
)
def test_an_excerpt_is_the_beginning_in_quotes(data: bytes, shown: str) -> None:
    assert excerpt(data) == shown

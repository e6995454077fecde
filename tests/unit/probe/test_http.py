from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from alfred_dev import __version__
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from alfred_dev.probe.http import BODY_LIMIT
from tests.unit.probe.asking import HASTE_S, ask
from tests.unit.probe.strangers import answering, application, listener, saying

HTTP = ProbeKind.HTTP
OK = b"HTTP/1.1 200 OK\r\n"


async def _who_asks(request: Request) -> Response:
    seen = {name: request.headers.get(name) for name in ("host", "connection", "user-agent")}
    return JSONResponse({"status": json.dumps(seen)}, status_code=418)


async def _broken(_: Request) -> Response:
    raise RuntimeError


APP = Starlette(
    routes=[
        Route("/health", lambda _: JSONResponse({"status": "ok"})),
        Route("/created", lambda _: Response(status_code=201)),
        Route("/nothing", lambda _: Response(status_code=204)),
        Route("/large", lambda _: PlainTextResponse("x" * 300_000)),
        Route("/moved", lambda _: RedirectResponse("/elsewhere/")),
        Route("/who", _who_asks),
        Route("/broken", _broken),
        Route(
            "/waiting",
            lambda _: JSONResponse(
                {"status": "starting", "waiting_for": ["redis", "db-postgres"]}, status_code=503
            ),
        ),
        Route("/detail", lambda _: JSONResponse({"detail": "no disk"}, status_code=500)),
        Route("/page", lambda _: Response("<h1>Oh</h1>", status_code=502)),
        Route("/large-error", lambda _: JSONResponse({"detail": "x" * 9000}, status_code=500)),
        Route("/strange-json", lambda _: Response("[" * BODY_LIMIT, status_code=500)),
        Route("/list", lambda _: JSONResponse(["no"], status_code=500)),
        Route("/numbers", lambda _: JSONResponse({"detail": 7, "status": [1]}, status_code=500)),
    ]
)


@pytest.fixture(scope="module")
def app() -> Iterator[int]:
    with application(APP) as port:
        yield port


@pytest.mark.parametrize("path", ["/health", "/created", "/nothing", "/large"])
def test_any_2xx_is_well(app: int, path: str) -> None:
    result = ask(HTTP, app, path=path)

    assert result.ok
    assert result.detail.startswith("answers 20")


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/moved", "answers 307 Temporary Redirect: redirects to /elsewhere/"),
        ("/gone", "answers 404 Not Found"),
        ("/broken", "answers 500 Internal Server Error"),
        (
            "/waiting",
            "answers 503 Service Unavailable: starting, waiting for redis, db-postgres",
        ),
        ("/detail", "answers 500 Internal Server Error: no disk"),
        ("/page", "answers 502 Bad Gateway"),
        ("/large-error", "answers 500 Internal Server Error"),
        ("/strange-json", "answers 500 Internal Server Error"),
        ("/list", "answers 500 Internal Server Error"),
        ("/numbers", "answers 500 Internal Server Error"),
    ],
)
def test_anything_else_is_ill_and_says_why(app: int, path: str, detail: str) -> None:
    result = ask(HTTP, app, path=path)

    assert result.reason is Reason.STATUS
    assert result.detail == detail


def test_the_request_says_who_asks(app: int) -> None:
    result = ask(HTTP, app, path="/who")

    assert f'"host": "127.0.0.1:{app}"' in result.detail
    assert '"connection": "close"' in result.detail
    assert f'"user-agent": "alfred-dev/{__version__}"' in result.detail


def test_a_path_that_cannot_be_asked_is_an_answer() -> None:
    assert ask(HTTP, 1, path="/a b").reason is Reason.OTHER
    assert ask(HTTP, 1, path="/ä").reason is Reason.OTHER


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        OK,
        OK + b"Content-Length: 9\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort",
    ],
)
def test_an_answer_that_is_cut_off_is_no_answer(answer: bytes) -> None:
    with listener(answering(answer)) as port:
        result = ask(HTTP, port)

    assert result.reason is Reason.RESET


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        OK + b"Content-Length: many\r\n\r\n",
        OK + b"X: " + b"x" * 70_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
    ],
)
def test_what_is_not_http_is_recognised_while_it_is_still_talking(answer: bytes) -> None:
    with listener(saying(answer, then_close=False)) as port:
        result = ask(HTTP, port)

    assert result.reason is Reason.PROTOCOL


def test_interim_answers_are_not_the_answer() -> None:
    said = b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n"
    with listener(answering(said, then_close=False)) as port:
        assert ask(HTTP, port).ok


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    with listener(answering(b"HTTP/1.0 200 OK\r\n\r\nfine")) as port:
        assert ask(HTTP, port).ok


def test_a_body_that_never_ends_is_cut() -> None:
    with listener(answering(OK + b"\r\n" + b"x" * BODY_LIMIT, then_close=False)) as port:
        assert ask(HTTP, port).ok


def test_a_body_that_does_not_come_is_a_time_out() -> None:
    with listener(answering(OK + b"Content-Length: 9\r\n\r\n", then_close=False)) as port:
        assert ask(HTTP, port, timeout_s=HASTE_S).reason is Reason.TIMEOUT


def test_no_proxy_is_ever_asked(app: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert ask(HTTP, app, path="/health").ok

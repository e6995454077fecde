"""Shapes of requests that hide something, or are too much."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

import pytest

from tests.gateway.doors import HTTP, Door, heard, host


def status(answer: bytes) -> int:
    """The status of an HTTP/1 answer, 0 where there is none."""
    parts = answer.split(b"\r\n", 1)[0].split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


@pytest.mark.parametrize(
    "path",
    [
        "/agents/core/../../models/router/x", "/agents/core/%2e%2e/%2e%2e/models/router/x",
        "/agents/core/./../../models/router/x", "/agents/./core/../../models/router/x",
    ],
)  # fmt: skip
def test_a_path_is_put_right_before_anything_looks_at_it(door: Door, path: str) -> None:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host('api')}\r\nConnection: close\r\n"
        f"Authorization: Bearer {door.token()}\r\n\r\n"
    )
    answer = door.raw(request.encode())
    assert status(answer) == 200
    assert b'"service":"model-router"' in answer


@pytest.mark.parametrize(
    "path",
    [
        "/agents/core/..%2f..%2fetc/passwd", "/agents/core/%2e%2e%2fx", "/..%5c..%5cx",
        "/agents/core/%2Fetc", "/%5c%5cevil/x", "/x%2f", "/../../../etc/passwd%00",
    ],
)  # fmt: skip
def test_an_escaped_slash_is_refused(door: Door, path: str) -> None:
    for label in ("api", "ui"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host(label)}\r\nConnection: close\r\n\r\n"
        answer = door.raw(request.encode())
        assert status(answer) == 400
        assert b"write it plainly" in answer


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/static/../../../x", "/%2e%2e/%2e%2e/x"])
def test_nothing_lies_above_the_root(door: Door, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {host('ui')}\r\nConnection: close\r\n\r\n"
    answer = door.raw(request.encode())
    assert status(answer) == 400 or b'"path":"/x"' in answer or b'"path":"/etc/passwd"' in answer
    assert b".." not in answer.split(b"\r\n\r\n", 1)[-1]


POST = "POST /agents/core/x HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
SMUGGLED = "GET /agents/core/admin HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        f"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Content-Length: 4\r\nContent-Length: 44\r\n\r\nabcd{SMUGGLED}",
        f"Content-Length: +4\r\n\r\nabcd{SMUGGLED}",
        f"Content-Length: -1\r\n\r\n{SMUGGLED}",
        f"Content-Length: 4, 44\r\n\r\nabcd{SMUGGLED}",
        f"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n\r\n{SMUGGLED}",
        f"Content_Length: 4\r\n\r\nabcd{SMUGGLED}",
        f"X: a\x00b\r\n\r\n{SMUGGLED}",
        f" Content-Length: 4\r\n\r\nabcd{SMUGGLED}",
    ],
    ids=range(15),
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(door: Door, rest: str) -> None:
    head = POST.format(host=host("api"), token=door.token())
    answer = door.raw((head + rest).encode("latin-1"))
    assert status(answer) in (400, 401, 501, 0), answer[:200]
    assert b'"service"' not in answer


def test_a_bare_carriage_return_makes_no_header(door: Door) -> None:
    head = POST.format(host=host("api"), token=door.token())
    answer = door.raw(f"{head}X: a\rTransfer-Encoding: chunked\r\n\r\n{SMUGGLED}".encode())
    assert b'"x":"aTransfer-Encoding: chunked"' in answer
    assert b'"transfer-encoding"' not in answer


def test_http_10_and_what_is_no_http_is_refused(door: Door) -> None:
    for line in (
        "GET / HTTP/1.0",
        "GET / HTTP/9.9",
        "GET /",
        "\x16\x03\x01",
        "CONNECT x:443 HTTP/1.1",
    ):
        answer = door.raw(f"{line}\r\nHost: {host('ui')}\r\n\r\n".encode())
        assert status(answer) != 200, line


def test_headers_that_are_too_large_or_too_many_are_refused(door: Door) -> None:
    large = door.get("api", "/health", headers={"x-large": "a" * 40_000})
    assert large.status_code == 431
    many = {f"x-many-{number}": "a" for number in range(200)}
    assert door.get("api", "/health", headers=many).status_code == 431
    fine = door.get("api", "/health", headers={"x-large": "a" * 20_000})
    assert fine.status_code == 200


def test_a_body_that_is_too_large_is_refused_announced_or_not(door: Door) -> None:
    body = b"x" * (17 << 20)

    def drops() -> object:
        for start in range(0, len(body), 1 << 20):
            yield body[start : start + (1 << 20)]

    for content in (body, drops()):
        answer = door.request("POST", "api", "/agents/core/", token=door.token(), content=content)
        assert answer.status_code == 413
    fine = door.request("POST", "api", "/agents/core/", token=door.token(), content=body[: 9 << 20])
    assert heard(fine)["size"] == 9 << 20


def test_an_upload_to_a_page_may_be_larger_but_not_endless(door: Door) -> None:
    request = f"POST /upload HTTP/1.1\r\nHost: {host('ui')}\r\nContent-Length: {1 << 40}\r\n\r\n"
    assert status(door.raw(request.encode())) == 413
    fine = door.request("POST", "ui", "/upload", content=b"x" * (20 << 20))
    assert heard(fine)["size"] == 20 << 20


def test_only_tls_13_is_spoken(door: Door) -> None:
    old = door.tls
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with door.connected_plain() as plain, pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        old.wrap_socket(plain, server_hostname=host("ui"))
    with door.connected() as sock:
        assert sock.version() == "TLSv1.3"


def test_h2_and_http_11_are_offered(door: Door) -> None:
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
        context = door.tls
        context.set_alpn_protocols(offered)
        plain = socket.create_connection(("127.0.0.1", door.ports[443]), 5)
        with context.wrap_socket(plain, server_hostname=host("ui")) as sock:
            assert sock.selected_alpn_protocol() == chosen


def test_each_name_has_a_certificate_that_is_valid_and_numbers_have_theirs(door: Door) -> None:
    for name in (host("ui"), "api.alfred.localhost", host(""), "127.0.0.1", "localhost"):
        plain = socket.create_connection(("127.0.0.1", door.ports[443]), 5)
        with door.tls.wrap_socket(plain, server_hostname=name) as sock:
            listed: Any = (sock.getpeercert() or {})["subjectAltName"]
            names = {value for _, value in listed}
            assert name in names
            assert ("127.0.0.1" in names) == (name in ("127.0.0.1", "localhost"))


def test_clients_that_say_nothing_keep_nobody_out(door: Door) -> None:
    """500 connections that send a little and stop: in TCP, in TLS, in the headers."""
    with contextlib.ExitStack() as stack:
        for number in range(500):
            sock: socket.socket
            if number % 10 == 0:
                sock = stack.enter_context(door.connected())
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-")
            else:
                port = door.ports[443 if number % 2 else HTTP]
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
                sock.sendall(b"\x16\x03" if number % 2 else b"GET / HT")
        for _ in range(20):
            assert door.get("ui", "/").status_code == 200
        assert door.process.poll() is None


@pytest.mark.slow
def test_who_sends_headers_drop_by_drop_is_cut_off(door: Door) -> None:
    with door.connected() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n")
        sock.settimeout(20)
        assert status(sock.recv(1000)) in (0, 408)

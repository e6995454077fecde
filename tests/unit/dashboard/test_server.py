"""The web side: who gets in, what each page gives, and what it is never given."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from alfred_dev.dashboard import door
from alfred_dev.dashboard.server import FILES, STATIC, Dashboard, Deeds, added
from alfred_dev.embedded import guard
from tests.unit.dashboard import views
from tests.worlds import SECRETS

SECRET = "t" * 43
HERE = "http://127.0.0.1:3010"
BEARER = {"authorization": f"Bearer {SECRET}"}
CLOSED = [
    ("GET", "/api/fixed"), ("GET", "/api/history"), ("GET", "/api/events"), ("GET", "/api/alerts"),
    ("GET", "/api/mails"),
    ("GET", "/api/logs/redis"), ("POST", "/api/code"), ("POST", "/api/restart/redis"),
    ("POST", "/api/doctor"), ("POST", "/api/flow"),
]  # fmt: skip
done: list[str] = []


class Client:
    """A browser as far as cookies go, without a socket."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.cookies = app, httpx.Cookies()

    def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url=HERE, cookies=self.cookies
            ) as asking:
                answer = await asking.request(method, path, **how)
                self.cookies = asking.cookies
                return answer

        return asyncio.run(ask())

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.request("GET", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.request("POST", path, **how)


async def restart(name: str) -> Mapping[str, Any]:
    done.append(name)
    return {"ok": True}


async def doctor() -> Mapping[str, Any]:
    return {"findings": []}


async def flow() -> Mapping[str, Any]:
    return {"ok": True, "hops": []}


@pytest.fixture
def pages(tmp_path: Path) -> Dashboard:
    done.clear()
    return Dashboard(
        views.sampler(tmp_path), Deeds(restart=restart, doctor=doctor, flow=flow), SECRET, 3010
    )


@pytest.fixture
def client(pages: Dashboard) -> Client:
    app = guard.GuardMiddleware(pages.app(), guard.names("dev.example", ("dashboard",)))
    return Client(app)


def test_the_page_is_small_asks_nobody_else_and_may_do_nothing_else(client: Client) -> None:
    total = 0
    for path in FILES:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-frame-options"] == "DENY"
        total += len(answer.content)
    assert total < 300_000
    for file in STATIC.iterdir():
        found = re.findall(r"https?://[^\s\"'`$]+", file.read_text())
        assert set(found) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_the_token_nothing_is_read_or_changed(
    client: Client, method: str, path: str
) -> None:
    answer = client.request(method, path, headers={"origin": HERE})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not-known")
    assert not done


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8502"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:3010"},
    ],
)
def test_other_pages_and_other_names_are_refused_even_with_the_cookie(
    client: Client, method: str, path: str, headers: dict[str, str]
) -> None:
    cookie = f"{door.cookie_name(3010)}={door.cookie_value(SECRET)}"
    answer = client.request(method, path, headers={**headers, "cookie": cookie})
    assert answer.status_code in (403, 421)
    assert not done


def test_a_link_lets_a_browser_in_once(client: Client) -> None:
    code = client.post("/api/code", headers=BEARER).json()["code"]
    entered = client.post("/api/enter", json={"code": code}, headers={"origin": HERE})
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and SECRET not in cookie
    assert client.get("/api/fixed").status_code == 200
    again = client.post("/api/enter", json={"code": code}, headers={"origin": HERE})
    assert again.status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"code": 1}', b"x" * 9999])
def test_what_is_no_code_lets_nobody_in(client: Client, body: bytes) -> None:
    answer = client.post("/api/enter", content=body, headers={"origin": HERE})
    assert answer.status_code == 401


def test_a_log_is_streamed_without_its_secrets(client: Client, pages: Dashboard) -> None:
    async def first() -> bytes:
        stream = pages._log_lines("redis")
        said = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return said

    said = asyncio.run(first())
    assert said.startswith(b"data: [") and said.endswith(b"\n\n")
    assert json.loads(said.removeprefix(b"data: "))[0]["text"] == "redis uses ***"
    assert client.get("/api/logs/nobody", headers=BEARER).status_code == 404


def test_a_stream_of_lines_has_each_once() -> None:
    lines: list[Mapping[str, Any]] = [{"text": f"{n}"} for n in range(10)]
    assert added([], lines[:3]) == lines[:3]
    assert added(lines[:3], lines[:3]) == []
    assert added(lines[:5], lines[2:8]) == lines[5:8]  # the oldest are not shown any more
    assert added(lines[:2], lines[5:]) == lines[5:]  # much was said at once


def test_a_restart_is_the_commands(client: Client) -> None:
    assert client.post("/api/restart/redis", headers=BEARER).json() == {"ok": True}
    assert client.post("/api/restart/dashboard", headers=BEARER).status_code == 404
    assert client.post("/api/restart/nobody", headers=BEARER).status_code == 404
    assert done == ["redis"]
    assert client.post("/api/doctor", headers=BEARER).json() == {"findings": []}
    assert client.post("/api/flow", headers=BEARER).json() == {"ok": True, "hops": []}


def test_metrics_and_health_before_and_after_the_first_look(
    client: Client, pages: Dashboard
) -> None:
    assert client.get("/health").status_code == 503
    assert client.get("/metrics").text == ""
    pages.sampler.view = replace(views.view(), at=time.time())  # else it would be looked anew
    assert client.get("/health").status_code == 200
    text = client.get("/metrics").text
    assert 'alfred_probe_up{service="redis",tier="data",port="6379"} 0.0' in text
    assert 'alfred_probe_up{service="db-postgres",tier="data",port="5432"} 1.0' in text
    assert 'alfred_certificate_expiry_timestamp_seconds{name="gateway"} 5000.0' in text
    assert 'alfred_resource_use_ratio{resource="disk"} 0.5' in text
    of = 'alfred_resource_use_ratio{service="db-postgres",tier="data",resource='
    assert f'{of}"cpu"}} 0.125' in text and f'{of}"memory"}} 0.25' in text
    assert 'alfred_tunnel_up{name="ui",service="ui-chat"} 1.0' in text
    assert 'alfred_service_cpu_ratio{service="db-postgres",tier="data"} 0.25' in text
    assert not any(secret in text for secret in SECRETS.values())


def test_the_stream_begins_with_the_last_view_and_ends_with_its_viewer(pages: Dashboard) -> None:
    async def first() -> bytes:
        pages.sampler.view = views.view()
        stream = pages._stream()
        said = await anext(stream)
        assert pages.sampler.watchers == 1
        await stream.aclose()  # type: ignore[attr-defined]
        return said

    said = asyncio.run(first())
    assert said.startswith(b"data: {") and said.endswith(b"\n\n")
    assert pages.sampler.watchers == 0

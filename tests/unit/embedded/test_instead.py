"""Where Grafana's stand-in sends whoever opens it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from alfred_dev.embedded.spec import EmbeddedSpec
from alfred_dev.embedded.standin import StandIn
from tests.unit.embedded.running import DOMAIN, http, spec_of

SPEC = spec_of("monitoring-dashboard", [http(3005, "/api/health")])
SHOWN = replace(SPEC, page="http://127.0.0.1:13010")


def asked(spec: EmbeddedSpec, host: str, path: str = "/") -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=StandIn(spec, {}).app())
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get(path, headers={"accept": "text/html"})

    return asyncio.run(ask())


@pytest.mark.parametrize(("host", "place"), [
    ("127.0.0.1:13005", "http://127.0.0.1:13010"), ("localhost:13005", "http://127.0.0.1:13010"),
    (f"grafana.{DOMAIN}", f"//dashboard.{DOMAIN}/"),
    (f"grafana.{DOMAIN}:8443", f"//dashboard.{DOMAIN}:8443/"),
])  # fmt: skip
def test_it_leads_to_the_dashboard(host: str, place: str) -> None:
    answer = asked(SHOWN, host, "/d/alfred-services")
    assert (answer.status_code, answer.headers["location"]) == (307, place)
    assert asked(SHOWN, host, "/api/health").status_code == 200


def test_without_a_dashboard_it_says_what_it_is() -> None:
    answer = asked(SPEC, "127.0.0.1:3005")
    assert answer.status_code == 501 and "stand-in" in answer.text


def test_the_page_is_told_and_heard() -> None:
    assert EmbeddedSpec.from_json(SHOWN.to_json()) == SHOWN
    assert EmbeddedSpec.from_json(SPEC.to_json()) == SPEC

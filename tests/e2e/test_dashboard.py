"""The dashboard of a running stack, in a browser: read, used, broken, and looked at by axe."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import Checkout

CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium"),
]
SERVICES = ("redis", "agent-rag", "monitoring-metrics", "dashboard")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, own_ports: None) -> Iterator[Checkout]:
    made = Checkout.make(
        tmp_path_factory.mktemp("dashboard") / "project", ALFRED_METRICS_INTERVAL="1"
    )
    made.ok("up", *SERVICES)
    yield made
    made.run("down")
    assert made.pids() == []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, stack: Checkout) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    environment: dict[str, str | float | bool] = {"HOME": str(tmp_path_factory.mktemp("home"))}
    with sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], env=environment
        )
        yield opened
        opened.close()


def opened(stack: Checkout, browser: Any, **how: Any) -> Any:
    """Return the page as the command opens it."""
    page = browser.new_context(**how).new_page()
    page.set_default_timeout(30_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text))
    page.wanted = []
    page.on("request", lambda request: page.wanted.append(request.url))
    page.goto(stack.json("dashboard")["url"])
    page.wait_for_selector("#card-redis.good")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_it_is_accessible_fits_and_asks_nobody_else(
    stack: Checkout, browser: Any, scheme: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(stack, browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("location.hash") == ""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.click("button[aria-label='Log of Redis']")
    # By a selector: a function would be evaluated in the page, whose policy forbids it.
    page.wait_for_selector("#log-text >> text=/Ready to accept/")
    assert stack.secrets["REDIS_PASSWORD"] not in page.content()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("Escape")
    assert {re.sub(r"(//[^/]+/).*", r"\1", url) for url in page.wanted} == {
        "http://127.0.0.1:3010/"
    }
    assert page.complaints == []
    page.context.close()


def test_a_service_that_ends_turns_red_and_is_started_again_from_the_page(
    stack: Checkout, browser: Any
) -> None:
    page = opened(stack, browser)
    stack.ok("stop", "redis")
    page.wait_for_selector("#card-redis.bad")
    page.wait_for_selector("#card-agent-rag.warn >> text=waits for redis")
    page.click("button[aria-label='Restart Redis']")
    page.wait_for_selector("#card-redis.good", timeout=60_000)
    assert stack.status("redis")["health"] == "healthy"
    page.context.close()


def test_a_browser_without_the_link_sees_nothing(stack: Checkout, browser: Any) -> None:
    page = browser.new_context().new_page()
    page.goto("http://127.0.0.1:3010/")
    page.wait_for_selector("#closed >> text=alfred-dev dashboard")
    assert page.locator(".card").count() == 0
    assert page.evaluate("fetch('/api/fixed').then((a) => a.status)") == 401
    page.context.close()


def test_prometheus_reads_our_probes(stack: Checkout) -> None:
    query = "/api/v1/query?query=alfred_probe_up%7Bservice%3D%22redis%22%7D"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        asking = http.client.HTTPConnection("127.0.0.1", 9090, timeout=5)
        try:
            asking.request("GET", query)
            answer = asking.getresponse()
            if answer.status != 200:
                pytest.skip("Prometheus is not on this machine")
            found = json.loads(answer.read())["data"]["result"]
        finally:
            asking.close()
        if found:
            assert found[0]["metric"]["port"] == "6379"
            return
        time.sleep(0.5)
    pytest.fail("Prometheus has not read the dashboard")


def test_the_report_holds_no_secret(stack: Checkout) -> None:
    path = Path(stack.json("report")["path"])
    text = path.read_text()
    assert "== doctor" in text and "== log of redis" in text and "Python 3" in text
    token = (stack.root / ".alfred" / "run" / "dashboard.token").read_text().strip()
    secrets = {v for v in stack.secrets.values() if len(v) > 8} | {token}
    assert [s for s in secrets if s in text] == []
    assert path.stat().st_mode & 0o077 == 0


def test_without_the_server_the_command_says_what_to_type(stack: Checkout) -> None:
    stack.ok("stop", "dashboard")
    try:
        said = stack.json("dashboard", exit_code=3)
        assert said["error"]["code"] == "dashboard-down"
        assert said["error"]["fix"]
    finally:
        stack.ok("start", "dashboard")

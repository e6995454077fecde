"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.embedded.mail import servers
from tests.unit.embedded.mail.servers import letter, png, send
from tests.unit.embedded.running import Running

CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium"),
]
ATTACK = """<h1>Offer</h1><img src="cid:logo" id="logo"><img src="https://tracker.example/x.png">
<script>top.document.title = "taken"; fetch("/api/v1/messages", {method: "DELETE"});</script>
<img src=x onerror="parent.document.body.remove()"><link rel=stylesheet href="https://x.example/">
<form action="https://evil.example/"><button id="go">go</button></form>
<a id="link" href="LINK">confirm</a>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with servers.ours(tmp_path_factory.mktemp("mail") / "data") as service:
        yield service


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    environment: dict[str, str | float | bool] = {"HOME": str(tmp_path_factory.mktemp("home"))}
    with sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], env=environment
        )
        yield opened
        opened.close()


@pytest.fixture
def page(server: Running, browser: Any) -> Iterator[Any]:
    with servers.web(server) as client:
        client.request("DELETE", "/api/v1/messages", json={})
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.spec.ports[1].listen}")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.wanted = []
    opened.on("request", lambda request: opened.wanted.append(request.url))
    yield opened
    context.close()


def test_mails_come_by_themselves_and_are_read_and_deleted(server: Running, page: Any) -> None:
    page.goto("/")
    page.get_by_text("No mail yet.").wait_for()
    send(server, letter("first"), letter("second", "the second's text\n"))
    page.get_by_text("2, 2 unread").wait_for()
    page.get_by_role("link", name="second").click()
    page.get_by_role("heading", name="second").wait_for()
    assert "the second's text" in page.locator("#pane").inner_text()
    page.get_by_text("2, 1 unread").wait_for()
    page.get_by_role("tab", name="Headers").click()
    page.get_by_role("cell", name="bob@example.com").wait_for()
    page.get_by_role("tab", name="Source").click()
    page.locator("pre", has_text="Subject: second").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("heading", name="first").wait_for()
    page.get_by_text("1, 0 unread").wait_for()
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Really delete all?").click()
    page.get_by_text("No mail yet.").wait_for()


def test_a_search_narrows_the_list(server: Running, page: Any) -> None:
    send(server, letter("apples"), letter("pears"))
    page.goto("/")
    page.get_by_role("link", name="apples").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("subject:pears")
    page.get_by_role("link", name="apples").wait_for(state="detached")
    assert page.get_by_role("link", name="pears").is_visible()
    page.get_by_role("searchbox").fill("nothing like that")
    page.get_by_text("No mail is like that.").wait_for()


def test_a_hostile_mail_can_do_nothing(server: Running, page: Any) -> None:
    here = f"http://localhost:{server.spec.ports[1].listen}/readyz"
    made = letter("hostile <b>subject</b>", html=ATTACK.replace("LINK", here))
    made.get_payload()[1].add_related(png(), "image", "png", cid="<logo>")  # type: ignore[union-attr, index]
    made.add_attachment(b"x", maintype="text", subtype="html", filename="<img src=x>.html")
    send(server, made)
    page.goto("/")
    page.get_by_role("link", name="hostile").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Offer").wait_for()
    assert frame.locator("#logo").evaluate("e => e.naturalWidth") == 2
    frame.locator("#go").click()
    assert page.title() == "Mail" and page.locator("b").count() == 0
    outside = [url for url in page.wanted if "127.0.0.1" not in url and not url.startswith("data:")]
    with page.context.expect_page() as opening:  # a link may be followed, in a tab of its own
        frame.locator("#link").click()
    assert opening.value.url == here
    assert opening.value.evaluate("window.opener") is None
    with servers.web(server) as client:
        assert client.get("/api/v1/messages").json()["total"] == 1
    assert all("tracker" in url or "x.example" in url for url in outside)  # asked for, and blocked
    assert "evil.example" not in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(server: Running, page: Any, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    made = letter("a subject", html="<p>text</p>", cc="c@x.org")
    made.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    send(server, made, letter("unread"))
    page.emulate_media(color_scheme=scheme)
    page.goto("/")
    page.get_by_role("link", name="a subject").click()
    page.get_by_role("tab", name="Text").click()
    page.get_by_role("heading", name="a subject").wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_fits_a_telephone(server: Running, page: Any) -> None:
    send(server, letter("a subject"))
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto("/")
    page.get_by_role("link", name="a subject").click()
    page.get_by_role("button", name="All mails").click()
    page.get_by_role("link", name="a subject").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

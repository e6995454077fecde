from __future__ import annotations

import re
from html.parser import HTMLParser

from starlette.requests import Request
from starlette.responses import Response

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.page import content_security_policy, html
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.readiness import Answer, State
from tests.unit.embedded.running import ask, http, listener, spec_of


async def nothing(request: Request) -> Response:
    return Response()


PAGES = [Page("GET", "/ready", "asks <all>", nothing), Page("POST", "/v1/tasks", "a task", nothing)]
SPEC = spec_of(
    "mail-server",
    [http(8025, "/"), listener(1025, ProbeKind.SMTP)],
    asks=[ask("redis", "A", ProbeKind.REDIS), ask("vector-db", "B", ProbeKind.HTTP)],
)


class Checker(HTMLParser):
    """Collects the tags, the text, and whatever a browser would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.fetched += [value or "" for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_well_formed_and_fetches_nothing() -> None:
    state = State(
        (
            Answer(service="redis", ok=True, detail="answers PONG", latency_ms=1.0),
            Answer(service="vector-db", ok=False, detail="<b>refused</b>", latency_ms=1.0),
        )
    )
    page = Checker(html(SPEC, "", PAGES, state))
    assert page.open == [] and page.fetched == []
    for words in (
        "stand-in", "whose code is not here", "GET /ready", "asks <all>", "POST /v1/tasks",
        "smtp on port 1025", "answers PONG", "<b>refused</b>", "not reachable",
    ):  # fmt: skip
        assert words in page.text


def test_somebody_elses_software_is_named() -> None:
    text = Checker(html(SPEC, "Mailpit & Co", PAGES, None)).text
    assert "Mailpit & Co" in text and "does nothing of what the real one does" in text
    assert "not asked yet" in text


def test_the_policy_allows_the_pages_own_script_and_no_other() -> None:
    policy = content_security_policy()
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert len(re.findall(r"'sha256-[A-Za-z0-9+/]{43}='", policy)) == 2


def test_without_dependencies_there_is_no_script() -> None:
    assert "<script>" not in html(spec_of("auth-ui", [http(1)]), "", PAGES, None)

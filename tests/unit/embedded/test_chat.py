"""The chat page, in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import Running, ask, http, spec_of

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def chat() -> Iterator[Running]:
    """ui-chat, behind which are agent-core, model-router and model-registry."""
    told: dict[str, str] = {}

    def spec(name: str, part: str, *asks: tuple[str, str]) -> EmbeddedSpec:
        asked = [ask(service, variable, ProbeKind.HTTP, "/health") for service, variable in asks]
        return spec_of(name, [http(free_port())], asks=asked, api=[part])

    registry = spec("model-registry", "models")
    router = spec("model-router", "models", ("model-registry", "MODEL_REGISTRY_URL"))
    core = spec("agent-core", "ask", ("model-router", "ALFRED_MODEL_ROUTER_URL"))
    page = spec("ui-chat", "chat", ("agent-core", "ALFRED_API_URL"))
    for name, of in (
        ("MODEL_REGISTRY_URL", registry),
        ("ALFRED_MODEL_ROUTER_URL", router),
        ("ALFRED_API_URL", core),
    ):
        told[name] = f"http://127.0.0.1:{of.ports[0].listen}"
    with (
        running.stand_in(registry),
        running.stand_in(router, told),
        running.stand_in(core, told),
        running.stand_in(page, told) as service,
    ):
        yield service


def address(chat: Running) -> str:
    return f"ws://127.0.0.1:{chat.port}/ws/chat"


def test_a_chat_over_the_websocket(chat: Running) -> None:
    with connect(address(chat), proxy=None) as socket:
        for text in ("hello there", "again"):
            socket.send(json.dumps({"text": text}))
            said = ""
            while "done" not in (piece := json.loads(socket.recv())):
                said += piece["delta"]
            assert said.endswith(text)


@pytest.mark.parametrize("message", ["", "{", "[]", '{"text": 7}', '{"text": " "}'])
def test_what_is_no_message_is_refused(chat: Running, message: str) -> None:
    with connect(address(chat), proxy=None) as socket:
        socket.send(message)
        assert "expected a text" in json.loads(socket.recv())["error"]
        socket.send('{"text": "still here"}')
        while "done" not in json.loads(socket.recv()):
            pass


def test_another_site_gets_no_websocket(chat: Running) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(address(chat), proxy=None, additional_headers={"Origin": "https://evil.example"})


def test_a_message_too_large_ends_the_connection_alone(chat: Running) -> None:
    with connect(address(chat), proxy=None) as socket:
        socket.send("x" * 100_000)
        with pytest.raises(Exception, match="1009"):
            socket.recv()
    with chat.http() as client:
        assert client.get("/").status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_page_in_a_browser(chat: Running, tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 700})
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://127.0.0.1:{chat.port}/")
        expect(page.get_by_role("status")).to_have_text("connected")
        page.get_by_label("Message").last.fill("Is <b>this</b> safe?")
        page.get_by_role("button", name="Send").click()
        answer = page.locator("#log .it")
        expect(answer).to_have_text(
            "I am alfred-dev's stub of a model, so I only tell you what I heard, 3 words: "
            "Is <b>this</b> safe?"
        )
        assert page.locator("#log b").count() == 0
        page.screenshot(path=tmp_path / "chat.png")
        browser.close()
    assert errors == []

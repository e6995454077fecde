"""A real Chromium that trusts our CA alone, on every page of a stack."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import Checkout

DOMAIN = "dev.alfred-platform.example.com"
CHROMIUM = shutil.which("chromium")
browser_needed = pytest.mark.skipif(
    CHROMIUM is None or shutil.which("certutil") is None, reason="needs chromium and certutil"
)


def authority(checkout: Checkout) -> Path:
    return checkout.root.parent / "home" / ".local" / "share" / "alfred-dev" / "ca" / "ca.pem"


@contextlib.contextmanager
def page(stack: Checkout, tmp_path: Path) -> Iterator[Any]:
    """A browser that trusts our CA alone, and finds our names on this machine."""
    from playwright.sync_api import sync_playwright

    database = tmp_path / ".pki" / "nssdb"
    database.mkdir(parents=True)
    name = ["-d", f"sql:{database}"]
    subprocess.run(["certutil", *name, "-N", "--empty-password"], check=True)
    trust = ["-A", "-n", "alfred-dev", "-t", "C,,", "-i", str(authority(stack))]
    subprocess.run(["certutil", *name, *trust], check=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1", "--no-proxy-server"],
            env={**os.environ, "HOME": str(tmp_path)},
        )
        try:
            yield browser.new_page(viewport={"width": 1000, "height": 700})
        finally:
            browser.close()


def every_page(opened: Any, shots: Path, https: int = 443, http: int = 80) -> list[str]:
    """Open what people open, chat by WebSocket; return what the console said against it.

    ``shots``: where the screenshots go.
    """
    said: list[str] = []
    opened.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    port = "" if https == 443 else f":{https}"
    for label in ("ui", "admin", "auth", "mail"):
        answer = opened.goto(f"https://{label}.{DOMAIN}{port}/")
        assert answer.ok, (label, answer.status)
        assert answer.security_details()["protocol"] == "TLS 1.3"
        opened.screenshot(path=shots / f"{label}.png")
    opened.goto(f"http://ui.{DOMAIN}:{http}/")
    assert opened.url == f"https://ui.{DOMAIN}{port}/"
    opened.get_by_label("Message").last.fill("through the gateway")
    opened.get_by_role("button", name="Send").click()
    opened.get_by_text("I am alfred-dev's stub of a model").wait_for()  # by WebSocket
    opened.screenshot(path=shots / "chat.png")
    opened.goto(f"https://ui.alfred.localhost{port}/")
    opened.get_by_role("status").get_by_text("connected").wait_for()
    return said

"""Real Streamlit behind the gateway, in a real browser. Slow: it installs Streamlit from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.compose_cli import outside
from tests.gateway import doors
from tests.gateway.doors import DOMAIN
from tests.servers import free_port

CHROMIUM = shutil.which("chromium")
# As people write it: with nothing said of the gateway.
APP = """
import streamlit as st
st.title("Behind the gateway")
name = st.text_input("Name")
if st.button("Greet"):
    st.write(f"Hello, {name}!")
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or shutil.which("certutil") is None, reason="needs chromium and certutil"
    ),
]


@pytest.fixture(scope="module")
def streamlit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Streamlit in an environment of its own."""
    folder = tmp_path_factory.mktemp("streamlit")
    python = os.environ.get("STREAMLIT_PYTHON") or _installed(folder)
    (folder / "app.py").write_text(APP)
    port = free_port()
    options = ["--server.headless=true", "--browser.gatherUsageStats=false"]
    place = ["--server.address=127.0.0.1", f"--server.port={port}"]
    process = subprocess.Popen(
        [python, "-m", "streamlit", "run", "app.py", *options, *place],
        cwd=folder, env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield port
    finally:
        process.terminate()
        process.wait()


def _installed(folder: Path) -> str:
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    # Also where the worker is in a network of its own.
    install = [*outside(), str(python), "-m", "pip", "install", "--quiet", "streamlit"]
    done = subprocess.run(install)
    if done.returncode != 0:
        pytest.skip("Streamlit cannot be installed here")
    return str(python)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError("Streamlit does not answer")


def test_streamlit_works_in_a_browser(streamlit: int, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    with doors.opened(tmp_path) as door:
        door.services = {**door.services, "ui-chat": streamlit}
        here = f"https://ui.{DOMAIN}:{door.ports[443]}"
        door.change(origins=(here,))  # a page's origin has the port that this test could have
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1", "--no-proxy-server"],
                env={**os.environ, "HOME": str(_trusting(tmp_path, door.authority))},
            )
            page = browser.new_page(viewport={"width": 900, "height": 600})
            page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
            page.goto(f"{here}/")
            page.get_by_text("Behind the gateway").wait_for(timeout=60_000)
            page.get_by_label("Name").fill("Ann")
            page.get_by_label("Name").press("Enter")
            page.get_by_role("button", name="Greet").click()
            page.get_by_text("Hello, Ann!").wait_for(timeout=60_000)
            page.screenshot(path=tmp_path / "streamlit.png")
            browser.close()
    assert [text for text in said if "ontent Security Policy" in text] == []


def _trusting(folder: Path, authority: bytes) -> Path:
    """A home whose NSS database trusts the CA alone."""
    database = folder / "home" / ".pki" / "nssdb"
    database.mkdir(parents=True)
    (folder / "ca.pem").write_bytes(authority)
    name = ["-d", f"sql:{database}"]
    subprocess.run(["certutil", *name, "-N", "--empty-password"], check=True)
    trust = ["-A", "-n", "alfred-dev", "-t", "C,,", "-i", str(folder / "ca.pem")]
    subprocess.run(["certutil", *name, *trust], check=True)
    return folder / "home"

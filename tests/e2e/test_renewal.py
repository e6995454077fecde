"""A certificate ends while the gateway runs: the new one is served at once, nothing restarts."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest

from alfred_dev.pki import certificates
from alfred_dev.pki.certificates import Pair
from tests.e2e.checkout import Checkout

SOON_S = 20


def served(port: int) -> str:
    return certificates.read(ssl.get_server_certificate(("127.0.0.1", port)).encode()).fingerprint


def comes(port: int, wanted: str) -> bool:
    until = time.monotonic() + SOON_S
    while time.monotonic() < until:
        if served(port) == wanted:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_an_expired_certificate_is_replaced_while_the_gateway_runs(checkout: Checkout) -> None:
    checkout.ok("up", "gateway")
    gateway = next(s for s in checkout.json("status")["services"] if s["id"] == "gateway")
    if gateway["health"] != "healthy":
        pytest.skip("no Envoy for this machine")
    port = next(e["port"] for e in gateway["endpoints"] if e["url"].startswith("https"))
    authority = checkout.root.parent / "home/.local/share/alfred-dev/ca"
    ca = Pair((authority / "ca.pem").read_bytes(), (authority / "ca.key").read_bytes())
    leaf = checkout.root / "certs" / "loopback.pem"
    names = certificates.read(leaf.read_bytes()).names
    old = certificates.issue(ca, names, datetime.now(UTC), life=timedelta(hours=13))
    leaf.write_bytes(old.certificate)
    leaf.with_suffix(".key").write_bytes(old.key)
    checkout.ok("certs", "mint")  # 13 hours, 12 of them past: it ends within 30 days
    new = certificates.read(leaf.read_bytes())
    assert new.left(datetime.now(UTC)) > timedelta(days=300)
    assert comes(port, new.fingerprint)
    after = next(s for s in checkout.json("status")["services"] if s["id"] == "gateway")
    assert after["restarts"] == gateway["restarts"]

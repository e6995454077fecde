"""Our own dnsmasq: it needs no port 53, and says who has its own."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import pytest

from alfred_dev.ledger import Ledger
from alfred_dev.names import helper
from alfred_dev.names.base import Wanted, pack
from tests.e2e.checkout import Checkout
from tests.e2e.test_gateway_alone import listening_on

DOMAIN = "dev.alfred-platform.example.com"

pytestmark = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="needs dnsmasq")


@pytest.fixture
def asked(checkout: Checkout) -> Checkout:
    """A checkout whose system was told to ask our own dnsmasq."""
    shared = checkout.root.parent / "home" / ".local" / "share" / "alfred-dev"
    wanted = Wanted(domains=(DOMAIN,), servers=(f"127.0.0.1:{helper.PORT}",))
    target = str(Path("/etc/systemd/resolved.conf.d/alfred-dev.conf"))
    Ledger(shared / "ledger.json").begin("resolved", target, checkout.root, wants=pack(wanted))
    return checkout


def test_a_taken_port_53_is_none_of_its_business(asked: Checkout) -> None:
    with listening_on(53), socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 53))
        done = asked.run("up", "auth-ui", helper.ID)
        assert done.returncode == 0, done.stderr
        question = dns.message.make_query(f"ui.{DOMAIN}", dns.rdatatype.A)
        answer = dns.query.udp(question, "127.0.0.1", port=helper.PORT, timeout=5)
        assert [str(record) for record in answer.answer[0]] == ["127.0.0.1"]


def test_a_taken_port_of_its_own_is_told_and_holds_nothing_up(asked: Checkout) -> None:
    with listening_on(helper.PORT):
        done = asked.run("up", "auth-ui", helper.ID)
    assert done.returncode == 0, done.stderr
    assert f"dns is left out: {helper.PORT}" in done.stderr
    assert asked.status("auth-ui")["health"] == "healthy"

"""A name that the configuration got since ``up``: that it is older is the one cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alfred_dev.doctor import triage
from alfred_dev.doctor.checks import (
    certificate_served,
    certificate_unusable,
    gateway_route,
    render_old,
)
from alfred_dev.doctor.look.certs import Certs, Leaf, outlived
from alfred_dev.doctor.look.files import Files
from alfred_dev.doctor.look.gateway import Route, Routes
from alfred_dev.doctor.model import Outcome, State
from alfred_dev.doctor.tls import Handshake
from tests import worlds
from tests.unit.doctor.scenes import judged, seen

NAME = "shop.dev.example.com"
LEAF = Leaf(name="gateway", path="/p/certs/gateway.pem", left_days=300,
            reason="its names were not those of the catalog")  # fmt: skip
SHAKE = Handshake(host="127.0.0.1", port=443, name=NAME, certificate=b"x",
                  untrusted=f"certificate is not valid for '{NAME}'")  # fmt: skip
CERTS = Certs(made=True, ca_left_days=3000, leaves=(LEAF,), served=(SHAKE,))
ROUTE = Route(name=NAME, leads_to="agent-core", status=421, detail="HTTP 421")
LOOKS = (
    (certificate_unusable, CERTS),
    (certificate_served, CERTS),
    (gateway_route, Routes(rows=(ROUTE,), services=seen())),
)
OLD = Files(old=("/p/.alfred/render/gateway/routes-https.json",))


def codes(*looks: tuple[Any, Any]) -> list[str]:
    """Return the root causes that the checks of these modules name together."""
    outcomes = [
        Outcome(check=m.CHECK, state=State.FOUND, findings=tuple(judged(m.CHECK, look)))
        for m, look in looks
    ]
    return [cause.check.code for cause in triage.causes(outcomes, worlds.plan())]


def test_what_the_gateway_was_not_told_of_yet_is_no_fault_of_its() -> None:
    behind = [(check, replace(look, behind=True)) for check, look in LOOKS]
    assert codes((render_old, OLD), *behind) == ["render-old"]


def test_the_same_with_nothing_changed_is_one() -> None:
    assert codes(*LOOKS) == ["certificate-unusable"]


def test_a_domain_that_was_changed_has_lost_no_ca() -> None:
    assert outlived(["dev.example.com", "ui.dev.example.com"], ("dev.example.com",))
    assert not outlived(["dev.example.com"], ("dev.shop.test", "ui.dev.shop.test"))

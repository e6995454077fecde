"""What answers on our port speaks another language."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services
from alfred_dev.probe.base import Reason


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services of ours whose port speaks a protocol that the catalog does not say."""
    for service in seen.ill:
        for e in service.ports_with(Reason.PROTOCOL):
            yield Finding(
                subject=service.id,
                cause=f"port {e.endpoint.port} of {service.id} does not speak "
                f"{e.endpoint.protocol}: {e.detail}",
                evidence=(f"port {e.endpoint.port}: {e.detail}",),
                fix=Fix(
                    text="Restart it; if that does not help, its source is another program.",
                    commands=(restart(service.id),),
                ),
            )


CHECK = Check(
    code="wrong-protocol",
    title="A port speaks another protocol than it should",
    category=Category.PORTS,
    cause="another program answers there, or http meets https",
    fix="end the other program, or correct scheme and port; then `alfred-dev restart SERVICE`",
    depends_on=frozenset({"engine-down", "loopback-broken", "port-taken", "settings-changed"}),
    rank=32,
    observe=services,
    judge=judge,
)

"""The gateway serves another certificate than the one on disk, or none that may be believed."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.certs import GATEWAY, Certs, certs
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Certs, given: Given) -> Iterable[Finding]:
    """Find a gateway that was not told of a renewal, or whose chain does not hold."""
    fix = Fix(text="Restart the gateway.", commands=(restart(GATEWAY),), automatic=True)
    renewed = not any(leaf.reason for leaf in seen.leaves if leaf.name == GATEWAY)
    if renewed and seen.serving and seen.on_disk and seen.serving != seen.on_disk:
        yield Finding(
            subject=GATEWAY,
            about=frozenset({"certificates"}),
            cause="the gateway serves another certificate than the file: it was renewed, and the "
            "gateway has not taken it over",
            evidence=(f"served {seen.serving[:16]}, on disk {seen.on_disk[:16]}",),
            fix=fix,
        )
        return
    for shake in seen.served:
        if shake.untrusted or shake.error.startswith("no TLS"):
            yield Finding(
                subject=GATEWAY,
                about=frozenset({"certificates"}),
                cause=f"https://{shake.name}:{shake.port} cannot be believed: "
                f"{shake.untrusted or shake.error}",
                evidence=(f"{shake.version} {shake.cipher}".strip() or shake.error,),
                # Of a name that the gateway was not told of yet it can have no certificate.
                severity=Severity.WARNING if seen.behind else None,
                fix=fix,
            )
            return


CHECK = Check(
    code="certificate-served",
    title="The gateway serves a wrong certificate",
    category=Category.CERTS,
    cause="it was renewed and not taken over, or something else answers on the port",
    fix="`alfred-dev restart gateway`",
    depends_on=frozenset(
        {
            "home-other",
            "ca-unusable",
            "certificate-unusable",
            "clock-wrong",
            "engine-down",
            "loopback-broken",
            "port-taken",
            "render-old",
            "service-stopped",
            "settings-changed",
            "stack-down",
            "supervisor-lost",
        }
    ),
    rank=35,
    observe=certs,
    judge=judge,
)

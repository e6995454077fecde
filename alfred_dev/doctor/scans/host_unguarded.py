"""A page answers to any Host: a web site that you open could talk to it."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.exposure import FOREIGN_HOST, Exposure, exposure
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.plan import SourceKind

OURS = (SourceKind.STAND_IN, SourceKind.EMBEDDED)


def judge(seen: Exposure, given: Given) -> Iterable[Finding]:
    """Find HTTP ports that answer a foreign Host as they answer their own."""
    for page in seen.pages:
        if 200 <= page.foreign < 300:
            name = page.endpoint.service
            if name == "gateway":  # its statistics; its routes are by Host
                continue
            yield Finding(
                subject=name,
                cause=f"{name} answers to any Host: by DNS rebinding a web page that you open "
                "could read it",
                evidence=(f"GET {page.endpoint.path} with Host: {FOREIGN_HOST}: {page.foreign}",),
                severity=Severity.WARNING if page.source in OURS else Severity.INFO,
                fix=Fix(text="Real servers do so; our own engine does not: `from: embedded`."),
            )


CHECK = Check(
    code="host-unguarded",
    title="A service answers to any Host",
    category=Category.NETWORK,
    severity=Severity.WARNING,
    cause="the server does not look at the Host header",
    fix="use our embedded engine for it, or mind which pages you open",
    observe=exposure,
    judge=judge,
)

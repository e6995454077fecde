"""A page for browsers comes without the headers that guard it."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.exposure import Exposure, exposure
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.plan import SourceKind

WANTED = ("x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy")
INSTEAD = {"x-frame-options": "frame-ancestors"}


def judge(seen: Exposure, given: Given) -> Iterable[Finding]:
    """Find answers without them; the gateway adds them, so a plain port is only information."""
    for page in seen.pages:
        policy = page.headers.get("content-security-policy", "")
        missing = [
            name for name in WANTED
            if name not in page.headers and INSTEAD.get(name, "\0") not in policy
        ]  # fmt: skip
        html = "html" in page.headers.get("content-type", "")
        if missing and html and page.source is not SourceKind.BINARY:
            name = page.endpoint.service
            yield Finding(
                subject=name,
                cause=f"port {page.endpoint.port} of {name} answers without {', '.join(missing)}",
                evidence=(f"GET /: {page.status}",),
                fix=Fix(text="Open it through the gateway, which adds them."),
            )


CHECK = Check(
    code="headers-missing",
    title="A page has no security headers of its own",
    category=Category.NETWORK,
    severity=Severity.INFO,
    cause="the service does not send them itself; the gateway does for all",
    fix="open it by its name, through the gateway",
    observe=exposure,
    judge=judge,
)

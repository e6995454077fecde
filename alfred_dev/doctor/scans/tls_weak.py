"""A port takes TLS of the last century."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.exposure import Exposure, exposure
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

WEAK = ("RC4", "3DES", "DES-CBC", "NULL", "EXPORT", "MD5", "ADH", "AECDH")


def judge(seen: Exposure, given: Given) -> Iterable[Finding]:
    """Find ports that take TLS 1.0 or 1.1, or a broken cipher."""
    for row in seen.tls:
        weak = [word for word in WEAK if word in row.cipher]
        if row.old or weak:
            yield Finding(
                subject=row.service,
                cause=f"port {row.port} of {row.service} takes "
                f"{', '.join([*row.old, *weak])}; at least TLS 1.2 is asked for",
                evidence=(f"it likes {row.version} with {row.cipher} best",),
                fix=Fix(
                    text="Set the minimum version in the server's own configuration.",
                    commands=(f"alfred-dev restart {row.service}",),
                ),
            )


CHECK = Check(
    code="tls-weak",
    title="A port takes old TLS versions or broken ciphers",
    category=Category.CERTS,
    cause="the server's minimum version is too low",
    fix="TLS 1.2 or newer in the server's configuration",
    observe=exposure,
    judge=judge,
)

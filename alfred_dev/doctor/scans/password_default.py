"""A database takes a password that everybody knows."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.exposure import Exposure, exposure
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

KEYS = {"db-postgres": "POSTGRES_PASSWORD", "redis": "REDIS_PASSWORD"}


def judge(seen: Exposure, given: Given) -> Iterable[Finding]:
    """Find services that let in who types what stands in every guide."""
    for name, taken in seen.guessed.items():
        if taken:
            key = KEYS.get(name, "its password")
            yield Finding(
                subject=name,
                cause=f"{name} takes a password that everybody knows (or none)",
                evidence=("one of the usual defaults was taken",),
                fix=Fix(
                    text=f"Give {key} in .env a random value: delete its line, then have it made.",
                    commands=(f"sed -i '/^{key}=/d' .env", "alfred-dev doctor --fix --yes"),
                ),
            )


CHECK = Check(
    code="password-default",
    title="A database takes a well-known password",
    category=Category.DATA,
    cause="its password was never changed from what a guide or an image says",
    fix="a random value in .env, then `alfred-dev doctor password-mismatch --fix`",
    observe=exposure,
    judge=judge,
)

"""A database asks nobody for a password."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.secrets import Passwords, passwords
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Passwords, given: Given) -> Iterable[Finding]:
    """Find services that let everybody in."""
    for row in seen.rows:
        if row.open:
            yield Finding(
                subject=row.service,
                cause=f"{row.service} asks for no password: everybody on this machine may use it",
                evidence=(row.detail,),
                fix=Fix(
                    text=f"Restart it: it is told {row.key} at its start.",
                    commands=(restart(row.service),),
                ),
            )


CHECK = Check(
    code="password-open",
    title="A database asks for no password",
    category=Category.DATA,
    cause="its password was taken away while it ran, or it was started without one",
    fix="`alfred-dev restart SERVICE`",
    depends_on=frozenset({"loopback-broken", "port-taken"}),
    rank=15,
    observe=passwords,
    judge=judge,
)

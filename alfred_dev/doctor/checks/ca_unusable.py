"""The local CA cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.certs import Certs, certs
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

SOON_DAYS = 30
AGAIN = ("alfred-dev up", "alfred-dev setup --yes")
NEW = ("alfred-dev certs mint --new-ca", "alfred-dev setup --yes")


def judge(seen: Certs, given: Given) -> Iterable[Finding]:
    """Find a CA that is gone, damaged, of another domain, or at its end."""
    if seen.gone:
        yield Finding(
            subject="ca",
            about=frozenset({"certificates"}),
            cause="the local CA is gone: it was deleted while the gateway runs, and nothing can "
            "check or renew what that serves",
            evidence=(f"{seen.gone} does not exist",),
            fix=Fix(text="up makes a new one; setup has it trusted.", commands=AGAIN),
        )
    elif seen.ca is not None:
        yield Finding(
            subject="ca",
            about=frozenset({"certificates"}),
            cause=f"{seen.ca.what}: {seen.ca.cause}",
            evidence=(seen.ca.where or seen.ca.cause,),
            fix=Fix(text="; ".join(seen.ca.fix), commands=NEW),
        )
    elif seen.made and seen.ca_left_days < SOON_DAYS:
        yield Finding(
            subject="ca",
            about=frozenset({"certificates"}),
            cause=f"the local CA ends in {seen.ca_left_days:.0f} days",
            severity=Severity.WARNING,
            fix=Fix(text="Make a new one and have it trusted.", commands=NEW),
        )


CHECK = Check(
    code="ca-unusable",
    title="The local CA cannot be used",
    category=Category.CERTS,
    cause="its file is damaged or gone, it has expired, or the domain was changed",
    fix="`alfred-dev certs mint --new-ca`, then `alfred-dev setup`",
    depends_on=frozenset({"clock-wrong"}),
    rank=33,
    observe=certs,
    judge=judge,
)

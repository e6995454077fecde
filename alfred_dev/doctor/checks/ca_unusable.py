"""The local CA cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.certs import Certs, certs
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.errors import AlfredError

SOON_DAYS = 30
AGAIN = ("alfred-dev up", "alfred-dev setup --yes")
NEW = ("alfred-dev certs mint --new-ca", "alfred-dev setup --yes")


def judge(seen: Certs, given: Given) -> Iterable[Finding]:
    """Find a CA that is gone, damaged, of another domain, at its end, or that cannot sign."""
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
    elif seen.signer is not None:
        yield _unsigning(seen.signer, seen)
    elif seen.made and seen.ca_left_days < SOON_DAYS:
        yield Finding(
            subject="ca",
            about=frozenset({"certificates"}),
            cause=f"the local CA ends in {seen.ca_left_days:.0f} days",
            severity=Severity.WARNING,
            fix=Fix(text="Make a new one and have it trusted.", commands=NEW),
        )


def _unsigning(error: AlfredError, seen: Certs) -> Finding:
    """Tell of a CA whose key is lost, or no secret. Nobody notices before the leaves end."""
    needed = any(leaf.reason for leaf in seen.leaves)
    is_open = error.code == "ca-key-open"
    return Finding(
        subject="ca",
        about=frozenset({"certificates"}) if needed else frozenset(),
        cause=f"{error.what}: {error.cause}",
        evidence=(error.where or error.cause,),
        severity=Severity.ERROR if needed or is_open else Severity.WARNING,
        fix=Fix(
            text="; ".join(error.fix),
            commands=(f"chmod 600 '{error.where}'", "alfred-dev up") if is_open else NEW,
        ),
    )


CHECK = Check(
    code="ca-unusable",
    title="The local CA cannot be used",
    category=Category.CERTS,
    cause="its file is damaged or gone, its key is lost or open to others, it has expired, or the "
    "domain was changed",
    fix="`alfred-dev certs mint --new-ca`, then `alfred-dev setup`",
    depends_on=frozenset({"home-other", "clock-wrong"}),
    rank=33,
    observe=certs,
    judge=judge,
)

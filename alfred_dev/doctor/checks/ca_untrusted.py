"""Something that was set up to trust our CA does not any more."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.naming import Trusting, trusting
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

TRUST = "alfred-dev certs trust --yes"


def judge(seen: Trusting, given: Given) -> Iterable[Finding]:
    """Find places that lost it; those that came later (a new browser profile) are a warning."""
    lost = [done.target for done in seen.done if not done.holds]
    if lost:
        yield Finding(
            subject=lost[0],
            about=frozenset({"trust", *lost}),
            cause=f"{', '.join(lost)} does not trust our CA any more: it was removed there, or the "
            "CA was made anew",
            evidence=tuple(lost),
            fix=Fix(text="Have it trusted again.", commands=(TRUST,)),
        )
    elif seen.done and seen.others:
        yield Finding(
            subject=seen.others[0],
            about=frozenset({"trust", *seen.others}),
            cause=f"{', '.join(seen.others)} does not trust our CA: it has a store of its own, "
            "which came after setup",
            evidence=seen.others,
            severity=Severity.WARNING,
            fix=Fix(text="Have it trust the CA too.", commands=(TRUST,)),
        )


CHECK = Check(
    code="ca-untrusted",
    title="The local CA is not trusted",
    category=Category.CERTS,
    cause="the anchor was removed (an update, a fresh profile), or the CA was made anew",
    fix="`alfred-dev certs trust`",
    depends_on=frozenset({"home-other", "ca-unusable"}),
    rank=38,
    quick=False,
    observe=trusting,
    judge=judge,
)

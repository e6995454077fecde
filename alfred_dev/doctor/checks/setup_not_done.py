"""Names and trust were never set up here: everything works by port meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.naming import Naming, naming
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Naming, given: Given) -> Iterable[Finding]:
    """Say once what setup would do, where it has done nothing yet."""
    if not seen.done and seen.bad and not seen.rivals:
        yield Finding(
            subject="setup",
            cause=f"{len(seen.bad)} of {len(seen.names)} names of the stack do not lead to this "
            "machine yet: everything works by port, and by name after setup",
            evidence=(f"{seen.bad[0].name} does not resolve",),
            fix=Fix(
                text="Have names lead here and this machine trust the CA; it shows each change.",
                commands=("alfred-dev setup",),
            ),
        )


CHECK = Check(
    code="setup-not-done",
    title="Names and trust are not set up",
    category=Category.NAMES,
    severity=Severity.INFO,
    cause="`alfred-dev setup` was never run here, and `up` changes no hosts file by itself",
    fix="`alfred-dev setup`",
    rank=95,
    quick=False,
    observe=naming,
    judge=judge,
)

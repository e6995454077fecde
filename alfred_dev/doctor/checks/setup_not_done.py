"""Names and trust were never set up here: everything works by port meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.naming import Setup, setup
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Setup, given: Given) -> Iterable[Finding]:
    """Say once what setup would do, where it has done nothing yet."""
    names, trust = seen.naming, seen.trusting
    if not names.done and names.bad and not names.rivals:
        yield _finding(
            f"{len(names.bad)} of {len(names.names)} names of the stack do not lead to this "
            "machine yet: everything works by port, and by name after setup",
            (f"{names.bad[0].name} does not resolve",),
            "Have names lead here and this machine trust the CA; it shows each change.",
        )
    elif not names.bad and not trust.done and trust.others:
        yield _finding(
            "the names of the stack lead here, and nothing was set up to trust its CA: browsers "
            "warn, and curl refuses",
            tuple(f"{place} does not trust it" for place in trust.others),
            "Have this machine trust the CA; it shows each change.",
        )


def _finding(cause: str, evidence: tuple[str, ...], text: str) -> Finding:
    fix = Fix(text=text, commands=("alfred-dev setup",))
    return Finding(subject="setup", cause=cause, evidence=evidence, fix=fix)


CHECK = Check(
    code="setup-not-done",
    title="Names and trust are not set up",
    category=Category.NAMES,
    severity=Severity.INFO,
    cause="`alfred-dev setup` was never run here, and `up` changes no hosts file by itself",
    fix="`alfred-dev setup`",
    rank=95,
    quick=False,
    observe=setup,
    judge=judge,
)

"""A certificate of ours is missing, has expired, or does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.certs import GATEWAY, Certs, Leaf, certs
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

ASTRAY = re.compile(r"(\S+) was a link to ")


def judge(seen: Certs, given: Given) -> Iterable[Finding]:
    """Find leaves that have to be made anew, and why."""
    for leaf in seen.leaves:
        if leaf.reason and seen.made:
            soon = leaf.left_days > 0 and leaf.reason.startswith("its end is")
            # Names that came to the configuration since `up`: that it is older is the cause.
            later = seen.behind and leaf.reason.startswith("its names")
            yield Finding(
                subject=leaf.path.removeprefix(f"{given.root}/"),
                about=frozenset({"certificates", leaf.name, *(("render",) if later else ())}),
                cause=_cause(leaf, soon=soon),
                evidence=(f"{leaf.path}: {leaf.reason}",),
                severity=Severity.WARNING if soon or later else Severity.ERROR,
                fix=_fix(leaf, seen),
            )


def _cause(leaf: Leaf, *, soon: bool) -> str:
    if soon:
        return f"the certificate {leaf.name} ends in {leaf.left_days:.0f} days"
    ended = f", {-leaf.left_days:.0f} days ago" if leaf.left_days < 0 else ""
    return f"the certificate {leaf.name} cannot be used: {leaf.reason}{ended}"


def _fix(leaf: Leaf, seen: Certs) -> Fix:
    if leaf.own:
        return Fix(text="Renew it where you had it from; alfred.yaml names it under gateway.cert.")
    # A gateway that did not take over what the file is by now may not take over the next, either.
    stuck = leaf.name == GATEWAY and seen.serving and seen.serving != seen.on_disk
    astray = ASTRAY.match(leaf.reason)
    removed = (f"rm '{leaf.path.rpartition('/')[0]}/{astray[1]}'",) if astray else ()
    again = (restart(GATEWAY),) if stuck or astray or "missing" in leaf.reason else ()
    return Fix(text="Have it made anew.", commands=(*removed, "alfred-dev up", *again),
               automatic=True)  # fmt: skip


CHECK = Check(
    code="certificate-unusable",
    title="A certificate cannot be used",
    category=Category.CERTS,
    cause="it expired, was deleted, lacks a name, or its key is another one's",
    fix="`alfred-dev up` (it renews what has to be)",
    depends_on=frozenset(
        {"home-other", "ca-unusable", "clock-wrong", "render-old", "settings-changed"}
    ),
    rank=34,
    observe=certs,
    judge=judge,
)

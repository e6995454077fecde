"""A name of ours leads to another machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from alfred_dev.doctor.look.naming import Naming, naming
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

LINE = re.compile(r"^(?P<file>\S+):(?P<line>\d+) leads")


def judge(seen: Naming, given: Given) -> Iterable[Finding]:
    """Find names with an address that is not loopback: a stale line, or somebody's DNS."""
    strange = [r for r in seen.bad if r.addresses]
    if not strange:
        return
    first = strange[0]
    lines = [m for text in seen.rivals if (m := LINE.match(text))]
    yield Finding(
        subject=first.name,
        about=frozenset({"names", *(r.name for r in strange)}),
        cause=f"{first.name} leads to {_astray(first.addresses)}"
        + (f": {seen.rivals[0].rpartition(': ')[0]}" if seen.rivals
           else " (a DNS server of the network or a VPN says so)"),
        evidence=seen.rivals or (f"resolv.conf asks {', '.join(seen.servers) or 'nobody'}",),
        fix=Fix(
            text="Delete the stale line." if lines else "Have the hosts file say it first.",
            commands=(
                *(f"{given.sudo}sed -i '{m['line']}d' {m['file']}" for m in reversed(lines)),
                "alfred-dev names apply --way hosts --yes",
            ),
        ),
    )  # fmt: skip


def _astray(addresses: Iterable[str]) -> str:
    """Return where a name leads; a client takes any of several addresses."""
    found = [*addresses]
    away = [a for a in found if not ip_address(a.partition("%")[0]).is_loopback]
    here = " besides this machine" if len(away) < len(found) else ", not to this machine"
    return f"{', '.join(away)}{here}"


CHECK = Check(
    code="name-elsewhere",
    title="A name of the stack leads to another machine",
    category=Category.NAMES,
    cause="a stale line in the hosts file (an old container, WSL), or a DNS that knows the domain",
    fix="delete the line; `alfred-dev names apply`",
    rank=35,
    quick=False,
    observe=naming,
    judge=judge,
)

"""Loopback is slowed down or loses packets on purpose."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find artificial delay on loopback."""
    for line in seen.shaping:
        yield Finding(
            subject="lo",
            cause=f"packets of this machine to itself are delayed or lost: {line}",
            evidence=(line,),
            fix=Fix(text="Take it off.", commands=(f"{given.sudo}tc qdisc del dev lo root",)),
            everything=True,
        )


CHECK = Check(
    code="slow-link",
    title="Loopback is slowed down",
    category=Category.NETWORK,
    cause="`tc netem` or a network simulator was left on",
    fix="`tc qdisc del dev lo root`",
    rank=13,
    needs_plan=False,
    observe=machine,
    judge=judge,
)

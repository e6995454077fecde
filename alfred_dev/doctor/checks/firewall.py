"""A rule of the firewall drops packets to our ports."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

PORTS = re.compile(r"--d(?:ports?) (\S+)|--s(?:ports?) (\S+)")
ELSEWHERE = re.compile(r"-d (?!127\.|::1|0\.0\.0\.0/0)\S+|-i (?!lo\b)\S+|! -i|! -o|-o (?!lo\b)\S+")


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find rules that name one of our ports, or all of loopback."""
    assert given.plan is not None  # noqa: S101 - it needs a plan
    ours = {e.port: e.service for e in given.plan.endpoints}
    ours |= {e.container_port: e.service for e in given.plan.endpoints if "DOCKER" in str(seen)}
    for rule in seen.firewall:
        hit = sorted({ours[p] for p in _ports(rule) if p in ours})
        whole = not _ports(rule) and _loopback(rule)
        if (hit and not ELSEWHERE.search(rule)) or whole:
            program = "ip6tables" if "::" in rule or "icmp6" in rule else "iptables"
            yield Finding(
                subject=hit[0] if hit else "loopback",
                about=frozenset(hit),
                cause=f"a firewall rule of this machine drops packets to "
                f"{', '.join(hit) or 'all of loopback'}: {rule}",
                evidence=(rule,),
                fix=Fix(
                    text="Take the rule away.",
                    commands=(f"{given.sudo}{program} {rule.replace('-A ', '-D ', 1)}",),
                    undo=(f"{program} {rule}",),
                ),
                everything=whole,
            )


def _ports(rule: str) -> set[int]:
    found: set[int] = set()
    for match in PORTS.finditer(rule):
        for part in (match[1] or match[2]).split(","):
            first, _, last = part.partition(":")
            if first.isdigit():
                end = int(last) if last.isdigit() else int(first)
                found |= set(range(int(first), min(end, 65535) + 1))
    return found


def _loopback(rule: str) -> bool:
    return bool(re.search(r"-[io] lo\b|-d 127\.|-s 127\.", rule))


CHECK = Check(
    code="firewall",
    title="A firewall rule drops packets to the stack",
    category=Category.NETWORK,
    cause="a rule of iptables or nftables names our port, or loopback",
    fix="delete the rule (`iptables -D ...`, printed in full)",
    rank=11,
    observe=machine,
    judge=judge,
)

"""The loopback interface is down, or `localhost` means something else."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.host.outgoing import Outgoing

LINE = "127.0.0.1 localhost"
RANGE = "net.ipv4.ip_local_port_range"
FEW = 100
NEARLY = 0.95


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find a machine that cannot talk to itself."""
    if seen.loopback4:
        yield Finding(
            subject="127.0.0.1",
            cause=f"this machine cannot talk to itself on 127.0.0.1: {seen.loopback4}",
            evidence=(f"listen and connect on 127.0.0.1: {seen.loopback4}",),
            fix=Fix(
                text="Bring the loopback interface up, with its address.",
                commands=(
                    f"{given.sudo}ip link set lo up",
                    f"{given.sudo}ip address replace 127.0.0.1/8 dev lo",
                    f"{given.sudo}ip address replace ::1/128 dev lo",
                ),
            ),
            everything=True,
        )
    yield from _no_port_left(seen.outgoing, given.sudo)
    if "127.0.0.1" not in seen.localhost:
        means = ", ".join(seen.localhost) or "nothing"
        unread = seen.in_hosts and seen.resolver and "files" not in seen.resolver.split()
        why = ": /etc/hosts says it, and /etc/nsswitch.conf does not have that file asked"
        yield Finding(
            subject="localhost",
            cause=f"the name localhost means {means}, not 127.0.0.1{why if unread else ''}",
            evidence=(f"getaddrinfo localhost: {means}", *([seen.resolver] if unread else [])),
            severity=Severity.ERROR if not seen.localhost else Severity.WARNING,
            fix=_ask_files(seen.resolver, given.sudo) if unread else _add_line(given.sudo),
            everything=True,
        )


def _no_port_left(seen: Outgoing, sudo: str) -> Iterable[Finding]:
    if not seen.ports or (seen.ports >= FEW and seen.taken < seen.ports * NEARLY):
        return
    few = seen.ports < FEW
    wide = f"{sudo}sysctl -w {RANGE}='32768 60999'"
    yield Finding(
        subject="127.0.0.1",
        cause="no port is left from which a connection could be made (`Cannot assign requested "
        + (f"address`): this machine has {seen.ports} of them, by {RANGE}" if few else
           f"address`): {seen.taken} of {seen.ports} lead to port {seen.busiest}, or just did"),
        evidence=(f"{RANGE}: {seen.ports} ports; to port {seen.busiest}: {seen.taken}",),
        fix=Fix(text="Have as many as usual.", commands=(wide,)) if few else
        Fix(text="End what opens them (a load test, a client without keep-alive), and wait a "
                 "minute.", commands=(f"ss -tnp dport = :{seen.busiest} | head",)),
        everything=True,
    )  # fmt: skip


def _ask_files(line: str, sudo: str) -> Fix:
    better = line.replace("hosts:", "hosts: files", 1)
    return Fix(
        text="Have the hosts file asked first.",
        commands=(f"{sudo}sed -i 's/^{line}/{better}/' /etc/nsswitch.conf",),
        undo=(f"sed -i 's/^{better}/{line}/' /etc/nsswitch.conf",),
    )


def _add_line(sudo: str) -> Fix:
    return Fix(
        text="Give it its line in /etc/hosts again.",
        commands=(f"echo '{LINE}' | {sudo}tee -a /etc/hosts",),
        undo=(rf"sed -i '\|^{LINE}$|d' /etc/hosts",),
    )


CHECK = Check(
    code="loopback-broken",
    title="This machine cannot talk to itself",
    category=Category.HOST,
    cause="the loopback interface is down, lacks its address, /etc/hosts lost `localhost`, "
    "/etc/nsswitch.conf does not have that file asked, or no outgoing port is left",
    fix="`ip link set lo up`; `127.0.0.1 localhost` in /etc/hosts",
    rank=3,
    needs_plan=False,
    observe=machine,
    judge=judge,
)

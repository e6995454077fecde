"""A port of ours can be reached from other machines."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.ports import Ports, ports
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def loopback(address: str) -> bool:
    """Tell whether only this machine reaches ``address``."""
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1")


def judge(seen: Ports, given: Given) -> Iterable[Finding]:
    """Find sockets of our services that are bound to anything but loopback."""
    for name, listener in seen.ours:
        if not loopback(listener.address):
            yield Finding(
                subject=name,
                cause=f"{name} listens on {listener.address}:{listener.port}: "
                "other machines of the network can reach it",
                evidence=(f"{listener.program} (pid {listener.pid}): {listener.command}",),
                fix=Fix(
                    text="Bind it to 127.0.0.1 where it is configured, then restart it.",
                    commands=(restart(name),),
                ),
            )


CHECK = Check(
    code="port-public",
    title="A service can be reached from other machines",
    category=Category.PORTS,
    cause="it is bound to all addresses instead of 127.0.0.1",
    fix="bind it to 127.0.0.1, then `alfred-dev restart SERVICE`",
    rank=30,
    observe=ports,
    judge=judge,
)

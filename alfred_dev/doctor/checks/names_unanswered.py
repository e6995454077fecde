"""What setup did for names is in place, and names do not resolve all the same."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.naming import Naming, naming
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.names.base import ADDRESSES


def judge(seen: Naming, given: Given) -> Iterable[Finding]:
    """Find a resolver that does not ask where our names are."""
    missing = [r for r in seen.bad if not r.addresses and r.name not in seen.absent]
    if not any(done.kind == "hosts_file" for done in seen.done):
        missing = [r for r in seen.bad if not r.addresses]
    if not missing or not seen.done or not all(done.holds for done in seen.done):
        return
    hosts = any(done.kind == "hosts_file" for done in seen.done)
    servers = ", ".join(seen.servers) or "nobody"
    yield Finding(
        subject=missing[0].name,
        about=frozenset({"names"}),
        cause=f"{len(missing)} names do not resolve: {_why(seen, servers, hosts=hosts)}",
        evidence=(f"{missing[0].name}: no address", f"resolv.conf: nameserver {servers}"),
        fix=Fix(
            text="Have the hosts file say them: it needs no resolver.",
            commands=(
                f"{given.sudo}sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf"
                if hosts
                else "alfred-dev names apply --way hosts --yes",
            ),
        ),
    )


def _why(seen: Naming, servers: str, *, hosts: bool) -> str:
    if hosts:
        return (
            "the hosts file has them, but this system does not read it first (hosts: in "
            "nsswitch.conf)"
        )
    if any(done.kind == "dnsmasq" for done in seen.done):
        if set(seen.servers[:1]) <= {*ADDRESSES}:
            return f"dnsmasq, which knows them, does not answer; resolv.conf asks {servers}"
        return (
            f"resolv.conf asks {servers}, and not this machine's dnsmasq, which knows them: it "
            "was rewritten (a VPN, DHCP)"
        )
    return f"the resolver that knows them is not asked or not running; resolv.conf asks {servers}"


CHECK = Check(
    code="names-unanswered",
    title="Names are set up, and do not resolve",
    category=Category.NAMES,
    cause="dnsmasq is stopped, resolv.conf was rewritten (VPN, DHCP), or nsswitch.conf changed",
    fix="start dnsmasq, or `alfred-dev names apply --way hosts`",
    depends_on=frozenset({"names-lost", "name-elsewhere"}),
    rank=37,
    quick=False,
    observe=naming,
    judge=judge,
)

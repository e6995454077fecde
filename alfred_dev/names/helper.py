"""Our own dnsmasq, as a helper of the supervisor: only where the system was told to ask it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from alfred_dev.catalog.model import Binary, Catalog, Port, ProbeKind, Service, Tier
from alfred_dev.errors import AlfredError, Where
from alfred_dev.ledger import Ledger, location
from alfred_dev.names.base import ADDRESSES, IPV4, Wanted, unpack
from alfred_dev.plan import Facts, Found

ID = "dns"
PORT = 8053  # in slot 0; port 53 is for root alone
_HERE = Where("ledger.json", 1, 1)
MISSING = "dnsmasq is not here: install it, or alfred-dev names apply --way hosts"
KINDS = ("resolved", "resolver_folder")


def asked(environment: Mapping[str, str], home: Path, root: Path) -> Wanted | None:
    """Return what our own dnsmasq has to answer for ``root``; None where nothing asks it."""
    try:
        entries = Ledger(location(environment, home) / "ledger.json").entries()
    except AlfredError:  # damaged: whoever changes something says so
        return None
    mine = [e for e in entries if e.kind in KINDS and str(root) in e.wants]
    return unpack([want for entry in mine for want in entry.all_wants]) if mine else None


def join(catalog: Catalog, facts: Facts, wanted: Wanted | None, program: str | None) -> tuple[
    Catalog, Facts
]:  # fmt: skip
    """Return catalog and facts with the helper, where ``wanted`` says that it is asked.

    ``program``: the path of dnsmasq, None where it is missing: then the helper is left out.
    """
    if wanted is None:
        return catalog, facts
    helpers = {**catalog.helpers, ID: _helper(wanted)}
    if program is None:
        known = replace(facts, unusable={**facts.unusable, ID: MISSING})
    else:
        known = replace(facts, binaries={**facts.binaries, ID: Found(path=program)})
    return replace(catalog, helpers=helpers), known


def arguments(wanted: Wanted) -> Iterator[str]:
    """Yield what dnsmasq is told: our names alone, nothing from files, nothing passed on."""
    yield from ("--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-")
    yield from ("--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces")
    yield from ("--no-resolv", "--no-hosts", "--local-ttl=1")
    yield from (f"--address=/{d}/{address}" for d in wanted.domains for address in ADDRESSES)
    for name in wanted.plain:
        # Known here, and nowhere above: then the domain's IPv6 address does not hold for it.
        yield from (f"--local=/{name}/", f"--host-record={name},{IPV4}")


def _helper(wanted: Wanted) -> Service:
    port = Port(
        host=PORT, container=PORT, protocol="DNS", purpose="leads our names to this machine",
        range=None, probe=ProbeKind.TCP, where=_HERE,
    )  # fmt: skip
    binary = Binary(
        programs=("dnsmasq",), arguments=tuple(arguments(wanted)), environment={}, beside={}
    )
    return Service(
        id=ID, title="dnsmasq", tier=Tier.EXTERNAL, profile=None, ports=(port,), depends_on={},
        variables=(), needs=(), settings=(), client={}, aliases=(), api=(), binary=binary, env={},
        helper=True, where=_HERE,
    )  # fmt: skip

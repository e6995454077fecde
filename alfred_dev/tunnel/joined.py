"""Open tunnels joined to the plan: as helpers of the supervisor, and as URLs to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alfred_dev.catalog.model import Binary, Catalog, Port, ProbeKind, Service, Tier
from alfred_dev.errors import Where
from alfred_dev.plan import Facts, Found, Plan, PlannedService
from alfred_dev.planner import SLOT_STEP
from alfred_dev.tunnel.model import Record, State, TunnelSpec
from alfred_dev.tunnel.signatures import SENDERS

VARIABLE = "ALFRED_PUBLIC_URL"
PREFIX = "tunnel-"
_HERE = Where("tunnels.json", 1, 1)


def helper_id(name: str) -> str:
    """Return the name of the helper behind a tunnel."""
    return f"{PREFIX}{name}"


def join(
    catalog: Catalog, facts: Facts, records: Iterable[Record], *, slot: int, python: str
) -> tuple[Catalog, Facts]:
    """Return catalog and facts with a helper for each tunnel that the supervisor owns.

    ``python``: what runs it.
    """
    owned = [record for record in records if record.detached and record.spec]
    helpers = {helper_id(r.name): _helper(r, slot) for r in owned}
    found = {name: Found(path=python, version="") for name in helpers}
    return (
        replace(catalog, helpers={**catalog.helpers, **helpers}),
        replace(facts, binaries={**facts.binaries, **found}),
    )


def _helper(record: Record, slot: int) -> Service:
    spec = TunnelSpec.from_json(record.spec)
    sender = SENDERS.get(spec.guard.verify)
    agent = {"SSH_AUTH_SOCK": spec.ssh_agent} if spec.ssh_agent else {}
    return Service(
        id=helper_id(record.name),
        title=f"Tunnel to {record.service}",
        tier=Tier.EXTERNAL,
        profile=None,
        ports=(
            Port(
                host=spec.port - SLOT_STEP * slot,
                container=spec.port,
                protocol="HTTP",
                purpose=f"shows {record.service} to the world",
                range=None,
                probe=ProbeKind.HTTP,
                path=spec.health_url,
                where=_HERE,
            ),
        ),
        depends_on={},
        variables=(),
        needs=(),
        settings=(sender.setting,) if sender else (),
        client={},
        aliases=(),
        api=(),
        binary=Binary(
            programs=("python",),
            arguments=("-m", "alfred_dev.tunnel"),
            environment={"ALFRED_TUNNEL": spec.encoded, "PATH": spec.search, **agent},
            beside={},
        ),
        env={},
        helper=True,
        ends=True,
        where=_HERE,
    )


def public_urls(records: Iterable[Record]) -> dict[str, str]:
    """Return the variables that tell public URLs; the plain one is that of the newest tunnel."""
    told: dict[str, str] = {}
    opened = [r for r in records if r.url and r.state is not State.FAILED]
    for record in sorted(opened, key=lambda r: r.opened_at):
        told[VARIABLE] = told[variable_of(record.service)] = record.url
    return told


def variable_of(service: str) -> str:
    """Return the name of the variable that tells a service's public URL."""
    return f"{VARIABLE}_{service.upper().replace('-', '_')}"


def tell(plan: Plan, records: Iterable[Record]) -> Plan:
    """Return the plan in which the URLs are told: to this machine's commands all of them, to a
    service its own."""
    known = list(records)
    by_service = {r.service: public_urls([r]) for r in known if r.url}
    if not by_service:
        return plan
    services = tuple(_told(service, by_service) for service in plan.services)
    here = {**plan.endpoints_environment, **public_urls(known)}
    return replace(plan, services=services, endpoints_environment=here)


def _told(service: PlannedService, urls: Mapping[str, Mapping[str, str]]) -> PlannedService:
    mine = urls.get(service.id)
    if not mine:
        return service
    return replace(
        service,
        environment=dict(sorted({**service.environment, **mine}.items())),
        definition=replace(service.definition, env={**service.definition.env, **mine}),
    )

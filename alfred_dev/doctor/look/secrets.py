"""Which password a service really takes, where it does not take ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.plan import Plan
from alfred_dev.probe.base import Reason
from alfred_dev.probe.run import probe, probe_all
from alfred_dev.probe.targets import target_of
from alfred_dev.runtime.base import State
from alfred_dev.settings import Origin

KEYS = {ProbeKind.POSTGRES: "POSTGRES_PASSWORD", ProbeKind.REDIS: "REDIS_PASSWORD"}
AGAIN_S = 1.0
RUNNING = "what the running service was started with"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A service that does not take the password we have.

    ``origin``: where ours comes from; ``works``: where the value comes from that it does take,
    "" where none of those known does; ``open``: it asks nobody for a password.
    """

    service: str
    key: str
    origin: Origin
    works: str
    open: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """Every service that refuses us, and the state of all."""

    rows: tuple[Refused, ...]
    services: Services


async def passwords(scene: Scene) -> Passwords:
    """Where a password is refused, try every other value that any layer gives."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    seen = await scene.see(services)
    plan = scene.stack.plan
    refused = [
        (service, e.endpoint.probe, e.detail)
        for service in seen.ill
        for e in service.ports_with(Reason.AUTH)
        if e.endpoint.probe in KEYS
    ]
    rows = await asyncio.gather(*(_refused(*row, plan, scene) for row in refused))
    return Passwords(rows=tuple(row for row in rows if row is not None), services=seen)


async def _refused(
    service: Service, kind: ProbeKind, detail: str, plan: Plan, scene: Scene
) -> Refused | None:
    key = KEYS[kind]
    value = plan.settings.values[key]
    others = [(text, str(origin)) for text, origin in value.shadowed if text]
    started = service.told.get(key)
    if started and started != value.text:
        others.append((started, RUNNING))
    endpoint = next(e for e in service.status.service.endpoints if e.probe is kind)
    ours = target_of(endpoint, plan.settings)
    if service.status.running.state is State.STARTING:
        # Postgres refuses the right password too for a moment while it starts.
        await asyncio.sleep(AGAIN_S)
        if (await probe(ours, timeout_s=scene.probe_timeout_s)).ok:
            return None
    targets = [replace(ours, password=text) for text, _ in others]
    results = await probe_all(targets, timeout_s=scene.probe_timeout_s)
    works = next((o for (_, o), r in zip(others, results, strict=True) if r.ok), "")
    return Refused(
        service=service.id,
        key=key,
        origin=value.origin,
        works=works,
        open="asks for no password" in detail,
        detail=detail,
    )

"""The way to one service, hop by hop, from the outside in. It ends at the hop that is broken."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from alfred_dev import hostnames
from alfred_dev.doctor import tls
from alfred_dev.doctor.checks.gateway_route import BROKEN
from alfred_dev.doctor.look.certs import GATEWAY, https_port
from alfred_dev.doctor.look.gateway import route
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.look.siblings import Siblings, siblings
from alfred_dev.doctor.look.told import endpoints
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.plan import LOOPBACK, Endpoint, Plan
from alfred_dev.probe.base import ProbeResult
from alfred_dev.probe.run import probe
from alfred_dev.probe.targets import target_of
from alfred_dev.status import Health

CONNECT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step. ``ok`` is None where it could not be tried, or does not matter here."""

    hop: str
    target: str
    ok: bool | None
    detail: str
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The hops that were tried; ``broken``: the name of the first that failed, "" where none."""

    service: str
    hops: tuple[Hop, ...]

    @property
    def broken(self) -> str:
        """The first hop that failed."""
        return next((hop.hop for hop in self.hops if hop.ok is False), "")


async def trace(scene: Scene, name: str) -> Trace:
    """Walk the way to ``name``; stop behind the first hop that is broken."""
    hops: list[Hop] = []
    try:
        async for hop in _hops(scene, name):
            hops.append(hop)
            if hop.ok is False:
                break
    finally:
        await scene.close()
    return Trace(service=name, hops=tuple(hops))


async def _hops(scene: Scene, name: str) -> AsyncIterator[Hop]:
    plan = _plan(scene)
    seen = await scene.see(services)
    service = seen[name]
    async for hop in _from_outside(scene, plan, seen, name):
        yield hop
    yield _process(service)
    for hop in from_sibling(await scene.see(siblings), name):
        yield hop
    for endpoint in plan[name].endpoints:
        for step in (_listens, _connects):
            yield await _timed(step, endpoint, service)
        yield await _answers(scene, endpoint, service)
    for dependency in plan[name].depends_on:
        yield await _dependency(scene, name, dependency)


async def _from_outside(scene: Scene, plan: Plan, seen: Services, name: str) -> AsyncIterator[Hop]:
    """Yield the hops of a browser: the name, the gateway's TLS, its route to the service."""
    host = next(
        (h.name for h in hostnames.hostnames(plan.catalog, plan.domain)
         if h.web and h.leads_to == name), "",
    )  # fmt: skip
    if host:
        yield await asyncio.to_thread(_name, host)
    port = https_port(plan)
    if not host or not port or not seen[GATEWAY].runs:
        return
    place = f"{LOOPBACK}:{port}"
    ok, detail = await connect(LOOPBACK, port)
    yield Hop(hop="gateway", target=place, ok=ok, detail=detail)
    ca = scene.store.ca_certificate if scene.store and not scene.own_certificate else None
    shake = await tls.handshake(LOOPBACK, port, host, ca=ca, timeout_s=scene.probe_timeout_s)
    wrong = shake.error or shake.untrusted
    said = wrong or f"{shake.version}, {shake.alpn}, the certificate is for {host}"
    yield Hop(hop="TLS", target=f"{place} as {host}", ok=not wrong, detail=said)
    way = await route(port, host, name, scene.probe_timeout_s)
    yield Hop(
        hop="route",
        target=f"https://{host}",
        # An ill service answers so through the gateway too: the hops behind it say why.
        ok=None if seen[name].ill or not seen[name].runs else way.status not in BROKEN,
        detail=way.detail,
    )


def _name(host: str) -> Hop:
    found = addresses(host)
    if not found:
        return Hop(hop="name", target=host, ok=None, detail="does not resolve (alfred-dev setup)")
    others = strange(found)
    detail = ", ".join(found) + (f": {', '.join(others)} is not this machine" if others else "")
    return Hop(hop="name", target=host, ok=not others, detail=detail)


def from_sibling(seen: Siblings, name: str) -> Iterator[Hop]:
    """Yield what another container sees; nothing where services are local processes."""
    if seen.why_not:
        yield Hop(hop="from a sibling", target=name, ok=None, detail=seen.why_not)
    for row in seen.of(name):
        target = f"{row.service}:{row.port}"
        hop = f"from {row.sibling}"
        if row.refused:
            where = f"it is {', '.join(row.addresses)}" if row.addresses else "no such name"
            yield Hop(hop=hop, target=target, ok=False, detail=f"{where}: {row.refused}")
        else:
            said = f", {row.said}" if row.said else ""
            detail = f"{', '.join(row.addresses)} accepts connections{said}"
            ok = None if row.said.startswith("no answer") else True
            yield Hop(hop=hop, target=target, ok=ok, detail=detail)


def _process(service: Service) -> Hop:
    running = service.status.running
    ok = service.runs and not service.process.frozen
    if service.process.frozen:
        detail = "it is frozen: a signal stopped it"
    elif service.status.service.by_developer:
        detail = service.status.service.source.detail
    else:
        pid = f"pid {running.pid}, " if running.pid else ""
        detail = f"{pid}{running.state}" + (f": {running.detail}" if running.detail else "")
    return Hop(hop="process", target=service.id, ok=ok, detail=detail)


Step = Callable[[Endpoint, Service], Awaitable[tuple[bool | None, str]]]


async def _timed(step: Step, endpoint: Endpoint, service: Service) -> Hop:
    began = time.perf_counter()
    ok, detail = await step(endpoint, service)
    return Hop(
        hop=step.__name__.strip("_"),
        target=f"{LOOPBACK}:{endpoint.port}",
        ok=ok,
        detail=detail,
        latency_ms=round((time.perf_counter() - began) * 1000, 1),
    )


async def _listens(endpoint: Endpoint, service: Service) -> tuple[bool | None, str]:
    ours = endpoint.listen in service.status.running.ports
    found = ", ".join(service.process.listens)
    if service.status.service.by_developer:
        where = f"somebody listens on {found}" if found else "nothing that is seen listens there"
        return None, f"your own process: {where}"
    places = found or "nothing that is seen from here"
    return ours, f"its processes listen on {places}"


async def _connects(endpoint: Endpoint, service: Service) -> tuple[bool | None, str]:
    return await connect(LOOPBACK, endpoint.port)


async def connect(host: str, port: int) -> tuple[bool, str]:
    """Open a TCP connection and close it. Raises nothing but cancellation."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return False, f"no answer within {CONNECT_TIMEOUT_S:g} s (packets are dropped?)"
    except OSError as error:
        return False, error.strerror or str(error)
    writer.transport.abort()
    return True, "accepts connections"


async def _answers(scene: Scene, endpoint: Endpoint, service: Service) -> Hop:
    result = await probe(
        target_of(endpoint, _plan(scene).settings), timeout_s=scene.probe_timeout_s
    )
    hop = _probed("answers", f"{endpoint.protocol} {endpoint.url}", result)
    if not result.ok and service.status.blocked_by:
        # It says itself that it waits: the broken hop lies behind it.
        return replace(hop, ok=None, detail=f"{hop.detail} (goes on behind it)")
    return hop


def _probed(hop: str, target: str, result: ProbeResult) -> Hop:
    return Hop(hop=hop, target=target, ok=result.ok, detail=result.detail,
               latency_ms=round(result.latency_ms, 1))  # fmt: skip


async def _dependency(scene: Scene, name: str, dependency: str) -> Hop:
    """Tell whether ``name`` reaches what it needs, at the place that it was told."""
    told = await scene.see(endpoints)
    wrong = [r for r in told.rows if r.service == name and r.dependency == dependency]
    for row in wrong:
        if not row.result.ok:
            detail = f"{row.variable} says {row.shown}: {row.result.detail}"
            return Hop(hop=f"needs {dependency}", target=row.shown, ok=False, detail=detail)
    below = (await scene.see(services))[dependency]
    port = next(iter(below.status.endpoints), None)
    well = below.status.health is Health.HEALTHY
    detail = "is healthy" if well else below.status.detail or "is not healthy"
    return Hop(
        hop=f"needs {dependency}", target=port.endpoint.url if port else "", ok=well,
        detail=detail, latency_ms=(port and port.latency_ms) or 0.0,
    )  # fmt: skip


def addresses(name: str) -> tuple[str, ...]:
    """Return what this machine's resolver says of ``name``, v4 and v6; blocks."""
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(row[4][0]) for row in found))


def strange(found: Sequence[str]) -> tuple[str, ...]:
    """Return those addresses that are not this machine's loopback."""
    return tuple(a for a in found if not a.startswith("127.") and a != "::1")


def _plan(scene: Scene) -> Plan:
    assert scene.stack is not None  # noqa: S101 - the command refuses to run without
    return scene.stack.plan

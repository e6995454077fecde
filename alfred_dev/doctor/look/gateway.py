"""What a browser gets: one request by each name, through the gateway, to the service behind it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from alfred_dev import hostnames
from alfred_dev.doctor.look.certs import GATEWAY, gateway_behind, https_port
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.plan import LOOPBACK

HEAD_LIMIT = 32_000
LATE = "no answer within"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One name. ``status``: what the gateway answered, 0 where it did not, with the reason in
    ``detail``."""

    name: str
    leads_to: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """One route for each thing that names lead to, and the state of all services; ``behind``: the
    gateway's rendered files are older than the configuration."""

    rows: tuple[Route, ...]
    services: Services
    behind: bool = False


async def routes(scene: Scene) -> Routes:
    """Ask by one name for each service; nothing where there is no gateway, or it is ill."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    seen = await scene.see(services)
    plan = scene.stack.plan
    port = https_port(plan)
    if not port or seen[GATEWAY].ill or not seen[GATEWAY].runs:
        return Routes(rows=(), services=seen)
    first: dict[str, str] = {}
    for host in hostnames.hostnames(plan.catalog, plan.domain):
        if host.web and host.leads_to in plan.ids:
            first.setdefault(host.leads_to, host.name)
    rows = await asyncio.gather(
        *(route(port, name, leads_to, scene.probe_timeout_s) for leads_to, name in first.items())
    )
    return Routes(rows=tuple(rows), services=seen, behind=await gateway_behind(scene))


async def route(port: int, name: str, leads_to: str, timeout_s: float) -> Route:
    """GET / by ``name``; who does not answer in time is asked once more, and has twice the time."""
    found = await _ask(port, name, leads_to, timeout_s)
    late = found.detail.startswith(LATE)
    return await _ask(port, name, leads_to, 2 * timeout_s) if late else found


async def _ask(port: int, name: str, leads_to: str, timeout_s: float) -> Route:
    """Believes any certificate: that is another check's question."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(
                LOOPBACK, port, ssl=context, server_hostname=name, limit=HEAD_LIMIT
            )
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.read(300)
            writer.transport.abort()
        status = int(head.split(b" ", 2)[1])
        said = " ".join(body.decode("utf-8", "replace").split())[:120]
        return Route(name=name, leads_to=leads_to, status=status, detail=f"HTTP {status}: {said}")
    except TimeoutError:
        why = f"{LATE} {timeout_s:g} s"
    except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Route(name=name, leads_to=leads_to, status=0, detail=why)

"""What a stranger on this machine, or a page in its browser, would find on our ports."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, replace

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.doctor import tls
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.plan import LOOPBACK, Endpoint, Plan, SourceKind
from alfred_dev.probe.run import probe
from alfred_dev.probe.targets import target_of

FOREIGN_HOST = "evil.example"
# Never real ones: what images, guides and scripts come with.
DEFAULTS = ("postgres", "password", "admin", "changeme", "redis", "secret", "alfred", "")
OLD = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1}
HEAD_LIMIT = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An HTTP answer to /. ``foreign``: the status of the health path for a Host that is not ours,
    0 where none came."""

    endpoint: Endpoint
    status: int
    headers: dict[str, str]
    foreign: int
    source: SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaks:
    """A port that speaks TLS: the version it likes best, and the old ones it takes too."""

    service: str
    port: int
    version: str
    cipher: str
    old: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """``guessed``: service -> whether it takes a password that everybody knows."""

    pages: tuple[Page, ...]
    tls: tuple[Speaks, ...]
    guessed: dict[str, bool]
    services: Services


async def exposure(scene: Scene) -> Exposure:
    """Ask every port as a stranger would."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    seen = await scene.see(services)
    plan = scene.stack.plan
    open_ports = [e.endpoint for r in seen.rows if r.runs for e in r.status.endpoints]
    web = [e for e in open_ports if e.protocol in ("HTTP", "HTTPS")]
    locked = [e for e in open_ports if e.probe in (ProbeKind.POSTGRES, ProbeKind.REDIS)]
    pages, speaks, guessed = await asyncio.gather(
        asyncio.gather(*(_page(e, plan) for e in web if e.protocol == "HTTP")),
        asyncio.gather(*(_speaks(e) for e in open_ports)),
        asyncio.gather(*(_guess(e, scene) for e in locked)),
    )
    return Exposure(
        pages=tuple(p for p in pages if p is not None),
        tls=tuple(s for s in speaks if s is not None),
        guessed={e.service: open_ for e, open_ in zip(locked, guessed, strict=True)},
        services=seen,
    )


async def _page(endpoint: Endpoint, plan: Plan) -> Page | None:
    status, headers = await ask(endpoint.port, "/", f"{LOOPBACK}:{endpoint.port}")
    if not status:
        return None
    foreign, _ = await ask(endpoint.port, endpoint.path, FOREIGN_HOST)
    source = plan[endpoint.service].source.kind
    return Page(endpoint=endpoint, status=status, headers=headers, foreign=foreign, source=source)


async def ask(port: int, path: str, host: str) -> tuple[int, dict[str, str]]:
    """GET ``path`` of a local port with that Host; return status and headers, 0 for no answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=HEAD_LIMIT)
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        return 0, {}
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if ":" in line)
    with contextlib.suppress(IndexError, ValueError):
        return int(first.split()[1]), {k.lower(): v.strip() for k, _, v in pairs}
    return 0, {}


async def _speaks(endpoint: Endpoint) -> Speaks | None:
    found = await tls.handshake(LOOPBACK, endpoint.port, "localhost", ca=None, timeout_s=1)
    if found.error:
        return None
    old = [name for name, version in OLD.items() if await _takes(endpoint.port, version)]
    return Speaks(
        service=endpoint.service,
        port=endpoint.port,
        version=found.version,
        cipher=found.cipher,
        old=tuple(old),
    )


async def _takes(port: int, version: ssl.TLSVersion) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context)
        writer.transport.abort()
    except (OSError, EOFError, TimeoutError, ValueError):
        return False
    return True


async def _guess(endpoint: Endpoint, scene: Scene) -> bool:
    target = target_of(endpoint, _plan(scene).settings)
    guesses = [replace(target, password=word) for word in DEFAULTS]
    results = await asyncio.gather(*(probe(g, timeout_s=2) for g in guesses))
    return any(result.ok for result in results)


def _plan(scene: Scene) -> Plan:
    assert scene.stack is not None  # noqa: S101 - as above
    return scene.stack.plan

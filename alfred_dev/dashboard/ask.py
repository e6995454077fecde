"""What others on loopback say, asked without client libraries: this is done all day."""

from __future__ import annotations

import asyncio
from http.client import HTTPConnection, HTTPException

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.dashboard import stores
from alfred_dev.dashboard.stores import Store
from alfred_dev.plan import Plan
from alfred_dev.probe import postgres, redis
from alfred_dev.probe.base import Target
from alfred_dev.probe.targets import targets_of
from alfred_dev.render.prometheus import STATISTICS

# A fiftieth of all that Envoy has to say.
FORWARDED = f"{STATISTICS}?usedonly&filter=external.upstream_rq"
TIMEOUT_S = 2.0
MOST = 4 << 20


async def metrics(host: str, port: int) -> str:
    """Return the text under ``/metrics``; nothing where there is none."""
    return await get(host, port, "/metrics")


async def forwarded(host: str, port: int) -> str:
    """Return what Envoy had from each of its clusters, and when; nothing where there is none."""
    return await asyncio.to_thread(_forwarded, host, port)


def _forwarded(host: str, port: int) -> str:
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)  # Envoy speaks no HTTP/1.0
    try:
        connection.request("GET", FORWARDED, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.read(MOST).decode("utf-8", "replace") if answer.status == 200 else ""
    except (OSError, HTTPException):
        return ""
    finally:
        connection.close()


async def of_stores(plan: Plan) -> dict[str, Store]:
    """Return what each data store counts of itself, by service; those that do not tell are out."""
    wanted = {
        endpoint.service: target
        for endpoint, target in targets_of(plan).items()
        if target.kind in (ProbeKind.POSTGRES, ProbeKind.REDIS)
    }
    found = await asyncio.gather(*(_of_store(target) for target in wanted.values()))
    return {name: one for name, one in zip(wanted, found, strict=True) if one.rows}


async def _of_store(target: Target) -> Store:
    if target.kind is ProbeKind.POSTGRES:
        text = await postgres.text(target, stores.QUERY, timeout_s=TIMEOUT_S)
        return stores.postgres(text or "")
    return stores.redis(await redis.text(target, *stores.INFO, timeout_s=TIMEOUT_S) or "")


async def get(host: str, port: int, path: str) -> str:
    """Return what is under ``path``; nothing where that does not answer with 200."""
    request = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: */*\r\n\r\n"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=MOST)
            try:
                writer.write(request.encode())
                answer = await reader.read(MOST)
                while more := await reader.read(MOST):
                    answer += more
                    if len(answer) > MOST:
                        return ""
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
    head, _, body = answer.partition(b"\r\n\r\n")
    good = head.split(b" ", 2)[1:2] == [b"200"]
    chunked = b"transfer-encoding: chunked" in head.lower()  # nobody may, to HTTP/1.0
    return body.decode("utf-8", "replace") if good and not chunked else ""

"""Asks a tunnel's two sides: the service from here, the front through the public URL."""

from __future__ import annotations

from pathlib import Path

import h11

from alfred_dev.tunnel import faults, health
from alfred_dev.tunnel.base import Provider
from alfred_dev.tunnel.model import TunnelSpec
from alfred_dev.tunnel.wire import LOOPBACK, fetch

ASK_S = 1.5


async def ask_service(spec: TunnelSpec) -> dict[str, object]:
    """Ask what lies behind a tunnel: the service itself, or the gateway for the API."""
    at = spec.upstream or str(Path(spec.home, spec.socket))
    name = f"{LOOPBACK}:{spec.upstream}" if spec.upstream else spec.host
    try:
        answer = await fetch(f"http://{name}{spec.health_path}", at=at, timeout_s=ASK_S)
        ok = answer.status < 400
        detail = "" if ok else f"HTTP {answer.status}"
    except (OSError, h11.ProtocolError) as error:
        ok, detail = False, faults.plain(str(error)) or "no answer"
    return {"tunnel": spec.name, "ok": ok, "detail": detail}


async def look(spec: TunnelSpec, provider: Provider) -> health.Verdict:
    """Ask both sides."""
    return health.judge(await ask_service(spec), await provider.reach(spec.health_url))

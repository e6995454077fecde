"""Containers as the engine shows them: networks, published addresses, health, what is not ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from alfred_dev.doctor.look.services import services, snapshot
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.engine import endpoint
from alfred_dev.engine.api import Engine
from alfred_dev.errors import UsageError
from alfred_dev.runtime.base import Runtime
from alfred_dev.runtime.compose import ComposeRuntime
from alfred_dev.runtime.containers import PROJECT_LABEL, SERVICE_LABEL
from alfred_dev.runtime.mixed import MixedRuntime

NETWORK = "alfred-network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container. ``health``: the engine's word, "" without a check, ``health_test``: what the
    check runs; ``address``: on the stack's network; ``published``: ``address:port`` on this
    machine; ``lost_mounts``: files of this machine that are not there; ``cpus``: how many
    processors it may use, 0 for all."""

    service: str
    name: str
    state: str
    health: str = ""
    health_test: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    address: str = ""
    published: tuple[str, ...] = ()
    log_unbounded: bool = False
    lost_mounts: tuple[str, ...] = ()
    memory_limit: int = 0
    cpus: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """``ours``: those of this checkout; ``orphans``: those with its label that no service has;
    ``guests``: others on its network; ``network``: its name, ``subnet``: its addresses,
    ``internal``: it leads nowhere; ``elsewhere``: another engine that this shell means, and that
    does not answer."""

    ours: tuple[Container, ...] = ()
    orphans: tuple[Container, ...] = ()
    guests: tuple[Container, ...] = ()
    network: str = ""
    subnet: str = ""
    network_missing: bool = False
    internal: bool = False
    elsewhere: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers(Listed):
    """The same, and the state of all services."""

    services: Services


def compose_of(runtime: Runtime) -> ComposeRuntime | None:
    """Return the Docker half of a runtime, None where local processes do it all."""
    half = runtime.containers if isinstance(runtime, MixedRuntime) else runtime
    return half if isinstance(half, ComposeRuntime) else None


async def listed(scene: Scene) -> Listed:
    """Look at every container of the engine; nothing where services are local processes."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    compose = compose_of(scene.stack.runtime)
    if compose is None:
        return Listed()
    await scene.see(snapshot)  # what that asked of containers is not asked again
    slot = scene.stack.plan.slot
    name = f"{NETWORK}-{slot}" if slot else NETWORK
    return await asyncio.to_thread(_listed, compose, name, frozenset(scene.stack.plan.ids))


async def containers(scene: Scene) -> Containers:
    """See the same beside the state of all services."""
    found, seen = await asyncio.gather(scene.see(listed), scene.see(services))
    return Containers(services=seen, **{f.name: getattr(found, f.name) for f in fields(Listed)})


def _listed(compose: ComposeRuntime, network: str, known: frozenset[str]) -> Listed:
    every = compose.engine.get("/containers/json", all="1")
    mine = [c for c in every if (c.get("Labels") or {}).get(PROJECT_LABEL) == compose.project]
    ours = [c for c in mine if c["Labels"].get(SERVICE_LABEL) in known]
    there = [n for n in compose.engine.get("/networks") if n.get("Name") == network]
    others = [c for c in every if c not in mine and network in _networks(c)]
    return Listed(
        ours=tuple(
            replace(_container(c, details), address=_address(c, network))
            for c, details in compose.inspected(ours)
        ),
        orphans=tuple(_container(c, {}) for c in mine if c not in ours),
        guests=tuple(replace(_container(c, {}), address=_address(c, network)) for c in others),
        network=network,
        subnet=next((subnet for n in there for subnet in _subnets(n)), ""),
        network_missing=bool(mine) and not there,
        internal=any(n.get("Internal") for n in there),
        elsewhere=_elsewhere(compose),
    )


def _elsewhere(compose: ComposeRuntime) -> str:
    """Return the engine of this shell where that is none; commands that start things ask it."""
    try:
        meant = endpoint.find(os.environ, Path.home())
    except UsageError as error:
        return error.cause
    same = meant.url == compose.engine.endpoint.url
    return "" if same or Engine(meant).answers() else meant.url


def _networks(listed: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(((listed.get("NetworkSettings") or {}).get("Networks") or {}).keys())


def _address(listed: Mapping[str, Any], network: str) -> str:
    networks = (listed.get("NetworkSettings") or {}).get("Networks") or {}
    return str((networks.get(network) or {}).get("IPAddress") or "")


def _subnets(network: Mapping[str, Any]) -> Iterator[str]:
    """Yield the IPv4 subnets of a network."""
    for entry in (network.get("IPAM") or {}).get("Config") or ():
        if "." in str(entry.get("Subnet") or ""):
            yield str(entry["Subnet"])


def _container(listed: Mapping[str, Any], inspected: Mapping[str, Any]) -> Container:
    state = inspected.get("State") or {}
    health = state.get("Health") or {}
    host = inspected.get("HostConfig") or {}
    log = host.get("LogConfig") or {}
    ports = (p for p in listed.get("Ports") or () if p.get("PublicPort"))
    return Container(
        service=str((listed.get("Labels") or {}).get(SERVICE_LABEL, "")),
        name=str((listed.get("Names") or ["?"])[0]).lstrip("/"),
        state=str(listed.get("State", "")),
        health=str(health.get("Status", "")),
        health_test=_test((inspected.get("Config") or {}).get("Healthcheck") or {}),
        networks=_networks(listed),
        published=tuple(f"{p.get('IP', '')}:{p['PublicPort']}" for p in ports),
        log_unbounded=log.get("Type") == "json-file"
        and "max-size" not in (log.get("Config") or {}),
        lost_mounts=_lost(inspected),
        memory_limit=int(host.get("Memory") or 0),
        cpus=_cpus(host),
    )


def _cpus(host: Mapping[str, Any]) -> float:
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    return float(host.get("NanoCpus") or 0) / 1e9 or max(0.0, quota / period)


def _test(check: Mapping[str, Any]) -> tuple[str, ...]:
    kind, *words = check.get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        return ("/bin/sh", "-c", *words)
    return tuple(map(str, words)) if kind == "CMD" else ()


def _lost(inspected: Mapping[str, Any]) -> tuple[str, ...]:
    """Return files of this machine that are mounted and are gone, or became a folder."""
    binds = [m for m in inspected.get("Mounts") or () if m.get("Type") == "bind"]
    sources = ((Path(str(m.get("Source"))), Path(str(m.get("Destination")))) for m in binds)
    return tuple(
        str(source)
        for source, inside in sources
        if not source.exists() or (source.is_dir() and inside.suffix)
    )

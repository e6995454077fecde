"""What was typed -> what is opened. Pure: refuses before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from alfred_dev.errors import MachineError, TunnelError, UsageError
from alfred_dev.hostnames import API
from alfred_dev.plan import LOOPBACK, Plan, PlannedService
from alfred_dev.settings import Settings
from alfred_dev.tunnel import guard as guards
from alfred_dev.tunnel.model import NETWORKS, Guard, Record, TunnelSpec
from alfred_dev.tunnel.signatures import SENDERS

LONGEST_S = 24 * 3600
GATEWAY, HTTPS = "gateway", 443
_DURATION = re.compile(r"(\d{1,6})\s*(s|m|h|d)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 60}
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
ENFORCES: Mapping[str, frozenset[str]] = {"ngrok": frozenset({NETWORKS}), "ssh": frozenset()}
"""Which guards hold behind each provider: ssh does not tell the client's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed."""

    service: str
    provider: str = ""
    ssh_host: str = ""
    lasts: str = "2h"
    path: str = ""
    basic_auth: str = ""
    networks: tuple[str, ...] = ()
    public: bool = False
    verify: str = ""
    domain: str = ""
    detached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What was made at random for one tunnel."""

    nonce: str
    salt: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a tunnel is opened. ``gateway``: the socket that it has for tunnels, empty when it
    does not run; ``has_token``: whether there is one for ngrok."""

    home: str
    project: str
    search: str
    ssh_agent: str
    gateway: str
    has_token: bool
    now: float


def spec_of(
    wish: Wish, plan: Plan, place: Place, chance: Chance, taken: Mapping[str, Record]
) -> TunnelSpec:
    """Return the instructions of the tunnel. Raises UsageError: refused, nothing was opened."""
    service = guards.find(plan.catalog, wish.service)
    name = API if service is None else service.id
    planned = None if service is None else _planned(plan, name)
    provider = _provider(wish, plan.settings, place)
    guard = _guard(wish, name, provider, plan.settings, chance)
    upstream = planned.endpoints[0].port if planned else 0
    if planned is None and not place.gateway:
        raise guards.refused(
            "the API is not shown without the gateway",
            "its own JWT or key is what protects it, and the gateway does not run",
            ["alfred-dev up"],
        )
    return TunnelSpec(
        name=_free_name(name, taken),
        service=name,
        provider=provider,
        guard=guard,
        upstream=upstream,
        host=_host(name, upstream, plan, place),
        origin=_origin(name, upstream, plan, place),
        health_path=planned.endpoints[0].path if planned else "/health",
        expires_at=place.now + seconds(wish.lasts),
        nonce=chance.nonce,
        home=place.home,
        domain=_domain(wish.domain),
        ssh_host=_ssh_host(wish, plan.settings) if provider == "ssh" else "",
        project=place.project,
        detached=wish.detached,
        trusts_client=NETWORKS in ENFORCES[provider],
        socket=place.gateway,
        search=place.search,
        ssh_agent=place.ssh_agent,
    )


def _planned(plan: Plan, name: str) -> PlannedService:
    if name not in plan.ids:
        raise MachineError(
            "source-missing",
            f"{name} is not here",
            cause=plan.absent.get(name, "this machine does not run it"),
            fix=["alfred-dev status"],
        )
    return plan[name]


def _host(name: str, upstream: int, plan: Plan, place: Place) -> str:
    if not place.gateway:
        return f"{LOOPBACK}:{upstream}"
    hosts = plan.catalog.services[name].hosts if name in plan.catalog.services else ()
    return f"{hosts[0] if hosts else name}.{plan.domain}"


def _origin(name: str, upstream: int, plan: Plan, place: Place) -> str:
    if not place.gateway or GATEWAY not in plan.ids:
        return ""
    port = plan[GATEWAY].endpoints[0].port
    host = _host(name, upstream, plan, place)
    return f"https://{host}" + ("" if port == HTTPS else f":{port}")


def _free_name(name: str, taken: Mapping[str, Record]) -> str:
    names = [name, *(f"{name}-{number}" for number in range(2, 100))]
    return next(found for found in names if found not in taken)


def _provider(wish: Wish, settings: Settings, place: Place) -> str:
    if wish.provider:
        if wish.provider not in ENFORCES:
            raise UsageError(
                "usage",
                f"there is no provider {wish.provider}",
                cause=f"known are {' and '.join(ENFORCES)}",
            )
        return wish.provider
    has_server = bool(wish.ssh_host or settings["ALFRED_TUNNEL_SSH_HOST"])
    return "ssh" if wish.ssh_host or (has_server and not place.has_token) else "ngrok"


def _ssh_host(wish: Wish, settings: Settings) -> str:
    return wish.ssh_host or settings["ALFRED_TUNNEL_SSH_HOST"]


def _guard(wish: Wish, name: str, provider: str, settings: Settings, chance: Chance) -> Guard:
    """Return who may come in; what a provider cannot enforce is refused."""
    chosen = [
        option
        for option, given in (
            ("--basic-auth", wish.basic_auth),
            ("--allow-cidr", wish.networks),
            ("--public", wish.public),
        )
        if given
    ]
    if len(chosen) > 1:
        raise UsageError(
            "usage",
            f"{' and '.join(chosen)} exclude each other",
            cause="a tunnel is protected in one way",
            fix=[f"alfred-dev tunnel open {wish.service} {chosen[0]} ..."],
        )
    networks = guards.check_networks(wish.networks)
    if networks and NETWORKS not in ENFORCES[provider]:
        raise guards.refused(
            f"{provider} cannot enforce --allow-cidr",
            "it does not tell the client's address",
            ["--basic-auth USER", "or --provider ngrok"],
        )
    _check_secret(wish.verify, settings)
    own = name == API and not chosen  # the gateway asks for its JWT or key anyhow
    open_to_all = wish.public or networks or wish.verify or own
    if ":" in wish.basic_auth:
        raise UsageError(
            "usage",
            "--basic-auth takes a name alone",
            cause="the password is made at random, and shown once",
            fix=[f"--basic-auth {wish.basic_auth.partition(':')[0] or 'USER'}"],
        )
    user = wish.basic_auth or ("" if open_to_all else "alfred")
    secret = guards.with_password(user, chance.password, chance.salt) if user else {}
    return Guard(
        path=guards.check_path(wish.path) if wish.path else "",
        networks=networks,
        verify=wish.verify,
        gateway=name == API,
        **secret,
    )


def _check_secret(verify: str, settings: Settings) -> None:
    if not verify:
        return
    if verify not in SENDERS:
        raise UsageError(
            "usage",
            f"nobody knows how {verify} signs",
            cause=f"known are {' and '.join(SENDERS)}",
        )
    key = SENDERS[verify].setting
    if not settings[key]:
        raise UsageError(
            "secret-missing",
            f"the signature of {verify} cannot be checked",
            cause=f"{key} is not set",
            fix=[f"{key}=...   (in .env)"],
        )


def _domain(text: str) -> str:
    plain = text.lower().removeprefix("https://").rstrip("/")
    if plain and not _DOMAIN.fullmatch(plain):
        raise UsageError(
            "usage",
            f"--domain {text} is no domain",
            cause="expected a name such as hooks.example.com",
        )
    return plain


def seconds(text: str) -> int:
    """Return how long ``90s``, ``30m``, ``2h`` (a bare number: minutes) are. Raises UsageError."""
    found = _DURATION.fullmatch(text.strip())
    length = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 1 <= length <= LONGEST_S:
        raise UsageError(
            "usage",
            f"--for {text} is not understood",
            cause="expected 1s to 24h: a tunnel is open for a while, not for ever",
            fix=["--for 2h"],
        )
    return length


def record_of(spec: TunnelSpec, now: float) -> Record:
    """Return what is written down before anything runs."""
    return Record(
        name=spec.name,
        service=spec.service,
        provider=spec.provider,
        protected_by=spec.guard.protected_by,
        opened_at=now,
        expires_at=spec.expires_at,
        path=spec.guard.path,
        detached=spec.detached,
        spec=spec.to_json(),
    )


def upstream_down(service: str, detail: str) -> TunnelError:
    """Say that there is nothing to show."""
    return TunnelError(
        "tunnel-upstream-down",
        f"{service} does not answer",
        cause=detail,
        fix=[f"alfred-dev up {service}" if service != API else "alfred-dev up"],
    )

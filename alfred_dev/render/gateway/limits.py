"""How many requests a minute. The buckets are the listener's: all hosts and routes share them."""

from __future__ import annotations

from alfred_dev.access import Limits
from alfred_dev.hostnames import AUTH
from alfred_dev.render.gateway import paths
from alfred_dev.render.gateway.world import Resource, World, typed

MAX_KNOWN = 10_000  # callers that are told apart at a time
ALWAYS = {"default_value": {"numerator": 100}}
ADDRESS: Resource = {"remote_address": {}}


def by_address(world: World) -> Resource:
    """Return the limits that hold before anybody is known: all together, and an address each.

    Token, log-in and consent paths count twice: files and ``/.well-known/`` do not. Whichever of
    its names somebody guesses passwords by: there is one bucket for all.
    """
    limits = world.access.limits
    hosts = [host.name for host in world.names if host.leads_to in (AUTH, world.log_in)]
    counted = [
        [ADDRESS],
        [_auth(hosts, _method(True), _path(paths.STATIC, absent=True)), ADDRESS],
        [_auth(hosts, _method(False)), ADDRESS],
    ]
    rows = [
        _bucket_of(limits.auth, ("kind", "auth"), ("remote_address", "")),
        _bucket_of(limits.ip, ("remote_address", "")),
    ]
    return _filter("alfred.limit.address", counted, rows, overall=limits.overall, tell=True)


def by_caller(limits: Limits) -> Resource:
    """Return the limits of each user and each API key: by headers that only we can have set."""
    callers = (("x-user", "user"), ("x-client-id", "client"))
    counted: list[list[Resource]] = [
        [
            {
                "request_headers": {
                    "header_name": header,
                    "descriptor_key": key,
                    "skip_if_absent": True,
                }
            }
        ]
        for header, key in callers
    ]
    rows = [_bucket_of(limits.user, ("user", "")), _bucket_of(limits.client, ("client", ""))]
    return _filter("alfred.limit.caller", counted, rows, overall=limits.overall, tell=False)


def _auth(hosts: list[str], *matches: Resource) -> Resource:
    """Return what a request counts as only when all ``matches`` and the host and path fit."""
    names = "|".join(name.replace(".", r"\.") for name in hosts)
    host = {"name": ":authority", "string_match": _regex(rf"(?i)({names})\.?(:[0-9]+)?")}
    return {
        "header_value_match": {
            "descriptor_key": "kind",
            "descriptor_value": "auth",
            "headers": [host, _path(paths.AUTH), *matches],
        }
    }


def _path(pattern: str, *, absent: bool = False) -> Resource:
    match = {"name": ":path", "string_match": _regex(rf"{pattern}(\?.*)?")}
    return {**match, "invert_match": True} if absent else match


def _method(reads: bool) -> Resource:
    match = {"name": ":method", "string_match": _regex("GET|HEAD")}
    return match if reads else {**match, "invert_match": True}


def _regex(pattern: str) -> Resource:
    return {"safe_regex": {"regex": pattern}}


def _filter(
    name: str,
    counted: list[list[Resource]],
    buckets: list[Resource],
    *,
    overall: int,
    tell: bool,
) -> Resource:
    """Return a filter. ``tell``: whether it has the x-ratelimit headers; two would double them."""
    kind = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
    wait = {"header": {"key": "retry-after", "value": "1"}}
    return {
        "name": name,
        "typed_config": typed(
            kind,
            stat_prefix=name.replace(".", "_"),
            token_bucket=_bucket(overall),
            filter_enabled=ALWAYS,
            filter_enforced=ALWAYS,
            rate_limits=[{"actions": actions} for actions in counted],
            descriptors=buckets,
            max_dynamic_descriptors=MAX_KNOWN,
            # Buckets fill all the time, so the next second has room.
            response_headers_to_add=[wait],
            **({"enable_x_ratelimit_headers": "DRAFT_VERSION_03"} if tell else {}),
        ),
    }


def _bucket_of(limit: int, *entries: tuple[str, str]) -> Resource:
    """Return a bucket for each value of the entries that have none here."""
    listed = [{"key": key, **({"value": value} if value else {})} for key, value in entries]
    return {"entries": listed, "token_bucket": _bucket(limit)}


def _bucket(limit: int) -> Resource:
    return {"max_tokens": limit, "tokens_per_fill": limit, "fill_interval": "60s"}

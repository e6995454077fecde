"""The hosts that ask who is calling: ``api.``, and each service that has no pages of its own."""

from __future__ import annotations

from collections.abc import Iterator

from alfred_dev.plan import PlannedService
from alfred_dev.render.gateway import filters, hosts
from alfred_dev.render.gateway.world import (
    Resource,
    World,
    grpc_cluster,
    grpc_endpoint,
    typed,
    web_endpoint,
)

VERSION_HEADER = "x-api-version"
DEFAULT_VERSION = "1"
CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
CORS_HEADERS = "authorization, content-type, x-api-key, x-api-version, x-request-id, traceparent"
CORS_EXPOSED = "x-request-id, retry-after, x-ratelimit-limit, x-ratelimit-remaining"


def host(world: World) -> Resource:
    """Return the virtual host of the API, without its names."""
    routes = [_health()]
    for service in world.plan.services:
        for path in service.definition.routes:
            routes += list(_routes(service, path, world))
    routes.append(hosts.says({"prefix": "/"}, 404, "no service has this path"))
    return _asking(routes, world)


def own_host(target: str, world: World) -> Resource:
    """Return the virtual host of one service: as the API, without a path before its own."""
    if not world.has(target):
        missing = f"{target} is not part of this stack"
        return _asking([hosts.says({"prefix": "/"}, 503, missing)], world)
    service = world.plan[target]
    routes = [*_grpc(service, "/"), *_versions(service, "/", world)]
    return _asking(routes, world)


def shown_host(target: str, world: World) -> Resource:
    """Return the virtual host of one service for tunnels, whose front has asked who is calling.

    So no token is asked for, and nothing is said of the caller that a service would believe.
    """
    if world.has(target):
        routes = list(_versions(world.plan[target], "/", world))
    else:
        routes = [hosts.says({"prefix": "/"}, 503, f"{target} is not part of this stack")]
    return {"routes": routes, "typed_per_filter_config": hosts.opened(world)}


def _asking(routes: list[Resource], world: World) -> Resource:
    return {
        "routes": routes,
        "request_headers_to_add": _trusted(world),
        # What was a secret of the client's is none of the service's; CORS is answered here.
        "request_headers_to_remove": ["authorization", filters.KEY_HEADER, "origin"],
        "typed_per_filter_config": {
            filters.CORS: _cors(world),
            filters.API_KEY: filters.known_keys(world),
            filters.RULES: filters.rbac_per_route(
                filters.deny(filters.path_rules(), filters.role_rules())
            ),
        },
    }


def _trusted(world: World) -> list[Resource]:
    """Return what services may believe, because the first of it is a secret of ours with them."""
    return [
        _header(filters.SIGNED, world.access.secret),
        _header(filters.ROLE, f"%DYNAMIC_METADATA({filters.METADATA}:role)%"),
        _header(filters.CLIENT, f"%DYNAMIC_METADATA({filters.METADATA}:client)%"),
    ]


def _header(key: str, value: str) -> Resource:
    action = "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": key, "value": value}, "append_action": action}


def _cors(world: World) -> Resource:
    return typed(
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"safe_regex": {"regex": hosts.origins(world)}}],
        allow_methods=CORS_METHODS,
        allow_headers=CORS_HEADERS,
        expose_headers=CORS_EXPOSED,
        max_age="600",
        allow_credentials=False,
        # Else a preflight of another site would pass without a token, and reach the service.
        forward_not_matching_preflights=False,
    )


def _health() -> Resource:
    """Return the one path that asks for nothing; exactly that one."""
    found = hosts.says({"path": "/health"}, 200, "the gateway is well")
    return {**found, "typed_per_filter_config": {filters.JWT: filters.NO_JWT}}


def _routes(service: PlannedService, path: str, world: World) -> Iterator[Resource]:
    if path.endswith("."):
        yield from _grpc(service, path)
    else:
        yield from _versions(service, path, world)


def _grpc(service: PlannedService, prefix: str) -> Iterator[Resource]:
    if grpc_endpoint(service) is not None:
        yield {
            "match": {"prefix": prefix, "grpc": {}},
            "route": {"cluster": grpc_cluster(service.id), "timeout": "0s"},
            "typed_per_filter_config": {filters.BUFFER: filters.NO_BUFFER},
        }


def _versions(service: PlannedService, path: str, world: World) -> Iterator[Resource]:
    """Yield a service's versions: the one that is asked for, the first without a header, 400."""
    others = dict(world.access.versions.get(service.id, {}))
    first = others.pop(DEFAULT_VERSION, service.id)
    for version, target in others.items():
        yield from _streams(path, target, world, _asks_for(version))
    yield from _streams(path, first, world, _asks_for(DEFAULT_VERSION))
    absent = [{"name": VERSION_HEADER, "present_match": True, "invert_match": True}]
    yield from _streams(path, first, world, absent)
    known = ", ".join(sorted({DEFAULT_VERSION, *others}, key=int))
    yield hosts.says(_below(path), 400, f"{VERSION_HEADER} is unknown here; known: {known}")


def _asks_for(version: str) -> list[Resource]:
    return [
        {
            "name": VERSION_HEADER,
            "string_match": {"safe_regex": {"regex": rf"{version}(\.[0-9]+)*"}},
        }
    ]


def _streams(path: str, target: str, world: World, headers: list[Resource]) -> Iterator[Resource]:
    """Yield the ways to speak with one service: WebSocket, events, whole answers."""
    if not world.has(target) or web_endpoint(world.plan[target]) is None:
        missing = f"{target} is not part of this stack"
        yield hosts.says({**_below(path), "headers": headers}, 503, missing)
        return
    definition = world.plan[target].definition
    base = {"cluster": target, **_rewrite(path), **hosts.RETRY}
    ways: tuple[tuple[Resource, Resource, Resource], ...] = (
        (
            {"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}},
            {"timeout": "0s", "idle_timeout": "0s", **hosts.WEBSOCKET},
            {"typed_per_filter_config": {filters.BUFFER: filters.NO_BUFFER}},
        ),
        (
            {"name": "accept", "string_match": {"contains": "text/event-stream"}},
            {"timeout": "0s", "idle_timeout": "3600s"},
            {},
        ),
    )
    for match, action, more in ways:
        yield {
            "match": {**_below(path), "headers": [*headers, match]},
            "route": {**base, **action},
            **more,
        }
    whole = {**base, "timeout": f"{definition.timeout_s}s"}
    yield {"match": {**_below(path), "headers": headers}, "route": whole}


def _below(path: str) -> Resource:
    """Match ``/agents/core`` and all below, not ``/agents/corex``."""
    bare = path.rstrip("/")
    return {"path_separated_prefix": bare} if bare else {"prefix": "/"}


def _rewrite(path: str) -> Resource:
    bare = path.rstrip("/")
    if not bare:
        return {}
    return {"regex_rewrite": {"pattern": {"regex": f"^{bare}/?"}, "substitution": "/"}}

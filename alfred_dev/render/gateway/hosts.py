"""The hosts with pages: user interfaces, log-in, our own page. And what all hosts share."""

from __future__ import annotations

from alfred_dev.hostnames import DASHBOARD
from alfred_dev.plan import PlannedService
from alfred_dev.render.gateway import filters, paths
from alfred_dev.render.gateway.world import Resource, World

IDENTITY = "identity"
# Once more, but only of what surely never arrived.
RETRY: Resource = {
    "retry_policy": {
        "retry_on": "connect-failure",
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.1s"},
        "retriable_request_headers": [{"name": ":method", "string_match": {"exact": "GET"}}],
    }
}
WEBSOCKET: Resource = {"upgrade_configs": [{"upgrade_type": "websocket"}]}
CLOSED: Resource = {filters.JWT: filters.NO_JWT, filters.BUFFER: filters.NO_BUFFER}
MAX_UPLOAD = 256 << 20
GET = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
STRICT = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}


def page(target: str, world: World) -> Resource:
    """Return the virtual host of a service with pages, without its names."""
    return {
        "routes": _page_routes(target, world),
        "typed_per_filter_config": opened(world, _policy(target, world)),
    }


def auth(world: World) -> Resource:
    """Return the virtual host of identity, with the log-in page below it."""
    ours = [_identity({"prefix": path}, world) for path in ("/.well-known/", "/oauth/")]
    routes = [*ours, *_page_routes(world.log_in, world)]
    return {
        "routes": routes,
        "typed_per_filter_config": opened(world, _policy(world.log_in, world)),
    }


def _identity(match: Resource, world: World) -> Resource:
    if world.has(IDENTITY):
        return _to(IDENTITY, match, world)
    return says(match, 503, "identity does not run here")


def dashboard(world: World) -> Resource:
    """Return the virtual host of our own page; without one, the way to the user interface."""
    if world.has(DASHBOARD):
        found = _page_routes(DASHBOARD, world)
    else:
        found = [redirect_to(f"ui.{world.plan.domain}", world)]
    return {
        "routes": found,
        "typed_per_filter_config": opened(world),
    }


def opened(world: World, policy: str | None = None) -> Resource:
    """Return how a host differs that asks for no token: pages of other sites may not call it."""
    config = {
        **CLOSED,
        filters.RULES: filters.rbac_per_route(
            filters.deny(filters.path_rules(), filters.origin_rules(origins(world)))
        ),
    }
    return {**config, filters.HEADERS: filters.page_policy(policy)} if policy else config


def origins(world: World) -> str:
    """Return a pattern of the origins whose pages may call us."""
    return paths.any_of((*world.origins, *world.access.origins))


def _policy(target: str, world: World) -> str:
    """Return the strict policy with what the service's pages need beside."""
    more = world.plan.catalog.entries[target].csp
    directives = dict(STRICT)
    for name, sources in more.items():
        directives[name] = f"{STRICT.get(name, chr(39) + 'self' + chr(39))} {sources}"
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _page_routes(target: str, world: World) -> list[Resource]:
    if not world.has(target):
        return [says({"prefix": "/"}, 503, f"{target} is not part of this stack")]
    header = {"name": "content-length", "range_match": {"start": MAX_UPLOAD + 1, "end": 1 << 62}}
    too_large = says({"prefix": "/", "headers": [header]}, 413, "this is too large")
    return [too_large, *_static(target, world), _to(target, {"prefix": "/"}, world)]


def _static(target: str, world: World) -> list[Resource]:
    """Return the routes of files that never are a log-in, and how long browsers keep them."""
    if not world.has(target):
        return []
    rows = ((paths.HASHED, "public, max-age=31536000, immutable"), (paths.STATIC, "no-cache"))
    return [
        {
            **_to(target, {**_regex(pattern), "headers": [GET]}, world),
            "response_headers_to_add": [
                {
                    "header": {"key": "cache-control", "value": _of_a_good_answer(value)},
                    "append_action": "ADD_IF_ABSENT",
                }
            ],
        }
        for pattern, value in rows
    ]


def _of_a_good_answer(value: str) -> str:
    """Return what the header says of a file that is there; a failure is never kept."""
    return f"%CEL(response.code < 400 ? '{value}' : 'no-store')%"


def _regex(pattern: str) -> Resource:
    return {"safe_regex": {"regex": pattern}}


def _to(target: str, match: Resource, world: World) -> Resource:
    """Return a route. WebSockets and streams have no end; a silent answer has."""
    service: PlannedService = world.plan[target]
    action: Resource = {
        "cluster": target,
        "timeout": "0s",
        "idle_timeout": f"{max(service.definition.timeout_s, 300)}s",
        **WEBSOCKET,
        **RETRY,
    }
    return {"match": match, "route": action}


def says(match: Resource, status: int, message: str) -> Resource:
    """Return a route that the gateway answers itself."""
    return {
        "match": match,
        "direct_response": {"status": status, "body": {"inline_string": message}},
    }


def port(world: World) -> Resource:
    """Return the port of a redirect; the usual one is not written."""
    return {} if world.https == 443 else {"port_redirect": world.https}


def redirect_to(name: str, world: World) -> Resource:
    """Return a route to the same path of ``name``."""
    action = {"host_redirect": name, "response_code": "TEMPORARY_REDIRECT", **port(world)}
    return {"match": {"prefix": "/"}, "redirect": action}

"""What leads where: one table a listener, one virtual host a thing with all of its names.

The tables of HTTPS and of tunnels are watched files, one each; the other two are the listener's.
"""

from __future__ import annotations

from alfred_dev.hostnames import API, AUTH, DASHBOARD, Hostname
from alfred_dev.render.gateway import api, clusters, hosts
from alfred_dev.render.gateway.world import FIGURES, Resource, World

TABLE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
HEALTH = "/health"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def https(world: World) -> Resource:
    """Return what this machine may see."""
    found = [_host(target, names, world) for target, names in _targets(world.names).items()]
    return _table("https", [*found, _loopback(world), _nobody()])


def tunnel(world: World) -> Resource:
    """Return what a tunnel may show: the API by its own rules, and what the catalog marks for it.

    Of the latter the tunnel's front has asked who is calling.
    """
    names = tuple(h for h in world.names if _is_shown(h, world))
    found = [_shown(target, some, world) for target, some in _targets(names).items()]
    return _table("tunnel", [*found, _nobody()])


def _is_shown(host: Hostname, world: World) -> bool:
    service = world.plan.catalog.services.get(host.leads_to)
    return host.leads_to == API or (service is not None and service.tunnelable)


def _shown(target: str, names: list[str], world: World) -> Resource:
    if target == API or world.plan.catalog.services[target].hosts:
        return _host(target, names, world)
    return {"name": target, "domains": names, **api.shown_host(target, world)}


def _targets(names: tuple[Hostname, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for host in names:
        found.setdefault(host.leads_to, []).append(host.name)
    return found


def _host(target: str, names: list[str], world: World) -> Resource:
    if target == API:
        return {"name": target, "domains": names, **api.host(world)}
    if target == AUTH:
        return {"name": target, "domains": names, **hosts.auth(world)}
    if target == DASHBOARD:
        return {"name": target, "domains": names, **hosts.dashboard(world)}
    if world.plan.catalog.services[target].hosts:
        return {"name": target, "domains": names, **hosts.page(target, world)}
    return {"name": target, "domains": names, **api.own_host(target, world)}


def _loopback(world: World) -> Resource:
    """Answer those who call by number: they are told that all is well, and the name."""
    return {
        "name": "loopback",
        "domains": list(LOOPBACK_NAMES),
        "routes": [health(), hosts.redirect_to(world.plan.domain, world)],
        "typed_per_filter_config": hosts.opened(world),
    }


def _nobody() -> Resource:
    """Answer for names that are not ours: DNS rebinding looks like that."""
    return {
        "name": "nobody",
        "domains": ["*"],
        "routes": [hosts.says({"prefix": "/"}, 421, "this is no name of ours")],
        "typed_per_filter_config": hosts.CLOSED,
    }


def health() -> Resource:
    """Return the route that tells that the gateway itself is well."""
    return hosts.says({"path": HEALTH}, 200, "the gateway is well")


def redirect(world: World) -> Resource:
    """Return how plain HTTP is sent to the same page by TLS."""
    action = {"https_redirect": True, "response_code": "PERMANENT_REDIRECT", **hosts.port(world)}
    names = [host.name for host in world.names]
    found = [
        {
            "name": "redirect",
            "domains": [*names, *LOOPBACK_NAMES],
            "routes": [health(), {"match": {"prefix": "/"}, "redirect": action}],
        },
        {"name": "nobody", "domains": ["*"], "routes": _nobody()["routes"]},
    ]
    return _table("redirect", found)


def statistics() -> Resource:
    """Return what of Envoy's own pages a port may show: statistics and readiness, GET alone.

    The dashboard's figures too: from a container there is no other way to this machine's processes.
    """
    get = {"headers": [{"name": ":method", "string_match": {"exact": "GET"}}]}
    routes = [
        {"match": {"path": path, **get}, "route": {"cluster": clusters.ADMIN}}
        for path in ("/stats/prometheus", "/ready")
    ]
    figures = {
        "cluster": DASHBOARD,
        "prefix_rewrite": "/metrics",
        "host_rewrite_literal": DASHBOARD,
    }
    routes.append({"match": {"path": FIGURES, **get}, "route": figures})
    routes.append(hosts.says({"prefix": "/"}, 404, "only /stats/prometheus and /ready are here"))
    return _table("statistics", [{"name": "statistics", "domains": ["*"], "routes": routes}])


def _table(name: str, found: list[Resource]) -> Resource:
    return {
        "@type": TABLE,
        "name": name,
        "virtual_hosts": found,
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
    }

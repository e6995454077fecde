"""Where the services are, and how many connections each gets."""

from __future__ import annotations

from alfred_dev.plan import PlannedService
from alfred_dev.render.gateway.bootstrap import admin_address
from alfred_dev.render.gateway.world import (
    Resource,
    World,
    grpc_cluster,
    grpc_endpoint,
    typed,
    web_endpoint,
)

ADMIN = "gateway-admin"
CONNECT_TIMEOUT = "1s"  # everything is on this machine
MAX_WAITING = 1024
# A container that was made anew may have another address; one that is not there yet has none, and
# holds nobody up.
BY_NAME: Resource = {
    "type": "STRICT_DNS",
    "dns_lookup_family": "V4_ONLY",
    "dns_refresh_rate": "2s",
    "dns_failure_refresh_rate": {"base_interval": "0.2s", "max_interval": "1s"},
    "wait_for_warm_on_init": False,
}
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def clusters(world: World) -> list[Resource]:
    """Return a cluster for each web service and each gRPC port, and one for Envoy's own pages.

    None ejects an endpoint that answers badly: it is the one that somebody is debugging.
    """
    found = [_cluster(s.id, s, address) for s, address in world.addressed(web_endpoint)]
    for service, address in world.addressed(grpc_endpoint):
        found.append({**_cluster(grpc_cluster(service.id), service, address), **_http2()})
    return [*found, _admin(world)]


def _cluster(name: str, service: PlannedService, address: Resource) -> Resource:
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        **(BY_NAME if _is_name(address) else {"type": "STATIC"}),
        "connect_timeout": CONNECT_TIMEOUT,
        "load_assignment": _assignment(name, address),
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": service.definition.connections,
                    "max_pending_requests": MAX_WAITING,
                    "max_requests": MAX_WAITING,
                    "max_retries": 16,
                    "track_remaining": True,
                }
            ]
        },
        # A server that was restarted must not be met on a connection to its predecessor.
        "close_connections_on_host_health_failure": True,
        "typed_extension_protocol_options": {
            HTTP_OPTIONS: typed(
                HTTP_OPTIONS,
                common_http_protocol_options={"idle_timeout": "20s"},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }


def _is_name(address: Resource) -> bool:
    return "pipe" not in address and not address["socket_address"]["address"][0].isdigit()


def _http2() -> Resource:
    options = typed(HTTP_OPTIONS, explicit_http_config={"http2_protocol_options": {}})
    return {"typed_extension_protocol_options": {HTTP_OPTIONS: options}}


def _admin(world: World) -> Resource:
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": ADMIN,
        "type": "STATIC",
        "connect_timeout": CONNECT_TIMEOUT,
        "load_assignment": _assignment(ADMIN, admin_address(world)),
    }


def _assignment(name: str, address: Resource) -> Resource:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _plain(address)}}]}]
    return {"cluster_name": name, "endpoints": endpoints}


def _plain(address: Resource) -> Resource:
    """Return the address to call; the mode is the listener's business."""
    return {"pipe": {"path": address["pipe"]["path"]}} if "pipe" in address else address

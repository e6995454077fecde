"""What Envoy reads once, at its start: where the rest is, how to be looked at, and its bounds."""

from __future__ import annotations

from alfred_dev.render.gateway.world import Resource, World, files, typed

ADMIN_SOCKET = "admin.sock"
MAX_CONNECTIONS = 8000
BUCKETS_MS = (1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)


def admin_address(world: World) -> Resource:
    """Return where Envoy's own pages are: a unix socket, since any web page can reach a port."""
    return {"pipe": {"path": f"{world.place.sockets}/{ADMIN_SOCKET}", "mode": 0o600}}


def document(world: World) -> Resource:
    """Return the bootstrap configuration."""
    return {
        "node": {"id": "alfred-dev-gateway", "cluster": "alfred-dev"},
        "admin": {"address": admin_address(world)},
        "dynamic_resources": {
            "lds_config": files("listeners", world),
            "cds_config": files("clusters", world),
        },
        "stats_config": {
            "histogram_bucket_settings": [
                {"match": {"suffix": "upstream_rq_time"}, "buckets": list(BUCKETS_MS)},
                {"match": {"suffix": "downstream_rq_time"}, "buckets": list(BUCKETS_MS)},
            ]
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "envoy.extensions.resource_monitors.downstream_connections.v3."
                        "DownstreamConnectionsConfig",
                        max_active_downstream_connections=MAX_CONNECTIONS,
                    ),
                }
            ]
        },
        # What keeps one client from filling the memory with streams that it resets at once.
        "layered_runtime": {
            "layers": [
                {
                    "name": "bounds",
                    "static_layer": {
                        "overload.premature_reset_total_stream_count": 500,
                        # A pattern of all our origins is longer than Envoy allows by itself.
                        "re2.max_program_size.error_level": 20_000,
                    },
                }
            ]
        },
    }

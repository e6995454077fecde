"""What Envoy listens on: HTTPS, the redirect to it, statistics, and a socket for tunnels."""

from __future__ import annotations

from alfred_dev.render.gateway import filters, log, routes, tls
from alfred_dev.render.gateway.world import GATEWAY, Resource, World, files, socket, typed

TUNNEL_SOCKET = "tunnel.sock"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
BUFFER_BYTES = 1 << 20
MAX_HEADERS_KB = 32


def listeners(world: World) -> list[Resource]:
    """Return every listener. Only the tunnel's believes X-Forwarded-For, and one hop of it."""
    return [_https(world), _redirect(world), _statistics(world), _tunnel(world)]


def _https(world: World) -> Resource:
    chains = [_chain(tls.NAMES, world)]
    if world.access.loopback is not None:
        names = {"server_names": [host.name for host in world.names]}
        chains = [{"filter_chain_match": names, **chains[0]}, _chain(tls.LOOPBACK, world)]
    return {
        **_listener("https", 0, world),
        "listener_filters": [
            {
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": typed(
                    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
                ),
            }
        ],
        "listener_filters_timeout": "5s",
        "filter_chains": chains,
    }


def _chain(certificate: str, world: World) -> Resource:
    return {
        "name": certificate,
        "transport_socket": tls.transport(certificate, world),
        "transport_socket_connect_timeout": "5s",
        "filters": [manager("https", filters.enforcing(world), world)],
    }


def _redirect(world: World) -> Resource:
    chain = {"filters": [manager("http", [filters.router()], world, table=routes.redirect(world))]}
    return {**_listener("http", 1, world), "filter_chains": [chain]}


def _statistics(world: World) -> Resource:
    chain = {
        "filters": [manager("statistics", [filters.router()], world, table=routes.statistics())]
    }
    return {**_listener("statistics", 2, world), "filter_chains": [chain]}


def _tunnel(world: World) -> Resource:
    """Return what a tunnel's front end calls: plain HTTP on a socket that only this user opens."""
    enforced = manager("tunnel", filters.enforcing(world), world, hops=1)
    path = f"{world.place.sockets}/{TUNNEL_SOCKET}"
    return {
        "@type": LISTENER,
        "name": "tunnel",
        "address": {"pipe": {"path": path, "mode": 0o600}},
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [{"filters": [enforced]}],
    }


def _listener(name: str, row: int, world: World) -> Resource:
    port = world.place.listen(world.plan[GATEWAY].endpoints[row])
    first, *more = world.access.addresses
    additional = {"additional_addresses": [{"address": socket(a, port)} for a in more]}
    return {
        "@type": LISTENER,
        "name": name,
        "address": socket(first, port),
        **(additional if more else {}),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
    }


def manager(
    name: str,
    http_filters: list[Resource],
    world: World,
    *,
    hops: int = 0,
    table: Resource | None = None,
) -> Resource:
    """Return an HTTP connection manager, hardened for whoever may call.

    ``hops``: how many proxies before us are believed about the address of the client; ``table``:
    its routes, else a file of its own has them.
    """
    watched = {"route_config_name": name, "config_source": files(f"routes-{name}", world)}
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": typed(
            MANAGER,
            stat_prefix=name,
            **({"route_config": _inline(table)} if table else {"rds": watched}),
            http_filters=http_filters,
            access_log=[] if name == "statistics" else [log.access_log()],
            local_reply_config=log.local_replies(),
            server_name="alfred-dev",
            use_remote_address=True,
            xff_num_trusted_hops=hops,
            skip_xff_append=False,
            # Pages compare the Host with the Origin, port and all; a redirect names its own.
            strip_any_host_port=table is not None,
            strip_trailing_host_dot=True,
            normalize_path=True,
            merge_slashes=True,
            path_with_escaped_slashes_action="REJECT_REQUEST",
            always_set_request_id_in_response=True,
            upgrade_configs=[{"upgrade_type": "websocket", "enabled": False}],
            max_request_headers_kb=MAX_HEADERS_KB,
            request_headers_timeout="10s",  # a client that sends its headers drop by drop
            stream_idle_timeout="300s",
            delayed_close_timeout="1s",
            drain_timeout="1s",
            common_http_protocol_options={
                "idle_timeout": "300s",
                "max_headers_count": 100,
                "headers_with_underscores_action": "REJECT_REQUEST",
            },
            http_protocol_options={"accept_http_10": False},
            http2_protocol_options={
                "max_concurrent_streams": 128,
                "initial_stream_window_size": 1 << 20,
                "initial_connection_window_size": 4 << 20,
            },
        ),
    }


def _inline(table: Resource) -> Resource:
    return {key: value for key, value in table.items() if key != "@type"}

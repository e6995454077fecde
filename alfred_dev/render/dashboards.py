"""Grafana's dashboards as data: what each panel shows, and the queries behind it.

Every service that is scraped has the label ``service``; the gateway calls a service by its id
(``envoy_cluster_name``). Identifiers are fixed, so a dashboard keeps its address.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alfred_dev.render.pace import Pace
from alfred_dev.workspace import Artifact

FOLDER = "grafana/dashboards"
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
SCHEMA_VERSION = 39  # of Grafana 11
COLUMNS, HEIGHT = 24, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One line of a panel. ``legend`` may hold ``{{label}}``."""

    expr: str
    legend: str = "{{service}}"
    heatmap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. ``kind``: Grafana's name of it; ``unit``: Grafana's; ``width`` of 24 columns."""

    title: str
    about: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page of Grafana."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _panel(title: str, about: str, *exprs: str, legend: str = "{{service}}", **kinds: Any) -> Panel:
    return Panel(
        title=title,
        about=about,
        queries=tuple(Query(expr=e, legend=legend) for e in exprs),
        **kinds,
    )


SERVICES = Dashboard(
    uid="alfred-services",
    title="Alfred: services",
    panels=(
        _panel("Healthy", "What our own probes see from outside; 1 is healthy.",
               "min by (service) (alfred_probe_up)", kind="stat", width=24),
        _panel("Requests", "Answered requests a second, without what probes ask for.",
               "service:requests:rate", unit="reqps"),
        _panel("Errors", "Share of answers with a status of 500 and more.",
               "service:errors:ratio", unit="percentunit"),
        _panel("Latency, p95", "Nineteen of twenty requests are answered within this time.",
               "service:latency_seconds:p95", unit="s"),
        Panel(
            title="Latency, p50 p95 p99",
            about="Of all services together.",
            unit="s",
            queries=tuple(
                Query(expr=f"max(service:latency_seconds:{q})", legend=q)
                for q in ("p50", "p95", "p99")
            ),
        ),
        Panel(
            title="Latency, heat map",
            about="How many requests took how long.",
            kind="heatmap",
            unit="s",
            width=24,
            queries=(
                Query(
                    expr="sum by (le) (increase(http_request_duration_seconds_bucket[$WINDOW]))",
                    legend="{{le}}",
                    heatmap=True,
                ),
            ),
        ),
        _panel("Memory", "Resident memory of each process.",
               "process_resident_memory_bytes", unit="bytes"),
        _panel("Processor", "Share of one core.",
               "rate(process_cpu_seconds_total[$WINDOW])", unit="percentunit"),
    ),
)  # fmt: skip
TRAFFIC = Dashboard(
    uid="alfred-traffic",
    title="Alfred: traffic between services",
    panels=(
        _panel("Calls", "Calls a second, by who calls whom.",
               "sum by (service, peer) (rate(alfred_call_duration_seconds_count[$WINDOW]))",
               legend="{{service}} -> {{peer}}", unit="reqps"),
        _panel("Calls, p95", "How long the caller waited.",
               "histogram_quantile(0.95, sum by (service, peer, le)"
               " (rate(alfred_call_duration_seconds_bucket[$WINDOW])))",
               legend="{{service}} -> {{peer}}", unit="s"),
        _panel("Reachable", "1: the dependency answered when its service last asked.",
               "alfred_dependency_up", legend="{{service}} -> {{dependency}}", width=24),
    ),
)  # fmt: skip
GATEWAY = Dashboard(
    uid="alfred-gateway",
    title="Alfred: gateway",
    panels=(
        _panel("Requests", "Passed on to each service, a second.",
               "gateway:requests:rate", unit="reqps"),
        _panel("Latency, p95", "Of the service, as the gateway sees it.",
               "gateway:latency_seconds:p95", unit="s"),
        _panel("Received", "From each service.", "gateway:received_bytes:rate", unit="Bps"),
        _panel("Sent", "To each service.", "gateway:sent_bytes:rate", unit="Bps"),
        _panel("Failed authentications", "Requests without a valid credential, a minute.",
               "sum(increase(envoy_http_jwt_authn_denied[$WINDOW]))", legend="refused", width=8),
        _panel("Refused by policy", "Requests for what their role may not, a minute.",
               "sum(increase(envoy_http_rbac_denied[$WINDOW]))", legend="refused", width=8),
        _panel("Over the limit", "Requests answered by 429, a minute.",
               'sum(increase({__name__=~"envoy_.*http_local_rate_limit_rate_limited"}[$WINDOW]))',
               legend="limited", width=8),
        _panel("Certificates", "Days until each ends.",
               "(alfred_certificate_expiry_timestamp_seconds - time()) / 86400",
               legend="{{name}}", kind="stat", width=24),
    ),
)  # fmt: skip
DATA = Dashboard(
    uid="alfred-data",
    title="Alfred: data stores",
    panels=(
        _panel("Healthy", "A real log-in, PING, publish or query; 1 is healthy.",
               'alfred_probe_up{tier="data"}', legend="{{service}} {{port}}", width=24),
        _panel("Answer time", "Of the same probes.",
               'alfred_probe_duration_seconds{tier="data"}', legend="{{service}} {{port}}",
               unit="s"),
        _panel("Memory", "Of all processes of each data store.",
               'alfred_service_memory_bytes{tier="data"}', unit="bytes"),
        _panel("Processor", "Share of one core.",
               'alfred_service_cpu_ratio{tier="data"}', unit="percentunit"),
        _panel("Space", "Used share of this machine's memory and of the disk under the data.",
               'alfred_resource_use_ratio{service=""}', legend="{{resource}}", unit="percentunit"),
        _panel("Connections", "Used share of those that a store takes.",
               'alfred_resource_use_ratio{resource="connections"}', unit="percentunit"),
        _panel("Postgres: transactions", "Committed and rolled back, a second.",
               "sum by (datname) (rate(pg_stat_database_xact_commit[$WINDOW]) "
               "+ rate(pg_stat_database_xact_rollback[$WINDOW]))",
               legend="{{datname}}", unit="ops", width=8),
        _panel("Postgres: found in memory", "Share of the blocks asked for, since its start.",
               "pg_stat_database_blks_hit / "
               "(pg_stat_database_blks_hit + pg_stat_database_blks_read)",
               legend="{{datname}}", unit="percentunit", width=8),
        _panel("Postgres: size", "Of each database, on the disk.",
               "pg_database_size_bytes", legend="{{datname}}", unit="bytes", width=8),
        _panel("Redis: commands", "A second; our own probes are among them.",
               "rate(redis_commands_processed_total[$WINDOW])", unit="ops", width=8),
        _panel("Redis: memory", "Of its data.", "redis_memory_used_bytes", unit="bytes", width=8),
        _panel("Vector DB: requests", "By what was asked, a second.",
               "sum by (endpoint) (rate(rest_responses_total[$WINDOW]))",
               legend="{{endpoint}}", unit="reqps", width=8),
    ),
)  # fmt: skip
DASHBOARDS = (SERVICES, TRAFFIC, GATEWAY, DATA)


def render(pace: Pace, about: str = "") -> tuple[Artifact, ...]:
    """Return one JSON file a dashboard. ``about``: a line on top of each."""
    return tuple(
        Artifact(
            f"{FOLDER}/{board.uid}.json", _text({"description": about, **_document(board, pace)})
        )
        for board in DASHBOARDS
    )


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"


def _document(board: Dashboard, pace: Pace) -> dict[str, Any]:
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["alfred-dev"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": list(_panels(board.panels, pace)),
    }


def _panels(panels: Sequence[Panel], pace: Pace) -> Iterable[dict[str, Any]]:
    x = y = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + HEIGHT
        yield {
            "id": number,
            "type": panel.kind,
            "title": panel.title,
            "description": panel.about,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": panel.width, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
            "options": {},
            "targets": [_target(q, place, pace) for place, q in enumerate(panel.queries)],
        }
        x += panel.width


def _target(query: Query, place: int, pace: Pace) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + place),
        "datasource": DATASOURCE,
        "expr": pace.fill(query.expr),
        "legendFormat": query.legend,
        "range": True,
        **({"format": "heatmap"} if query.heatmap else {}),
    }

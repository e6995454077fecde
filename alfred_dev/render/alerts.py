"""Plan -> Prometheus' rules: what is recorded of every service, and when somebody is told.

The alerts are those of the platform's network architecture. Windows are short: a developer looks
while it happens. What asks for health all day long does not count as traffic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.plan import Plan
from alfred_dev.render.pace import Pace
from alfred_dev.render.text import yaml_text
from alfred_dev.workspace import Artifact

FILE = "prometheus/rules.yml"
ASKED_ALL_DAY = ("/ready", "/metrics")


class Severity(StrEnum):
    """How bad it is, in the words of the network architecture."""

    CRITICAL = "critical"
    WARNING = "warning"
    SECURITY = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A value computed all the time. ``expr`` may hold ``$TRAFFIC`` and ``$WINDOW``."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """When to tell. ``holds``: so many evaluations must find it true; ``says`` may use labels."""

    name: str
    severity: Severity
    expr: str
    holds: int
    says: str
    fix: str


TRAFFIC = "$TRAFFIC"  # labels that select what is traffic: see ``_selector``
MIN_RATE = 0.1  # requests a second; below that a ratio says nothing

_SERVED = "http_requests_total{$TRAFFIC}"
_FAILED = 'http_requests_total{$TRAFFIC,status=~"5.."}'
_TIMES = "http_request_duration_seconds_bucket{$TRAFFIC}"
_GATEWAY = "envoy_cluster_upstream_rq"
_OF_CLUSTER = '"service", "$1", "envoy_cluster_name", "(.+)"'


def _quantile(q: str) -> str:
    return f"histogram_quantile({q}, sum by (service, le) (rate({_TIMES}[$WINDOW])))"


RECORDINGS = (
    Recording(name="service:requests:rate", expr=f"sum by (service) (rate({_SERVED}[$WINDOW]))"),
    Recording(
        name="service:errors:ratio",
        expr=f"(sum by (service) (rate({_FAILED}[$WINDOW])) or service:requests:rate * 0)"
        " / (service:requests:rate > 0)",
    ),
    Recording(name="service:latency_seconds:p50", expr=_quantile("0.50")),
    Recording(name="service:latency_seconds:p95", expr=_quantile("0.95")),
    Recording(name="service:latency_seconds:p99", expr=_quantile("0.99")),
    Recording(
        name="gateway:requests:rate",
        expr=f"sum by (service) (label_replace(rate({_GATEWAY}_completed[$WINDOW]),"
        f" {_OF_CLUSTER}))",
    ),
    Recording(
        name="gateway:latency_seconds:p95",
        expr="histogram_quantile(0.95, sum by (service, le) (label_replace("
        f"rate({_GATEWAY}_time_bucket[$WINDOW]), {_OF_CLUSTER}))) / 1000",
    ),
    Recording(
        name="gateway:received_bytes:rate",
        expr="sum by (service) (label_replace("
        f"rate(envoy_cluster_upstream_cx_rx_bytes_total[$WINDOW]), {_OF_CLUSTER}))",
    ),
    Recording(
        name="gateway:sent_bytes:rate",
        expr="sum by (service) (label_replace("
        f"rate(envoy_cluster_upstream_cx_tx_bytes_total[$WINDOW]), {_OF_CLUSTER}))",
    ),
)

_BUSY = f"service:requests:rate > {MIN_RATE}"
ALERTS = (
    Alert(
        name="ServiceUnavailable",
        severity=Severity.CRITICAL,
        expr="min by (service) (alfred_probe_up) == 0",
        holds=1,
        says="{{ $labels.service }} does not answer as it should",
        fix="alfred-dev doctor",
    ),
    Alert(
        name="HighErrorRate",
        severity=Severity.CRITICAL,
        expr=f"service:errors:ratio > 0.01 and on (service) {_BUSY}",
        holds=2,
        says="{{ $value | humanizePercentage }} of {{ $labels.service }}'s answers are errors",
        fix="alfred-dev logs {{ $labels.service }}",
    ),
    Alert(
        name="HighLatency",
        severity=Severity.CRITICAL,
        expr=f"service:latency_seconds:p95 > 0.5 and on (service) {_BUSY}",
        holds=2,
        says="p95 of {{ $labels.service }} is {{ $value | humanizeDuration }}",
        fix="alfred-dev flow api",
    ),
    Alert(
        name="CertificateExpiresSoon",
        severity=Severity.CRITICAL,
        expr="alfred_certificate_expiry_timestamp_seconds - time() < 30 * 86400",
        holds=0,
        says="the certificate {{ $labels.name }} ends in {{ $value | humanizeDuration }}",
        fix="alfred-dev certs renew",
    ),
    Alert(
        name="ElevatedErrorRate",
        severity=Severity.WARNING,
        expr=f"service:errors:ratio > 0.001 <= 0.01 and on (service) {_BUSY}",
        holds=4,
        says="{{ $value | humanizePercentage }} of {{ $labels.service }}'s answers are errors",
        fix="alfred-dev logs {{ $labels.service }}",
    ),
    Alert(
        name="ElevatedLatency",
        severity=Severity.WARNING,
        expr=f"service:latency_seconds:p95 > 0.2 <= 0.5 and on (service) {_BUSY}",
        holds=4,
        says="p95 of {{ $labels.service }} is {{ $value | humanizeDuration }}",
        fix="alfred-dev flow api",
    ),
    Alert(
        name="UnusualTraffic",
        severity=Severity.WARNING,
        # Far from its own usual: three deviations off the last hour, and a change that matters.
        expr="abs(service:requests:rate - avg_over_time(service:requests:rate[$USUAL]))"
        " > 3 * stddev_over_time(service:requests:rate[$USUAL]) + 1"
        " and on (service) count_over_time(service:requests:rate[$USUAL]) > 120",
        holds=2,
        says="{{ $labels.service }} is asked far more, or far less, often than usual",
        fix="alfred-dev logs {{ $labels.service }}",
    ),
    Alert(
        name="ResourceUse",
        severity=Severity.WARNING,
        expr="alfred_resource_use_ratio > 0.8",
        holds=2,
        says="{{ $labels.resource }} is used to {{ $value | humanizePercentage }}"
        "{{ with $labels.service }} of what {{ . }} may have{{ end }}",
        fix="alfred-dev doctor --only resources",
    ),
    Alert(
        name="FailedAuthentications",
        severity=Severity.SECURITY,
        expr="sum(increase(envoy_http_jwt_authn_denied[$WINDOW])) > 5",
        holds=0,
        says="{{ $value | humanize }} requests in a minute came without a valid credential",
        fix="alfred-dev token   (makes one that is valid)",
    ),
    Alert(
        name="RefusedByPolicy",
        severity=Severity.SECURITY,
        expr="sum(increase(envoy_http_rbac_denied[$WINDOW])) > 5",
        holds=0,
        says="{{ $value | humanize }} requests in a minute asked for what their role may not",
        fix="alfred-dev logs gateway",
    ),
    Alert(
        name="RateLimited",
        severity=Severity.SECURITY,
        expr='sum(increase({__name__=~"envoy_.*http_local_rate_limit_rate_limited"}[$WINDOW])) > 0',
        holds=0,
        says="{{ $value | humanize }} requests in a minute were over their limit",
        fix="alfred-dev logs gateway",
    ),
)


def render(plan: Plan, pace: Pace) -> Artifact:
    """Return the rules. They name no service: what is scraped has the label ``service``."""
    traffic = _selector(plan)
    groups = [
        _group("alfred", pace, [_recording(r, traffic, pace) for r in RECORDINGS]),
        _group("alerts", pace, [_alert(a, traffic, pace) for a in ALERTS]),
    ]
    return Artifact(FILE, yaml_text({"groups": groups}))


def _group(name: str, pace: Pace, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "interval": pace.interval, "rules": rules}


def _selector(plan: Plan) -> str:
    """Return the label that leaves out what probes and scrapes ask for."""
    paths = {e.path for e in plan.endpoints if e.probe is ProbeKind.HTTP and e.path != "/"}
    quiet = "|".join(map(re.escape, sorted({*paths, *ASKED_ALL_DAY})))
    return f'route!~"{quiet}"'.replace("\\", "\\\\")


def _recording(recording: Recording, traffic: str, pace: Pace) -> dict[str, Any]:
    return {
        "record": recording.name,
        "expr": pace.fill(recording.expr.replace(TRAFFIC, traffic)),
    }


def _alert(alert: Alert, traffic: str, pace: Pace) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": pace.fill(alert.expr.replace(TRAFFIC, traffic)),
        "for": pace.looks(alert.holds),
        "labels": {"severity": str(alert.severity)},
        "annotations": {"summary": alert.says, "fix": alert.fix},
    }


def names(severities: Iterable[Severity] = Severity) -> tuple[str, ...]:
    """Return the alerts of these severities."""
    wanted = set(severities)
    return tuple(alert.name for alert in ALERTS if alert.severity in wanted)

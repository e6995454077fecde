"""What was measured, in the text format of Prometheus.

Imported when somebody first asks: prometheus_client costs 15 ms and 3 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from alfred_dev.embedded.metrics import BUCKETS_S, Meter

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
LABELS = ("method", "route", "status")
CALL_LABELS = ("peer", "operation", "outcome")


def exposition(
    meter: Meter, *, service: str, dependencies: Mapping[str, bool], calls: Meter | None = None
) -> bytes:
    """Return everything measured, and the process's own figures where the system has them.

    ``dependencies``: whether each was reachable when it was last asked; ``calls``: what this
    service asked of others.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_StandIn(meter, service, dependencies, calls or Meter()))
    return generate_latest(registry)


class _StandIn(Collector):
    def __init__(
        self, meter: Meter, service: str, dependencies: Mapping[str, bool], calls: Meter
    ) -> None:
        self.meter, self.service, self.dependencies = meter, service, dependencies
        self.calls = calls

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "alfred_stand_in", f"1: this is a stand-in for {self.service}.", value=1
        )
        reachable = GaugeMetricFamily(
            "alfred_dependency_up", "1: reachable when last asked.", labels=("dependency",)
        )
        for name, ok in self.dependencies.items():
            reachable.add_metric((name,), float(ok))
        yield reachable
        requests = CounterMetricFamily("http_requests", "Requests answered.", labels=LABELS)
        durations = HistogramMetricFamily(
            "http_request_duration_seconds", "Time until the answer was sent.", labels=LABELS
        )
        for key, counts in self.meter.counts.items():
            requests.add_metric(key, sum(counts))
            durations.add_metric(key, _cumulated(counts), self.meter.sums[key])
        yield requests
        yield durations
        asked = HistogramMetricFamily(
            "alfred_call_duration_seconds", "Time that calls to others took.", labels=CALL_LABELS
        )
        for key, counts in self.calls.counts.items():
            asked.add_metric(key, _cumulated(counts), self.calls.sums[key])
        yield asked


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
        total += count
        buckets.append((limit, float(total)))
    return buckets

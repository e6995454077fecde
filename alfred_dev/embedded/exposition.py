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


def exposition(meter: Meter, *, service: str, dependencies: Mapping[str, bool]) -> bytes:
    """Return everything measured, and the process's own figures where the system has them.

    ``dependencies``: whether each was reachable when it was last asked.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_StandIn(meter, service, dependencies))
    return generate_latest(registry)


class _StandIn(Collector):
    def __init__(self, meter: Meter, service: str, dependencies: Mapping[str, bool]) -> None:
        self.meter, self.service, self.dependencies = meter, service, dependencies

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


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
        total += count
        buckets.append((limit, float(total)))
    return buckets

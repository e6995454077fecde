"""What services say of themselves, read from their ``/metrics``: rates and latencies. Pure."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

REQUESTS, CALLS = "http_request_duration_seconds", "alfred_call_duration_seconds"
# Only what is needed here: reading all of it with the client library costs ten times as much.
_LINE = re.compile(rf"(?m)^({REQUESTS}|{CALLS})_bucket\{{([^}}]*)\}} ([0-9.e+]+)$")
_FORWARDED = re.compile(
    r"(?m)^envoy_cluster_external_upstream_rq(_time_bucket)?\{([^}]*)\} ([0-9.e+]+)$"
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

NARROW = 1.101  # times the bound below: see ``alfred_dev.embedded.metrics``

Buckets = Mapping[float, float]
"""Upper bound in seconds -> how many events took at most that long, since the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at a service's own figures. ``at``: seconds; ``calls``: by the peer's name."""

    at: float
    served: Buckets = field(default_factory=dict)
    failed: float = 0.0
    calls: Mapping[str, Buckets] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What went on between two readings. Latencies in milliseconds, None without traffic."""

    rate: float
    errors: float
    p50: float | None
    p95: float | None
    p99: float | None


def read(text: str, at: float, quiet: Collection[str]) -> Reading:
    """Return what an exposition says. ``quiet``: routes that are no traffic, as probes ask them."""
    served: dict[float, float] = {}
    calls: dict[str, dict[float, float]] = {}
    failed = 0.0
    for name, labels, value in _LINE.findall(text):
        of = _labels(labels)
        bound, count = float(of.get("le", "inf")), float(value)
        if name == CALLS:
            _add(calls.setdefault(of.get("peer", ""), {}), bound, count)
        elif of.get("route") not in quiet:
            _add(served, bound, count)
            if math.isinf(bound) and of.get("status", "").startswith("5"):
                failed += count
    return Reading(at=at, served=served, failed=failed, calls=calls)


def read_gateway(text: str, at: float, services: Collection[str]) -> Reading:
    """Return what Envoy's statistics say of what it asked ``services``, by their clusters' names.

    What it refuses by itself reaches none of them, and is not counted.
    """
    served: dict[float, float] = {}
    calls: dict[str, dict[float, float]] = {}
    failed = 0.0
    for timed, labels, value in _FORWARDED.findall(text):
        of, count = _labels(labels), float(value)
        name = of.get("envoy_cluster_name", "")
        if name not in services:
            continue
        if timed:
            bound = float(of["le"]) / 1000
            _add(calls.setdefault(name, {}), bound, count)
            _add(served, bound, count)
        elif of.get("envoy_response_code", "").startswith("5"):
            failed += count
    return Reading(at=at, served=served, failed=failed, calls=calls)


@functools.lru_cache(maxsize=50_000)
def _labels(text: str) -> Mapping[str, str]:
    """Read labels; a service says the same ones every time."""
    return dict(_LABEL.findall(text))


def _add(buckets: dict[float, float], bound: float, count: float) -> None:
    buckets[bound] = buckets.get(bound, 0.0) + count


def traffic(old: Reading, new: Reading) -> Traffic:
    """Return what a service was asked between two readings."""
    counts = _difference(old.served, new.served)
    total, seconds = counts.get(math.inf, 0.0), max(new.at - old.at, 0.001)
    failed = new.failed - old.failed if new.failed >= old.failed else new.failed
    return _traffic(counts, seconds, failed / total if total else 0.0)


def calls(old: Reading, new: Reading) -> dict[str, Traffic]:
    """Return what a service asked of each other one between two readings."""
    seconds = max(new.at - old.at, 0.001)
    return {
        peer: _traffic(_difference(old.calls.get(peer, {}), buckets), seconds, 0.0)
        for peer, buckets in new.calls.items()
    }


HEAT_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""The heat map's rows: each up to so many milliseconds; one more is above all."""


def heat(pairs: Iterable[tuple[Reading, Reading]]) -> tuple[int, ...]:
    """Return how many requests of all services took how long, between two readings of each."""
    found = [0.0] * (len(HEAT_MS) + 1)
    for old, new in pairs:
        counts, below = _difference(old.served, new.served), 0.0
        for row, most in enumerate((*HEAT_MS, math.inf)):
            within = max((n for bound, n in counts.items() if bound * 1000 <= most), default=0.0)
            found[row] += max(within - below, 0.0)
            below = max(below, within)
    return tuple(round(count) for count in found)


def _difference(old: Buckets, new: Buckets) -> dict[float, float]:
    """Return what was added; after a restart everything counts anew."""
    if new.get(math.inf, 0.0) < old.get(math.inf, 0.0):
        old = {}
    return {bound: count - old.get(bound, 0.0) for bound, count in new.items()}


def _traffic(counts: Buckets, seconds: float, errors: float) -> Traffic:
    return Traffic(
        rate=counts.get(math.inf, 0.0) / seconds,
        errors=errors,
        p50=quantile(counts, 0.5),
        p95=quantile(counts, 0.95),
        p99=quantile(counts, 0.99),
    )


def quantile(counts: Buckets, share: float) -> float | None:
    """Return the milliseconds within which ``share`` of the events lay, as Prometheus does it.

    In a bucket that is narrow enough the middle is at most 5 % off, wherever in it they lay.
    """
    total = counts.get(math.inf, 0.0)
    if total <= 0:
        return None
    wanted, below, under = share * total, 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            if math.isinf(bound) or count == under:
                return below * 1000
            if 0 < bound <= below * NARROW:
                return math.sqrt(below * bound) * 1000
            return (below + (bound - below) * (wanted - under) / (count - under)) * 1000
        below, under = bound, count
    return below * 1000


def window(readings: Iterable[Reading], now: float, seconds: float) -> Reading | None:
    """Return the oldest reading within ``seconds``, the one to compare the newest with."""
    return next((r for r in readings if r.at >= now - seconds), None)

"""What Qdrant tells Prometheus, of this engine: under Qdrant's names, so that one panel fits both.

https://qdrant.tech/documentation/guides/monitoring/. Of the times it has the histograms alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alfred_dev.embedded.exposition import Row, durations, family, labelled
from alfred_dev.embedded.metrics import Key, Meter

LABELS = ("method", "endpoint", "status")


def figures(points: Mapping[str, int], meter: Meter, version: str) -> str:
    """Return everything measured. ``points``: how many each collection has."""
    return "\n".join([*_lines(points, meter, version), ""])


def _lines(points: Mapping[str, int], meter: Meter, version: str) -> Iterator[str]:
    info = labelled({"name": "qdrant", "version": version})
    yield from family("app_info", "gauge", "information about qdrant server", [(info, 1.0)])
    rows = [("", float(len(points)))]
    yield from family("collections_total", "gauge", "number of collections", rows)
    rows = [(labelled({"id": name}), float(n)) for name, n in points.items()]
    yield from family("collection_points", "gauge", "number of points by collection", rows)
    for kind, seen in (("rest", _part(meter, grpc=False)), ("grpc", _part(meter, grpc=True))):
        about = f"total number of {kind} responses"
        yield from family(f"{kind}_responses_total", "counter", about, _counts(seen))
        about = f"{kind} response duration histogram"
        yield from durations(f"{kind}_responses_duration_seconds", about, seen, LABELS)


def _part(meter: Meter, *, grpc: bool) -> Meter:
    def wanted(key: Key) -> bool:
        return key[1].startswith("/qdrant.") is grpc

    part = Meter()
    part.counts = {key: counts for key, counts in meter.counts.items() if wanted(key)}
    part.sums, part.ignored = meter.sums, {k: n for k, n in meter.ignored.items() if wanted(k)}
    return part


def _counts(meter: Meter) -> Iterator[Row]:
    for key, counts in meter.counts.items():
        yield labelled(dict(zip(LABELS, key, strict=True))), float(sum(counts))
    for key, count in meter.ignored.items():
        yield labelled(dict(zip(LABELS, key, strict=True))), float(count)

"""What was measured, in the text format of Prometheus.

By hand: it is asked for all day, and the client library costs ten times the time, and 3 MB in each
of fifteen stand-ins.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from alfred_dev.embedded.metrics import BUCKETS_S, Key, Meter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABELS = ("method", "route", "status")
CALL_LABELS = ("peer", "operation", "outcome")
_BOUNDS = (*map(repr, BUCKETS_S), "+Inf")

Row = tuple[str, float]  # labels as they are written, with their braces; value


def exposition(
    meter: Meter, *, service: str, dependencies: Mapping[str, bool], calls: Meter | None = None
) -> bytes:
    """Return everything measured, and the process's own figures where the system has them.

    ``dependencies``: whether each was reachable when it was last asked; ``calls``: what this
    service asked of others.
    """
    told = [(labelled({"dependency": d}), float(ok)) for d, ok in dependencies.items()]
    lines = [
        *_process(),
        *family(
            "alfred_stand_in", "gauge", f"1: this is a stand-in for {service}.", [("", 1.0)]
        ),
        *family("alfred_dependency_up", "gauge", "1: reachable when last asked.", told),
        *family("http_requests_total", "counter", "Requests answered.", _requests(meter)),
        *durations("http_request_duration_seconds", "Time until the answer was sent.",
                    meter, LABELS),
        *durations("alfred_call_duration_seconds", "Time that calls to others took.",
                    calls or Meter(), CALL_LABELS),
    ]  # fmt: skip
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _requests(meter: Meter) -> Iterator[Row]:
    for key, counts in meter.counts.items():
        yield labelled(dict(zip(LABELS, key, strict=True))), float(sum(counts))
    for key, count in meter.ignored.items():
        yield labelled(dict(zip(LABELS, key, strict=True))), float(count)


def durations(name: str, about: str, meter: Meter, labels: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a histogram; ``labels``: names of the parts of the meter's keys."""
    yield from _head(name, "histogram", about)
    for key, counts in meter.counts.items():
        yield from _histogram(name, key, labels, counts, meter.sums[key])


def _histogram(
    name: str, key: Key, labels: Iterable[str], counts: Iterable[int], seconds: float
) -> Iterator[str]:
    told = labelled(dict(zip(labels, key, strict=True)))
    before, total = f"{name}_bucket{told[:-1]},le=", 0
    for bound, count in zip(_BOUNDS, counts, strict=True):
        total += count
        yield f'{before}"{bound}"}} {total}'
    yield f"{name}_count{told} {total}"
    yield f"{name}_sum{told} {seconds!r}"


def _process() -> Iterator[str]:
    """Yield what the system says of this process; nothing where it has no /proc."""
    used = os.times()
    rows = {"cpu_seconds_total": used.user + used.system}
    with suppress(OSError):
        resident = int(Path("/proc/self/statm").read_text().split()[1])
        rows["resident_memory_bytes"] = float(resident * os.sysconf("SC_PAGE_SIZE"))
        rows["open_fds"] = float(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - many names
        rows["start_time_seconds"] = _started()
    for name, value in rows.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        yield from family(f"process_{name}", kind, "Of this process.", [("", value)])


def _started() -> float:
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return round(time.time() - age, 2)


def family(name: str, kind: str, about: str, rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of one metric."""
    yield from _head(name, kind, about)
    for labels, value in rows:
        yield f"{name}{labels} {value!r}"


def _head(name: str, kind: str, about: str) -> tuple[str, str]:
    return f"# HELP {name} {about}", f"# TYPE {name} {kind}"


def labelled(labels: Mapping[str, str]) -> str:
    """Return labels as a row has them."""
    return "{" + ",".join(f'{name}="{_quoted(text)}"' for name, text in labels.items()) + "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

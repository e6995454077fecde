"""What a flow is, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

WORKERS = ("agent-social", "agent-financial", "agent-legal")
TOTAL = "end to end"


class Flow(StrEnum):
    """A way through the platform."""

    API = "api"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a client comes in: the gateway where it runs, else agent-core itself.

    ``core``: agent-core itself, which is asked what became of a task; ``headers``: what a client
    must show at the entry; ``verify``: a file with the CA of an https entry.
    """

    base: str
    core: str
    through: str
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first hop that did not happen. ``service``: who should have done it, with ``peer``.

    ``late``: nobody says that it failed; it was not seen in time.
    """

    hop: str
    service: str
    peer: str
    detail: str
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One request's way: hop -> milliseconds, in order. ``broken``: where it ended too early."""

    hops: Mapping[str, float]
    broken: Broken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HopTimes:
    """Milliseconds of one hop over all trips."""

    hop: str
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a flow's trips showed. ``broken``: the first hop that broke, of any trip."""

    flow: Flow
    n: int
    through: str
    hops: tuple[HopTimes, ...]
    broken: Broken | None

    @property
    def ok(self) -> bool:
        """Whether every trip went all the way."""
        return self.broken is None


def expected(flow: Flow, through: str) -> tuple[tuple[str, str, str], ...]:
    """Return every hop of a flow in order: its name, who does it, with whom."""
    hops = [
        (f"{through} answered", through, "agent-core"),
        ("stored", "agent-core", "db-postgres"),
    ]
    if flow is Flow.API:
        return tuple(hops)
    hops.append(("published", "agent-core", "pubsub-emulator"))
    for worker in WORKERS:
        hops += [
            (f"{worker} received it", worker, "pubsub-emulator"),
            (f"{worker} asked agent-rag", worker, "agent-rag"),
            (f"agent-rag stored for {worker}", "agent-rag", "vector-db"),
            (f"agent-rag searched for {worker}", "agent-rag", "vector-db"),
            (f"{worker} wrote its result", worker, "db-postgres"),
        ]
    hops.append(("outcome mailed", "the last agent", "mail-server"))
    return tuple(hops)


def missing(
    flow: Flow, through: str, seen: Mapping[str, float], detail: str, *, timeout_s: float
) -> Broken | None:
    """Return the hop that broke, or None when all were seen.

    ``detail``: what the platform says. It names who failed whom, the last one at the bottom of it;
    where it names nobody, the first hop that was not seen is meant.
    """
    lacking = [row for row in expected(flow, through) if row[0] not in seen]
    if not lacking:
        return None
    hop, service, peer = max(lacking, key=lambda row: detail.rfind(f"{row[2]}:"))
    unseen = f"not seen within {timeout_s:g} s"
    return Broken(hop=hop, service=service, peer=peer, detail=detail or unseen, late=not detail)


def judge(flow: Flow, through: str, trips: Sequence[Trip]) -> Outcome:
    """Return the outcome of all trips."""
    order = [hop for hop, _, _ in expected(flow, through)]
    names = [*order, TOTAL]
    times = {name: [t.hops[name] for t in trips if name in t.hops] for name in names}
    broken = next((trip.broken for trip in trips if trip.broken is not None), None)
    return Outcome(
        flow=flow,
        n=len(trips),
        through=through,
        hops=tuple(_times(name, times[name]) for name in names if times[name]),
        broken=broken,
    )


def _times(hop: str, values: Sequence[float]) -> HopTimes:
    return HopTimes(
        hop=hop,
        p50_ms=percentile(values, 50),
        p95_ms=percentile(values, 95),
        p99_ms=percentile(values, 99),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that ``percent`` of all do not exceed. There must be one."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return round(ordered[max(rank, 1) - 1], 3)

"""Requests, counted and timed. Writing that down for Prometheus is ``exposition``'s part."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections.abc import Collection, Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTE = "alfred.route"
"""Key of an ASGI scope: whoever answers puts its path template there, never the path itself."""

log = logging.getLogger("alfred_dev.embedded")

SHOWN_BYTES = 200  # of a path, in the log
UNKNOWN = "(unknown)"


def _steps(first: float, factor: float, last: float) -> Iterator[float]:
    while first < last:
        yield float(f"{first:.4g}")
        first *= factor


# Each a tenth above the one before: the middle of a bucket is never 5 % off what is in it. Above
# a second nobody reads a quantile that closely. They cost nothing at rest: see ``ignore``.
BUCKETS_S = (*_steps(0.000_05, 1.1, 1.0), *_steps(1.0, 1.25, 10.0), 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Key = tuple[str, str, str]  # method, route, status


class Meter:
    """Histograms of the seconds that requests took, by method, route and status."""

    def __init__(self) -> None:
        self.counts: dict[Key, list[int]] = {}  # one number a bucket, and one for all above
        self.sums: dict[Key, float] = {}
        self.ignored: dict[Key, int] = {}

    def ignore(self, method: str, route: str, status: int) -> None:
        """Count one request that is no traffic, and whose time nobody wants to know."""
        key = _known(method), route, str(status)
        self.ignored[key] = self.ignored.get(key, 0) + 1

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. Unknown methods count under one name."""
        self.add((_known(method), route, str(status)), seconds)

    def add(self, key: Key, seconds: float) -> None:
        """Count one event of any kind."""
        counts = self.counts.setdefault(key, [0] * (len(BUCKETS_S) + 1))
        counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sums[key] = self.sums.get(key, 0.0) + seconds


def _known(method: str) -> str:
    return method if method in METHODS else "OTHER"


class MeterMiddleware:
    """Pure ASGI: observe every request in ``meter``, and log a line of it.

    ``quiet``: routes that are asked all day long, only counted and not worth a line.
    """

    def __init__(self, app: ASGIApp, meter: Meter, quiet: Collection[str]) -> None:
        self.app, self.meter, self.quiet = app, meter, quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        status = 500  # of an application that raises before it answers
        started = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - started
            route = scope.get(ROUTE, UNKNOWN)
            if route in self.quiet:
                self.meter.ignore(scope["method"], route, status)
            else:
                self.meter.observe(scope["method"], route, status, seconds)
                log.info("%s %s %d %.3f ms", scope["method"], _shown(scope), status, seconds * 1e3)


def _shown(scope: Scope) -> str:
    # As it was sent, still percent-encoded; without the query, which may hold a secret.
    path: bytes = scope["raw_path"].partition(b"?")[0]
    return path[:SHOWN_BYTES].decode("ascii", "backslashreplace")

"""Requests, counted and timed. Writing that down for Prometheus is ``exposition``'s part."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTE = "alfred.route"
"""Key of an ASGI scope: whoever answers puts its path template there, never the path itself."""

log = logging.getLogger("alfred_dev.embedded")

SHOWN_BYTES = 200  # of a path, in the log
UNKNOWN = "(unknown)"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Key = tuple[str, str, str]  # method, route, status


class Meter:
    """Histograms of the seconds that requests took, by method, route and status."""

    def __init__(self) -> None:
        self.counts: dict[Key, list[int]] = {}  # one number a bucket, and one for all above
        self.sums: dict[Key, float] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. Unknown methods count under one name."""
        self.add((method if method in METHODS else "OTHER", route, str(status)), seconds)

    def add(self, key: Key, seconds: float) -> None:
        """Count one event of any kind."""
        counts = self.counts.setdefault(key, [0] * (len(BUCKETS_S) + 1))
        counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sums[key] = self.sums.get(key, 0.0) + seconds


class MeterMiddleware:
    """Pure ASGI: observe every request in ``meter``, and log a line of it.

    ``quiet``: routes that are asked all day long and not worth a line.
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
            self.meter.observe(scope["method"], route, status, seconds)
            if route not in self.quiet:
                log.info("%s %s %d %.1f ms", scope["method"], _shown(scope), status, seconds * 1e3)


def _shown(scope: Scope) -> str:
    # As it was sent, still percent-encoded; without the query, which may hold a secret.
    path: bytes = scope["raw_path"].partition(b"?")[0]
    return path[:SHOWN_BYTES].decode("ascii", "backslashreplace")

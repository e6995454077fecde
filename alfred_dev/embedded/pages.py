"""One thing that a stand-in answers: method, path, what for, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alfred_dev.embedded.metrics import ROUTE

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """``path`` is a template, and the name under which its requests are counted."""

    method: str
    path: str
    purpose: str
    handler: Handler


def routes_of(pages: Sequence[Page]) -> list[Route]:
    """Return one route a path, which notes its template for the metrics."""
    paths = dict.fromkeys(page.path for page in pages)
    return [_route(path, {p.method: p.handler for p in pages if p.path == path}) for path in paths]


def _route(path: str, handlers: Mapping[str, Handler]) -> Route:
    async def endpoint(request: Request) -> Response:
        request.scope[ROUTE] = path
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return Route(path, endpoint, methods=list(handlers))

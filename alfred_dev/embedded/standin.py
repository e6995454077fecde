"""A stand-in: one small web application, made of its instructions and its role."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.embedded import answers, caller, exposition, guard, parts, roles
from alfred_dev.embedded.metrics import Meter, MeterMiddleware
from alfred_dev.embedded.pages import Handler, Page, routes_of
from alfred_dev.embedded.readiness import Readiness, State, asker
from alfred_dev.embedded.spec import EmbeddedSpec

LOOPBACK_NAMES, DASHBOARD = ("127.0.0.1", "localhost"), "dashboard"
NOT_CACHED = {"cache-control": "no-store"}


class StandIn:
    """One stand-in: its pages and what they share. Raises SpecError for a part it cannot play."""

    def __init__(self, spec: EmbeddedSpec, environ: Mapping[str, str]) -> None:
        self.spec = spec
        self.role = roles.OTHERS.get(spec.id)
        self.real = self.role.real if self.role else ""
        self.meter = Meter()
        self.readiness = Readiness(asker(spec.asks, environ))
        self.shared = parts.Shared(spec=spec, environ=environ, readiness=self.readiness)
        self.parts = parts.parts(self.shared)
        self.health_paths = [p.path for p in spec.ports if p.probe is ProbeKind.HTTP]
        self.pages = self._health_pages()
        self.pages += self._fixed_pages() if self.role else self._platform_pages()

    def app(self) -> ASGIApp:
        """Return the whole application, guard and metrics included."""
        inner = Starlette(
            routes=[*routes_of(self.pages), *(r for part in self.parts for r in part.routes)],
            exception_handlers={
                answers.RequestError: answers.refused,
                HTTPException: self._not_here,
                Exception: answers.crashed,
            },
        )
        inner.router.redirect_slashes = self.role is None
        known = guard.names(self.spec.domain, (self.spec.id, *self.spec.aliases))
        quiet = {*self.health_paths, "/ready", "/metrics"}
        return MeterMiddleware(guard.GuardMiddleware(inner, known), self.meter, quiet)

    def close(self) -> None:
        """Let go of what was opened for requests."""
        self.shared.close()

    def _health_pages(self) -> list[Page]:
        purpose = "health: 200 when all it depends on is reachable"
        return [
            Page("GET", path, purpose, self._home if path == "/" else self._health)
            for path in dict.fromkeys(self.health_paths)
        ]

    def _fixed_pages(self) -> list[Page]:
        return [
            Page("GET", path, fixed.purpose, _fixed(fixed))
            for path, fixed in (self.role.fixed if self.role else {}).items()
        ]

    def _platform_pages(self) -> list[Page]:
        pages = [
            Page("GET", "/ready", "asks all it depends on, now", self._ready),
            Page("GET", "/metrics", "for Prometheus", self._metrics),
            Page("GET", "/whoami", "who calls, as the gateway says it", self._whoami),
        ]
        homes = [part.home for part in self.parts if part.home is not None]
        pages += homes
        if "/" not in self.health_paths:
            pages.append(Page("GET", "/about" if homes else "/", "this page", self._home))
        return pages + [page for part in self.parts for page in part.pages]

    async def _health(self, request: Request) -> Response:
        return self._said(await self.readiness.state())

    def _said(self, state: State) -> Response:
        said: dict[str, object] = {"service": self.spec.id, "stand_in": True}
        if state.ok:
            return JSONResponse({"status": "ok", **said}, headers=NOT_CACHED)
        said |= {"waiting_for": state.waiting_for, "detail": state.detail}
        return JSONResponse({"status": "waiting", **said}, status_code=503, headers=NOT_CACHED)

    async def _ready(self, request: Request) -> Response:
        state = await self.readiness.ask_now()
        rows = [
            {"service": a.service, "ok": a.ok, "detail": a.detail, "latency_ms": a.latency_ms}
            for a in state.answers
        ]
        return JSONResponse(
            {"status": "ok" if state.ok else "waiting", "dependencies": rows},
            status_code=200 if state.ok else 503,
            headers=NOT_CACHED,
        )

    async def _whoami(self, request: Request) -> Response:
        secret = self.shared.environ.get(caller.SECRET, "")
        return JSONResponse(caller.caller(request.headers, secret).as_json(), headers=NOT_CACHED)

    async def _metrics(self, request: Request) -> Response:
        known = self.readiness.known
        text = exposition.exposition(
            self.meter,
            service=self.spec.id,
            dependencies={a.service: a.ok for a in known.answers} if known else {},
            calls=self.shared.calls,
        )
        return Response(text, media_type=exposition.CONTENT_TYPE)

    async def _home(self, request: Request) -> Response:
        state = await self.readiness.state()
        is_health = "/" in self.health_paths
        return self._page(state, status=503 if is_health and not state.ok else 200)

    def _page(self, state: State | None, *, status: int) -> Response:
        from alfred_dev.embedded import page  # only where somebody looks

        text = page.html(self.spec, self.real, self.pages, state)
        headers = {"content-security-policy": page.content_security_policy(), **NOT_CACHED}
        return HTMLResponse(text, status_code=status, headers=headers)

    def _instead(self, request: Request) -> str:
        """Return where the better page is: by port for who came by port, by name else."""
        host, url = request.headers.get("host", ""), urlsplit(self.spec.page)
        own, _, port = host.partition(":")
        if own in LOOPBACK_NAMES or own == self.spec.id:
            return self.spec.page
        return f"//{DASHBOARD}.{own.partition('.')[2]}{f':{port}' if port else ''}{url.path or '/'}"

    async def _not_here(self, request: Request, exc: Exception) -> Response:
        """Answer what no page does: 404 and 405 as themselves, somebody else's software 501."""
        name = self.real or self.spec.title
        message = f"this is a stand-in of alfred-dev for {self.spec.id}: {name} is not here"
        if self.role is not None:
            if self.spec.page and request.method == "GET":
                return RedirectResponse(self._instead(request), headers=NOT_CACHED)
            if "text/html" in request.headers.get("accept", ""):
                return self._page(self.readiness.known, status=501)
            return answers.error(501, "not-implemented", message)
        status, headers = 404, None
        if isinstance(exc, HTTPException):
            status, headers = exc.status_code, exc.headers
        code = {404: "not-found", 405: "method-not-allowed"}.get(status, "refused")
        return answers.error(status, code, message, headers)


def _fixed(fixed: roles.Fixed) -> Handler:
    async def answer(request: Request) -> Response:
        return Response(fixed.body, media_type=fixed.content_type)

    return answer

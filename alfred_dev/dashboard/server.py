"""The dashboard's web side: a page of three files, a stream of views, and a few changes.

Everything but the page itself is for the local user alone: see ``door``.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from alfred_dev import logs
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.dashboard import ask, door, exposition, picture
from alfred_dev.dashboard.sampler import Sampler
from alfred_dev.plan import LOOPBACK
from alfred_dev.settings import masked

STATIC = Path(__file__).parent / "static"
FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/draw.js": ("draw.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LOG_BYTES, LOG_LINES, LOG_POLL_S = 64_000, 300, 0.5
MAILS = 6
BODY_BYTES = 4096
PATIENCE_S, SCRAPE_TIMEOUT = 4.0, "x-prometheus-scrape-timeout-seconds"
RECENT_S = 900

Document = Mapping[str, Any]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What the page can have done; each is the command of the same name."""

    restart: Callable[[str], Awaitable[Document]]
    doctor: Callable[[], Awaitable[Document]]
    flow: Callable[[], Awaitable[Document]]


class Dashboard:
    """The pages of one checkout. ``secret``: what only the local user can read."""

    def __init__(self, sampler: Sampler, deeds: Deeds, secret: str, port: int) -> None:
        self.sampler, self.deeds, self.secret, self.port = sampler, deeds, secret, port
        self.codes = door.Codes()
        self._drawn: tuple[float, bytes] = (0.0, b"")

    def app(self) -> Starlette:
        """Return the application, without a guard of the Host."""
        pages = [Route(path, functools.partial(_file, *file)) for path, file in FILES.items()]
        own: list[tuple[str, str, Handler]] = [
            ("GET", "/api/fixed", self._fixed),
            ("GET", "/api/events", self._events),
            ("GET", "/api/history", self._history),
            ("GET", "/api/logs/{service}", self._logs),
            ("GET", "/api/alerts", self._alerts),
            ("GET", "/api/mails", self._mails),
            ("POST", "/api/code", self._code),
            ("POST", "/api/restart/{service}", self._restart),
            ("POST", "/api/doctor", self._doctor),
            ("POST", "/api/flow", self._flow),
        ]
        closed = [Route(p, self._closed(m, h), methods=[m]) for m, p, h in own]
        free = [
            Route("/health", self._health),
            Route("/metrics", self._metrics),
            Route("/api/enter", self._enter, methods=["POST"]),
        ]
        return Starlette(routes=[*pages, *free, *closed])

    def _closed(self, method: str, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if why := door.is_foreign(request.headers, changes=method == "POST"):
                return _refused(403, "cross-site", why)
            if not door.is_known(request.headers, self.secret, self.port):
                return _refused(401, "not-known", "open this page with: alfred-dev dashboard")
            return await handler(request)

        return guarded

    async def _health(self, request: Request) -> Response:
        ready = self.sampler.view is not None
        return JSONResponse({"status": "ok" if ready else "starting"}, 200 if ready else 503)

    async def _metrics(self, request: Request) -> Response:
        view, of_stores = await asyncio.gather(
            self.sampler.fresh(_patience_s(request.headers)),
            ask.of_stores(self.sampler.stack.plan),
        )
        text = exposition.text(view, of_stores) if view else ""
        return Response(text, media_type=exposition.CONTENT_TYPE, headers=SAFE)

    async def _enter(self, request: Request) -> Response:
        """Change a code, that the local user has made, into a cookie."""
        if why := door.is_foreign(request.headers, changes=True):
            return _refused(403, "cross-site", why)
        code = (await _body(request)).get("code")
        if not isinstance(code, str) or not self.codes.take(code, time.monotonic()):
            return _refused(401, "code-used", "this link was used, or is old: alfred-dev dashboard")
        answer = JSONResponse({"ok": True}, headers=SAFE)
        answer.set_cookie(
            door.cookie_name(self.port),
            door.cookie_value(self.secret),
            max_age=door.COOKIE_LIFE_S,
            httponly=True,
            samesite="strict",
            secure=request.headers.get("x-forwarded-proto") == "https",
        )
        return answer

    async def _code(self, request: Request) -> Response:
        code = self.codes.give(secrets.token_urlsafe(24), time.monotonic())
        return JSONResponse({"code": code}, headers=SAFE)

    async def _fixed(self, request: Request) -> Response:
        return JSONResponse(picture.fixed(self.sampler.stack.plan), headers=SAFE)

    async def _events(self, request: Request) -> Response:
        headers = {**SAFE, "x-accel-buffering": "no"}
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers=headers)

    async def _stream(self) -> AsyncIterator[bytes]:
        after = 0.0
        with self.sampler.watched():
            while True:
                view = await self.sampler.next(after)
                after = view.at
                if self._drawn[0] != view.at:  # drawn once for all who watch
                    drawn = json.dumps(picture.document(view), separators=(",", ":"))
                    self._drawn = (view.at, f"data: {drawn}\n\n".encode())
                yield self._drawn[1]

    async def _history(self, request: Request) -> Response:
        found = await asyncio.to_thread(self.sampler.history.since, time.time() - RECENT_S)
        heat = [{"at": at, "counts": counts} for at, counts in self.sampler.heat]
        return JSONResponse({"samples": [asdict(s) for s in found], "heat": heat}, headers=SAFE)

    async def _logs(self, request: Request) -> Response:
        name, stack = request.path_params["service"], self.sampler.stack
        if name not in stack.plan.ids:
            return _refused(404, "unknown-service", "there is no such service")
        lines = self._log_lines(name)
        headers = {**SAFE, "x-accel-buffering": "no"}
        return StreamingResponse(lines, media_type="text/event-stream", headers=headers)

    async def _log_lines(self, name: str) -> AsyncIterator[bytes]:
        """Yield the last lines of a service, then what it says from now on."""
        told: list[Document] | None = None
        while True:
            stack = self.sampler.stack
            text = await asyncio.to_thread(stack.runtime.last_words, name, LOG_BYTES)
            now: list[Document] = [
                {"at": line.at.timestamp(), "text": masked(line.message, stack.plan.secrets)}
                for line in list(logs.parse(name, text))[-LOG_LINES:]
            ]
            new = added(told or [], now)
            if new or told is None:
                yield f"data: {json.dumps(new)}\n\n".encode()
            told = now
            await asyncio.sleep(LOG_POLL_S)

    async def _alerts(self, request: Request) -> Response:
        """Return what Prometheus tells now; ``known`` is false where none answers."""
        plan = self.sampler.stack.plan
        port = next((e.port for e in plan.endpoints if e.service == "monitoring-metrics"), 0)
        text = await ask.get(LOOPBACK, port, "/api/v1/alerts") if port else ""
        try:
            alerts = json.loads(text)["data"]["alerts"]
            rows = [
                {"state": a["state"], "name": a["labels"]["alertname"],
                 "severity": a["labels"].get("severity", ""),
                 "says": a["annotations"].get("summary", ""),
                 "fix": a["annotations"].get("fix", "")}
                for a in alerts
            ]  # fmt: skip
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"known": False, "alerts": []}, headers=SAFE)
        return JSONResponse({"known": True, "alerts": rows}, headers=SAFE)

    async def _mails(self, request: Request) -> Response:
        """Return the newest mails, of any server that speaks Mailpit's API."""
        mail = (e for e in self.sampler.stack.plan.endpoints if e.service == "mail-server")
        port = next((e.port for e in mail if e.probe is ProbeKind.HTTP), 0)
        text = await ask.get(LOOPBACK, port, f"/api/v1/messages?limit={MAILS}") if port else ""
        try:
            found = json.loads(text)
            rows = [
                {"id": m["ID"], "at": m["Created"], "subject": m["Subject"],
                 "from": m["From"]["Name"] or m["From"]["Address"], "read": m["Read"]}
                for m in found["messages"]
            ]  # fmt: skip
            told: Document = {"known": True, "total": found["total"], "mails": rows}
        except (ValueError, KeyError, TypeError):
            told = {"known": False, "total": 0, "mails": []}
        return JSONResponse({**told, "url": f"http://{LOOPBACK}:{port}/"}, headers=SAFE)

    async def _restart(self, request: Request) -> Response:
        name = request.path_params["service"]
        if name not in self.sampler.stack.plan.ids or name == picture.DASHBOARD:
            return _refused(404, "unknown-service", "this cannot be restarted from here")
        return JSONResponse(await self.deeds.restart(name), headers=SAFE)

    async def _doctor(self, request: Request) -> Response:
        return JSONResponse(await self.deeds.doctor(), headers=SAFE)

    async def _flow(self, request: Request) -> Response:
        return JSONResponse(await self.deeds.flow(), headers=SAFE)


def _patience_s(headers: Mapping[str, str]) -> float:
    """Return how long who asks for figures can wait; Prometheus says when it gives up."""
    with contextlib.suppress(ValueError):
        return min(PATIENCE_S, 0.7 * float(headers.get(SCRAPE_TIMEOUT, "")))
    return PATIENCE_S


def added(before: list[Document], now: list[Document]) -> list[Document]:
    """Return the lines of ``now`` that come after those of ``before``, both the end of one log."""
    for gone in range(len(before)):
        kept = before[gone:]
        if now[: len(kept)] == kept:
            return now[len(kept) :]
    return now


async def _file(name: str, kind: str, request: Request) -> Response:
    text = (STATIC / name).read_bytes()
    return Response(text, media_type=kind, headers=SAFE)


async def _body(request: Request) -> dict[str, Any]:
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > BODY_BYTES:
            return {}
    with contextlib.suppress(ValueError):
        found = json.loads(data)
        return found if isinstance(found, dict) else {}
    return {}


def _refused(status: int, code: str, message: str) -> Response:
    error = {"error": {"code": code, "message": message}}
    return JSONResponse(error, status_code=status, headers=SAFE)

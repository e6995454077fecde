"""The page, and Mailpit's v1 API as far as tests and scripts use it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from alfred_dev import __version__
from alfred_dev.embedded.answers import RequestError, body_of, error, refused
from alfred_dev.embedded.mail import search
from alfred_dev.embedded.mail.letter import Letter
from alfred_dev.embedded.mail.store import Found, Store

HERE = Path(__file__).parent
LIST, LIST_LIMIT = 50, 1000
HEARTBEAT_S = 20.0
# Shown as they are; anything else is saved: an SVG or a page would run in our name.
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_CID = re.compile(r"""(["'(]\s*)cid:([^"'\s)>]+)""", re.IGNORECASE)
# A mail may show its own pictures and its own colours, follow links in a new tab, and nothing else.
MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "form-action 'none'; base-uri 'self'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


class Web:
    """The web application for one store."""

    def __init__(self, store: Store, domain: str) -> None:
        self.store, self.domain = store, domain
        self.page, self.policy = _page()

    def app(self) -> Starlette:
        """Return it, without a guard."""
        message = "/api/v1/message/{id}"
        routes = [
            Route("/", self._home),
            Route("/livez", _well),
            Route("/readyz", _well),
            Route("/metrics", self._metrics),
            Route("/events", self._events),
            Route("/view/{name}", self._view),
            Route("/api/v1/info", self._info),
            Route("/api/v1/messages", self._list),
            Route("/api/v1/messages", self._mark, methods=["PUT"]),
            Route("/api/v1/messages", self._delete, methods=["DELETE"]),
            Route("/api/v1/search", self._search),
            Route("/api/v1/search", self._delete_found, methods=["DELETE"]),
            Route(message, self._message),
            Route(f"{message}/headers", self._headers),
            Route(f"{message}/raw", self._raw),
            Route(f"{message}/part/{{part}}", self._part),
        ]
        handlers = {RequestError: refused, HTTPException: _unknown, sqlite3.Error: _broken}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _home(self, request: Request) -> Response:
        headers = {"content-security-policy": self.policy, "cache-control": "no-store", **SAFE}
        # What a link in a mail opens cannot reach back to this page.
        headers["cross-origin-opener-policy"] = "same-origin"
        return HTMLResponse(self.page, headers=headers)

    async def _info(self, request: Request) -> Response:
        found = await self.store.find(search.EVERYTHING, 0, 1)
        size = self.store.path.stat().st_size
        return JSONResponse(
            {
                "Version": f"alfred-dev {__version__}",
                "Database": str(self.store.path),
                "DatabaseSize": size,
                "Messages": found.total,
                "Unread": found.unread,
            }
        )

    async def _list(self, request: Request) -> Response:
        return _listed(await self.store.find(search.EVERYTHING, *_range(request)), request)

    async def _search(self, request: Request) -> Response:
        wanted = search.condition(request.query_params.get("query", ""))
        return _listed(await self.store.find(wanted, *_range(request)), request)

    async def _delete_found(self, request: Request) -> Response:
        query = request.query_params.get("query", "").strip()
        if not query:  # Mailpit's rule, too: all of them are deleted by another call
            raise RequestError(400, "no-query", "a search to delete by needs a query")
        await self.store.delete_found(search.condition(query))
        return PlainTextResponse("ok")

    async def _mark(self, request: Request) -> Response:
        document = await _document(request)
        await self.store.mark(_ids(document), read=document.get("Read") is True)
        return PlainTextResponse("ok")

    async def _delete(self, request: Request) -> Response:
        await self.store.delete(_ids(await _document(request)))
        return PlainTextResponse("ok")

    async def _message(self, request: Request) -> Response:
        row, letter, _ = await self._wanted(request.path_params["id"])
        if not row["Read"]:
            await self.store.mark([row["ID"]], read=True)
        return JSONResponse(row | letter.full())

    async def _headers(self, request: Request) -> Response:
        _, letter, _ = await self._wanted(request.path_params["id"])
        return JSONResponse(letter.headers())

    async def _raw(self, request: Request) -> Response:
        _, _, raw = await self._wanted(request.path_params["id"])
        return Response(raw, media_type="text/plain; charset=utf-8", headers=SAFE)

    async def _part(self, request: Request) -> Response:
        _, letter, _ = await self._wanted(request.path_params["id"])
        part = letter.part(request.path_params["part"])
        if part is None:
            raise RequestError(404, "no-such-part", "the mail has no such part")
        kind, name, payload = part
        shown = kind in _PICTURES
        headers = {"content-security-policy": "default-src 'none'; sandbox", **SAFE}
        headers["content-disposition"] = (
            f"{'inline' if shown else 'attachment'}; filename*=utf-8''{quote(name or 'part')}"
        )
        kind = kind if shown else "application/octet-stream"
        return Response(payload, media_type=kind, headers=headers)

    async def _view(self, request: Request) -> Response:
        """Show the HTML of a mail, in a frame of its own or alone."""
        name, _, kind = request.path_params["name"].rpartition(".")
        _, letter, _ = await self._wanted(name)
        if kind == "txt":
            return PlainTextResponse(letter.text(), headers=SAFE)
        if kind != "html":
            raise RequestError(404, "not-found", "a mail is shown as .html or .txt")
        headers = {"content-security-policy": MAIL_POLICY, **SAFE}
        return HTMLResponse(_shown(letter), headers=headers)

    async def _events(self, request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            known = self.store.version
            yield ": it begins\n\n"
            while True:
                version = await self.store.wait(known, HEARTBEAT_S)
                yield f"data: {version}\n\n" if version != known else ": still here\n\n"
                known = version

        headers = {"cache-control": "no-store"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    async def _metrics(self, request: Request) -> Response:
        found = await self.store.find(search.EVERYTHING, 0, 1)
        figures = {
            ("alfred_mail_received_total", "counter"): self.store.received,
            ("alfred_mail_kept", "gauge"): found.total,
            ("alfred_mail_unread", "gauge"): found.unread,
        }
        lines = [f"# TYPE {name} {kind}\n{name} {n}\n" for (name, kind), n in figures.items()]
        return Response("".join(lines), media_type="text/plain; version=0.0.4")

    async def _wanted(self, name: str) -> tuple[dict[str, Any], Letter, bytes]:
        found = await self.store.get(name)
        if found is None:
            raise RequestError(404, "no-such-mail", "there is no mail with this id")
        return found


def _page() -> tuple[str, str]:
    """Return the page in one piece, and the policy that lets it run its own parts alone."""
    style, script = (HERE.joinpath(name).read_text() for name in ("page.css", "page.js"))
    page = HERE.joinpath("page.html").read_text()
    page = page.replace("/*style*/", style).replace("/*script*/", script)
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(letter: Letter) -> str:
    """Return the HTML of a mail with its own pictures in it, its links opening in a new tab.

    In it, because a browser lets a document without an origin load nothing from ours.
    """
    parts = letter.inline_parts()

    def embedded(found: re.Match[str]) -> str:
        part = letter.part(parts.get(found[2], ""))
        if part is None or part[0] not in _PICTURES:
            return found[0]
        return f"{found[1]}data:{part[0]};base64,{base64.b64encode(part[2]).decode()}"

    html = _CID.sub(embedded, letter.html())
    # Before everything else, and so before a doctype, which then would not count.
    doctype = "<!doctype html>" if html.lstrip().lower().startswith("<!doctype") else ""
    return f'{doctype}<base target="_blank">{html}'


def _range(request: Request) -> tuple[int, int]:
    numbers = []
    for name, default in (("start", 0), ("limit", LIST)):
        text = request.query_params.get(name) or str(default)
        if not re.fullmatch("[0-9]{1,9}", text):
            raise RequestError(400, "bad-number", f"{name} is a whole number")
        numbers.append(int(text))
    return numbers[0], min(numbers[1], LIST_LIMIT)


def _listed(found: Found, request: Request) -> Response:
    return JSONResponse(
        {
            "total": found.total,
            "unread": found.unread,
            "count": len(found.messages),
            "messages_count": found.count,
            "messages_unread": found.unread,
            "start": _range(request)[0],
            "tags": [],
            "messages": found.messages,
        }
    )


async def _document(request: Request) -> Mapping[str, Any]:
    body = await body_of(request)
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise RequestError(400, "bad-json", "the body is not JSON") from None
    if not isinstance(document, dict):
        raise RequestError(400, "bad-json", "the body is not a JSON object")
    return document


def _ids(document: Mapping[str, Any]) -> Sequence[str]:
    ids = document.get("IDs") or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise RequestError(400, "bad-ids", "IDs is a list of ids")
    if len(ids) > LIST_LIMIT:
        raise RequestError(400, "bad-ids", f"not more than {LIST_LIMIT} ids at a time")
    return ids


async def _well(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _unknown(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    text = "alfred-dev's mail server does not answer this; Mailpit may"
    return error(status, "method-not-allowed" if status == 405 else "not-found", text)


async def _broken(request: Request, exc: Exception) -> Response:
    return error(507, "store-failed", f"the mails cannot be read or changed: {exc}")

"""Qdrant's REST, as its clients use it."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from alfred_dev.embedded.exposition import CONTENT_TYPE
from alfred_dev.embedded.metrics import ROUTE, Meter
from alfred_dev.embedded.vectors.collection import Collection
from alfred_dev.embedded.vectors.errors import VectorError, unsupported
from alfred_dev.embedded.vectors.figures import figures
from alfred_dev.embedded.vectors.service import COMMIT, TITLE, Service

BODY_LIMIT = 64 * 1024 * 1024
BODY_TIMEOUT_S = 60.0
HEALTH = ("/healthz", "/livez", "/readyz")
METRICS = "/metrics"

Json = Mapping[str, Any]
Work = Callable[[Json, Request], Any]
On = Callable[[Collection, Json, Request], Any]


def app(service: Service, meter: Meter) -> ASGIApp:
    """Return the application, without a guard; ``meter``: what it shows to Prometheus."""
    routes = [Route(path, _plain, methods=["GET"]) for path in HEALTH]
    routes.append(Route(METRICS, _metrics(service, meter), methods=["GET"]))
    routes.append(Route("/", _title(service), methods=["GET"]))
    for line, work in {**_store_work(service), **_collection_work(service)}.items():
        method, path = line.split(" ")
        routes.append(Route(path, _endpoint(service, path, work, changes=line in _CHANGES),
                            methods=[method]))  # fmt: skip
    inner = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _not_here, VectorError: _refused, Exception: _crashed},
    )
    inner.router.redirect_slashes = False
    return inner


def _metrics(service: Service, meter: Meter) -> Callable[[Request], Awaitable[Response]]:
    def points() -> Mapping[str, int]:
        found = service.store.collections.items()
        return {name: int(collection.info()["points_count"]) for name, collection in found}

    async def metrics(request: Request) -> Response:
        request.scope[ROUTE] = METRICS
        text = figures(await service.ask(points), meter, service.version)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    return metrics


def _store_work(service: Service) -> dict[str, Work]:
    store = service.store

    def name(request: Request) -> str:
        return str(request.path_params["name"])

    def aliases(wanted: str | None) -> Json:
        rows = sorted(store.aliases.items())
        return {
            "aliases": [
                {"alias_name": alias, "collection_name": target}
                for alias, target in rows
                if wanted in (None, target)
            ]
        }

    return {
        "GET /collections": lambda b, r: {"collections": [{"name": n} for n in store.collections]},
        "PUT /collections/{name}": lambda b, r: store.create(name(r), b),
        "DELETE /collections/{name}": lambda b, r: store.delete(name(r)),
        # Nothing of what can be changed makes a difference here.
        "PATCH /collections/{name}": lambda b, r: bool(store.get(name(r))),
        "GET /collections/{name}/exists": lambda b, r: {"exists": store.exists(name(r))},
        "POST /collections/aliases": lambda b, r: store.change_aliases(b),
        "GET /aliases": lambda b, r: aliases(None),
        "GET /collections/{name}/aliases": lambda b, r: aliases(name(r)),
    }


def _collection_work(service: Service) -> dict[str, Work]:
    def bound(work: On) -> Work:
        return lambda b, r: work(service.store.get(str(r.path_params["name"])), b, r)

    below = {f"{line.split(' ')[0]} /collections/{{name}}{line.split(' ')[1]}": bound(work)
             for line, work in _ON_A_COLLECTION.items()}  # fmt: skip
    return {"GET /collections/{name}": bound(lambda c, b, r: c.info()), **below}


def _one(c: Collection, b: Json, r: Request) -> Any:
    text = str(r.path_params["id"])
    found = c.retrieve({"ids": [int(text) if text.isdigit() else text], "with_vector": True})
    if not found:
        raise VectorError(404, f"Not found: Point with id {text} does not exists!")
    return found[0]


def searched(body: Json) -> Json:
    """Return the older words for a query in the newer ones."""
    vector = body["vector"]
    if isinstance(vector, dict) and "name" in vector:
        return {**body, "query": vector["vector"], "using": vector["name"]}
    return {**body, "query": vector}


def recommended(body: Json) -> Json:
    """Return the older words for a recommendation in the newer ones."""
    asked = {key: body.get(key) for key in ("positive", "negative", "strategy")}
    return {**body, "query": {"recommend": asked}}


def discovered(body: Json) -> Json:
    """Return the older words for a discovery in the newer ones."""
    if body.get("target") is None:
        return {**body, "query": {"context": body["context"]}}
    return {**body, "query": {"discover": {"target": body["target"], "context": body["context"]}}}


def _points(found: Any) -> Json:
    return {"points": found}


def _groups(c: Collection, b: Json, r: Request) -> Any:
    raise unsupported("grouping")


_ON_A_COLLECTION: Mapping[str, On] = {
    "PUT /points": lambda c, b, r: c.upsert(b),
    "POST /points": lambda c, b, r: c.retrieve(b),
    "GET /points/{id}": _one,
    "POST /points/delete": lambda c, b, r: c.delete(b),
    "PUT /points/vectors": lambda c, b, r: c.update_vectors(b),
    "POST /points/vectors/delete": lambda c, b, r: c.delete_vectors(b),
    "POST /points/payload": lambda c, b, r: c.set_payload(b),
    "PUT /points/payload": lambda c, b, r: c.overwrite_payload(b),
    "POST /points/payload/delete": lambda c, b, r: c.delete_payload(b),
    "POST /points/payload/clear": lambda c, b, r: c.clear_payload(b),
    "POST /points/batch": lambda c, b, r: c.batch(b),
    "PUT /index": lambda c, b, r: c.create_index(b),
    "DELETE /index/{field}": lambda c, b, r: c.delete_index(str(r.path_params["field"])),
    "POST /points/scroll": lambda c, b, r: c.scroll(b),
    "POST /points/count": lambda c, b, r: c.count(b),
    "POST /facet": lambda c, b, r: c.facet(b),
    "POST /points/query": lambda c, b, r: _points(c.query(b)),
    "POST /points/query/batch": lambda c, b, r: [_points(c.query(s)) for s in b["searches"]],
    "POST /points/search": lambda c, b, r: c.query(searched(b)),
    "POST /points/search/batch": lambda c, b, r: [c.query(searched(s)) for s in b["searches"]],
    "POST /points/recommend": lambda c, b, r: c.query(recommended(b)),
    "POST /points/recommend/batch": lambda c, b, r: [
        c.query(recommended(s)) for s in b["searches"]
    ],
    "POST /points/discover": lambda c, b, r: c.query(discovered(b)),
    "POST /points/query/groups": _groups,
    "POST /points/search/groups": _groups,
    "POST /points/recommend/groups": _groups,
}
_BELOW = "/collections/{name}"
_CHANGES = frozenset(
    {f"{m} {_BELOW}{p}" for m, p in (
        ("PUT", ""), ("DELETE", ""), ("PUT", "/points"), ("POST", "/points/delete"),
        ("PUT", "/points/vectors"), ("POST", "/points/vectors/delete"), ("POST", "/points/payload"),
        ("PUT", "/points/payload"), ("POST", "/points/payload/delete"),
        ("POST", "/points/payload/clear"), ("POST", "/points/batch"), ("PUT", "/index"),
        ("DELETE", "/index/{field}"),
    )}
)  # fmt: skip


def _endpoint(
    service: Service, path: str, work: Work, *, changes: bool
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request.scope[ROUTE] = path
        began = time.perf_counter()
        body = await _body(request)

        def answer() -> bytes:
            result = work(_read(body), request)
            took = time.perf_counter() - began
            return json.dumps({"result": result, "status": "ok", "time": took}).encode()

        return _json(await (service.change if changes else service.ask)(answer), 200)

    return endpoint


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise VectorError(413, f"the body has more than {BODY_LIMIT} bytes")
    except ClientDisconnect:
        raise VectorError(400, "the body was cut off") from None
    return bytes(body)


def _read(body: bytes) -> Json:
    try:
        found = json.loads(body, parse_constant=_no_number) if body else {}
    except (ValueError, RecursionError) as error:
        raise VectorError(400, f"Format error in JSON body: {error}") from None
    if not isinstance(found, dict):
        raise VectorError(400, "Format error in JSON body: expected an object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _json(body: bytes, status: int) -> Response:
    return Response(body, status_code=status, media_type="application/json")


def _said(status: int, message: str) -> Response:
    return _json(json.dumps({"status": {"error": message}, "time": 0.0}).encode(), status)


async def _plain(request: Request) -> Response:
    request.scope[ROUTE] = request.url.path
    return PlainTextResponse(f"{request.url.path.removeprefix('/')} check passed")


def _title(service: Service) -> Callable[[Request], Awaitable[Response]]:
    said = json.dumps({"title": TITLE, "version": service.version, "commit": COMMIT}).encode()

    async def title(request: Request) -> Response:
        request.scope[ROUTE] = "/"
        return _json(said, 200)

    return title


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, VectorError)  # noqa: S101 - what it is registered for
    answer = _said(exc.status, exc.message)
    if exc.status == 413:  # or the rest of the body would be read to its end, if it has one
        answer.headers["connection"] = "close"
    return answer


async def _crashed(request: Request, exc: Exception) -> Response:
    return _said(500, "the engine failed; its log says why")


async def _not_here(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 404
    path = f"{request.method} {request.url.path}"
    return _said(status, f"{path} is not here: this is alfred-dev's engine; Qdrant may have it")

"""The part ``rag``: remember a text as a vector, and find what is like it. By Qdrant's REST."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
import time
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alfred_dev.embedded.answers import RequestError, body_of
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.peers import Peer, PeerError

COLLECTION, SIZE, SIMILAR = "alfred_dev", 64, 3
TEXT_LIMIT = 10_000
_GONE, _EXISTS = 404, 409


def part(shared: Shared) -> Part:
    """Return the pages of a stand-in that has a vector database."""
    memory = _Memory(shared.peer("vector-db"))

    async def remember(request: Request) -> Response:
        document = _document(await body_of(request))
        try:
            return JSONResponse(await memory.remember(document["id"], document["text"]))
        except PeerError as error:
            raise RequestError(503, "vectors-unavailable", str(error)) from None

    async def search(request: Request) -> Response:
        text = _document(await body_of(request), needs_id=False)["text"]
        try:
            return JSONResponse({"similar": await memory.similar(text)})
        except PeerError as error:
            raise RequestError(503, "vectors-unavailable", str(error)) from None

    about = 'keep a text, find what is like it: {"id": "...", "text": "..."}'
    return Part(
        pages=[
            Page("POST", "/v1/remember", about, remember),
            Page("POST", "/v1/search", 'find what is like a text: {"text": "..."}', search),
        ]
    )


def vector_of(text: str) -> list[float]:
    """Return a unit vector of the words of ``text``: texts that share words are near."""
    found = [0.0] * SIZE
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4).digest()
        place = int.from_bytes(digest, "big")
        found[place % SIZE] += 1.0 if place & 0x80000000 else -1.0
    length = math.sqrt(sum(x * x for x in found))
    # Two words may take each other out.
    return [x / length for x in found] if length else [1.0] + [0.0] * (SIZE - 1)


class _Memory:
    def __init__(self, vectors: Peer) -> None:
        self._vectors = vectors
        self._making = asyncio.Lock()

    async def remember(self, id_: str, text: str) -> dict[str, Any]:
        """Store the text, then search with it; tell how long each took, in milliseconds."""
        began = time.perf_counter()
        point = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{id_} {text}")),
            "vector": vector_of(text),
            "payload": {"text": text, "of": id_},
        }
        await self._call("PUT", "points?wait=true", {"points": [point]}, "upsert")
        stored = time.perf_counter()
        similar = await self.similar(text, but=id_)
        searched = time.perf_counter()
        return {
            "stored_ms": round((stored - began) * 1e3, 3),
            "searched_ms": round((searched - stored) * 1e3, 3),
            "similar": similar,
        }

    async def similar(self, text: str, but: str = "") -> list[str]:
        """Return the texts that are most like ``text``, without those of ``but``."""
        other = {"must_not": [{"key": "of", "match": {"value": but}}]} if but else None
        query = {"query": vector_of(text), "limit": SIMILAR, "with_payload": True, "filter": other}
        answer = await self._call("POST", "points/query", query, "query")
        return [str((hit.get("payload") or {}).get("text")) for hit in answer["result"]["points"]]

    async def _call(self, method: str, path: str, body: object, what: str) -> Any:
        """Call the collection, which is made where it is not there."""
        where = f"/collections/{COLLECTION}"
        try:
            return await self._vectors.call(method, f"{where}/{path}", body, what=what)
        except PeerError as error:
            if error.status != _GONE:
                raise
        async with self._making:
            try:
                vectors = {"size": SIZE, "distance": "Cosine"}
                await self._vectors.call("PUT", where, {"vectors": vectors}, what="create")
            except PeerError as error:
                if error.status != _EXISTS:
                    raise
        return await self._vectors.call(method, f"{where}/{path}", body, what=what)


def _document(body: bytes, *, needs_id: bool = True) -> dict[str, str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(400, "bad-json", "the body is not JSON") from None
    names = ("id", "text") if needs_id else ("text",)
    good = isinstance(document, dict) and all(isinstance(document.get(n), str) for n in names)
    if not good or len(document["text"]) > TEXT_LIMIT:
        needed = ", ".join(names)
        raise RequestError(422, "bad-text", f"needed: {needed}; at most {TEXT_LIMIT} characters")
    return {name: document[name] for name in names}

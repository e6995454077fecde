"""The issuer's web side: public keys, discovery, and tokens for programs that have an API key.

The log-in of people is not here: ``alfred-dev token`` makes their tokens, from the key file. What
is asked for is read from the files each time, so that a rotation needs no restart.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alfred_dev.embedded import answers, guard
from alfred_dev.embedded.listen import listening
from alfred_dev.embedded.metrics import Meter, MeterMiddleware
from alfred_dev.embedded.pages import Page, routes_of
from alfred_dev.embedded.spec import EmbeddedSpec
from alfred_dev.errors import AlfredError
from alfred_dev.identity import tokens
from alfred_dev.identity.keys import ALGORITHM
from alfred_dev.identity.store import Store
from alfred_dev.identity.tokens import DEFAULT_TTL_S, Subject

GRANT = "client_credentials"
SCOPES = ("api",)
# RFC 6749 5.1: nobody may keep an answer that holds a token.
NEVER_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}
BRIEFLY_KEPT = {"cache-control": "public, max-age=60"}


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlfredError: the port is taken."""
    from alfred_dev.embedded.serve import configure_logging, serve

    sockets = [listening(spec.bind, port.listen) for port in spec.ports]
    configure_logging()
    Store(spec.data).ensure(time.time())
    names = guard.names(spec.domain, (spec.id, *spec.aliases))
    headers = {"server": "alfred-dev identity"}
    asyncio.run(
        serve(guard.GuardMiddleware(Issuer(Store(spec.data)).app(), names), sockets, headers)
    )


class Issuer:
    """The pages of one checkout's issuer."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def app(self) -> MeterMiddleware:
        """Return the application."""
        pages = [
            Page("GET", "/health", "health", self._health),
            Page("GET", "/.well-known/jwks.json", "public keys", self._jwks),
            Page("GET", "/.well-known/openid-configuration", "discovery", self._discovery),
            Page("GET", "/.well-known/oauth-authorization-server", "discovery", self._discovery),
            Page("POST", "/oauth/token", "the client-credentials grant", self._token),
        ]
        inner = Starlette(
            routes=routes_of(pages),
            exception_handlers={
                answers.RequestError: answers.refused,
                HTTPException: _not_here,
                Exception: answers.crashed,
            },
        )
        return MeterMiddleware(inner, Meter(), {"/health"})

    async def _health(self, request: Request) -> Response:
        ready = bool(self.store.jwks() and self.store.issuer())
        return JSONResponse({"status": "ok" if ready else "waiting"}, 200 if ready else 503)

    async def _jwks(self, request: Request) -> Response:
        return Response(self.store.jwks(), media_type="application/json", headers=BRIEFLY_KEPT)

    async def _discovery(self, request: Request) -> Response:
        issuer = self.store.issuer()
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "token_endpoint": f"{issuer}/oauth/token",
                "grant_types_supported": [GRANT],
                "response_types_supported": [],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "scopes_supported": list(SCOPES),
            },
            headers=BRIEFLY_KEPT,
        )

    async def _token(self, request: Request) -> Response:
        """RFC 6749 4.4. The client is a program's name, its secret the API key."""
        given = parse_qs((await answers.body_of(request)).decode("utf-8", "replace"))
        form = {key: values[0] for key, values in given.items() if len(values) == 1}
        if form.get("grant_type") != GRANT:
            return _refused(400, "unsupported_grant_type", f"only {GRANT} is known here")
        name, secret = _credentials(request, form)
        client = self.store.client_of(name, secret)
        if client is None:
            return _refused(401, "invalid_client", "unknown client, or a wrong secret")
        subject = Subject(
            user=client.name, role=client.role, scope=form.get("scope", ""), client=client.name
        )
        try:
            token = tokens.mint(
                subject,
                self.store.ensure(time.time()),
                issuer=self.store.issuer(),
                now=time.time(),
                ttl_s=DEFAULT_TTL_S,
            )
        except AlfredError as error:
            return _refused(400, "invalid_scope", error.cause)
        said = {"access_token": token.text, "token_type": "Bearer", "expires_in": DEFAULT_TTL_S}
        if subject.scope:
            said["scope"] = subject.scope
        return JSONResponse(said, headers=NEVER_KEPT)


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Return client and secret, of the Authorization header or of the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)


def _refused(status: int, code: str, message: str) -> Response:
    headers = dict(NEVER_KEPT)
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="alfred-dev"'
    document = {"error": code, "error_description": message}
    return JSONResponse(document, status_code=status, headers=headers)


async def _not_here(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 404
    return answers.error(status, "not-found", "the issuer has no such page")

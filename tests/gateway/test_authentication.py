"""Who is let in. Several of these once got in without a token: they stay for ever."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import jwt
import pytest

from alfred_dev.identity import keys
from tests.gateway.doors import DOMAIN, SECRET, Door, heard, host

PATH = "/agents/core/v1/tasks"


def test_without_credentials_nothing_of_the_api_is_there(door: Door) -> None:
    for path in (PATH, "/", "/nothing", "/healthX", "/health/x", "/vector/", "/models/router/"):
        assert door.get("api", path).status_code == 401, path


def test_exactly_one_path_asks_for_nothing(door: Door) -> None:
    assert door.get("api", "/health").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        f"API.{DOMAIN}", f"Api.{DOMAIN.upper()}", f"api.{DOMAIN}:443", f"api.{DOMAIN}.",
        f"api.{DOMAIN}:99", "API.ALFRED.LOCALHOST", "api.alfred.localhost.",
    ],
)  # fmt: skip
def test_however_the_host_is_spelt_a_token_is_needed(door: Door, name: str) -> None:
    assert door.get("api", PATH, headers={"Host": name}).status_code == 401
    good = door.get("api", PATH, headers={"Host": name}, token=door.token())
    assert heard(good)["service"] == "agent-core"


def test_a_service_without_pages_asks_for_a_token_under_its_own_name_too(door: Door) -> None:
    for service in ("agent-core", "model-router", "vector-db", "pubsub-emulator"):
        assert door.get(service, "/").status_code == 401, service
        found = heard(door.get(service, "/deep/path", token=door.token()))
        assert (found["service"], found["path"]) == (service, "/deep/path")


def test_a_token_passes_and_its_claims_go_on(door: Door) -> None:
    found = heard(door.get("api", PATH, token=door.token("ann@example.com", "user")))
    assert found["path"] == "/v1/tasks"
    said = found["headers"]
    assert said["x-user"] == "ann@example.com"
    assert said["x-role"] == "user"
    assert said["x-scope"] == "api"
    assert said["x-alfred-gateway"] == SECRET
    assert "authorization" not in said
    assert "x-client-id" not in said


def test_what_a_client_says_of_itself_is_stripped(door: Door) -> None:
    lies = {
        "x-user": "root", "X-Role": "admin", "x-scope": "all", "x-client-id": "boss",
        "x-alfred-gateway": "guess",
    }  # fmt: skip
    said = heard(door.get("api", PATH, token=door.token(), headers=lies))["headers"]
    assert (said["x-user"], said["x-role"], said["x-scope"]) == ("ann", "user", "api")
    assert said["x-alfred-gateway"] == SECRET
    assert "x-client-id" not in said
    open_page = heard(door.get("ui", "/", headers=lies))["headers"]
    assert not {*lies, "x-role"} & {key.lower() for key in open_page}


def test_an_api_key_passes_and_says_which_program_it_is(door: Door) -> None:
    answer = door.get("api", PATH, headers={"x-api-key": "adk_of-ci", "x-user": "root"})
    said = heard(answer)["headers"]
    assert (said["x-client-id"], said["x-role"]) == ("ci", "user")
    assert "x-user" not in said
    assert "x-api-key" not in said


def test_a_bad_api_key_is_refused_also_beside_a_good_token(door: Door) -> None:
    for key in ("adk_of-nobody", "", "ADK_OF-CI", "adk_of-ci,adk_of-boss", "adk_of-ci\t,"):
        answer = door.get("api", PATH, token=door.token(), headers={"x-api-key": key})
        assert answer.status_code == 401, key


@pytest.mark.parametrize("pair", [("", "adk_of-x"), ("adk_of-x", ""), ("adk_of-x", "adk_of-ci")])
def test_two_api_keys_open_nothing(door: Door, pair: tuple[str, str]) -> None:
    lines = "".join(f"X-Api-Key: {key}\r\n" for key in pair)
    request = f"GET {PATH} HTTP/1.1\r\nHost: {host('api')}\r\n{lines}Connection: close\r\n\r\n"
    assert b" 401 " in door.raw(request.encode()).split(b"\r\n")[0]


def test_a_good_api_key_passes_beside_a_bad_token_which_counts_for_nothing(door: Door) -> None:
    forged = jwt.encode({"sub": "root", "role": "admin"}, "x" * 32, algorithm="HS256")
    answer = door.get("api", PATH, token=forged, headers={"x-api-key": "adk_of-ci"})
    said = heard(answer)["headers"]
    assert (said["x-client-id"], said["x-role"]) == ("ci", "user")
    assert "x-user" not in said


DAY_S = 86_400
WRONG: dict[str, dict[str, object]] = {
    "expired": {"exp": -60},
    "of-the-future": {"nbf": 600, "iat": 600},
    "another-audience": {"aud": "another-api"},
    "no-audience": {"aud": []},
    "another-issuer": {"iss": "https://auth.elsewhere.example"},
    "nearly-our-issuer": {"iss": f"https://auth.{DOMAIN}/"},
    "too-long": {"exp": DAY_S},
    "without-end": {"exp": None},
    "no-number": {"exp": "soon"},
}
# What the developer is told of it.
HINTS = {
    "expired": "has expired",
    "another-audience": "claim aud",
    "another-issuer": "claim iss",
    "too-long": "lives too long",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_token_that_says_what_it_should_not_is_refused(door: Door, case: str) -> None:
    now = int(time.time())
    key = door.store.signing_keys()[0]
    good = jwt.decode(door.token(), options={"verify_signature": False})
    wrong = {k: now + v if isinstance(v, int) else v for k, v in WRONG[case].items()}
    said = {k: v for k, v in {**good, **wrong}.items() if v is not None}
    refused = door.get("api", PATH, token=keys.sign(said, key))
    assert refused.status_code in (401, 403)
    message = refused.json()["error"]["message"]
    if case in HINTS:
        assert HINTS[case] in message
        assert message.endswith(": alfred-dev token")


def test_a_token_that_nobody_signed_is_refused(door: Door) -> None:
    header, payload, _ = door.token().split(".")
    for algorithm in ("none", "None", "NONE", ""):
        unsigned = _segment({"alg": algorithm, "typ": "JWT"})
        for text in (f"{unsigned}.{payload}.", f"{unsigned}.{payload}", f"{header}.{payload}."):
            assert door.get("api", PATH, token=text).status_code == 401, text


def test_the_public_key_is_no_shared_secret(door: Door) -> None:
    """HS256 with the public key as the secret: what a careless verifier accepts."""
    key = door.store.signing_keys()[0]
    claims = jwt.decode(door.token(), options={"verify_signature": False})
    for secret in (json.dumps(dict(key.public)), key.kid, door.store.jwks()):
        forged = _hs256(claims, secret.encode(), key.kid)
        assert door.get("api", PATH, token=forged).status_code == 401


def test_the_name_of_a_key_does_not_make_it_ours(door: Door, tmp_path: Path) -> None:
    claims = jwt.decode(door.token(), options={"verify_signature": False})
    ours, other = door.store.signing_keys()[0], keys.new(time.time())
    for kid in (ours.kid, other.kid, "", "../jwks.json", "' OR 1=1 --"):
        forged = jwt.encode(claims, other.pem, algorithm="ES256", headers={"kid": kid})
        assert door.get("api", PATH, token=forged).status_code == 401, kid
    embedded = {"kid": ours.kid, "jwk": dict(other.public), "jku": "https://evil.example/k"}
    forged = jwt.encode(claims, other.pem, algorithm="ES256", headers=embedded)
    assert door.get("api", PATH, token=forged).status_code == 401


def test_a_changed_token_is_refused(door: Door) -> None:
    header, payload, signature = door.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    raised = _segment({**claims, "role": "admin"})
    for text in (f"{header}.{raised}.{signature}", f"{header}.{payload}.{signature[:-4]}AAAA"):
        assert door.get("api", PATH, token=text).status_code == 401


@pytest.mark.parametrize("query", ["access_token", "token", "jwt", "api_key", "x-api-key"])
def test_a_query_is_no_place_for_a_token(door: Door, query: str) -> None:
    secret = "adk_of-ci" if "key" in query else door.token()
    assert door.get("api", f"{PATH}?{query}={secret}").status_code == 401


def test_a_cookie_is_no_place_for_a_token(door: Door) -> None:
    answer = door.get("api", PATH, headers={"cookie": f"access_token={door.token()}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "bearer_", "Token", ""])
def test_only_a_bearer_is_read(door: Door, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {door.token()}".strip()}
    assert door.get("api", PATH, headers=headers).status_code == 401


def test_two_authorization_headers_do_not_add_up(door: Door) -> None:
    request = (
        f"GET {PATH} HTTP/1.1\r\nHost: {host('api')}\r\nAuthorization: Bearer x\r\n"
        f"Authorization: Bearer y\r\nConnection: close\r\n\r\n"
    )
    assert b" 401 " in door.raw(request.encode()).split(b"\r\n")[0]


ADMIN = ("/agents/core/admin", "/agents/core/admin/users", "/models/router/v1/admin/x")
SPELLINGS = (
    "/agents/core/Admin/users", "/agents/core/ADMIN", "/agents/core//admin/users",
    "/agents/core/./admin/users", "/agents/core/x/../admin/users", "/agents/core/%61dmin/users",
    "/agents/core/%41dmin", "/agents/core/admin/", "/agents/core/admin?x=1",
    "/agents/core/admin#x", "//agents//core//admin", "/agents/./core/admin",
    "/agents/core\\admin", "/agents/core/%61%64min",
)  # fmt: skip
REFUSED = (
    "/agents/core/admin;x=1/users", "/agents/core/x;/admin", "/agents/core%2fadmin",
    "/agents/core/%2e%2e%2fcore/admin", "/agents/core%5cadmin", "/agents/core/%2Fadmin",
    "/agents/core/%00admin", "/agents/core/..;/admin", "/agents/core/admin%3bx",
    "/agents/core/admin%0a", "/agents/core/admin%0A", "/agents/core/admin%0d%0a",
    "/agents/core/admin%1f", "/agents/core/admin%7F",
)  # fmt: skip


def test_only_an_admin_reaches_admin_paths(door: Door) -> None:
    for path in ADMIN:
        refused = door.get("api", path, token=door.token(role="user"))
        assert refused.status_code == 403
        assert refused.json()["error"]["message"].endswith("alfred-dev token --role admin")
        assert door.get("api", path, headers={"x-api-key": "adk_of-ci"}).status_code == 403
        assert door.get("api", path, token=door.token(role="admin")).status_code == 200
        assert door.get("api", path, headers={"x-api-key": "adk_of-boss"}).status_code == 200
        for role in ("Admin", "admin2", "admin ", ["admin"], {"admin": True}, None, True):
            token = door.token(claimed={"role": role})
            assert door.get("api", path, token=token).status_code == 403, role
    for lie in ({"x-role": "admin"}, {"X-ROLE": "admin"}, {"x-role": "admin, admin"}):
        assert door.get("api", ADMIN[0], token=door.token(), headers=lie).status_code == 403
    own = door.get("agent-core", "/admin", token=door.token())
    assert own.status_code == 403


@pytest.mark.parametrize("path", SPELLINGS + REFUSED)
def test_an_admin_path_is_one_however_it_is_spelt(door: Door, path: str) -> None:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host('api')}\r\nConnection: close\r\n"
        f"Authorization: Bearer {door.token(role='user')}\r\n\r\n"
    )
    status = door.raw(request.encode()).split(b"\r\n")[0]
    assert any(code in status for code in (b" 400 ", b" 403 ", b" 404 ")), status


def _segment(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _hs256(claims: object, secret: bytes, kid: str) -> str:
    import hashlib
    import hmac

    signed = f"{_segment({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{_segment(claims)}"
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

"""Keys on disk: made once, private, rotated with their tokens in mind, withdrawn at once."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest

from alfred_dev.access import MAX_TTL_S
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.identity import keys, tokens
from alfred_dev.identity.store import Store
from alfred_dev.identity.tokens import Subject

ISSUER = "https://auth.dev.example.com"
ANN = Subject(user="ann", role="user", scope="api")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "identity")


def published(store: Store) -> list[str]:
    return [key["kid"] for key in json.loads(store.jwks())["keys"]]


def test_a_key_is_made_once_and_every_file_is_private(store: Store) -> None:
    first = store.ensure(1000.0)
    assert store.ensure(2000.0) == first
    store.add_client("ci", "user")
    store.name_issuer(ISSUER)
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in store.folder.iterdir()} == {0o600}
    assert published(store) == [first.kid]
    assert "PRIVATE" not in store.jwks()
    assert "PRIVATE" not in repr(first)


def test_a_token_is_verified_by_what_is_published(store: Store) -> None:
    token = tokens.mint(ANN, store.ensure(0), issuer=ISSUER, now=2_000_000_000, ttl_s=60)
    found = jwt.PyJWKSet.from_json(store.jwks()).keys[0]
    said = jwt.decode(
        token.text, found.key, algorithms=["ES256"], audience="alfred-api", issuer=ISSUER,
        options={"verify_iat": False, "verify_nbf": False},
    )  # fmt: skip
    assert said == token.claims
    assert said["exp"] - said["nbf"] == 60


def test_the_old_key_is_published_as_long_as_a_token_of_it_can_live(store: Store) -> None:
    old = store.ensure(0.0)
    new = store.rotate(10_000.0)[0]
    assert published(store) == [new.kid, old.kid]
    assert store.ensure(10_001.0) == new
    newer = store.rotate(10_000.0 + MAX_TTL_S)[0]
    assert published(store) == [newer.kid, new.kid, old.kid]
    newest = store.rotate(10_000.0 + 2 * MAX_TTL_S)[0]
    assert published(store) == [newest.kid, newer.kid, new.kid]


def test_forgetting_leaves_the_new_key_alone(store: Store) -> None:
    store.ensure(0.0)
    store.rotate(1.0)
    only = store.rotate(2.0, forget=True)
    assert published(store) == [key.kid for key in only]
    assert len(only) == 1


def test_clients_are_added_once_and_revoked(store: Store) -> None:
    made = store.add_client("ci", "admin")
    assert store.clients() == (made,)
    assert made.key not in repr(made)
    assert store.client_of("ci", made.key) == made
    for name, key in (("ci", ""), ("ci", made.key + "x"), ("other", made.key), ("", "")):
        assert store.client_of(name, key) is None
    with pytest.raises(UsageError):
        store.add_client("ci", "user")
    store.revoke_client("ci")
    assert store.clients() == ()
    with pytest.raises(UsageError):
        store.revoke_client("ci")


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "-a", "a" * 42, "ä", "a\n"])
def test_a_name_must_fit_into_a_header(store: Store, name: str) -> None:
    with pytest.raises(UsageError):
        store.add_client(name, "user")


def test_a_role_must_be_known_for_a_program(store: Store) -> None:
    with pytest.raises(UsageError, match="no role root"):
        store.add_client("ci", "root")


def test_keys_that_others_could_read_are_not_used(store: Store) -> None:
    store.ensure(0.0)
    (store.folder / "keys.json").chmod(0o644)
    with pytest.raises(MachineError) as caught:
        store.signing_keys()
    assert caught.value.code == "key-exposed"
    assert "token rotate --forget" in " ".join(caught.value.fix)


@pytest.mark.parametrize("text", ['{"keys": []}', "garbage", ""])
def test_public_keys_that_somebody_edited_are_not_believed(store: Store, text: str) -> None:
    key = store.ensure(0.0)
    (store.folder / "jwks.json").write_text(text)
    assert published(store) == [key.kid]
    store.ensure(1.0)
    assert json.loads((store.folder / "jwks.json").read_text())["keys"] == [dict(key.public)]


def test_torn_keys_leave_what_was_published(store: Store) -> None:
    key = store.ensure(0.0)
    (store.folder / "keys.json").write_text("[{")
    assert published(store) == [key.kid]


def test_a_torn_file_is_named(store: Store) -> None:
    store.ensure(0.0)
    (store.folder / "keys.json").write_text("[{")
    with pytest.raises(MachineError, match="keys.json"):
        store.ensure(1.0)


def test_two_checkouts_have_different_keys_with_names_of_their_own(tmp_path: Path) -> None:
    one, other = (Store(tmp_path / name).ensure(0.0) for name in ("a", "b"))
    assert one.kid != other.kid
    point = {k: one.public[k] for k in ("crv", "kty", "x", "y")}
    assert keys.thumbprint(point) == one.kid


@pytest.mark.parametrize(
    ("subject", "ttl_s"),
    [
        (ANN, 0), (ANN, -1), (ANN, MAX_TTL_S + 1),
        (Subject(user="", role="user"), 60), (Subject(user="a\r\nx-role: admin", role="u"), 60),
        (Subject(user="a", role="Admin"), 60), (Subject(user="a", role="user", scope="a\nb"), 60),
        (Subject(user="a b", role="user"), 60),
    ],
)  # fmt: skip
def test_what_no_header_can_carry_or_lives_too_long_is_not_minted(
    store: Store, subject: Subject, ttl_s: int
) -> None:
    key = store.ensure(0.0)
    if subject.scope == "a\nb":  # white space of any kind separates scopes
        assert tokens.mint(subject, key, issuer=ISSUER, now=0, ttl_s=ttl_s)
        return
    with pytest.raises(UsageError):
        tokens.mint(subject, key, issuer=ISSUER, now=0, ttl_s=ttl_s)

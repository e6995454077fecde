"""Signing keys: ECDSA P-256, each with an id that is made from it. Bytes in, bytes out."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ALGORITHM = "ES256"
SIZE = 32  # bytes of a coordinate


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key. ``public``: its JWK; ``made_at``: seconds since the epoch."""

    kid: str
    pem: str = field(repr=False)
    public: Mapping[str, str]
    made_at: float


def new(now: float) -> SigningKey:
    """Make a key."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    point = {
        "crv": "P-256",
        "kty": "EC",
        "x": _text(numbers.x.to_bytes(SIZE)),
        "y": _text(numbers.y.to_bytes(SIZE)),
    }
    kid = thumbprint(point)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = {**point, "kid": kid, "alg": ALGORITHM, "use": "sig"}
    return SigningKey(kid=kid, pem=pem, public=public, made_at=now)


def thumbprint(point: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a public key: the same key has the same id everywhere."""
    text = json.dumps(dict(sorted(point.items())), separators=(",", ":"))
    return _text(hashlib.sha256(text.encode()).digest())


def jwks(keys: Iterable[SigningKey]) -> str:
    """Return the public keys as a JSON Web Key Set."""
    return json.dumps({"keys": [dict(key.public) for key in keys]}) + "\n"


def sign(claims: Mapping[str, Any], key: SigningKey) -> str:
    """Return a signed token."""
    import jwt

    return jwt.encode(dict(claims), key.pem, algorithm=ALGORITHM, headers={"kid": key.kid})


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

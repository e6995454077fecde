"""The client's side of SCRAM-SHA-256 (RFC 5802, 7677), as Postgres speaks it. Pure.

No channel binding: the probes speak over loopback, without TLS.
"""

from __future__ import annotations

import hashlib
import hmac
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass

MECHANISM = b"SCRAM-SHA-256"
ITERATIONS_LIMIT = 1_000_000  # a third of a second; Postgres asks for 4096 unless told otherwise
_NO_BINDING = "n,,"
_PROHIBITED = (
    stringprep.in_table_a1,  # not assigned
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class ScramError(Exception):
    """The server does not speak SCRAM, or does not know the password itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the client says in the end, and the signature that the server must answer with."""

    client_final: str
    server_signature: bytes

    def check(self, server_final: str) -> None:
        """Raise ScramError unless the server has proved that it knows the password."""
        if not hmac.compare_digest(_decoded(_attributes(server_final), "v"), self.server_signature):
            raise ScramError("the server does not know the password itself")


def client_first(nonce: str, *, user: str = "") -> str:
    """Return the first message. ``nonce``: printable ASCII without a comma, never used before.

    Postgres takes the user's name from the start of the connection and ignores this one.
    """
    return f"{_NO_BINDING}n={user},r={nonce}"


def prove(password: str, nonce: str, server_first: str, *, user: str = "") -> Proof:
    """Answer the server's challenge. Raises ScramError where it is none, or not ours."""
    attributes = _attributes(server_first)
    salt, iterations = _decoded(attributes, "s"), attributes.get("i", "")
    both = attributes.get("r", "")
    if not both.startswith(nonce) or both == nonce:
        raise ScramError("the server answers another client")
    if not (iterations.isascii() and iterations.isdecimal()):
        raise ScramError("the server does not say how often to iterate")
    count = int(iterations[: len(str(ITERATIONS_LIMIT)) + 1])
    if not 1 <= count <= ITERATIONS_LIMIT:
        raise ScramError(f"the server wants {iterations[:12]} iterations")

    salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, count)
    client_key = _hmac(salted, b"Client Key")
    final = f"c={_encoded(_NO_BINDING.encode())},r={both}"
    bare = client_first(nonce, user=user).removeprefix(_NO_BINDING)
    message = f"{bare},{server_first},{final}".encode()
    signature = _hmac(hashlib.sha256(client_key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return Proof(
        client_final=f"{final},p={_encoded(proof)}",
        server_signature=_hmac(_hmac(salted, b"Server Key"), message),
    )


def prepared(password: str) -> bytes:
    """Return ``password`` as SASLprep (RFC 4013) has it; as it is where that forbids it.

    So does Postgres: it lets no password be lost for the sake of a rule.
    """
    as_it_is = password.encode("utf-8", "surrogateescape")
    if password.isascii():
        return as_it_is
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    forbidden = any(table(c) for c in normal for table in _PROHIBITED)
    if not normal or forbidden or not _is_of_one_direction(normal):
        return as_it_is
    return normal.encode()


def _is_of_one_direction(text: str) -> bool:
    if not any(stringprep.in_table_d1(c) for c in text):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(stringprep.in_table_d2(c) for c in text)


def _attributes(message: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in message.split(","))
    return {name: value for name, _, value in pairs}


def _decoded(attributes: dict[str, str], name: str) -> bytes:
    try:
        return b64decode(attributes[name], validate=True)
    except (KeyError, ValueError) as error:
        raise ScramError(f"the server's message has no valid {name}=") from error


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")

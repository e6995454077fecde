"""Where keys are kept: one folder a checkout, for this user alone, every file replaced by rename.

The first signing key signs; the others are published until no token of theirs can be alive.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alfred_dev.access import MAX_TTL_S, ROLES, Client
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.identity import keys
from alfred_dev.identity.keys import SigningKey
from alfred_dev.workspace import make_private_folder, read_bytes, write

KEYS, JWKS, CLIENTS, ISSUER = "keys.json", "jwks.json", "clients.json", "issuer.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
# An old key must outlive the last token that it has signed, and clocks that differ.
KEEP_S = MAX_TTL_S + 300


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of one checkout's issuer."""

    folder: Path

    def signing_keys(self) -> tuple[SigningKey, ...]:
        """Return every key, the one that signs first; none before ``ensure``. MachineError."""
        data = _read(self.folder / KEYS)
        return tuple(SigningKey(**entry) for entry in data) if data else ()

    def jwks(self) -> str:
        """Return the public keys; empty before ``ensure``.

        They are what the signing keys say, whatever somebody made of the file: a gateway that was
        given others lets nobody in. While those cannot be read, what was published last goes on.
        """
        try:
            found = self.signing_keys()
        except MachineError:
            found = ()
        return keys.jwks(found) if found else (read_bytes(self.folder / JWKS) or b"").decode()

    def clients(self) -> tuple[Client, ...]:
        """Return the programs that have an API key, by name. Raises MachineError."""
        data = _read(self.folder / CLIENTS) or {}
        return tuple(Client(name=name, **entry) for name, entry in sorted(data.items()))

    def issuer(self) -> str:
        """Return the name under which tokens are issued; empty before the first ``up``."""
        return str((_read(self.folder / ISSUER) or {}).get("issuer", ""))

    def ensure(self, now: float) -> SigningKey:
        """Have a signing key; return the one that signs."""
        make_private_folder(self.folder)
        found = self.signing_keys()
        if not found:
            found = (keys.new(now),)
            self._publish(found)
        elif read_bytes(self.folder / JWKS) != keys.jwks(found).encode():
            self._publish(found)  # it was deleted, or edited by hand
        return found[0]

    def name_issuer(self, issuer: str) -> None:
        """Write down the name under which tokens are issued."""
        _write(self.folder / ISSUER, {"issuer": issuer})

    def rotate(self, now: float, *, forget: bool = False) -> tuple[SigningKey, ...]:
        """Sign with a new key from now on; return all that are published.

        Older keys stay published while a token of theirs can be alive; ``forget``: none of them,
        so that every token there is ends now.
        """
        self.ensure(now)
        old = () if forget else self.signing_keys()
        # A key signs until its successor is made: so long back can its last token be.
        ends = [now, *(key.made_at for key in old)]
        kept = [k for k, ended in zip(old, ends, strict=False) if now - ended < KEEP_S]
        found = (keys.new(now), *kept)
        self._publish(found)
        return found

    def add_client(self, name: str, role: str) -> Client:
        """Make an API key. Raises UsageError: the name is taken, or no name."""
        if not NAME.fullmatch(name):
            raise _refused(f"{name!r} is not of the form {NAME.pattern}", "no API key was made")
        if role not in ROLES:
            raise _refused(
                f"there is no role {role}; known: {', '.join(ROLES)}", "no API key was made"
            )
        found = self.clients()
        if name in [client.name for client in found]:
            raise _refused(f"{name} has one already", "no API key was made", f"revoke {name}")
        made = Client(name=name, role=role, key=f"adk_{secrets.token_urlsafe(32)}")
        self._keep([*found, made])
        return made

    def revoke_client(self, name: str) -> None:
        """Forget an API key. Raises UsageError when there is none of that name."""
        found = self.clients()
        if name not in [client.name for client in found]:
            raise _refused(f"{name} has none", "no API key was revoked")
        self._keep([client for client in found if client.name != name])

    def client_of(self, name: str, key: str) -> Client | None:
        """Return the client that ``name`` and ``key`` belong to, in the same time for every key."""
        found = [client for client in self.clients() if client.name == name]
        known = found[0].key if found else secrets.token_urlsafe(32)
        same = hmac.compare_digest(_digest(known), _digest(key))
        return found[0] if found and same else None

    def _publish(self, found: Sequence[SigningKey]) -> None:
        """Keys first: what is published but cannot sign does no harm, the reverse does."""
        make_private_folder(self.folder)
        write(self.folder / JWKS, keys.jwks(found).encode())
        _write(self.folder / KEYS, [asdict(key) for key in found])

    def _keep(self, found: Sequence[Client]) -> None:
        make_private_folder(self.folder)
        rows = {client.name: {"role": client.role, "key": client.key} for client in found}
        _write(self.folder / CLIENTS, rows)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _write(path: Path, data: object) -> None:
    write(path, (json.dumps(data, indent=1) + "\n").encode())


def _read(path: Path) -> Any:
    """Return a file's document, None when it is not there. Raises MachineError: open, or torn."""
    text = read_bytes(path)
    if text is None:
        return None
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise MachineError(
            "key-exposed",
            f"{path.name} could be read by others",
            cause=f"{path} is not for this user alone: whoever has read it can make tokens",
            fix=[f"chmod 600 '{path}'", "alfred-dev token rotate --forget"],
        )
    try:
        return json.loads(text)
    except ValueError as error:
        raise MachineError(
            "key-unreadable",
            f"{path.name} cannot be read",
            cause=f"{path}: {error}",
            fix=[f"rm '{path}'   (a new one is made)", "alfred-dev up"],
        ) from error


def _refused(cause: str, what: str, fix: str = "list") -> UsageError:
    return UsageError("apikey-refused", what, cause=cause, fix=[f"alfred-dev apikey {fix}"])

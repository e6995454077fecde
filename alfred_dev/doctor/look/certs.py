"""Our certificates: the files, and what the gateway really serves."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alfred_dev.doctor import tls
from alfred_dev.doctor.look.files import files
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.tls import Handshake
from alfred_dev.errors import AlfredError
from alfred_dev.pki import authority, certificates
from alfred_dev.pki import store as pki_store
from alfred_dev.pki.authority import Store
from alfred_dev.plan import LOOPBACK, Plan

GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One leaf. ``reason``: why it has to be made anew, "" where it is good; ``left_days``: until
    it ends, negative where it has; ``own``: the user brought it."""

    name: str
    path: str
    reason: str
    left_days: float
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Certs:
    """``made``: whether there are any yet; ``gone``: where the CA was, which the gateway outlived;
    ``ca``: why the CA cannot be used, None where it can; ``signer``: why it can sign nothing more,
    though all that it signed is good; ``served``: the handshakes with the
    gateway; ``on_disk``: SHA-256 of its leaf's file; ``behind``: the gateway's rendered files are
    older than the configuration, so nobody has told it of new names yet."""

    made: bool
    gone: str = ""
    ca: AlfredError | None = None
    signer: AlfredError | None = None
    ca_left_days: float = 0.0
    leaves: tuple[Leaf, ...] = ()
    served: tuple[Handshake, ...] = ()
    on_disk: str = ""
    behind: bool = False

    @property
    def serving(self) -> str:
        """SHA-256 of what the gateway serves, "" where nothing is known."""
        found = next((h.certificate for h in self.served if h.certificate), b"")
        return hashlib.sha256(found).hexdigest() if found else ""


async def certs(scene: Scene) -> Certs:
    """Read the files and shake hands with the gateway, where there is one."""
    if scene.store is None:
        return Certs(made=False)
    if not scene.store.ca_certificate.exists():
        return await _without_ca(scene, scene.store)
    read, served, behind = await asyncio.gather(
        asyncio.to_thread(_files, scene, scene.store),
        _served(scene, scene.store),
        gateway_behind(scene),
    )
    return Certs(
        made=True,
        served=served,
        on_disk=_fingerprint(scene.store),
        behind=behind,
        **read,
    )


async def gateway_behind(scene: Scene) -> bool:
    """Tell whether the gateway's rendered files are older than the configuration."""
    old = (await scene.see(files)).old
    return any(GATEWAY in Path(path).parts for path in old)


async def _without_ca(scene: Scene, store: Store) -> Certs:
    gone = outlived(_names(store), scene.web_names) and any(
        shake.certificate for shake in await _served(scene, store)
    )
    return Certs(made=False, gone=str(store.ca_certificate) if gone else "")


def outlived(names: Iterable[str], wanted: Sequence[str]) -> bool:
    """Tell a leaf whose CA was deleted from one of a domain that was asked for before. Pure.

    Each domain has a CA of its own; that of a new domain is made by the next ``up``.
    """
    return bool(wanted) and wanted[0] in names


def _files(scene: Scene, store: Store) -> dict[str, Any]:
    """Return what the files say: the fields of ``Certs`` that hang on them."""
    now = datetime.now(UTC)
    found: dict[str, Any] = {}
    try:
        found["ca_left_days"] = authority.read_ca(store, now).left(now).total_seconds() / 86400
    except AlfredError as error:
        found["ca"] = error
    try:
        authority.signing_pair(store)
    except AlfredError as error:
        found["signer"] = error
    names = {GATEWAY: scene.web_names, "loopback": pki_store.LOOPBACK_NAMES}
    leaves = tuple(_leaf(scene, store, name, wanted, now) for name, wanted in names.items())
    return {**found, "leaves": leaves}


def _leaf(scene: Scene, store: Store, name: str, wanted: tuple[str, ...], now: datetime) -> Leaf:
    own = scene.own_certificate and name == GATEWAY
    left, reason = 0.0, ""
    try:
        reason = "" if own else pki_store.why_not(store, name, wanted, now)
        found = certificates.read(store.certificate(name).read_bytes())
        left = found.left(now).total_seconds() / 86400
        if own and left < 0:
            reason = f"it ended on {found.not_after:%Y-%m-%d}"
    except (OSError, ValueError, AlfredError) as error:
        reason = reason or getattr(error, "strerror", None) or str(error)
    return Leaf(
        name=name, path=str(store.certificate(name)), reason=reason, left_days=left, own=own
    )


def _names(store: Store) -> set[str]:
    try:
        return set(certificates.read(store.certificate(GATEWAY).read_bytes()).names)
    except (OSError, ValueError):
        return set()


def _fingerprint(store: Store) -> str:
    try:
        text = store.certificate(GATEWAY).read_text()
        first = text.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
    except (OSError, ValueError, IndexError):
        return ""


async def _served(scene: Scene, store: Store) -> tuple[Handshake, ...]:
    port = https_port(scene.stack.plan) if scene.stack else 0
    if not port or not scene.web_names:
        return ()
    wanted = (scene.web_names[0], scene.web_names[-1])
    ca = None if scene.own_certificate else store.ca_certificate
    return tuple(
        await asyncio.gather(
            *(
                tls.handshake(LOOPBACK, port, name, ca=ca, timeout_s=scene.probe_timeout_s)
                for name in dict.fromkeys(wanted)
            )
        )
    )


def https_port(plan: Plan) -> int:
    """Return the port on which the gateway speaks TLS, 0 where there is no gateway."""
    if GATEWAY not in plan.ids:
        return 0
    return next((e.port for e in plan[GATEWAY].endpoints if e.protocol == "HTTPS"), 0)

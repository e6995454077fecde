"""A certificate that the project brings itself (a real domain's, Let's Encrypt's)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alfred_dev.errors import UsageError
from alfred_dev.pki import certificates
from alfred_dev.pki.authority import pair_at
from alfred_dev.pki.certificates import RENEW_BEFORE, Pair

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A certificate that the project brings itself. ``where``: its place in alfred.yaml."""

    certificate: Path
    key: Path
    where: str


def load(own: Own, now: datetime) -> Pair:
    """Return the certificate with its chain, and its key. Raises UsageError."""
    pair = pair_at(own.certificate, own.key)
    if pair is None:
        raise _refused(own, f"there is no {own.certificate if own.key.exists() else own.key}")
    try:
        found, fits = certificates.read(pair.certificate), certificates.belongs(pair)
    except ValueError as error:
        raise _refused(own, f"this is no PEM that can be used: {error}") from error
    if not fits:
        raise _refused(own, f"{own.key} is not the key of {own.certificate}")
    if not found.not_before <= now < found.not_after:
        span = f"from {found.not_before:%Y-%m-%d} to {found.not_after:%Y-%m-%d}"
        raise _refused(own, f"{own.certificate} is valid {span}; now is {now:%Y-%m-%d}")
    return pair


def notes(own: Own, pair: Pair, names: Sequence[str], now: datetime) -> list[str]:
    """Return what the user should know: it ends soon, or is not for all ``names``."""
    found = certificates.read(pair.certificate)
    said = []
    if found.left(now) < RENEW_BEFORE:
        said.append(f"{own.certificate} ends on {found.not_after:%Y-%m-%d}: renew it yourself")
    missing = [name for name in names if not found.covers(name)]
    if missing:
        more = f" and {len(missing) - SHOWN} more names" if len(missing) > SHOWN else ""
        said.append(f"{own.certificate} is not for {', '.join(missing[:SHOWN])}{more}")
    return said


def _refused(own: Own, cause: str) -> UsageError:
    return UsageError(
        "certificate-unusable",
        "your own certificate cannot be used",
        cause=cause,
        fix=[f"change gateway.cert and gateway.key ({own.where}), or leave them out"],
        where=own.where,
    )

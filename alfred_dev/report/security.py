"""What certs, names and setup say: as text for people, as documents for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from alfred_dev.names.resolve import Resolution
from alfred_dev.pki.authority import Store
from alfred_dev.pki.certificates import Certificate
from alfred_dev.pki.verify import Proof
from alfred_dev.report.command import typed
from alfred_dev.report.json import schema
from alfred_dev.setup.act import Undo
from alfred_dev.setup.plan import Change, Skipped

Document = dict[str, Any]
FIRST_NAMES = 3


def certs(
    store: Store,
    ca: Certificate | None,
    trusted_by: Sequence[str],
    leaves: Mapping[str, Certificate],
) -> Document:
    """Return the certificates as a document. ``ca`` is null before the first ``up``."""
    authority = {
        "path": str(store.ca_certificate),
        "fingerprint": ca.fingerprint,
        "expires_at": ca.not_after.isoformat(),
        "trusted_by": list(trusted_by),
        "permitted": list(ca.permitted),
    } if ca else None  # fmt: skip
    rows = [
        {
            "name": name,
            "path": str(store.certificate(name)),
            "key_path": str(store.key(name)),
            "names": list(leaf.names),
            "expires_at": leaf.not_after.isoformat(),
        }
        for name, leaf in leaves.items()
    ]
    return {"schema": schema("certs"), "ca": authority, "leaves": rows}


def certs_lines(document: Document, now: datetime) -> Iterator[str]:
    """Yield the same for people."""
    ca = document["ca"]
    if ca is None:
        yield typed("There is no CA yet: alfred-dev certs mint, or alfred-dev up, makes one.")
        return
    yield f"CA        {ca['path']}"
    yield f"          SHA-256 {ca['fingerprint']}"
    yield f"          {_until(ca['expires_at'], now)}; signs for {', '.join(ca['permitted'])} alone"
    trusted = ", ".join(ca["trusted_by"]) or typed("nobody yet: alfred-dev setup")
    yield f"          trusted by {trusted}"
    for leaf in document["leaves"]:
        names = leaf["names"]
        more = f" and {len(names) - FIRST_NAMES} more" if len(names) > FIRST_NAMES else ""
        yield f"{leaf['name']:<9} {leaf['path']}"
        yield f"          {_until(leaf['expires_at'], now)}; {', '.join(names[:FIRST_NAMES])}{more}"


def _until(expires_at: str, now: datetime) -> str:
    end = datetime.fromisoformat(expires_at)
    days = (end - now).days
    return f"until {end:%Y-%m-%d}" if days >= 0 else f"EXPIRED on {end:%Y-%m-%d}"


def proofs(found: Sequence[Proof]) -> Document:
    """Return what ``certs verify`` found. ``ok`` of a client that is not here is null."""
    rows = [
        {"client": p.client, "trusts_by": p.trusts_by, "ok": p.ok, "detail": p.detail}
        for p in found
    ]
    ok = all(p.ok is not False for p in found)
    return {"schema": schema("certs-verify"), "ok": ok, "clients": rows}


def proof_lines(found: Iterable[Proof]) -> Iterator[str]:
    """Yield the same for people."""
    rows = list(found)
    width = max((len(proof.client) for proof in rows), default=0)
    for proof in rows:
        word = {True: "trusts", False: "REFUSES", None: "absent"}[proof.ok]
        yield f"{word:<8} {proof.client:<{width}} by {proof.trusts_by}" + (
            f": {proof.detail}" if proof.detail else ""
        )


def names(found: Sequence[Resolution], leads_to: Mapping[str, str], way: str) -> Document:
    """Return what every name leads to. ``way``: by what we made it so, empty for nothing."""
    rows = [
        {
            "name": r.name,
            "leads_to": leads_to.get(r.name, ""),
            "ok": r.ok,
            "addresses": list(r.addresses),
            "dns": list(r.dns),
        }
        for r in found
    ]
    ok = all(r.ok for r in found)
    return {"schema": schema("names"), "ok": ok, "way": way or None, "names": rows}


def name_lines(document: Document) -> Iterator[str]:
    """Yield the same for people."""
    width = max(len(row["name"]) for row in document["names"])
    for row in document["names"]:
        addresses = ", ".join(row["addresses"]) or "does not resolve"
        dns = f" (DNS says {', '.join(row['dns'])})" if row["dns"] else ""
        mark = " " if row["ok"] else "!"
        yield f"{mark} {row['name']:<{width}}  {row['leads_to']:<20} {addresses}{dns}"


def changes(found: Iterable[Change]) -> Iterator[str]:
    """Yield each change with its steps, before it is made."""
    for change in found:
        yield f"  {change.about:<6} {change.title}" + ("   (as root)" if change.root else "")
        yield from (f"           {step}" for step in change.steps)


def undos(found: Iterable[Undo]) -> Iterator[str]:
    """Yield how each change is taken back."""
    for one in found:
        if one.kept_for and not one.steps:
            yield f"  kept   {one.title}: {', '.join(one.kept_for)} wants it"
            continue
        yield f"  {one.title}"
        yield from (f"           {step}" for step in one.steps)


def skipped(found: Iterable[Skipped]) -> Iterator[str]:
    """Yield what cannot be changed here."""
    for one in found:
        yield typed(f"{one.title}: {one.why[0]}; fix: {'; or '.join(one.why[1:])}")


def setup(
    pending: Sequence[Change], left_out: Sequence[Skipped], *, done: bool, command: str
) -> Document:
    """Return what setup did, or would do."""
    rows = [
        {
            "about": c.about,
            "kind": c.kind,
            "target": c.target,
            "title": c.title,
            "root": c.root,
            "steps": [str(step) for step in c.steps],
        }
        for c in pending
    ]
    missing = [{"title": s.title, "why": list(s.why)} for s in left_out]
    ok = done or not pending
    return {"schema": schema(command), "ok": ok, "done": done, "changes": rows, "skipped": missing}

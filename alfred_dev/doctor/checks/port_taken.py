"""Somebody else sits on one of our ports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alfred_dev.doctor import words
from alfred_dev.doctor.look.ports import Ports, ports
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.host.listeners import Conflict


def judge(seen: Ports, given: Given) -> Iterable[Finding]:
    """Find foreign holders of our ports; one beside a service of ours that runs is a warning."""
    if seen.services.idle and len(seen.conflicts) > 1:
        yield _together(seen.conflicts)
        return
    for conflict in seen.conflicts:
        service = seen.services[conflict.service]
        held = conflict.port in service.status.running.ports
        down = not service.ill and not held
        yield Finding(
            subject=conflict.service,
            cause=_cause(conflict, beside=held),
            evidence=(str(conflict).strip(), *_said(seen, conflict.service)),
            severity=Severity.WARNING if held or down else None,
            about=frozenset({f"port {conflict.port}"}),
            fix=Fix(
                text="End the other program, or give this checkout other ports "
                "(alfred-dev down, then alfred-dev up --slot auto).",
                commands=(*conflict.fix, _again(seen, conflict)),
                manual=True,
            ),
        )


def _together(conflicts: Sequence[Conflict]) -> Finding:
    """Nothing of ours runs: what is in the way of `up`, all of it at once."""
    ports = ", ".join(dict.fromkeys(str(c.port) for c in conflicts))
    fixes = dict.fromkeys(line for conflict in conflicts for line in conflict.fix)
    return Finding(
        subject=conflicts[0].service,
        about=frozenset(c.service for c in conflicts),
        cause=f"{len({c.port for c in conflicts})} of our ports are taken, so up would refuse: "
        f"{ports}",
        evidence=tuple(str(c).strip() for c in conflicts),
        fix=Fix(
            text="End the others, or give this checkout other ports (alfred-dev up --slot auto).",
            commands=(*fixes, "alfred-dev up"),
            manual=True,
        ),
    )


def _again(seen: Ports, conflict: Conflict) -> str:
    return "alfred-dev up" if seen.services.idle else f"alfred-dev up {conflict.service}"


def _cause(conflict: Conflict, *, beside: bool) -> str:
    holder = str(conflict).split(maxsplit=2)[2]
    if beside:
        return (
            f"port {conflict.port} of {conflict.service} is shared: it is also {holder}, "
            "and `localhost` may mean either"
        )
    verb = "" if conflict.reason else "is "
    return f"port {conflict.port} of {conflict.service} {verb}{holder}"


def _said(seen: Ports, name: str) -> tuple[str, ...]:
    line = words.found(seen.services[name], words.PORT)
    return (line.text,) if line else ()


CHECK = Check(
    code="port-taken",
    title="Somebody else holds one of our ports",
    category=Category.PORTS,
    cause="a native server, another checkout or another project's container listens there",
    fix="end it, or `alfred-dev down && alfred-dev up --slot auto`",
    depends_on=frozenset({"loopback-broken"}),
    rank=12,
    observe=ports,
    judge=judge,
)

"""A service answers, and says that it is not well."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import container_of, in_container, restart
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.probe.base import Reason
from alfred_dev.status import EndpointStatus

WAITS = ", waiting"  # what comes after says again who waits for whom
REFUSAL = re.compile(r"answers (40[01345]) ")


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that answer their probe with an error of their own."""
    for service in seen.ill:
        said = service.ports_with(Reason.STATUS, Reason.STARTING, Reason.OTHER, Reason.RESET)
        if service.runs and said:
            evidence = tuple(f"port {e.endpoint.port}: {e.detail}" for e in said)
            blamed, told = _blamed(said[0].detail, seen)
            if _cannot_resolve(said[0].detail):
                yield _deaf(service, said[0].detail, evidence, given)
            elif blamed and not seen[blamed].ill:
                yield _of_another(service.id, seen[blamed], told, evidence)
            else:
                yield _of_its_own(service, said[0], evidence)


def _blamed(detail: str, seen: Services) -> tuple[str, str]:
    """Return whom the answer names at the bottom of it, and what it says of that one."""
    places = {row.id: detail.rfind(f" {row.id}: ") for row in seen.rows}
    name = max(places, key=lambda known: places[known])
    if places[name] < 0:
        return "", ""
    told = detail[places[name] :].partition(": ")[2]
    return name, told.partition(WAITS)[0]


def _cannot_resolve(detail: str) -> bool:
    """Tell whether an answer says that its own service, not one that it asked, knows no name."""
    return detail.count("answers ") == 1 and bool(words.NAME.search(detail))


def _deaf(service: Service, detail: str, evidence: tuple[str, ...], given: Given) -> Finding:
    name = service.id
    again = (f"docker rm --force {container_of(service, given)}", f"alfred-dev up {name}")
    contained = in_container(service, given)
    return Finding(
        subject=name,
        cause=f"{name} finds others by name no more: {detail}",
        evidence=evidence,
        fix=Fix(
            text="Make its container anew; data stays." if contained else f"Restart {name}.",
            commands=again if contained else (restart(name),),
            automatic=True,
        ),
        symptom=True,
    )


def _of_another(name: str, other: Service, told: str, evidence: tuple[str, ...]) -> Finding:
    blamed, again = other.id, other.status.running.restarts
    cause = (
        f"{blamed} ends again and again (it was started over {again} times): it answers now, "
        f"and did not when {name} needed it"
        if again and other.young
        else f"{blamed} answers this machine, and not the services that need it"
    )
    return Finding(
        subject=blamed,
        about=frozenset({name}),
        cause=f"{cause}: {told}",
        evidence=evidence,
        fix=Fix(
            text=f"Read what it says, then restart {blamed}.",
            commands=(f"alfred-dev logs --tail 50 {blamed}", restart(blamed)),
        ),
        symptom=True,
    )


def _of_its_own(service: Service, said: EndpointStatus, evidence: tuple[str, ...]) -> Finding:
    name, below = service.id, service.status.blocked_by
    hangs_up = said.reason is Reason.RESET
    how = "runs, listens and hangs up" if hangs_up else "says itself that it is not well"
    why = f"; it needs {', '.join(below)}" if below else ""
    return Finding(
        subject=name,
        cause=_meaning(service, said.detail) or f"{name} {how}: {said.detail}{why}",
        evidence=evidence + words.telling(service.said, 3),
        fix=_fix(service, said.detail),
        symptom=True,
    )


def _meaning(service: Service, detail: str) -> str:
    """Return what an answer means that is about the question, not about the service's health."""
    match = REFUSAL.match(detail)
    if not match:
        return ""
    path = service.status.service.endpoints[0].path
    meaning = {
        "400": f"takes no request for {path} that is sent to 127.0.0.1 (its allowed hosts?)",
        "401": f"asks for credentials at {path}, where health is asked without",
        "403": f"forbids {path}, where health is asked",
        "404": f"has no page {path}, where health is asked",
        "405": f"takes no GET at {path}, where health is asked",
    }[match[1]]
    return f"{service.id} {meaning}: {detail}"


def _fix(service: Service, detail: str) -> Fix:
    name = service.id
    if REFUSAL.match(detail):
        return Fix(text=f"Have it answer that without credentials, or name its real page: "
                   f"services.{name}.ports: [{{path: /...}}] in alfred.yaml.")  # fmt: skip
    if service.status.service.by_developer:
        return Fix(text="It is your own process: read what it prints, mend that, start it again.")
    return Fix(
        text="Read what it says, then restart it.",
        commands=(f"alfred-dev logs --tail 50 {name}", restart(name)),
    )


CHECK = Check(
    code="service-unready",
    title="A service answers that it is not well",
    category=Category.SERVICES,
    cause="an error inside it, or something that it needs",
    fix="read its log, then `alfred-dev restart SERVICE`",
    depends_on=frozenset(
        {
            "address-old",
            "clock-wrong",
            "container-network",
            "container-paused",
            "container-throttled",
            "container-unreachable",
            "name-shared",
            "data-access",
            "data-damaged",
            "data-deleted",
            "data-other-version",
            "database-object-missing",
            "disk-full",
            "disk-read-only",
            "endpoint-wrong",
            "engine-down",
            "firewall",
            "limit-inherited",
            "login-refused",
            "loopback-broken",
            "module-missing",
            "name-unknown",
            "out-of-memory",
            "password-mismatch",
            "port-taken",
            "postgres-connections",
            "redis-refuses-writes",
            "service-not-listening",
            "service-restarting",
            "setting-missing",
            "setting-refused",
            "too-many-open-files",
        }
    ),  # fmt: skip
    rank=49,
    observe=services,
    judge=judge,
)

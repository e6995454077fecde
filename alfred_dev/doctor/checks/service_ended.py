"""A service ended by itself, and nothing more particular says why."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import WHY_ENDED, on_data
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.runtime.base import State


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that ended; the way they ended and their last lines are the evidence."""
    for service in seen.ill:
        if service.ended:
            name = service.id
            yield Finding(
                subject=name,
                cause=_cause(service),
                evidence=words.last(service) or (f"{name} said nothing",),
                fix=_fix(service, given),
            )


def _fix(service: Service, given: Given) -> Fix:
    name = service.id
    if own := words.remedy(service.said[::-1]):
        commands = (*on_data(service, given, *own), f"alfred-dev up {name}")
        return Fix(text="Do what it says itself.", commands=commands)
    return Fix(
        text="Mend what its last lines say; then start it.",
        commands=(f"alfred-dev logs --tail 50 {name}", f"alfred-dev up {name}"),
    )


def _cause(service: Service) -> str:
    ending = service.ending or "it ended"
    last = words.telling(service.said, 1)  # the very last may only say that it ends
    again = service.status.running.state is State.BACKOFF
    return (
        f"{service.id} ends by itself ({ending})"
        + (", is started again, and ends again" if again else "")
        + (f": {last[0]}" if last else "")
    )


CHECK = Check(
    code="service-ended",
    title="A service ended by itself",
    category=Category.SERVICES,
    cause="its program failed; the last lines of its log are in the evidence",
    fix="mend what they say, then `alfred-dev up SERVICE`",
    depends_on=WHY_ENDED,
    rank=45,
    observe=services,
    judge=judge,
)

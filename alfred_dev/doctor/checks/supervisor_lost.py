"""Who runs the services is gone, or does not answer."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services

REFUSED = words.either(r"error", r"insufficient", r"minimum number", r"denied", r"no space",
                       r"Traceback", r"cannot", r"could not")  # fmt: skip


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find a supervisor that was killed, is mute, or belongs to a folder that has moved."""
    if pid := seen.keeper_frozen:
        yield Finding(
            subject="supervisor",
            cause=f"the supervisor of the services is frozen: a signal stopped process {pid}",
            evidence=(f"/proc/{pid}/stat: state T (stopped)",),
            fix=Fix(text="Let it go on.", commands=(f"kill -CONT {pid}",), automatic=True),
        )
    gone = not seen.alive and given.ever_up
    if not seen.trouble and not gone:
        return
    said = [text for text in seen.keeper_said if REFUSED.search(text)]
    few = any(words.FILES.search(text) for text in said)
    yield Finding(
        subject="supervisor",
        cause=_cause(seen, said),
        about=frozenset(row.id for row in seen.rows if row.ill),
        evidence=tuple(said[-3:]) or (("its socket does not answer",) if gone else ()),
        fix=Fix(
            text="Start all of it anew.",
            commands=(*(("ulimit -n $(ulimit -Hn)",) if few else ()), "alfred-dev up"),
            automatic=not few,
        ),
        everything=True,
    )


def _cause(seen: Services, said: list[str]) -> str:
    if said:
        return f"the supervisor of the services does not start: {said[-1]}"
    return seen.trouble or (
        "the supervisor of the services was killed, and they with it (a reboot, a closed session, "
        "kill)"
    )


CHECK = Check(
    code="supervisor-lost",
    title="The supervisor of the services is gone or does not answer",
    category=Category.SERVICES,
    cause="it was killed or frozen, the machine was restarted, or the folder has moved",
    fix="`alfred-dev up` (it ends what is left and starts all of it anew)",
    rank=8,
    observe=services,
    judge=judge,
)

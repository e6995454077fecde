"""The shell that ran `up` had limits, and all services inherited them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alfred_dev.doctor.look.keeping import Keeping, keeping
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit: the letter of ``ulimit``, how much is enough, and what each process may not."""

    letter: str
    enough: int
    what: str


LIMITS = {
    "file size": _Limit("f", 1024 * MB, "write a file larger than {mb} MB"),
    "address space": _Limit("v", 4096 * MB, "have more than {mb} MB of address space"),
    "data size": _Limit("d", 1024 * MB, "have more than {mb} MB of data"),
}


def judge(seen: Keeping, given: Given) -> Iterable[Finding]:
    """Find what is too little; it is the cause of all that is ill, and else a warning."""
    low = [(name, row) for name, row in LIMITS.items() if seen.limits.get(name, row.enough)
           < row.enough]  # fmt: skip
    if not low:
        return
    ill = [row.id for row in seen.services.ill]
    cannot = ", nor ".join(row.what.format(mb=seen.limits[name] // MB) for name, row in low)
    letters = ", ".join(f"ulimit -{row.letter}" for _, row in low)
    yield Finding(
        subject="supervisor",
        about=frozenset(ill),
        cause=f"no service may {cannot}: `{letters}` of the shell that ran up",
        evidence=tuple(f"/proc/{seen.pid}/limits: {name} {seen.limits[name]}" for name, _ in low),
        severity=Severity.ERROR if ill else Severity.WARNING,
        fix=Fix(
            text="Start everything anew, from a shell without that limit.",
            commands=(
                *(f"ulimit -{row.letter} unlimited" for _, row in low),
                "alfred-dev down",
                "alfred-dev up",
            ),
        ),
    )


CHECK = Check(
    code="limit-inherited",
    title="All services have a limit that is too small",
    category=Category.RESOURCES,
    cause="`ulimit -f`, `-v` or `-d` of the shell that ran `up`",
    fix="`ulimit -v unlimited` (or a new shell), then `alfred-dev down && alfred-dev up`",
    rank=11,
    observe=keeping,
    judge=judge,
)

"""A service is told a wrong address or password of another one."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.told import Endpoints, Told, endpoints
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

PASSWORD = frozenset({"password", "user"})


def judge(seen: Endpoints, given: Given) -> Iterable[Finding]:
    """Find values that differ from the plan's and do not work."""
    for row in seen.rows:
        if row.result.ok or not row.differs or _follows(row, seen):
            continue
        if given.guessed and not seen.services[row.service].ill:
            continue  # the plan is not the one that it was started by
        said = f" ({row.where})" if row.where else ""
        yield Finding(
            subject=row.service,
            about=frozenset({row.variable}),
            cause=f"{row.variable} of {row.service}{said} is wrong: {_wrong(row)}",
            evidence=(
                f"{row.variable} -> {row.shown}: {row.result.detail}",
                f"{row.dependency} is at {row.right}",
            ),
            fix=_fix(row),
        )


def _follows(row: Told, seen: Endpoints) -> bool:
    """Whether it is the same place with the same password, and merely down."""
    return set(row.differs) == {"database"} and seen.services[row.dependency].ill


def _wrong(row: Told) -> str:
    if PASSWORD.issuperset(row.differs):
        return f"{row.dependency} does not take its user and password"
    if row.differs == ("form",):
        return (
            f"it is no address of {row.dependency} ({row.result.detail}): is the scheme right, and "
            "are special characters of a password percent-encoded?"
        )
    if row.differs == ("database",):
        return f"{row.dependency} does not have that database"
    return f"{row.dependency} is at {row.right}, and it says {row.shown}"


def _fix(row: Told) -> Fix:
    key = f"services.{row.service}.env.{row.variable}"
    if row.where:
        return Fix(
            text=f"Take {row.variable} out of {row.where}: the right value is computed.",
            commands=(f"alfred-dev config unset {key}", f"alfred-dev up {row.service}"),
        )
    return Fix(text="Start it anew: it is told the right value.",
               commands=(f"alfred-dev up {row.service}",), automatic=True)  # fmt: skip


CHECK = Check(
    code="endpoint-wrong",
    title="A service is told a wrong address of another",
    category=Category.CONFIG,
    cause="alfred.yaml sets an endpoint variable that alfred-dev computes by itself",
    fix="`alfred-dev config unset services.SERVICE.env.VARIABLE`, then `alfred-dev up`",
    depends_on=frozenset({"engine-down", "loopback-broken", "password-mismatch"}),
    rank=16,
    observe=endpoints,
    judge=judge,
)

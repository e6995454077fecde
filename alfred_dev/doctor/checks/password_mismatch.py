"""A database does not take the password that we have."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.look.secrets import RUNNING, Passwords, Refused, passwords
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

UNSET = "environment"


def judge(seen: Passwords, given: Given) -> Iterable[Finding]:
    """Find refused log-ins; say which layer is wrong where another one has the right value."""
    for row in seen.rows:
        if not row.open and not words.LOGIN.search(row.detail):
            yield Finding(
                subject=row.service,
                about=frozenset({row.key}),
                cause=_cause(row),
                evidence=(row.detail, f"{row.key} comes from {row.origin}"),
                fix=_fix(row),
            )


def _cause(row: Refused) -> str:
    if row.works and row.origin.layer == UNSET:
        return (
            f"{row.key} of this shell hides the one in {row.works}, which is right: "
            f"{row.service} does not take the shell's"
        )
    if row.works == RUNNING:
        return (
            f"{row.key} was changed ({row.origin}) since {row.service} started: it still has the "
            "old password, which its data was made with"
        )
    if row.works:
        return f"{row.key} from {row.origin} is wrong; the one from {row.works} is right"
    return (
        f"{row.key} from {row.origin} is not the password that the data of {row.service} was made "
        "with: it counts only when the data is made"
    )


def _fix(row: Refused) -> Fix:
    if row.works and row.origin.layer == UNSET:
        return Fix(text="Take the variable out of this shell.",
                   commands=(f"unset {row.key}", "alfred-dev up"))  # fmt: skip
    if row.key == "REDIS_PASSWORD":  # it is told its password at each start
        return Fix(text="Restart it, then who was told the other one: that is said at a start.",
                   commands=(f"alfred-dev restart {row.service}", "alfred-dev up"),
                   automatic=True)  # fmt: skip
    return Fix(
        text=f"Give the data of {row.service} the password of {row.origin.layer}; no row is lost.",
        commands=(f"alfred-dev doctor {CODE} --fix --yes",),
        repair="set_password",
    )


CODE = "password-mismatch"
CHECK = Check(
    code=CODE,
    title="A database does not take our password",
    category=Category.DATA,
    cause="the password in .env, or a variable of the shell that hides it, is not the one that "
    "the data was made with",
    fix="`unset KEY` where the shell is wrong; else `alfred-dev doctor password-mismatch --fix`",
    depends_on=frozenset({"engine-down", "loopback-broken", "port-taken", "setting-missing"}),
    rank=14,
    observe=passwords,
    judge=judge,
)

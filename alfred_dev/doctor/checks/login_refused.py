"""A database lets nobody in, whatever the password."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.secrets import Passwords, passwords
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

CODE = "login-refused"


def judge(seen: Passwords, given: Given) -> Iterable[Finding]:
    """Find log-ins that are refused for another reason than the password."""
    for row in seen.rows:
        if not row.open and words.LOGIN.search(row.detail):
            yield Finding(
                subject=row.service,
                cause=f"{row.service} refuses us, whatever the password: {row.detail}",
                evidence=(row.detail,),
                fix=_fix(row.service, row.detail, given),
            )


def _fix(service: str, detail: str, given: Given) -> Fix:
    contained = given.plan is not None and given.plan[service].contained
    if "pg_hba" in detail and not contained:
        rules = f"{given.root}/.alfred/data/{service}/pg_hba.conf"
        return Fix(
            text=f"Have {rules} ask everybody for a password, as it was made; the old one is kept.",
            commands=(
                f"cp -p '{rules}' '{rules}.old'",
                f"sed -i '1i host all all all scram-sha-256' '{rules}'",
                restart(service),
            ),
        )
    if "permitted to log in" in detail:
        return Fix(
            text="Give the role the right to log in again; no row is lost.",
            commands=(f"alfred-dev doctor {CODE} --fix --yes",),
            repair="set_password",
        )
    return Fix(text="Read its log; then start it anew.",
               commands=(f"alfred-dev logs --tail 50 {service}", restart(service)))  # fmt: skip


CHECK = Check(
    code=CODE,
    title="A database refuses every log-in",
    category=Category.DATA,
    cause="its role may not log in, or its rules (pg_hba.conf) reject this machine",
    fix="`alfred-dev doctor login-refused --fix`, or the rule in pg_hba.conf that is named",
    depends_on=frozenset({"port-taken", "engine-down"}),
    rank=14,
    observe=passwords,
    judge=judge,
)

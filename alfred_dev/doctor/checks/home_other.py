"""This shell has another home than the one that started the services."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.keeping import Keeping, keeping
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Keeping, given: Given) -> Iterable[Finding]:
    """Find that what this user's checkouts share lies elsewhere for what runs: its CA above all."""
    if seen.shared == seen.shared_here:
        return
    differ = [key for key in KEYS if seen.told.get(key) != given.environment.get(key)]
    key = differ[0] if differ else KEYS[0]
    had, has = seen.told.get(key, ""), given.environment.get(key, "")
    yield Finding(
        subject=key,
        about=frozenset({"ca", "certificates", "gateway", "render"}),
        cause=f"{key} of this shell is {has or 'not set'}, and the services were started with "
        f"{had or 'none'}: the local CA and what is noted of this machine lie there",
        evidence=(f"what runs: {seen.shared}", f"this shell: {seen.shared_here}"),
        fix=Fix(
            text="Give it back what it was (sudo, su and IDEs change it).",
            commands=(f"export {key}='{had}'" if had else f"unset {key}",),
        ),
    )


KEYS = ("XDG_DATA_HOME", "HOME")
CHECK = Check(
    code="home-other",
    title="This shell has another home than what runs",
    category=Category.CONFIG,
    cause="HOME or XDG_DATA_HOME was changed (sudo, su, an IDE) since `up`",
    fix="`export HOME=...` as it was, or a shell of the user who ran `up`",
    depends_on=frozenset({"config-invalid"}),
    rank=6,
    needs_plan=False,
    observe=keeping,
    judge=judge,
)

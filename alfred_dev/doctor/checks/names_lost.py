"""What setup did for names is gone, damaged, or older than the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.naming import Done, Naming, naming
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

APPLY = "alfred-dev names apply --way hosts --yes"


def judge(seen: Naming, given: Given) -> Iterable[Finding]:
    """Find entries of the ledger that do not hold any more, and a block that was cut."""
    for done in seen.done:
        if not done.holds:
            yield Finding(
                subject="names",
                about=frozenset({done.target}),
                cause=_cause(done, seen),
                evidence=_evidence(seen, done),
                severity=Severity.ERROR if seen.bad else Severity.WARNING,
                fix=_fix(done, seen, given),
            )
            return
    by_hosts = any(done.kind == "hosts_file" for done in seen.done)
    if by_hosts and seen.absent:
        yield Finding(
            subject=seen.absent[0],
            about=frozenset({"names", *seen.absent}),
            cause=f"{len(seen.absent)} names came after setup and are not in the hosts file: "
            f"{', '.join(seen.absent[:3])}",
            evidence=tuple(f"{name}: no line of the hosts file has it" for name in seen.absent[:3]),
            fix=Fix(text="Write them too.", commands=(APPLY,)),
        )
        return
    if seen.torn:
        yield Finding(
            subject="names",
            cause="the block of alfred-dev in the hosts file lost its begin or its end",
            severity=Severity.WARNING,
            evidence=("/etc/hosts",),
            fix=Fix(
                text="Write it anew; every other line stays.",
                commands=("alfred-dev names remove --yes", APPLY),
            ),
        )


def _cause(done: Done, seen: Naming) -> str:
    if seen.hosts_regenerated:
        return f"WSL made {done.target} anew, and our names with it are gone"
    count = len(seen.bad)
    resolve = f": {count} names do not lead to this machine any more" if count else ""
    what = f"what setup wrote into {done.target} is not there as it was (deleted, edited, or older "
    return f"{what}than the catalog){resolve}"


def _evidence(seen: Naming, done: Done) -> tuple[str, ...]:
    bad = tuple(f"{r.name}: {', '.join(r.addresses) or 'does not resolve'}" for r in seen.bad[:3])
    closed = (f"{done.target} cannot be written: {seen.hosts_closed}",) if seen.hosts_closed else ()
    return (*closed, *bad) or (done.target,)


def _fix(done: Done, seen: Naming, given: Given) -> Fix:
    first = (f"{given.sudo}chattr -i {done.target}",) if seen.hosts_closed else ()
    apply = APPLY if done.kind.endswith("hosts_file") or done.kind == "windows_hosts" else (
        "alfred-dev names apply --way dnsmasq --yes")  # fmt: skip
    text = "Write it anew."
    if seen.hosts_regenerated:
        text += " To keep it: generateHosts=false under [network] in /etc/wsl.conf."
    return Fix(text=text, commands=(*first, apply))


CHECK = Check(
    code="names-lost",
    title="Names that were set up do not lead here any more",
    category=Category.NAMES,
    cause="the hosts file (or dnsmasq's, resolved's) was edited, restored or made anew (WSL 2)",
    fix="`alfred-dev names apply`",
    depends_on=frozenset({"name-elsewhere"}),
    rank=36,
    quick=False,
    observe=naming,
    judge=judge,
)

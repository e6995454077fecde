"""The gateway listens on sockets that nobody can find any more."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.certs import GATEWAY
from alfred_dev.doctor.look.kept import Kept, kept
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Kept, given: Given) -> Iterable[Finding]:
    """Find sockets of the gateway that were deleted while it runs."""
    if seen.doors:
        names = ", ".join(door.removeprefix(f"{given.root}/") for door in seen.doors)
        yield Finding(
            subject=GATEWAY,
            cause=f"{names} {'was' if len(seen.doors) == 1 else 'were'} deleted while the gateway "
            "runs: its numbers and its tunnels cannot be reached",
            evidence=tuple(f"{door} does not exist" for door in seen.doors),
            fix=Fix(  # with the whole folder the supervisor is out of reach, too: up starts all
                text="up starts what is out of reach; a restart makes the sockets anew.",
                commands=("alfred-dev up", restart(GATEWAY)),
                automatic=True,
            ),
        )


CHECK = Check(
    code="socket-deleted",
    title="A socket of the gateway was deleted",
    category=Category.NETWORK,
    cause="somebody deleted .alfred/run, or a part of it, while the stack runs",
    fix="`alfred-dev up`, then `alfred-dev restart gateway`",
    rank=36,
    observe=kept,
    judge=judge,
)

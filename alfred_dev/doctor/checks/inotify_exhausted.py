"""A service may not watch more files."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import unwell
from alfred_dev.doctor.look.machine import Machine
from alfred_dev.doctor.look.watching import Watching, watching
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

INSTANCES, WATCHES = 512, 524288


def judge(seen: Watching, given: Given) -> Iterable[Finding]:
    """Find services that ended because they could watch no more."""
    for service, line in words.saying(unwell(seen.services), words.INOTIFY):
        if service.ended:
            yield Finding(
                subject=service.id,
                cause=f"{service.id} may not watch more files: {line.text}",
                evidence=(line.text,),
                fix=_fix(service.id, seen.machine, given.sudo),
            )


def _fix(name: str, seen: Machine, sudo: str) -> Fix:
    now = {"max_user_instances": seen.inotify_instances, "max_user_watches": seen.inotify_watches}
    least = {"max_user_instances": INSTANCES, "max_user_watches": WATCHES}
    more = [f"fs.inotify.{key}={max(least[key], 2 * (now[key] or 0))}" for key in now]
    before = [f"fs.inotify.{key}={value}" for key, value in now.items() if value is not None]
    return Fix(
        text="Raise the limits of this machine.",
        commands=(f"{sudo}sysctl -w {' '.join(more)}", f"alfred-dev up {name}"),
        undo=(f"sysctl -w {' '.join(before)}",) if before else (),
    )


CHECK = Check(
    code="inotify-exhausted",
    title="No more files can be watched",
    category=Category.RESOURCES,
    cause="fs.inotify.max_user_instances or max_user_watches is used up",
    fix="`sysctl -w fs.inotify.max_user_instances=512`",
    rank=21,
    observe=watching,
    judge=judge,
)

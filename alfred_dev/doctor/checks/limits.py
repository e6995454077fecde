"""Limits of the kernel or this shell that are too small."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

FILES = 512
INSTANCES = 64
WATCHES = 8192


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find limits below what the stack needs."""
    if 0 < seen.nofile < FILES:
        yield Finding(
            subject="nofile",
            cause=f"a process of this shell may open {seen.nofile} files only: services that are "
            "started from it fail with `Too many open files`",
            evidence=(f"ulimit -n: {seen.nofile} (hard: {seen.nofile_hard})",),
            fix=Fix(
                text="Raise it in this shell, and start the services anew from it.",
                commands=(_raised(seen.nofile_hard, given.sudo),
                          "alfred-dev down && alfred-dev up"),
            ),
        )  # fmt: skip
    for name, value, least, key in (
        ("inotify instances", seen.inotify_instances, INSTANCES, "max_user_instances"),
        ("inotify watches", seen.inotify_watches, WATCHES, "max_user_watches"),
    ):
        if value is not None and value < least:
            yield Finding(
                subject=key,
                cause=f"this machine allows a user {value} {name}: Envoy and editors watch files",
                evidence=(f"fs.inotify.{key} = {value}",),
                fix=Fix(
                    text="Raise it.",
                    commands=(f"{given.sudo}sysctl -w fs.inotify.{key}={least * 8}",),
                    undo=(f"sysctl -w fs.inotify.{key}={value}",),
                ),
            )


def _raised(hard: int, sudo: str) -> str:
    """Return what gives this shell more files; above the hard limit only root does."""
    if hard >= FILES:
        return f"ulimit -n {min(4096, hard)}"
    return f"{sudo}prlimit --pid $$ --nofile=4096:4096"


CHECK = Check(
    code="limits-low",
    title="A limit is too small",
    category=Category.RESOURCES,
    severity=Severity.WARNING,
    cause="`ulimit -n` of the shell, or fs.inotify.* of the kernel",
    fix="`ulimit -n 4096`; `sysctl -w fs.inotify.max_user_instances=512`",
    rank=58,
    needs_plan=False,
    observe=machine,
    judge=judge,
)

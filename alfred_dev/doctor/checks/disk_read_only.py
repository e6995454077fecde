"""A folder that must be written to cannot be."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find disks that are mounted read-only, and folders that refuse us."""
    for space in seen.spaces:
        if "ead-only" in space.error or "ermission" in space.error:
            mounted = "ead-only" in space.error
            fix = (f"{given.sudo}mount -o remount,rw \"$(findmnt -nT '{space.folder}' -o TARGET)\""
                   if mounted else f"{given.sudo}chown $(id -un) '{space.folder}' && "
                   f"chmod u+rwx '{space.folder}'")  # fmt: skip
            yield Finding(
                subject=space.folder,
                cause=f"nothing can be written into {space.folder}: {space.error}",
                evidence=(f"{space.folder}: {space.error}",),
                fix=Fix(text="Make it writable again.", commands=(fix, "alfred-dev up")),
                everything=True,
            )


CHECK = Check(
    code="disk-read-only",
    title="A folder of ours cannot be written",
    category=Category.RESOURCES,
    cause="the disk is mounted read-only (also after an error of the disk), or the folder "
    "belongs to somebody else",
    fix="remount it read-write, or `chown`",
    rank=9,
    needs_plan=False,
    observe=machine,
    judge=judge,
)

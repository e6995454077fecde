"""A disk is full, or nearly."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, Space, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

LOW = 1 << 30
VERY_LOW = 100 << 20
INODES_LOW = 1000
INODES_NONE = 4  # what SQLite makes for one database


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find disks that we write to and that have little left, by bytes or by files."""
    told: set[tuple[int, int]] = set()
    for space in seen.spaces:
        disk = (space.total, space.free >> 20)
        reason = _reason(space)
        if not reason or disk in told:
            continue
        told.add(disk)
        yield Finding(
            subject=space.folder,
            cause=f"the disk under {space.folder} {reason}",
            evidence=(
                f"{space.folder}: {_size(space.free)} of {_size(space.total)} free, "
                f"{space.inodes_free} more files possible",
            ),
            severity=Severity.ERROR if _full(space) else Severity.WARNING,
            fix=Fix(
                text="Free some space there; the largest things are listed first.",
                commands=(
                    f"du -xh --max-depth=2 '{space.folder}' 2>/dev/null | sort -rh | head -20",
                ),
            ),
            everything=_full(space),
        )


def _full(space: Space) -> bool:
    ends = space.error and "ead-only" not in space.error and "ermission" not in space.error
    few = space.inodes > 0 and space.inodes_free < INODES_NONE
    return bool(ends) or space.free < min(VERY_LOW, space.total // 20) or few


def _reason(space: Space) -> str:
    if space.error and _full(space):
        return f"takes nothing any more: {space.error}"
    if space.inodes and space.inodes_free < max(INODES_NONE, min(INODES_LOW, space.inodes // 20)):
        return f"has room for {space.inodes_free} more files only"
    if space.free < min(LOW, space.total // 10):
        return f"has {_size(space.free)} left"
    return ""


def _size(count: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if count < 1024:
            return f"{count} {unit}"
        count //= 1024
    return f"{count} GB"


CHECK = Check(
    code="disk-full",
    title="A disk is full, or nearly",
    category=Category.RESOURCES,
    cause="the disk that holds data, logs or temporary files has no room left",
    fix="free some space (`du`, `docker system df`)",
    rank=10,
    needs_plan=False,
    observe=machine,
    judge=judge,
)

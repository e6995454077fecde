"""Edits files that are not ours: whole or not at all, with owner, mode and labels kept."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from alfred_dev.errors import MachineError

TRIES = 5
MARK = "alfred-dev-"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
IMMUTABLE = 0x10  # FS_IMMUTABLE_FL in linux/fs.h
FS_IOC_GETFLAGS = 0x80086601  # on all 64-bit Linux


def edit(
    path: Path, change: Callable[[bytes], bytes], *, pause: Callable[[], None] | None = None
) -> bool:
    """Give ``path`` the content that ``change`` makes of it; return whether that differs.

    A symbolic link stays one: what it leads to is edited. When another program writes the file
    meanwhile, ``change`` is asked again with the new content. ``pause`` is called before each
    replacement, for tests. Raises MachineError; then the file is as it was.
    """
    target = path.resolve()
    try:
        sweep(target)
        for _ in range(TRIES):
            before = target.read_bytes()
            _refuse_utf16(target, before)
            after = change(before)
            if after == before:
                return False
            if pause is not None:
                pause()
            if _replace(target, before, after):
                return True
    except OSError as error:
        raise _refused(target, error) from error
    raise MachineError(
        "file-busy",
        f"{path} is not changed",
        cause=f"another program wrote it {TRIES} times meanwhile",
        fix=["the same command again"],
    )


def sweep(target: Path) -> None:
    """Delete what a kill left of an edit."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.{MARK}*"):
        left.unlink(missing_ok=True)


def is_swept(target: Path) -> bool:
    """Tell whether no kill left anything of an edit. Looking takes no privilege."""
    return not any(target.parent.glob(f".{glob.escape(target.name)}.{MARK}*"))


def _replace(target: Path, before: bytes, after: bytes) -> bool:
    """Put ``after`` in the place of ``before``; False when that is not there any more."""
    old = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.{MARK}")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            _dress(target, old, file.fileno())
            os.fsync(file.fileno())
        if target.read_bytes() != before:
            return False
        try:
            new.replace(target)
        except FileNotFoundError:  # another of us swept: begin anew
            return False
        except OSError as error:
            if error.errno != errno.EBUSY:  # a container's /etc/hosts is a mount: no rename there
                raise
            _write_in_place(target, after)
        return True
    finally:
        new.unlink(missing_ok=True)


def _write_in_place(target: Path, after: bytes) -> None:
    with target.open("r+b") as file:
        file.write(after)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _dress(target: Path, old: os.stat_result, descriptor: int) -> None:
    """Give the new file the owner, mode and attributes (SELinux's label) of the old."""
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    if hasattr(os, "listxattr"):
        for name in os.listxattr(target):
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(target, name))


def _refuse_utf16(target: Path, data: bytes) -> None:
    if data.startswith(UTF16):
        raise MachineError(
            "file-encoding",
            f"{target} is not changed",
            cause="it is UTF-16, which resolvers do not read either",
            fix=[f"save it as UTF-8: iconv -f UTF-16 -t UTF-8 '{target}'"],
            where=str(target),
        )


def _refused(target: Path, error: OSError) -> MachineError:
    """Say why the file cannot be changed, and what to type."""
    if error.errno == errno.EROFS:
        fix = f"findmnt -T '{target}'   (mounted read-only)"
    elif error.errno == errno.EPERM and is_immutable(target):
        fix = f"sudo chattr -i '{target}'   (it is marked immutable)"
    elif error.errno == errno.ENOENT:
        fix = f"sudo touch '{target}'"
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        fix = f"df -h '{target.parent}'"
    else:
        fix = f"ls -ld '{target.parent}' '{target}'"
    return MachineError(
        "not-writable",
        f"{target} cannot be changed",
        cause=f"{error.strerror}; it is as it was",
        fix=[fix, "then the same command again"],
        where=str(target),
    )


def is_immutable(path: Path) -> bool:
    """Tell whether ``path`` is marked so that not even root may change it."""
    import array
    import fcntl

    flags = array.array("L", [0])
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.ioctl(descriptor, FS_IOC_GETFLAGS, flags)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return bool(flags[0] & IMMUTABLE)

"""Slots: which checkout has which set of ports. One locked registry a user.

Slot N shifts every port by 10000 x N. A claim is kept until ``uninstall``, or until the checkout
is gone: a checkout has the same ports tomorrow.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from alfred_dev.errors import MachineError, UsageError
from alfred_dev.workspace import make_private_folder, write

# Ports of slots 3 to 5 lie in Linux's range for outgoing connections, where any program may sit on
# them for a moment: lent last. Slot 6 would need ports above 65535.
ORDER = (0, 1, 2, 3, 4, 5)
AUTO = "auto"


def registry(environment: Mapping[str, str], home: Path) -> Path:
    """Return the file of this user's claims."""
    base = environment.get("XDG_DATA_HOME", "")
    folder = Path(base) if base.startswith("/") else home / ".local" / "share"
    return folder / "alfred-dev" / "slots.json"


def claims(file: Path) -> dict[int, str]:
    """Return slot -> root of every checkout that still exists. A torn file counts as empty."""
    try:
        entries = json.loads(file.read_text())
        found = {int(slot): str(root) for slot, root in entries.items()}
    except (OSError, ValueError, AttributeError):
        return {}
    return {slot: root for slot, root in found.items() if Path(root).is_dir()}


def of(file: Path, root: Path) -> int | None:
    """Return the slot that ``root`` has, None when it has none yet."""
    return next((slot for slot, other in claims(file).items() if other == str(root)), None)


def choose(file: Path, root: Path, wanted: str, *, usable: Callable[[int], bool]) -> int:
    """Return the slot that ``claim`` would give. Changes nothing."""
    held = claims(file)
    mine = next((slot for slot, other in held.items() if other == str(root)), None)
    return _choose(wanted, mine, {s: r for s, r in held.items() if s != mine}, usable)


def claim(file: Path, root: Path, wanted: str, *, usable: Callable[[int], bool]) -> int:
    """Give ``root`` a slot and remember it.

    ``wanted``: a number, ``auto``, or nothing: the slot it has, else 0. ``usable``: whether the
    ports of a slot are free, asked for ``auto`` alone. Raises UsageError, MachineError.
    """
    with _locked(file):
        _set_aside_torn(file)
        slot = choose(file, root, wanted, usable=usable)
        kept = {s: r for s, r in claims(file).items() if r != str(root)}
        write(file, json.dumps({**kept, slot: str(root)}, indent=1, sort_keys=True).encode())
    return slot


def _set_aside_torn(file: Path) -> None:
    """Keep a registry that cannot be read: somebody may know what stood there."""
    try:
        json.loads(file.read_text())
    except FileNotFoundError:
        return
    except ValueError:
        file.replace(file.with_suffix(".torn"))


def release(file: Path, root: Path) -> None:
    """Forget the claim of ``root``."""
    if not file.exists():
        return
    with _locked(file):
        kept = {slot: other for slot, other in claims(file).items() if other != str(root)}
        write(file, json.dumps(kept, indent=1, sort_keys=True).encode())


def _choose(
    wanted: str, mine: int | None, others: Mapping[int, str], usable: Callable[[int], bool]
) -> int:
    if wanted == AUTO:
        return mine if mine is not None and usable(mine) else _first_free(others, usable)
    slot = number(wanted) if wanted else (mine or 0)
    if slot in others:
        raise MachineError(
            "slot-taken",
            f"slot {slot} is not free",
            cause=f"the checkout {others[slot]} has it",
            fix=[
                "alfred-dev up --slot auto   (other ports, remembered for this checkout)",
                f"or give it up there: cd '{others[slot]}' && alfred-dev uninstall",
            ],
        )
    return slot


def _first_free(others: Mapping[int, str], usable: Callable[[int], bool]) -> int:
    for slot in ORDER:
        if slot not in others and usable(slot):
            return slot
    raise MachineError(
        "slots-taken",
        "no slot is free",
        cause="; ".join(f"{slot}: {root}" for slot, root in sorted(others.items()))
        or "ports of every slot are held by others",
        fix=["alfred-dev ports --check", "alfred-dev uninstall   (in a checkout you need no more)"],
    )


def number(text: str) -> int:
    """Read a slot's number. Raises UsageError."""
    if text in map(str, ORDER):
        return int(text)
    raise UsageError(
        "usage",
        f"there is no slot {text}",
        cause=f"expected {ORDER[0]} to {ORDER[-1]}, or {AUTO}",
        fix=["alfred-dev up --slot auto"],
    )


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    make_private_folder(file.parent)
    descriptor = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

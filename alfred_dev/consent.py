"""What alfred.yaml may run: asked for once per checkout, and again when the command changes.

Kept outside the checkout: a file that comes with somebody's repository consents to nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from alfred_dev.workspace import make_private_folder, write

FILE = "consent.json"


def given(folder: Path, root: Path, command: str) -> bool:
    """Tell whether ``command`` may run for the checkout at ``root``. ``folder``: this user's."""
    return _digest(command) in _read(folder).get(os.fspath(root), ())


def give(folder: Path, root: Path, command: str) -> None:
    """Remember that ``command`` may run for the checkout at ``root``."""
    known = _read(folder)
    digests = {*known.get(os.fspath(root), ()), _digest(command)}
    _write(folder, {**known, os.fspath(root): sorted(digests)})


def withdraw(folder: Path, root: Path) -> None:
    """Forget all that the checkout at ``root`` may run."""
    known = _read(folder)
    if known.pop(os.fspath(root), None) is not None:
        _write(folder, known)


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(folder: Path, known: dict[str, Any]) -> None:
    make_private_folder(folder)
    write(folder / FILE, (json.dumps(known, indent=1) + "\n").encode())


def _digest(command: str) -> str:
    return hashlib.sha256(command.encode()).hexdigest()

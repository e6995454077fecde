"""The disk under a folder: how much is free, and whether it keeps file modes."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

PRIVATE = 0o600


def free_bytes(path: Path) -> int:
    """Return how much this user may still write at ``path``, which need not exist yet."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def ignores_modes(folder: Path) -> bool:
    """Tell whether a file in ``folder`` can be read by everybody whatever its mode says.

    So it is on Windows disks under WSL, and on FAT. Raises OSError when nothing can be written.
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".mode-") as file:
        try:
            os.fchmod(file.fileno(), PRIVATE)
        except PermissionError:  # FAT refuses what it cannot keep
            return True
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode) != PRIVATE

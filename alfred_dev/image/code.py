"""Our own code for the image: what ``python -m alfred_dev.embedded`` imports, and nothing else."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from alfred_dev.image.layers import Layer, add_tree, pack
from alfred_dev.workspace import files_below

PACKAGE = Path(__file__).parents[1]
HOME = "opt/alfred"
# Rooms that the embedded services know. A test compares it with what they import.
ROOMS = (
    "__init__.py", "access.py", "errors.py", "garbage.py", "plan.py", "secrecy.py",
    "settings.py", "topology.py", "workspace.py", "catalog", "embedded", "identity", "probe",
)  # fmt: skip


def files() -> list[Path]:
    """Return every file, relative to the package, sorted."""
    found: list[Path] = []
    for name in ROOMS:
        root = PACKAGE / name
        found += files_below(root) if root.is_dir() else [root]
    kept = (p for p in found if "__pycache__" not in p.parts)
    return sorted(p.relative_to(PACKAGE) for p in kept)


def fingerprint() -> str:
    """Return a digest of the code that the image holds."""
    digest = hashlib.sha256()
    for name in files():
        digest.update(f"{name}\0".encode())
        digest.update((PACKAGE / name).read_bytes())
    return digest.hexdigest()


def layer(folder: Path, path: Path, python: tuple[int, ...]) -> Layer:
    """Write the layer with our code; byte code too where this Python is of the same version."""
    root = folder / "code"
    for name in files():
        target = root / "alfred_dev" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, target)
    if python[:2] == sys.version_info[:2]:
        byte_code([sys.executable], {}, root, f"/{HOME}")

    def members(tar: tarfile.TarFile) -> None:
        add_tree(tar, root, HOME)

    return pack(path, members)


def byte_code(
    interpreter: Sequence[str], environment: Mapping[str, str], folder: Path, inside: str
) -> None:
    """Compile everything in ``folder``, which will lie at ``inside``.

    The result depends on nothing but the sources, and is never compared with them at start.
    Files that this version cannot compile (templates, tests of another) are passed over.
    """
    mode = "unchecked-hash"
    command = [
        *interpreter, "-I", "-m", compileall.__name__, "-q", "--invalidation-mode", mode,
        "-s", str(folder), "-p", inside, str(folder),
    ]  # fmt: skip
    settings = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", os.defpath)}
    subprocess.run(command, env={**settings, **environment}, capture_output=True, check=False)

"""Byte code made by an image's own Python, for images whose Python is not that of this machine.

Images of registries come without any, and a read-only root keeps none: each start of a container
would compile all that it imports.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from alfred_dev.engine.command import Docker
from alfred_dev.image.layers import Layer, add_tree, pack

TIMEOUT_S = 600.0
STDLIB = ""  # as a folder: where the standard library is
# Nothing but the sources decides what it writes. What cannot be compiled is passed over.
_SCRIPT = """
import compileall, os, py_compile, sys, sysconfig, tarfile
folders = [folder or sysconfig.get_path("stdlib") for folder in sys.argv[1:]]
for folder in folders:
    compileall.compile_dir(
        folder, quiet=2, workers=0,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for folder in folders:
        for root, _, names in os.walk(folder):
            if os.path.basename(root) == "__pycache__":
                for name in names:
                    tar.add(os.path.join(root, name))
"""


def layer(docker: Docker, image: str, folders: Sequence[str], work: Path) -> Layer | None:
    """Return a layer with the byte code of what ``folders`` of an image hold; None when that
    cannot be made: then it starts more slowly. ``work``: a folder to write to."""
    archive, tree = work / "compiled.tar", work / "compiled"
    command = [
        docker.program, "run", "--rm", "--network", "none", "--pull", "never", "--user", "0:0",
        "--env", "PYTHONHASHSEED=0", "--env", "PYTHONDONTWRITEBYTECODE=",
        "--entrypoint", "python3", image, "-c", _SCRIPT, *folders,
    ]  # fmt: skip
    with archive.open("wb") as out:
        done = subprocess.run(
            command,
            env=docker.variables(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
    if done.returncode != 0:
        return None
    shutil.rmtree(tree, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(tree, filter="data")
    return pack(work / "byte-code.tar", lambda out: add_tree(out, tree, ""))

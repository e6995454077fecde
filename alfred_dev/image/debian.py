"""A base image made of the distribution's own packages: Python, what it needs, and no more.

The packages are downloaded and unpacked, never installed: nothing of them runs, and the machine's
own package database is only read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from alfred_dev.errors import MachineError
from alfred_dev.image.layers import USER, Layer, add_folder, add_tree, pack

WANTED = ("python3", "busybox-static", "ca-certificates", "libstdc++6", "tzdata")
# Part of what those depend on, and of no use where nothing is ever installed or configured.
NOT_NEEDED = re.compile(
    r"(debconf|dpkg|tar|perl-base|openssl|media-types|readline-common|libselinux1|libmd0|libacl1"
    r"|libpcre2-.*|gcc-.*-base|python3-minimal|libtirpc-common|netbase|libattr1|libaudit.*"
    r"|install-info|cdebconf|libc-bin|base-files)"
)
NOT_IN_IMAGE = re.compile(
    r"(usr/share/(doc|man|lintian|locale|info|bash-completion|python3|perl5|zoneinfo/(posix|right))"
    r"|usr/lib/python3/dist-packages|var/lib/dpkg|usr/share/doc-base|etc/default|etc/cron.*)(/|$)"
)
CERTIFICATES = "usr/share/ca-certificates/mozilla"
# Mode and owner. A new volume takes them over from the folder that it is mounted on.
SPECIAL_FOLDERS = {"tmp": (0o1777, 0), "var/lib/alfred": (0o700, USER)}
MINIMUM = (3, 11)
TIMEOUT_S = 300.0


def usable() -> bool:
    """Tell whether this machine can make such a base."""
    tools = ("apt-get", "apt-cache", "dpkg-deb")
    return all(shutil.which(tool) for tool in tools) and python_version() >= MINIMUM


def python_version() -> tuple[int, ...]:
    """Return major and minor version of the distribution's Python, empty where it is not known."""
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", "python3-minimal"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    found = re.search(r"^Version: (\d+)\.(\d+)", done.stdout, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else ()


def packages() -> list[str]:
    """Return ``name=version`` of every package, sorted. Raises MachineError."""
    said = _run(
        [
            "apt-get", "install", "--simulate", "--yes", "--no-install-recommends",
            "--option", "Dir::State::status=/dev/null", *WANTED,
        ]
    )  # fmt: skip
    found = re.findall(r"^Inst (\S+) \((\S+)", said, re.MULTILINE)
    return sorted(f"{name}={v}" for name, v in found if not NOT_NEEDED.fullmatch(name))


def unpack(wanted: Iterable[str], folder: Path) -> Path:
    """Download packages and unpack them; return the root of the tree. Raises MachineError."""
    debs, root = folder / "debs", folder / "root"
    debs.mkdir()
    root.mkdir()
    options = ["--quiet=2", "--option", "APT::Sandbox::User="]  # root's folder is closed to it
    _run(["apt-get", *options, "download", *wanted], cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(deb), str(root)])
    shutil.rmtree(debs)
    _merge_usr(root)
    return root


def _merge_usr(root: Path) -> None:
    """Move what lies in /bin, /lib and so on below /usr, as every release since 2023 has it."""
    for name in ("bin", "sbin", "lib", "lib64"):
        old = root / name
        if old.is_dir() and not old.is_symlink():
            shutil.copytree(old, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
        if not old.is_symlink() and (root / "usr" / name).is_dir():
            old.symlink_to(f"usr/{name}")


def layer(root: Path, path: Path) -> Layer:
    """Write the layer of an unpacked tree."""
    _add_tools(root)
    _add_files(root)

    def members(tar: tarfile.TarFile) -> None:
        add_tree(tar, root, "", lambda p: not NOT_IN_IMAGE.match(p) and p not in SPECIAL_FOLDERS)
        for name, (mode, owner) in SPECIAL_FOLDERS.items():
            add_folder(tar, name, mode=mode, owner=owner)

    return pack(path, members)


def _add_files(root: Path) -> None:
    """Write what no package brings without being installed."""
    for name in ("dev", "etc/ssl/certs", "proc", "run", "sys", "var/tmp", *SPECIAL_FOLDERS):
        (root / name).mkdir(parents=True, exist_ok=True)
    certificates = sorted((root / CERTIFICATES).glob("*.crt"))
    texts = {
        "ssl/certs/ca-certificates.crt": "".join(c.read_text() for c in certificates),
        "passwd": _passwd(),
        "group": f"root:x:0:\nalfred:x:{USER}:\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }
    for name, text in texts.items():
        (root / "etc" / name).write_text(text)


def _passwd() -> str:
    return f"root:x:0:0:root:/:/bin/sh\nalfred:x:{USER}:{USER}:alfred-dev:/tmp:/bin/sh\n"


def _add_tools(root: Path) -> None:
    """Have busybox under the names that people type in `exec SERVICE sh`."""
    python = root / "usr/bin/python3"
    if not python.exists():
        python.symlink_to("python{}.{}".format(*python_version()[:2]))
    busybox = root / "usr/bin/busybox"
    if not busybox.exists():
        return
    for name in ("sh", "cat", "env", "ls", "nslookup", "ping", "ps", "sleep", "wget", "vi", "nc"):
        link = root / "usr/bin" / name
        if not link.exists() and not link.is_symlink():
            link.symlink_to("busybox")


def library(root: Path) -> tuple[Path, str]:
    """Return where Python's own modules are, on this machine and in the image.

    Their packages bring no byte code, and a read-only root keeps none: without it every start
    would compile them.
    """
    place = "usr/lib/python{}.{}".format(*python_version()[:2])
    return root / place, f"/{place}"


def interpreter(root: Path) -> tuple[list[str], dict[str, str]]:
    """Return how to run the tree's own Python on this machine, which is of the same release."""
    major, minor = python_version()[:2]
    libraries = sorted(str(p.parent) for p in root.glob("usr/lib/*/libc.so.6"))
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        "PYTHONHOME": str(root / "usr"),
        "PATH": os.environ.get("PATH", os.defpath),
    }
    return [str(root / f"usr/bin/python{major}.{minor}")], environment


def _run(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise MachineError(
            "base-image",
            "the packages of the base image cannot be had",
            cause="; ".join(said[-2:]) or f"{command[0]} ended with {done.returncode}",
            fix=["sudo apt-get update", "alfred-dev up"],
        )
    return done.stdout

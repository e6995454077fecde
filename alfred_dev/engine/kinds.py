"""What kind of engine answers, told from its own words; and what cannot work with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from alfred_dev.engine.endpoint import Endpoint
from alfred_dev.errors import MachineError


class Kind(StrEnum):
    """Engines that differ in what they can do for us."""

    LOCAL = "Docker Engine"
    DESKTOP = "Docker Desktop"
    COLIMA = "Colima"
    ORBSTACK = "OrbStack"
    RANCHER = "Rancher Desktop"
    ROOTLESS = "rootless Docker"
    PODMAN = "Podman"
    REMOTE = "remote engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An engine. ``warnings``: what to expect, said before anything starts; ``remapped``: the
    users of its containers are others outside of them."""

    kind: Kind
    version: str
    warnings: tuple[str, ...] = ()
    remapped: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.version}".strip()

    @property
    def in_virtual_machine(self) -> bool:
        """Whether its files and sockets are not those of this machine."""
        return self.kind in (Kind.DESKTOP, Kind.COLIMA, Kind.ORBSTACK, Kind.RANCHER)

    def user(self, uid: int, gid: int) -> str:
        """Return who in a container has the files and sockets of the user ``uid`` of this machine.

        Nothing where nobody has, or where that is not known.
        """
        if self.kind is Kind.ROOTLESS:
            return ROOTLESS_USER
        return f"{uid}:{gid}" if self.kind is Kind.LOCAL and not self.remapped else ""


OLDEST = (20, 10)
ROOTLESS_USER = "0:0"  # who the user of a rootless engine is in its containers
WARNINGS: Mapping[Kind, tuple[str, ...]] = {
    Kind.ROOTLESS: (
        "rootless Docker: published ports go through a user-space proxy, which is slower",
    ),
    Kind.PODMAN: ("Podman is not tried: what fails here may work with Docker",),
}


def known(info: Mapping[str, Any], endpoint: Endpoint) -> Known:
    """Recognise an engine from ``/info``. Raises MachineError for one that cannot be used."""
    kind = _kind(info, endpoint)
    version = str(info.get("ServerVersion") or "")
    numbers = tuple(int(n) for n in version.split(".")[:2] if n.isdigit())
    if kind is Kind.REMOTE:
        raise MachineError(
            "engine-remote",
            "the Docker engine is on another machine",
            cause=f"{endpoint.url}: its ports would open on 127.0.0.1 there, not here",
            fix=[
                "docker context use default   (or: unset DOCKER_HOST)",
                "alfred-dev up --runtime process",
            ],
        )
    if info.get("OSType") == "windows":
        raise MachineError(
            "engine-windows",
            "the Docker engine runs Windows containers",
            cause="the platform's images are for Linux",
            fix=['Docker Desktop\'s menu: "Switch to Linux containers"'],
        )
    if kind is not Kind.PODMAN and numbers and numbers < OLDEST:
        raise MachineError(
            "engine-old",
            f"Docker Engine {version} is too old",
            cause=f"{'.'.join(map(str, OLDEST))} or newer is needed",
            fix=["update the engine", "alfred-dev up --runtime process"],
        )
    remapped = "name=userns" in _options(info)
    return Known(kind=kind, version=version, warnings=WARNINGS.get(kind, ()), remapped=remapped)


def _kind(info: Mapping[str, Any], endpoint: Endpoint) -> Kind:
    system = str(info.get("OperatingSystem") or "")
    name = str(info.get("Name") or "")
    options = _options(info)
    signs = (
        (not endpoint.on_this_machine, Kind.REMOTE),
        ("Docker Desktop" in system or name == "docker-desktop", Kind.DESKTOP),
        ("OrbStack" in system or name == "orbstack", Kind.ORBSTACK),
        (name.startswith("colima") or "/.colima/" in endpoint.url, Kind.COLIMA),
        ("Rancher Desktop" in system or "/.rd/" in endpoint.url, Kind.RANCHER),
        ("podman" in endpoint.url or "podman" in str(info.get("InitBinary")), Kind.PODMAN),
        ("name=rootless" in options, Kind.ROOTLESS),
    )
    return next((kind for is_so, kind in signs if is_so), Kind.LOCAL)


def _options(info: Mapping[str, Any]) -> str:
    return " ".join(map(str, info.get("SecurityOptions") or ()))

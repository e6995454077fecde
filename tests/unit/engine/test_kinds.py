"""Engines, recognised by their own words (as their documentation and users quote them)."""

from __future__ import annotations

from typing import Any

import pytest

from alfred_dev.engine.endpoint import Endpoint
from alfred_dev.engine.kinds import Kind, known
from alfred_dev.errors import MachineError

LOCAL = Endpoint(url="unix:///var/run/docker.sock", context="default")


@pytest.mark.parametrize(
    ("info", "url", "kind"),
    [
        (
            {"OperatingSystem": "Debian GNU/Linux 12 (bookworm)", "Name": "box"},
            LOCAL.url,
            Kind.LOCAL,
        ),
        ({"OperatingSystem": "Docker Desktop", "Name": "docker-desktop"}, LOCAL.url, Kind.DESKTOP),
        ({"OperatingSystem": "OrbStack", "Name": "orbstack"}, LOCAL.url, Kind.ORBSTACK),
        (
            {"OperatingSystem": "Ubuntu 24.04.1 LTS", "Name": "colima"},
            "unix:///Users/me/.colima/default/docker.sock",
            Kind.COLIMA,
        ),
        (
            {"OperatingSystem": "Rancher Desktop WSL Distribution", "Name": "pc"},
            LOCAL.url,
            Kind.RANCHER,
        ),
        (
            {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"], "Name": "box"},
            "unix:///run/user/1000/docker.sock",
            Kind.ROOTLESS,
        ),
        ({"Name": "box"}, "unix:///run/user/1000/podman/podman.sock", Kind.PODMAN),
    ],
)
def test_kinds(info: dict[str, Any], url: str, kind: Kind) -> None:
    found = known({"ServerVersion": "28.2.2", **info}, Endpoint(url=url))
    assert found.kind is kind
    assert str(found) == f"{kind} 28.2.2"


@pytest.mark.parametrize(
    ("info", "url", "code"),
    [
        ({}, "tcp://10.1.2.3:2376", "engine-remote"),
        ({}, "ssh://me@build.example.com", "engine-remote"),
        ({"OSType": "windows"}, LOCAL.url, "engine-windows"),
        ({"ServerVersion": "19.3.1"}, LOCAL.url, "engine-old"),
    ],
)
def test_what_cannot_work_is_said_before(info: dict[str, Any], url: str, code: str) -> None:
    with pytest.raises(MachineError) as caught:
        known(info, Endpoint(url=url))
    assert caught.value.code == code
    assert caught.value.fix


@pytest.mark.parametrize(
    ("options", "user"),
    [
        (["name=seccomp,profile=default"], "1000:1001"),
        (["name=rootless"], "0:0"),
        (["name=userns"], ""),
    ],
)
def test_who_has_this_users_files_in_a_container(options: list[str], user: str) -> None:
    found = known({"SecurityOptions": options, "ServerVersion": "24.0"}, LOCAL)
    assert found.user(1000, 1001) == user


def test_in_a_virtual_machine_nobody_has_them() -> None:
    info = {"OperatingSystem": "Docker Desktop", "ServerVersion": "24.0"}
    assert known(info, LOCAL).user(1000, 1000) == ""

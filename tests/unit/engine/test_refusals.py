"""What real engines said when they refused (20.10, 28.2; Compose 2.26, 2.40)."""

from __future__ import annotations

import pytest

from alfred_dev.engine.refusals import refused

SAID = {
    "disk-full": "write /var/lib/docker/tmp/x: no space left on device",
    "port-taken": "Error response from daemon: driver failed programming external connectivity on "
    "endpoint p-redis-1: Bind for 127.0.0.1:6379 failed: port is already allocated",
    "engine-rules-gone": "driver failed programming external connectivity on endpoint p-redis-1: "
    "(iptables failed: iptables --wait -t nat -A DOCKER: iptables: No chain/target/match by that "
    "name.",
    "subnet-taken": "failed to create network n: Error response from daemon: Pool overlaps with "
    "other one on this address space",
    "network-foreign": "network alfred-network was found but has incorrect label "
    'com.docker.compose.network set to "" (expected: "alfred-network")',
    "bind-missing": 'Error response from daemon: invalid mount config for type "bind": bind '
    "source path does not exist: /x/prometheus.yml",
    "image-missing": "Error response from daemon: No such image: none:1",
    "engine-old": "Error response from daemon: client version 1.99 is too new. Maximum supported "
    "API version is 1.41",
    "engine-down": "Cannot connect to the Docker daemon at unix:///x. Is it running?",
    "engine-denied": "permission denied while trying to connect to the Docker daemon socket",
    "compose-missing": "docker: 'compose' is not a docker command.",
    "container-refused": "failed to create shim task: OCI runtime create failed: runc failed",
    "compose-failed": "something that nobody has ever heard",
}


@pytest.mark.parametrize("code", SAID)
def test_each_is_recognised(code: str) -> None:
    found = refused(f"first line\n{SAID[code]}\n", "starting")
    assert found.code == code
    assert SAID[code].split(":")[-1].strip() in found.cause
    assert found.fix

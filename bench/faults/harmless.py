"""What looks like a fault and is none: the doctor has to say nothing worse than a warning of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from alfred_dev.pki import certificates
from bench.faults.docker import docker, image, name
from bench.faults.machine import network
from bench.faults.outside import HOSTS, ca
from bench.faults.programs import ANSWERS
from bench.faults.ways import Inject, told
from bench.faults.world import Undo, World

SERVER = f"""\
services:
  shop:
    binary:
      programs: [{sys.executable}]
      arguments:
        - -c
        - |
          import http.server as h, sys, threading as t
          for port in sys.argv[1:]:
              server = h.ThreadingHTTPServer(("127.0.0.1", int(port)), h.SimpleHTTPRequestHandler)
              t.Thread(target=server.serve_forever).start()
ARGUMENTS
    ports: [PORTS]
"""
LISTENER = """
import http.server as h, sys, threading as t
for port in sys.argv[1:]:
    server = h.ThreadingHTTPServer(("0.0.0.0", int(port)), h.SimpleHTTPRequestHandler)
    t.Thread(target=server.serve_forever).start()
"""
NUMBER = re.compile(r"container: (\d+)")
IMAGE = "bench-shop:1"
TASK = """\
services:
  migrate:
    ends: true
    binary: {programs: ["true"], arguments: []}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmless:
    """``inject`` makes it so, and returns what undoes it."""

    id: str
    title: str
    inject: Callable[[World], Undo]


def contained(text: str, service: str, *command: str) -> Inject:
    """Add ``service``, which runs ``command`` in an image of the user's own, without a check."""

    def inject(world: World) -> Undo:
        made = docker("create", image(), "true")
        docker("commit", "--change", "ENTRYPOINT []", "--change", f"CMD {json.dumps(command)}",
               "--change", "HEALTHCHECK NONE", made, IMAGE)  # fmt: skip
        docker("rm", made)
        back = added(text, service)(world)

        def undo() -> None:
            mine = name(world, service)
            back()
            docker("rm", "--force", mine)
            docker("rmi", "--force", IMAGE)

        return undo

    return inject


def shop(*ports: str) -> Inject:
    """Have one container more, which serves a folder on every port of its own in ``ports``."""
    numbers = dict.fromkeys(NUMBER.findall(" ".join(ports)))
    rows = ", ".join(f"{{{port}}}" for port in ports)
    text = f"services:\n  shop:\n    image: {IMAGE}\n    ports: [{rows}]\n"
    return contained(text, "shop", "python3", "-c", LISTENER, *numbers)


def served(*ports: str) -> Inject:
    """Have one service more, which serves a folder on each of its ports."""
    places = ("{port}", "{port1}")[: len(ports)]
    arguments = "\n".join(f'        - "{place}"' for place in places)
    rows = ", ".join(f"{{{port}}}" for port in ports)
    text = SERVER.replace("ARGUMENTS", arguments).replace("PORTS", rows)
    return added(text, "shop")


def added(text: str, service: str) -> Inject:
    """Add ``service`` to the project, and do what its name needs."""

    def inject(world: World) -> Undo:
        back = world.edit("alfred.yaml", lambda old: text)
        world.run("up", "--wait-timeout", "20")
        world.run("names", "apply", "--yes")

        def undo() -> None:
            world.run("stop", service)
            back()
            world.run("names", "apply", "--yes")

        return undo

    return inject


def part_only(world: World) -> Undo:
    """Have up start one profile, and nothing else."""
    world.run("down")
    world.run("up", "--profile", "core")
    return lambda: world.run("up")


def second(world: World) -> Undo:
    """Have another checkout run in a slot of its own, and a stranger on a port beside ours."""
    slot = "1" if world.runtime == "process" else "2"
    other = World(world.root.parent / "other", world.runtime)
    other.root.mkdir(exist_ok=True)
    (other.root / "alfred.yaml").write_text("# another project\n")
    started = other.run("up", "redis", "agent-core", "--slot", slot)
    if started.returncode != 0:
        raise RuntimeError(started.stderr)
    gone = world.spawn(sys.executable, "-c", ANSWERS.format(port=8016, status=200), wait_port=8016)

    def undo() -> None:
        gone()
        other.run("down")

    return undo


def expired_stranger(world: World) -> Undo:
    """Put an old certificate of somebody else's into the folder of ours."""
    path = world.root / "certs/shop.example.org.pem"
    past = datetime.now(UTC) - timedelta(days=900)
    made = certificates.issue(ca(world), ["shop.example.org"], past, life=timedelta(days=30))
    path.write_bytes(made.certificate)
    path.with_suffix(".key").write_bytes(made.key)
    path.with_suffix(".key").chmod(0o600)

    def undo() -> None:
        path.unlink()
        path.with_suffix(".key").unlink()

    return undo


def foreign_lines(world: World) -> Undo:
    """Add lines of others, before ours and after; nothing that we wrote is touched."""
    del world
    old = HOSTS.read_text()
    before = "10.9.8.7\tbuild.example.org # alfred's build server\n"
    after = "# alfred-dev was here, says a colleague\n192.168.7.7\tnas\n"
    HOSTS.write_text(before + old + after)
    return lambda: HOSTS.write_text(old)


def vpn() -> Inject:
    commands = (
        "ip tuntap add dev tun7 mode tun",
        "ip link set tun7 up",
        "ip address add 10.251.7.2/24 dev tun7",
        "ip route add 10.252.0.0/16 via 10.251.7.1",
    )
    return network(" && ".join(commands), "ip link delete tun7")


def strange_project(world: World) -> Undo:
    """Have the same beside a container of another Compose project, on a port of nobody's."""
    gone = second(world)
    labels = ("--label", "com.docker.compose.project=shop", "--label",
              "com.docker.compose.service=redis")  # fmt: skip
    docker("run", "-d", "--name", "shop-redis-1", *labels, "-p", "127.0.0.1:9605:6379",
           "--entrypoint", "sleep", image(), "600")  # fmt: skip

    def undo() -> None:
        docker("rm", "--force", "shop-redis-1")
        gone()

    return undo


HARMLESS: tuple[Harmless, ...] = (
    Harmless(id="Z01", title="host and container port differ",
             inject=served("host: 9601, container: 80, path: /")),
    Harmless(id="Z02", title="no health check, and it answers",
             inject=served("host: 9602, probe: tcp")),
    Harmless(id="Z03", title="a task that ended well",
             inject=added(TASK, "migrate")),
    Harmless(id="Z04", title="only one profile was started", inject=part_only),
    Harmless(id="Z05", title="another checkout, and strangers on other ports", inject=second),
    Harmless(id="Z06", title="foreign lines in the hosts file", inject=foreign_lines),
    Harmless(id="Z07", title="one container port on two host ports",
             inject=served("host: 9601, container: 80, path: /",
                           "host: 9602, container: 80, probe: tcp")),
    Harmless(id="Z08", title="an address without the password, which is given beside it",
             inject=told("agent-rag", "REDIS_ADDR", "127.0.0.1:6379")),
    Harmless(id="Z09", title="a VPN is up, and no route of its is ours", inject=vpn()),
    Harmless(id="Z10", title="an expired certificate of somebody else's", inject=expired_stranger),
)  # fmt: skip
OTHERWISE = {
    "Z01": shop("host: 9601, container: 80, path: /"),
    "Z02": shop("host: 9602, container: 9602, probe: tcp"),
    "Z03": contained(f"services:\n  migrate:\n    ends: true\n    image: {IMAGE}\n", "migrate",
                     "python3", "-c", "pass"),
    "Z05": strange_project,
    "Z07": shop("host: 9601, container: 80, path: /", "host: 9602, container: 80, probe: tcp"),
    "Z08": told("agent-rag", "REDIS_ADDR", "redis:6379"),
}  # fmt: skip
# The same in containers: the world outside of the project is the same, what runs is not.
CONTAINED: tuple[Harmless, ...] = tuple(
    replace(case, inject=OTHERWISE.get(case.id, case.inject)) for case in HARMLESS
)

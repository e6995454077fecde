"""Faults of images that somebody brings, each made of ours with another command."""

from __future__ import annotations

import json
import subprocess

from bench.faults.docker import anew, docker, image, name
from bench.faults.record import Fault, fault
from bench.faults.ways import Inject
from bench.faults.world import Undo, World

BROKEN = "the image itself is broken"
ANSWERS = """
import http.server as h, time
class A(h.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep({sleep}); self.send_response({status}); self.end_headers()
    def log_message(self, *a): pass
h.ThreadingHTTPServer(("{bind}", {port}), A).serve_forever()
"""
REMEMBERS = """
import http.server as h, socket
found = socket.gethostbyname("{other}")
class A(h.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            socket.create_connection((found, {other_port}), 1).close()
            self.send_response(200)
        except OSError as e:
            print("cannot connect to {other}", found, e, flush=True)
            self.send_response(503)
        self.end_headers()
    def log_message(self, *a): pass
h.ThreadingHTTPServer(("0.0.0.0", {port}), A).serve_forever()
"""


def imaged(service: str, *command: str) -> Inject:
    """Have ``service`` run ``command`` in an image of the user's own, named in .env."""

    def inject(world: World) -> Undo:
        tag = f"bench-{service}:1"
        made = docker("create", image(), "true")
        docker("commit", "--change", "ENTRYPOINT []", "--change", f"CMD {json.dumps(command)}",
               made, tag)  # fmt: skip
        docker("rm", made)
        key = f"ALFRED_IMAGE_{service.upper().replace('-', '_')}"
        back = world.edit(".env", lambda text: f"{text}{key}={tag}\n")
        world.run("up", service, "--wait-timeout", "12")

        def undo() -> None:
            back()
            world.run("up", service)
            docker("rmi", "--force", tag)

        return undo

    return inject


def answering(service: str, port: int, *, bind: str = "0.0.0.0", status: int = 200,  # noqa: S104
              sleep: float = 0) -> Inject:  # fmt: skip
    program = ANSWERS.format(bind=bind, port=port, status=status, sleep=sleep)
    return imaged(service, "python3", "-c", program)


def remembering(service: str, port: int, other: str, other_port: int) -> Inject:
    """Have a client resolve ``other`` once, and ``other`` get another address."""
    program = REMEMBERS.format(port=port, other=other, other_port=other_port)

    def inject(world: World) -> Undo:
        undo = imaged(service, "python3", "-c", program)(world)
        mine = name(world, other)
        of_network = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = docker("inspect", "-f", of_network, mine)
        docker("rm", "--force", mine)
        place = ("--network", "alfred-network", "--ip", address, "--entrypoint", "sleep")
        docker("run", "-d", "--name", "holder", *place, image(), "600")
        world.run("up", other, "--wait-timeout", "20")
        docker("rm", "--force", "holder")
        return undo

    return inject


def alias_lost(service: str) -> Inject:
    """Take a container off the network and put it back, as people do, without its name there."""

    def inject(world: World) -> Undo:
        mine = name(world, service)
        docker("network", "disconnect", "alfred-network", mine)
        docker("network", "connect", "alfred-network", mine)
        return anew(service)(world)

    return inject


def deaf_to_siblings(service: str) -> Inject:
    """Drop in its own network namespace what comes from other containers."""

    def inject(world: World) -> Undo:
        mine = name(world, service)
        pid = docker("inspect", "-f", "{{.State.Pid}}", mine)
        gateway = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}",
                         mine)  # fmt: skip
        rule = ["INPUT", "!", "-s", gateway, "!", "-i", "lo", "-p", "tcp", "--syn", "-j", "DROP"]
        command = ["nsenter", "-t", pid, "-n", "iptables", "-I", *rule]
        subprocess.run(command, check=True)
        return anew(service)(world)

    return inject


FAULTS: tuple[Fault, ...] = (
    fault("S02", "a command that ends at once", "service-ended",
          imaged("agent-rag", "python3", "-c", "raise SystemExit(3)"), touches="agent-rag .env",
          subjects="agent-rag", mends=BROKEN),
    fault("D19", "the file of the command is not in the image", "program-unusable",
          imaged("agent-rag", "python3", "simple_bot.py"), touches="agent-rag .env",
          subjects="agent-rag", mends=BROKEN),
    fault("S15", "an empty token kills it", "setting-refused",
          imaged("agent-legal", "python3", "-c", "raise ValueError('TELEGRAM_BOT_TOKEN is empty')"),
          touches="agent-legal .env", subjects="agent-legal", mends=BROKEN),
    fault("S09", "it listens on the loopback of its container", "service-not-listening",
          answering("agent-rag", 8501, bind="127.0.0.1"), touches="agent-rag .env",
          subjects="agent-rag", mends=BROKEN),
    fault("P06", "nothing listens on the published port", "service-not-listening",
          answering("agent-rag", 9103), touches="agent-rag .env",
          subjects="agent-rag", mends=BROKEN),
    fault("S04", "health answers 503", "service-unready",
          answering("agent-rag", 8501, status=503), touches="agent-rag .env",
          subjects="agent-rag", mends=BROKEN),
    fault("S17", "it answers slower than the probe waits", "service-silent",
          answering("agent-rag", 8501, sleep=8), touches="agent-rag .env",
          subjects="agent-rag", mends=BROKEN),
    fault("W12", "a client keeps the address that another had", "address-old",
          remembering("agent-rag", 8501, "redis", 6379), touches="agent-rag redis .env",
          subjects="agent-rag"),
    fault("DQ5", "a container lost its name on the network", "container-unreachable",
          alias_lost("agent-rag"), touches="agent-rag", subjects="agent-rag"),
    fault("DQ6", "packets from other containers are dropped", "container-unreachable",
          deaf_to_siblings("redis"), touches="redis", subjects="redis"),
)  # fmt: skip

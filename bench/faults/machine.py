"""Faults of the machine below."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.faults.record import Fault, fault
from bench.faults.ways import (
    Inject,
    shell,
)
from bench.faults.world import Undo, World, until


def from_the_future(world: World) -> Undo:
    path = world.alfred / "state.json"
    os.utime(path, (4e9, 4e9))
    return lambda: os.utime(path)


def network(do: str, undo: str) -> Inject:
    def inject(world: World) -> Undo:
        subprocess.run(["sh", "-c", do], check=True)
        return lambda: subprocess.run(["sh", "-c", undo], check=False, capture_output=True)

    return inject


def hogs(world: World) -> Undo:
    count = os.cpu_count() or 1
    undos = [world.spawn(sys.executable, "-c", "while True: pass") for _ in range(count * 3)]
    until(lambda: False, 1.5)

    def undo() -> None:
        for one in undos:
            one()

    return undo


def small_disk(world: World) -> Undo:
    """Mount a tiny file system over the logs and fill it."""
    logs = world.alfred / "logs"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", logs], check=True)
    with (logs / "filler").open("wb") as file:
        try:
            file.write(b"x" * 100_000)
            file.flush()
        except OSError:
            pass
    return lambda: subprocess.run(["umount", "-l", logs], check=False)


def read_only(world: World) -> Undo:
    run = world.alfred / "run"
    subprocess.run(["mount", "--bind", run, run], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", run], check=True)
    return lambda: subprocess.run(["umount", "-l", run], check=False)


def few_files(world: World) -> Undo:
    """Start a service from a shell that may open few files."""
    world.run("down")
    subprocess.run(
        ["bash", "-c", f"ulimit -n 64; {sys.executable} -m alfred_dev up --wait-timeout 20"],
        cwd=world.root, env=world.variables(), capture_output=True, check=False,
    )  # fmt: skip
    return lambda: world.run("down")


def iptables(rule: str) -> Inject:
    return network(f"iptables -I {rule}", f"iptables -D {rule}")


FAULTS: tuple[Fault, ...] = (
    fault("W04", "packets dropped by a firewall", "firewall",
          iptables("INPUT -p tcp --dport 8080 -j DROP"),
          touches="firewall"),
    fault("Q26", "packets refused by a firewall", "firewall",
          iptables("OUTPUT -p tcp --dport 6333 -j REJECT"),
          touches="firewall"),
    fault("Q27", "loopback is down", "loopback-broken",
          network("ip link set lo down", "ip link set lo up; ip address replace ::1/128 dev lo"),
          touches="*", pair=False),
    fault("H06", "a proxy without exceptions", "proxy-without-exception",
          shell("http_proxy", "http://127.0.0.1:9"), touches="shell"),
    fault("H07", "the clock went back", "clock-wrong", from_the_future, touches="clock",
          mends="no clock can be set on this machine"),
    fault("R02", "a disk is full", "disk-full", small_disk, touches="disk",
          mends="what to delete is the user's to know"),
    fault("Q29", "a folder of ours is read-only", "disk-read-only", read_only, touches="run",
          pair=False),
    fault("R04", "few open files", "too-many-open-files limits-low supervisor-lost", few_files,
          touches="*", subjects="descriptors files", pair=False),
    fault("R06", "the processors are busy", "cpu-busy", hogs, touches="cpu", pair=False),
)  # fmt: skip

"""Faults of services and ports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys

from bench.faults import programs
from bench.faults.record import Fault, fault
from bench.faults.ways import (
    NOTHING,
    Inject,
    project,
    signalled,
    stopped,
)
from bench.faults.world import Undo, World, until


def supervisor(number: int) -> Inject:
    def inject(world: World) -> Undo:
        pid = json.loads((world.alfred / "run/supervisor.json").read_text())["pid"]
        os.kill(pid, number)
        until(lambda: False, 0.3)

        def undo() -> None:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return

        return undo

    return inject


def all_killed(world: World) -> Undo:
    supervisor(signal.SIGKILL)(world)
    for path in (world.alfred / "run/started").glob("*.json"):
        try:
            os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue
    return NOTHING


def planted(script: str) -> Inject:
    """Put a program on PATH before the real Prometheus, and start its service with that."""

    def inject(world: World) -> Undo:
        folder = world.root.parent / "planted"
        folder.mkdir(exist_ok=True)
        path = folder / "prometheus"
        path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exit 0\n{script}\n')
        path.chmod(0o755)
        world.environment["PATH"] = f"{folder}:{world.variables()['PATH']}"
        world.run("restart", METRICS, "--wait-timeout", "5")

        def undo() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            world.environment.pop("PATH", None)

        return undo

    return inject


def squatted(name: str, port: int, program: str, **values: object) -> Inject:
    def inject(world: World) -> Undo:
        return world.squat(name, port, program.format(port=port, **values))

    return inject


def python(program: str, **values: object) -> Inject:
    """Have a Python program play Prometheus."""
    return planted(f'exec {sys.executable} -c "{program.format(**values)}"')


METRICS = "monitoring-metrics"
BROKEN = "the program itself is broken"
FAULTS: tuple[Fault, ...] = (
    fault("S01", "a service is not started", "service-stopped", stopped("agent-rag"),
          touches="agent-rag", subjects="agent-rag"),
    fault("S13", "the database is down", "service-stopped", stopped("db-postgres"),
          touches="db-postgres", subjects="db-postgres"),
    fault("Q01", "the vector database is stopped", "service-stopped", stopped("vector-db"),
          touches="vector-db", subjects="vector-db"),
    fault("Q02", "a service is frozen (SIGSTOP)", "service-frozen",
          signalled("model-router", signal.SIGSTOP), touches="model-router",
          subjects="model-router"),
    fault("Q03", "Postgres is frozen", "service-frozen", signalled("db-postgres", signal.SIGSTOP),
          touches="db-postgres", subjects="db-postgres"),
    fault("Q04", "the supervisor is killed, services live on", "supervisor-lost",
          supervisor(signal.SIGKILL), touches="*", pair=False),
    fault("Q05", "everything is killed at once (a reboot)", "supervisor-lost", all_killed,
          touches="*", pair=False),
    fault("Q06", "the supervisor is frozen", "supervisor-lost", supervisor(signal.SIGSTOP),
          touches="*", pair=False),
    fault("P01", "a native server holds a port", "port-taken",
          squatted("db-postgres", 5432, programs.HTTP_FOLDER), touches="db-postgres",
          subjects="db-postgres"),
    fault("P07", "a stranger answers 200 on a service's port", "port-taken",
          squatted("agent-core", 8011, programs.ANSWERS, status=200), touches="agent-core",
          subjects="agent-core"),
    fault("P16", "a stranger accepts and never answers", "port-taken",
          squatted("ui-admin", 3007, programs.SILENT), touches="ui-admin", subjects="ui-admin"),
    fault("S21", "HTTP answers on the Redis port", "port-taken",
          squatted("redis", 6379, programs.ANSWERS, status=400), touches="redis", subjects="redis"),
    fault("Q07", "a stranger on all addresses", "port-taken",
          squatted("mail-server", 1025, programs.EVERYWHERE, status=200), touches="mail-server",
          subjects="mail-server"),
    fault("S02", "a program that ends at once", "service-ended program-unusable setting-refused",
          planted("echo boom; exit 1"),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("D19", "the entry point is not there", "program-unusable",
          planted("exec python3 simple_bot.py"),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("S15", "an empty token kills the service", "setting-refused",
          planted("echo 'ValueError: TELEGRAM_BOT_TOKEN is empty' >&2; exit 1"),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("S04", "health answers 500", "service-unready",
          python(programs.ANSWERS, port=9090, status=500),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("Q25", "a service of ours accepts and hangs", "service-silent",
          python(programs.SILENT, port=9090),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("P11", "a server moved to its fallback port", "service-not-listening",
          python(programs.ANSWERS, port=9097, status=200),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("P12", "a port on all interfaces", "port-public",
          python(programs.EVERYWHERE, port=9090, status=200),
          touches=METRICS, subjects=METRICS, mends=BROKEN),
    fault("Q30", "my own process is not running", "service-not-listening",
          project("services:\n  agent-core:\n    host_port: 9911\n"),
          touches="alfred.yaml agent-core", subjects="agent-core",
          mends="it is the developer's own process"),
)  # fmt: skip

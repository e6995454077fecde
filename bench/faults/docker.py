"""Faults of containers, in a real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from bench.faults import programs
from bench.faults.machine import from_the_future, hogs
from bench.faults.record import Fault, fault
from bench.faults.ways import Inject, dotenv, mode, project, shell, stopped, told, valued
from bench.faults.world import Undo, World, until


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def name(world: World, service: str) -> str:
    """Return the name of a service's container, "" where there is none."""
    labels = ("label=com.docker.compose.service=" + service, "label=dev.alfred.slot=0")
    found = docker("ps", "-a", "--filter", labels[0], "--filter", labels[1], "--format",
                   "{{.Names}} {{.Labels}}")  # fmt: skip
    del world
    return found.partition(" ")[0]


def anew(service: str) -> Callable[[World], Undo]:
    def undo(world: World) -> Undo:
        def again() -> None:
            docker("rm", "--force", name(world, service))
            world.run("up", service, "--wait-timeout", "20")  # the other fault may still be there

        return again

    return undo


def on(service: str, *command: str) -> Inject:
    """Run ``docker COMMAND... CONTAINER``; undone by a container made anew."""

    def inject(world: World) -> Undo:
        docker(*command, name(world, service))
        return anew(service)(world)

    return inject


def squatted(service: str, port: int, program: str, **values: object) -> Inject:
    def inject(world: World) -> Undo:
        docker("stop", name(world, service))
        undo = world.spawn(
            sys.executable, "-c", program.format(port=port, **values), wait_port=port
        )

        def both() -> None:
            undo()
            world.run("up", service)

        return both

    return inject


def image() -> str:
    found = docker("images", "alfred-dev/embedded", "--format", "{{.Repository}}:{{.Tag}}")
    return found.splitlines()[0]


def other_container(service: str, port: int) -> Inject:
    def inject(world: World) -> Undo:
        docker("rm", "--force", name(world, service))
        docker("run", "-d", "--name", "other-project", "-p", f"127.0.0.1:{port}:{port}",
               "--entrypoint", "sleep", image(), "600")  # fmt: skip

        def undo() -> None:
            docker("rm", "--force", "other-project")
            world.run("up", service)

        return undo

    return inject


def labelled(world: World, called: str, *more: str) -> Undo:
    """Run a container that says it is this project's, of a service that there is not."""
    label = '{{index .Config.Labels "com.docker.compose.project"}}'
    mine = docker("inspect", name(world, "redis"), "--format", label)
    labels = (f"com.docker.compose.project={mine}", "com.docker.compose.service=old-service")
    words = [word for text in labels for word in ("--label", text)]
    docker("run", "-d", "--name", called, *more, *words, "--entrypoint", "sleep", image(), "600")
    return lambda: docker("rm", "--force", called)


def public(world: World) -> Undo:
    return labelled(world, "public-one", "-p", "16379:6379")


def orphan(world: World) -> Undo:
    return labelled(world, "orphan-one")


def guest(world: World) -> Undo:
    del world
    docker("run", "-d", "--name", "guest-one", "--network", "alfred-network",
           "--entrypoint", "sleep", image(), "600")  # fmt: skip
    return lambda: docker("rm", "--force", "guest-one")


def dropped(world: World) -> Undo:
    del world
    rule = ["DOCKER-USER", "-p", "tcp", "--dport", "5432", "-j", "DROP"]
    subprocess.run(["iptables", "-I", *rule], check=True)
    return lambda: subprocess.run(["iptables", "-D", *rule], capture_output=True, check=False)


def small_memory(world: World) -> Undo:
    container = name(world, "agent-rag")
    docker("stop", "-t", "1", container)
    docker("update", "--memory", "12m", "--memory-swap", "12m", container)
    docker("start", container)
    until(lambda: docker("inspect", "-f", "{{.State.Status}}", container) == "exited", 20)
    return anew("agent-rag")(world)


FAULTS: tuple[Fault, ...] = (
    fault("D01", "the engine is down", "engine-down engine-elsewhere",
          shell("DOCKER_HOST", "unix:///run/none.sock"), touches="*", pair=False),
    fault("S01", "a service is not started", "service-stopped", stopped("agent-rag"),
          touches="agent-rag", subjects="agent-rag"),
    fault("DQ1", "a container is stopped by docker", "service-stopped",
          on("model-registry", "stop"), touches="model-registry", subjects="model-registry"),
    fault("DQ2", "a container is killed", "killed", on("model-router", "kill"),
          touches="model-router", subjects="model-router"),
    fault("DQ3", "a container is removed", "service-stopped", on("agent-legal", "rm", "--force"),
          touches="agent-legal", subjects="agent-legal"),
    fault("DQ4", "a container is paused", "container-paused", on("redis", "pause"),
          touches="redis", subjects="redis"),
    fault("S13", "the database is down", "service-stopped", stopped("db-postgres"),
          touches="db-postgres", subjects="db-postgres"),
    fault("W01", "a container is detached from its network", "container-network",
          on("redis", "network", "disconnect", "alfred-network"), touches="redis",
          subjects="redis"),
    fault("P01", "a host process holds a port", "port-taken",
          squatted("db-postgres", 5432, programs.HTTP_FOLDER), touches="db-postgres",
          subjects="db-postgres"),
    fault("P02", "another container holds a port", "port-taken",
          other_container("ui-admin", 3007), touches="ui-admin", subjects="other-project"),
    fault("P07", "a stranger answers 200 on a service's port", "port-taken",
          squatted("agent-core", 8011, programs.ANSWERS, status=200), touches="agent-core",
          subjects="agent-core"),
    fault("P12", "a container on all interfaces", "container-public", public, touches="public"),
    fault("D17", "an orphan of an older file", "container-untidy", orphan, touches="orphan"),
    fault("X04", "a foreign container on our network", "container-untidy", guest,
          touches="guest"),
    fault("R01", "a container is killed for memory", "out-of-memory", small_memory,
          touches="agent-rag", subjects="agent-rag"),
    fault("E13", "localhost inside a container", "endpoint-wrong",
          told("ui-chat", "ALFRED_API_URL", "http://localhost:8011"),
          touches="alfred.yaml ui-chat", subjects="ui-chat"),
    fault("E03", "wrong password in one URL", "endpoint-wrong",
          told("agent-core", "ALFRED_DATABASE_URL",
               "postgresql://postgres:postgres@db-postgres:5432/postgres"),
          touches="alfred.yaml agent-core", subjects="agent-core"),
    fault("E12", "a URL with a port that is not there", "endpoint-wrong",
          told("model-router", "MODEL_REGISTRY_URL", "http://model-registry:18079"),
          touches="alfred.yaml model-router", subjects="model-router"),
    fault("W02", "a name that nobody has", "endpoint-wrong",
          told("agent-rag", "ALFRED_REDIS_URL", "redis://cache:6379/0"),
          touches="alfred.yaml agent-rag", subjects="agent-rag"),
    fault("E02", "a required variable is empty", "setting-missing",
          dotenv(valued("REDIS_PASSWORD", "")), touches=".env"),
    fault("V02", "password in .env changed after the data was made", "password-mismatch",
          dotenv(valued("POSTGRES_PASSWORD", "edited-by-hand")), touches="db-postgres .env",
          subjects="db-postgres"),
    fault("E05", "a shell variable beats .env", "password-mismatch env-shadowed",
          shell("POSTGRES_PASSWORD", "old-value"), touches="db-postgres shell"),
    fault("X01", ".env changed, containers not made anew", "settings-changed",
          dotenv(lambda text: text + "ALFRED_LOG_LEVEL=DEBUG\n"), touches=".env"),
    fault("X02", "alfred.yaml changed, containers not made anew", "settings-changed",
          project("services:\n  ui-chat:\n    env: {EXTRA: '1'}\n"), touches="alfred.yaml ui-chat"),
    fault("Q15", "others may read .env", "files-open", mode(".env", 0o644), touches="mode"),
    fault("H06", "a proxy without exceptions", "proxy-without-exception",
          shell("http_proxy", "http://127.0.0.1:9"), touches="shell"),
    fault("H07", "the clock went back", "clock-wrong", from_the_future, touches="clock",
          mends="no clock can be set on this machine"),
    fault("R06", "the processors are busy", "cpu-busy", hogs, touches="cpu", pair=False,
          mends="no processes of its own"),
)  # fmt: skip

"""Faults of data that is in volumes."""

from __future__ import annotations

from bench.faults.docker import docker, image, name
from bench.faults.record import Fault, fault
from bench.faults.ways import Inject
from bench.faults.world import Undo, World

DATA = "/var/lib/alfred"


def within(container: str, script: str) -> str:
    """Run a script, as root, where the volumes of ``container`` are."""
    return docker("run", "--rm", "--user", "0", "--entrypoint", "sh", "--volumes-from", container,
                  image(), "-c", script)  # fmt: skip


def spoilt(service: str, script: str) -> Inject:
    """Stop a service, change what is in its volume, start it."""

    def inject(world: World) -> Undo:
        world.run("stop", service)
        mine = name(world, service)
        within(mine, f"cd {DATA}/{service} && cp -a . ../kept && {script}")
        world.run("start", service, "--wait-timeout", "12")

        def undo() -> None:
            world.run("stop", service)
            restore = f"cd {DATA} && rm -rf {service} {service}.* && mv kept {service}"
            within(name(world, service), restore)
            world.run("start", service)

        return undo

    return inject


FAULTS: tuple[Fault, ...] = (
    fault("V01", "data of another major version", "data-other-version",
          spoilt("db-postgres", "echo 14 > PG_VERSION"), touches="db-postgres",
          subjects="db-postgres"),
    fault("V05", "wrong owner and mode on the data", "data-access",
          spoilt("db-postgres", "chmod 755 ."), touches="db-postgres", subjects="db-postgres"),
    fault("Q19", "control file of Postgres is gone", "data-damaged",
          spoilt("db-postgres", "rm global/pg_control"), touches="db-postgres",
          subjects="db-postgres"),
    fault("Q20", "the append-only file of Redis is garbage", "data-damaged",
          spoilt("redis", "for f in appendonlydir/*; do echo garbage > $f; done"), touches="redis",
          subjects="redis"),
)  # fmt: skip

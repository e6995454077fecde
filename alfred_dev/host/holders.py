"""What a user can do about a program that holds a port. Pure: a small table and one look-up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MACOS = "darwin"
_STOP_CONTAINER = ("docker stop $(docker ps -q --filter publish={port})",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A known holder, found by any of three patterns.

    ``program``: how its name begins (lsof may cut it after 9 characters); ``user``: the account
    it has to itself, known even where the process is hidden; ``command``: anywhere in its command
    line. ``hint``: what it is; ``fix``: what to type by platform ("" = any other), with
    ``{port}``; none where ending the process is right.
    """

    hint: str
    program: str | None = None
    user: str | None = None
    command: str | None = None
    fix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def matches(self, program: str, user: str, command: str) -> bool:
        """Tell whether a process is this product."""
        return bool(
            (self.program and re.match(self.program, program))
            or (self.user and re.fullmatch(self.user, user))
            or (self.command and re.search(self.command, command))
        )


def _server(
    name: str, unit: str, formula: str, *, program: str, user: str
) -> tuple[Product, Product]:
    """Return a server under the account of its system service, and under any other.

    Packages of Linux give it an account of its own; Homebrew runs it as the user, and starts it
    again when it is killed.
    """
    stop = (f"brew services stop {formula}",)
    return (
        Product(
            hint=f"{name}, as a system service",
            user=user,
            fix={"": (f"sudo systemctl stop {unit}",), MACOS: stop},
        ),
        Product(hint=name, program=program, fix={MACOS: stop}),
    )


DOCKER = Product(
    hint="a container that Docker publishes",
    program=r"docker-pr|dockerd$|rootlesskit|com\.docke|vpnkit|OrbStack",
    command=r"/docker-proxy\b|\.colima/|\.lima/",
    fix={"": _STOP_CONTAINER},
)
# The first that matches wins.
PRODUCTS = (
    Product(
        hint="another checkout of alfred-dev",
        command=r"alfred_dev\b|/\.alfred/",
        fix={"": ("alfred-dev down   (in that checkout)",)},
    ),
    DOCKER,
    Product(
        hint="a container that Podman publishes",
        program=r"rootlessport|conmon|gvproxy|pasta\b",
        fix={"": ("podman ps   (then podman stop NAME)",)},
    ),
    Product(
        hint="a program of the Windows side, relayed into WSL",
        program=r"wslrelay",
        fix={"": ("netstat -ano | findstr :{port}   (in a Windows terminal)",)},
    ),
    Product(
        hint="AirPlay Receiver of macOS",
        program=r"ControlCe",
        fix={"": ("System Settings > General > AirDrop & Handoff: AirPlay Receiver off",)},
    ),
    Product(
        hint="a socket that systemd holds for one of its services",
        program=r"systemd$",
        fix={"": ("systemctl list-sockets   (then sudo systemctl stop NAME.socket)",)},
    ),
    Product(hint="a tunnel of ssh", program=r"sshd?\b"),
    Product(hint="a port that kubectl forwards", program=r"kubectl"),
    *_server(
        "Postgres", "postgresql", "postgresql", program=r"postgres|postmaster", user=r"_?postgres"
    ),
    *_server("Redis", "redis-server", "redis", program=r"redis-ser|valkey-se", user=r"_?redis"),
    *_server("Prometheus", "prometheus", "prometheus", program=r"prometheu", user=r"prometheus"),
    *_server("Grafana", "grafana-server", "grafana", program=r"grafana", user=r"grafana"),
)


def product(program: str, user: str, command: str) -> Product | None:
    """Return the known product that a process is, or None."""
    return next((p for p in PRODUCTS if p.matches(program, user, command)), None)


def fix(product: Product | None, *, port: int, pid: int | None, platform: str) -> tuple[str, ...]:
    """Return what to type to free ``port``: the product's own way, else the plain one.

    A process that cannot be seen from here is never killed unseen: it is looked at first.
    """
    own = product.fix.get(platform, product.fix.get("", ())) if product else ()
    if own:
        return tuple(line.format(port=port) for line in own)
    if pid is not None and pid > 1:
        return (f"kill {pid}",)
    if platform == MACOS:
        return (f"sudo lsof -nP -iTCP:{port} -sTCP:LISTEN",)
    return (f"sudo ss -ltnp 'sport = :{port}'",)

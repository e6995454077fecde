"""A service may not listen on a low port."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} may not listen on its port: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text="Allow it, or give it a port above 1023 in alfred.yaml.",
        commands=(
            f"{given.sudo}sysctl -w net.ipv4.ip_unprivileged_port_start=80",
            f"alfred-dev up {service.id}",
        ),
    )


CHECK = Check(
    code="port-privileged",
    title="A port takes privilege",
    category=Category.PORTS,
    cause="ports below net.ipv4.ip_unprivileged_port_start are root's",
    fix="another port in alfred.yaml, or `sysctl -w net.ipv4.ip_unprivileged_port_start=80`",
    depends_on=frozenset({}),
    rank=30,
    observe=services,
    judge=said(words.PRIVILEGED_PORT, cause, fix, ended=True),
)

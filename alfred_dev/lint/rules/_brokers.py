"""What a Kafka broker tells its clients: where to come back to."""

import re
from dataclasses import dataclass

from alfred_dev.errors import Where
from alfred_dev.lint import references
from alfred_dev.lint.model import Project, Service

ADVERTISED = ("KAFKA_ADVERTISED_LISTENERS", "KAFKA_CFG_ADVERTISED_LISTENERS")
LISTENER = re.compile(r"[\w-]{1,60}://(?P<host>[\w.-]{1,200}):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Misled:
    """Clients that a broker sends to localhost. ``sure``: they name its address themselves."""

    broker: Service
    where: Where
    port: int
    clients: tuple[str, ...]
    sure: bool


def misled(project: Project, broker: Service) -> Misled | None:
    """Return whom ``broker`` sends to localhost, which is their own container; None: nobody."""
    said = next((v for n in ADVERTISED if (v := broker.environment.get(n))), None)
    found = [(m["host"], int(m["port"])) for m in LISTENER.finditer(said.value if said else "")]
    here = {port for host, port in found if references.local(host)}
    if said is None or not here:
        return None
    asked = _asked(project, broker)
    wrong = tuple(sorted({client for client, port in asked if port in here}))
    port = min(here)
    if wrong:
        return Misled(broker=broker, where=said.where, port=port, clients=wrong, sure=True)
    waiting = tuple(s.name for s in project.services.values() if broker.name in s.depends_on)
    if len(here) == len(found) and waiting and not asked:
        return Misled(broker=broker, where=said.where, port=port, clients=waiting, sure=False)
    return None


def _asked(project: Project, broker: Service) -> list[tuple[str, int | None]]:
    """Return who names an address of the broker, with the port."""
    return [
        (service.name, reference.port)
        for service in project.services.values()
        if service.name != broker.name
        for reference in references.of(project, service)
        if reference.host in broker.names
    ]

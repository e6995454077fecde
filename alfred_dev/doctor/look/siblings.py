"""What one container of ours sees of the others: name -> address -> TCP -> application.

One ``docker exec`` of a small script asks for all of them at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.container_sources import OURS
from alfred_dev.doctor.look.engine import Listed, compose_of, listed
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.plan import Endpoint, Plan, PlannedService
from alfred_dev.probe.base import Reason

TIMEOUT_S = 5.0
WAIT_S = 1.5
# Every module that it imports is paid for in the container: a socket in place of a client.
SCRIPT = f"""
import json, socket, sys, threading
def ask(name, port, path):
    try:
        found = sorted({{a[4][0] for a in socket.getaddrinfo(name, port, proto=6)}})
    except OSError as e:
        return [], str(e), ''
    try:
        link = socket.create_connection((name, port), {WAIT_S})
    except OSError as e:
        return found, e.strerror or str(e), ''
    if not path:
        return found, '', ''
    try:
        link.sendall(f'GET {{path}} HTTP/1.0\\r\\nHost: {{name}}:{{port}}\\r\\n\\r\\n'.encode())
        head = link.recv(4096).decode('latin1').split(' ')
        said = 'HTTP ' + head[1][:3] if head[0].startswith('HTTP/') else 'it hung up'
        return found, '', said if said.startswith('HTTP') else 'no answer: ' + said
    except OSError as e:
        return found, '', 'no answer: ' + (str(e) or type(e).__name__)
rows = json.loads(sys.argv[1])
told = [None] * len(rows)
def run(i):
    told[i] = ask(*rows[i])
threads = [threading.Thread(target=run, args=[i]) for i in range(len(rows))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What ``sibling`` sees of one port: ``addresses`` of the name, ``refused``: why the name or
    the port is no use, "" where it connects; ``said``: the application's answer, "" unasked."""

    service: str
    port: int
    sibling: str
    addresses: tuple[str, ...] = ()
    refused: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Every port of every container of ours as another one sees it; ``why_not``: why none was
    asked, "" where local processes have no siblings."""

    rows: tuple[Seen, ...] = ()
    why_not: str = ""
    services: Services
    containers: Listed

    def of(self, service: str) -> tuple[Seen, ...]:
        """Return what is seen of one service."""
        return tuple(row for row in self.rows if row.service == service)


async def siblings(scene: Scene) -> Siblings:
    """Have one container of ours ask all others, and a second one ask about the first.

    What nobody reaches is asked again: it may just have started.
    """
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    plan = scene.stack.plan
    found = await scene.see(listed)
    if compose_of(scene.stack.runtime) is None:
        return Siblings(services=await scene.see(services), containers=found)
    askers = able(plan, found)
    if not askers:
        why = "no container of ours runs that has a Python"
        return Siblings(why_not=why, services=await scene.see(services), containers=found)
    rows = await _told(scene, askers, _shares(plan, found, askers))
    seen = await scene.see(services)
    lost = {row.service for row in rows if row.refused and answers(seen, row.service)}
    if lost:
        again = {
            by: [e for e in share if e.service in lost]
            for by, share in _shares(plan, found, askers).items()
        }
        kept = tuple(row for row in rows if row.service not in lost)
        rows = (*kept, *await _told(scene, askers, again))
    why = "" if rows else "the engine did not run the question"
    return Siblings(rows=rows, why_not=why, services=seen, containers=found)


def answers(seen: Services, name: str) -> bool:
    """Tell whether a service answers this machine, be it that something else ails it. Pure."""
    asked = seen[name].status.endpoints
    said = (Reason.STATUS, Reason.STARTING)
    return seen[name].runs and all(
        e.healthy or (e.reason in said and not e.stranger) for e in asked
    )


def _shares(
    plan: Plan, found: Listed, askers: Mapping[str, str]
) -> Mapping[str, Sequence[Endpoint]]:
    """Return who asks for what. Pure."""
    runs = {c.service for c in found.ours if c.state == "running"}
    wanted = [e for s in plan.services if s.contained and s.id in runs for e in s.endpoints]
    first, second = min(askers), max(askers)
    shares = {first: [e for e in wanted if e.service != first]}
    if second != first:
        shares[second] = [e for e in wanted if e.service == first]
    return shares


async def _told(
    scene: Scene, askers: Mapping[str, str], shares: Mapping[str, Sequence[Endpoint]]
) -> tuple[Seen, ...]:
    told = await asyncio.gather(
        *(asyncio.to_thread(_asked, scene, by, askers[by], s) for by, s in shares.items() if s)
    )
    return tuple(row for part in told for row in part)


def able(plan: Plan, found: Listed) -> Mapping[str, str]:
    """Return service -> container of all that run our own image on the stack's network. Pure."""
    return {
        c.service: c.name
        for c in found.ours
        if c.state == "running" and found.network in c.networks and _has_python(plan[c.service])
    }


def _has_python(service: PlannedService) -> bool:
    return service.contained and service.source.kind in OURS  # of others that is not known


def _asked(scene: Scene, sibling: str, name: str, wanted: Iterable[Endpoint]) -> tuple[Seen, ...]:
    compose = compose_of(scene.stack.runtime) if scene.stack else None
    if compose is None:
        return ()
    asked = list(wanted)
    question = json.dumps([[e.service, e.container_port, _path(e)] for e in asked])
    command = ("exec", name, "python3", "-IS", "-c", SCRIPT, question)
    done = compose.docker.run(*command, timeout_s=TIMEOUT_S)
    return understood(done.out, sibling, asked)


def _path(endpoint: Endpoint) -> str:
    return endpoint.path if endpoint.probe is ProbeKind.HTTP else ""


def understood(out: str, sibling: str, asked: Iterable[Endpoint]) -> tuple[Seen, ...]:
    """Read what the script printed; nothing where it did not run to its end. Pure."""
    try:
        answers = json.loads(out)
    except ValueError:
        return ()
    return tuple(
        Seen(service=e.service, port=e.container_port, sibling=sibling, addresses=tuple(found),
             refused=refused, said=said)
        for e, (found, refused, said) in zip(asked, answers, strict=True)
    )  # fmt: skip

"""A session that holds up the others of a Postgres is named, and the fix ends it."""

from __future__ import annotations

import asyncio

from alfred_dev.doctor import triage
from alfred_dev.doctor.checks import flow_broken, postgres_connections
from alfred_dev.doctor.look import waits as look
from alfred_dev.doctor.look.flows import Flows, flows
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.look.stores import Database, Stores, stores
from alfred_dev.doctor.look.waits import Blocker, Waits, blocker
from alfred_dev.doctor.model import Outcome, Severity, State
from alfred_dev.doctor.scene import Scene
from alfred_dev.flow.model import Broken
from alfred_dev.probe.base import Reason, ill
from tests.unit.doctor.scenes import given, judged, seen

DATABASE = Database(service="db-postgres", read_only=False, recovery=False, connections=9,
                    connections_limit=100, vector=True, holder=77)  # fmt: skip
STORES = Stores(databases=(DATABASE,), services=seen())
WHO = Blocker(pid=77, waiting=1, open_s=42, doing="active", application="pgadmin")
HELD = Waits(stores=STORES, blockers={"db-postgres": WHO}, urgent=True)
BROKEN = Broken(hop="stored", service="agent-core", peer="db-postgres", detail="TimeoutError")


def test_who_holds_a_lock_is_named_once_with_what_ends_it() -> None:
    (found,) = judged(postgres_connections.CHECK, HELD)
    assert "session 77 (pgadmin) of db-postgres" in found.cause
    assert "open since 42 s" in found.cause
    assert found.severity is Severity.ERROR
    assert "pg_terminate_backend(77)" in found.fix.commands[0]


def test_a_task_that_waits_for_the_lock_follows_from_it() -> None:
    sent = Flows(sent=True, broken=BROKEN, through=frozenset({"db-postgres", "agent-core"}))
    looks = ((postgres_connections.CHECK, HELD), (flow_broken.CHECK, sent))
    rows = [
        Outcome(check=check, state=State.FOUND, findings=tuple(judged(check, what)))
        for check, what in looks
    ]
    (cause,) = triage.causes(rows, given().plan)
    assert cause.check is postgres_connections.CHECK


def test_a_row_of_the_server_is_read() -> None:
    assert blocker("77 1 42 active pgadmin") == WHO
    idle = blocker("7 2 0 idle-in-transaction my own tool")
    assert idle is not None
    assert (idle.doing, idle.application) == ("idle in transaction", "my own tool")
    assert blocker("7 2 0 active") is not None
    assert blocker("") is None


def test_while_a_task_is_on_its_way_it_is_asked_again() -> None:
    asked = []

    async def late(scene: Scene) -> Flows:
        await asyncio.sleep(0.01)
        return Flows(sent=True, broken=BROKEN)

    async def look_around() -> Waits:
        scene = Scene(given=given(), workspace=None, stack=None)
        for known, value in ((services, seen()), (stores, STORES)):
            scene._looks[known] = asyncio.ensure_future(_of(value))
        scene._looks[flows] = asyncio.ensure_future(late(scene))
        return await look.waits(scene, ask=ask)

    async def ask(scene: Scene) -> dict[str, Blocker]:
        asked.append(1)
        return {"db-postgres": WHO} if len(asked) == 2 else {}

    found = asyncio.run(look_around())
    assert found.blockers == {"db-postgres": WHO}
    assert found.urgent


def test_only_who_needs_a_postgres_that_is_well_is_waited_for() -> None:
    error = ill(Reason.STATUS, "answers 503")
    assert look._may_wait(seen(answers={"agent-core": error}))
    assert not look._may_wait(seen(answers={"agent-core": error, "db-postgres": error}))
    assert not look._may_wait(seen(answers={"redis": error}))
    assert not look._may_wait(seen())


async def _of(value: object) -> object:
    return value

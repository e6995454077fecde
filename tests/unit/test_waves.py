"""Tasks, and what is not started before what it depends on is healthy."""

from __future__ import annotations

from dataclasses import replace

from alfred_dev import waves
from alfred_dev.catalog.model import Condition
from alfred_dev.plan import Plan, PlannedService, Source, SourceKind
from alfred_dev.reconcile import Action, Step, steps
from alfred_dev.runtime.base import LaunchSpec, Observed, Running, State
from alfred_dev.status import Health, assess
from tests.worlds import plan

TASK = "agent-core"  # played by a service of the catalog
SPEC = LaunchSpec(service=TASK, source="image", argv=(), environment={})


def as_image(made: Plan, name: str = TASK, *, task: bool = False) -> Plan:
    """The plan, with one service that comes from an image."""

    def changed(service: PlannedService) -> PlannedService:
        if service.id != name:
            return service
        definition = replace(service.definition, ends=task)
        endpoints = () if task else service.endpoints
        source = Source(kind=SourceKind.IMAGE, detail="team/x:1", path="team/x:1")
        return replace(service, definition=definition, endpoints=endpoints, source=source)

    return replace(made, services=tuple(changed(s) for s in made.services))


def starts(made: Plan) -> list[Step]:
    return [Step(Action.START, name, "it is not running") for name in made.ids]


def test_only_a_strangers_image_waits_and_only_for_what_was_asked_for() -> None:
    made = as_image(plan())
    waits = waves.waiting(made, starts(made))
    below = {n for n, c in made[TASK].depends_on.items() if c is Condition.HEALTHY}
    assert waits == {TASK: below}
    alone = replace(made, services=(made[TASK],))
    assert waves.waiting(alone, starts(alone)) == {}


def test_it_is_ready_when_all_of_them_are_healthy() -> None:
    made = as_image(plan(), task=True)
    found = assess(made, Observed(alive=True), {}, made.ids)
    waits = waves.waiting(made, starts(made))
    assert waves.ready(waits, found) == ()
    well = [replace(s, health=Health.HEALTHY) for s in found]
    assert waves.ready(waits, well) == (TASK,)


def seen(running: Running) -> tuple[Health, str, str]:
    """Health, detail, and what ``up`` would do with a task."""
    made = as_image(plan(), task=True)
    observed = Observed(alive=True, services={TASK: running})
    (found,) = (s for s in assess(made, observed, {}, made.ids) if s.id == TASK)
    (step,) = steps(made, {TASK: SPEC}, observed)
    (again,) = steps(made, {TASK: SPEC}, observed, again=[TASK])
    assert again.action is not Action.KEEP or not running.finished
    return found.health, found.detail, step.action


def test_a_task_is_well_when_it_has_ended_well() -> None:
    done = Running(state=State.EXITED, detail="exit status 0", spec=SPEC, finished=True)
    assert seen(done) == (Health.HEALTHY, "it has ended well", "keep")
    failed = replace(done, detail="exit status 3", finished=False)
    assert seen(failed) == (Health.UNHEALTHY, "exit status 3", "start")
    at_work = Running(state=State.RUNNING, pid=1, spec=SPEC)
    assert seen(at_work) == (Health.STARTING, "it is at work", "keep")
    assert seen(Running(state=State.STOPPED))[0] is Health.DOWN


def test_what_needs_a_service_is_found_over_several_steps() -> None:
    found = waves.needing(plan(), ["db-postgres"])
    assert {"model-registry", "model-router", "agent-core", "ui-chat"} <= found
    assert not found & {"db-postgres", "redis", "mail-server"}
    assert waves.needing(plan(), plan().ids) == frozenset()

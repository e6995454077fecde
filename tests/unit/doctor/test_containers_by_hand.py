"""What somebody did to containers by hand: names, limits, resolvers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alfred_dev.doctor import triage, words
from alfred_dev.doctor.checks import (
    container_throttled,
    data_access,
    name_shared,
    program_unusable,
    service_killed,
    service_stopped,
    service_unready,
    stack_down,
)
from alfred_dev.doctor.look.engine import Container, Containers, _cpus
from alfred_dev.doctor.look.siblings import Seen, Siblings
from alfred_dev.doctor.model import Outcome, Severity, State
from alfred_dev.doctor.seen import Services
from alfred_dev.plan import EngineFacts, Facts
from alfred_dev.probe.base import Reason, ill
from alfred_dev.runtime.base import State as Runs
from tests import worlds
from tests.unit.doctor.scenes import given, judged, seen

REDIS = Container(service="redis", name="p-redis-1", state="running", address="172.29.0.4")
GUEST = Container(service="", name="intruder", state="running", address="172.29.0.21")


def met(*addresses: str) -> Siblings:
    row = Seen(service="redis", port=6379, sibling="agent-core", addresses=addresses)
    found = Containers(ours=(REDIS,), guests=(GUEST,), network="n", services=seen())
    return Siblings(rows=(row,), services=found.services, containers=found)


def test_a_name_that_leads_to_two_containers_names_the_other_one() -> None:
    (found,) = judged(name_shared.CHECK, met("172.29.0.21", "172.29.0.4"))
    assert found.subject == "redis"
    assert "leads to intruder (172.29.0.21) too" in found.cause
    assert found.fix.commands == ("docker network disconnect --force n intruder",)


def test_a_name_of_one_container_is_no_matter() -> None:
    assert judged(name_shared.CHECK, met("172.29.0.4", "fd00::4")) == []
    assert judged(name_shared.CHECK, met()) == []


@pytest.mark.parametrize(
    ("host", "cpus"),
    [({}, 0.0), ({"NanoCpus": 10_000_000}, 0.01), ({"CpuQuota": 50_000}, 0.5),
     ({"CpuQuota": -1}, 0.0), ({"CpuQuota": 1000, "CpuPeriod": 10_000}, 0.1)],
)  # fmt: skip
def test_how_much_of_the_processors_the_engine_gives(host: dict[str, int], cpus: float) -> None:
    assert _cpus(host) == cpus


def test_a_throttled_container_is_an_error_only_where_it_is_ill() -> None:
    slow = replace(REDIS, cpus=0.01)
    look = Containers(ours=(slow,), network="n", services=seen())
    assert judged(container_throttled.CHECK, look)[0].severity is Severity.WARNING
    late = seen(answers={"redis": ill(Reason.TIMEOUT, "no answer")})
    (found,) = judged(container_throttled.CHECK, replace(look, services=late))
    assert found.severity is Severity.ERROR
    assert judged(container_throttled.CHECK, replace(look, ours=(REDIS,))) == []


def test_who_resolves_no_name_is_ill_and_not_whom_it_looks_for() -> None:
    said = (
        "answers 503 Service Unavailable: redis: redis:6379: Temporary failure in name resolution"
    )
    later = ill(Reason.STATUS, f"answers 503: agent-rag: {said}")
    look = seen(answers={"agent-rag": ill(Reason.STATUS, said), "agent-social": later})
    found = tuple(judged(service_unready.CHECK, look))
    outcome = Outcome(check=service_unready.CHECK, state=State.FOUND, findings=found)
    roots = triage.causes([outcome], worlds.plan())
    assert roots[0].finding.subject == "agent-rag"
    assert "finds others by name no more" in roots[0].finding.cause


CONTAINED = worlds.plan(Facts(engines=worlds.ENGINES, engine=EngineFacts(), code="1"))


def ended(name: str, *said: str) -> Services:
    return seen(states={name: Runs.EXITED}, details={name: "exit status 1"}, said={name: said},
                plan=CONTAINED)  # fmt: skip


def test_data_of_another_owner_is_given_to_the_user_of_the_container() -> None:
    look = ended("mail-server", "sqlite3.OperationalError: unable to open database file")
    (found,) = judged(data_access.CHECK, look, given(plan=CONTAINED, project="p"))
    chown = "chown -R $(docker inspect -f '{{or .Config.User 0}}' p-mail-server-1)"
    assert chown in found.fix.commands[0]


def test_an_image_that_holds_something_else_is_made_anew() -> None:
    look = ended("redis", 'exec: "python3": executable file not found in $PATH: unknown')
    (found,) = judged(program_unusable.CHECK, look, given(plan=CONTAINED, project="p"))
    assert found.fix.commands == ("alfred-dev up --build",)


def test_a_whole_stack_that_was_stopped_is_one_finding() -> None:
    """What is no container (the dashboard) goes on, and the engine is alive."""
    names = [s.id for s in CONTAINED.services if s.contained]
    look = seen(states=dict.fromkeys(names, Runs.STOPPED), plan=CONTAINED)
    (found,) = judged(service_stopped.CHECK, look, given(plan=CONTAINED))
    assert (found.subject, found.fix.commands) == ("stack", ("alfred-dev up",))
    mixed = {name: Runs.EXITED for name in names[1:]}
    ends = dict.fromkeys(names[1:], "terminated by SIGKILL")
    killed = seen(states={names[0]: Runs.STOPPED, **mixed}, details=ends, plan=CONTAINED)
    outcomes = [
        Outcome(check=module.CHECK, state=State.FOUND,
                findings=tuple(judged(module.CHECK, killed, given(plan=CONTAINED))))
        for module in (service_killed, service_stopped)
    ]  # fmt: skip
    assert [c.finding.subject for c in triage.causes(outcomes, CONTAINED)] == ["stack"]
    some = seen(states=dict.fromkeys(names[:2], Runs.STOPPED), plan=CONTAINED)
    assert len(judged(service_stopped.CHECK, some, given(plan=CONTAINED))) == 2


def test_after_down_nothing_is_broken_though_the_engine_is_alive() -> None:
    look = seen(states=dict.fromkeys(CONTAINED.ids, Runs.STOPPED), plan=CONTAINED)
    known = given(plan=CONTAINED, ever_up=False)
    assert judged(service_stopped.CHECK, look, known) == []
    assert [f.subject for f in judged(stack_down.CHECK, look, known)] == ["stack"]


@pytest.mark.parametrize(
    ("line", "damaged"),
    [
        ("* Reading RDB base file on AOF loading...", False),
        ("* Opening AOF incr file appendonly.aof.1.incr.aof on server start", False),
        ("# Invalid AOF manifest file format", True),
        ("# AOF loading aborted because there was error on opening", True),
        ("# The AOF file appendonly.aof.1.incr.aof doesn't exist", True),
    ],
)
def test_what_a_healthy_start_of_redis_says_is_no_damage(line: str, damaged: bool) -> None:
    assert bool(words.DAMAGED.search(line)) is damaged

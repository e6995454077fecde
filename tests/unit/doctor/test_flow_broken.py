from __future__ import annotations

import asyncio

from alfred_dev.doctor.checks.flow_broken import judge
from alfred_dev.doctor.look.flows import Flows, ended, tried
from alfred_dev.doctor.model import Given
from alfred_dev.flow.model import Broken, Flow
from alfred_dev.runtime.base import Observed, Running, State
from tests.unit.doctor.scenes import seen
from tests.unit.flow.test_send import TASK, core, hops
from tests.worlds import plan

BROKEN = Broken(
    hop="outcome mailed", service="the last agent", peer="mail-server", detail="it said no"
)
GIVEN = Given(root="/project", plan=plan())


def test_the_hop_is_named_with_what_to_type() -> None:
    (finding,) = judge(Flows(sent=True, broken=BROKEN), GIVEN)
    assert finding.subject == "mail-server"
    assert "'outcome mailed'" in finding.cause
    assert finding.evidence == ("it said no",)
    assert finding.fix.commands == ("alfred-dev logs mail-server", "alfred-dev flow events -n 1")


def test_what_went_through_or_was_not_sent_is_no_finding() -> None:
    assert list(judge(Flows(sent=True), GIVEN)) == []
    assert list(judge(Flows(sent=False), GIVEN)) == []


def test_a_task_that_is_merely_late_is_sent_again() -> None:
    late = {**TASK, "hops": hops(Flow.API)}
    whole = {**TASK, "status": "done", "hops": hops(Flow.EVENTS)}
    with core([late, whole]) as entry:
        assert asyncio.run(tried(entry, (0.05, 0.05))) is None


def test_what_never_arrives_is_broken_and_what_failed_is_sent_once() -> None:
    with core([{**TASK, "hops": hops(Flow.API)}]) as entry:
        broken = asyncio.run(tried(entry, (0.05, 0.05)))
    assert broken is not None and broken.late
    failed = {**TASK, "status": "failed", "hops": hops(Flow.API), "error": "mail-server: no"}
    with core([failed, {}]) as entry:
        broken = asyncio.run(tried(entry, (0.05, 0.05)))
    assert broken is not None and (broken.late, broken.detail) == (False, "mail-server: no")


def test_who_ended_meanwhile_is_named_and_not_the_hop() -> None:
    running = Running(state=State.RUNNING, pid=200)
    after = Observed(alive=True, services={"redis": running, "agent-core": running})
    before = seen(details={})  # every service has the process 100
    names = {"redis", "agent-core"}
    assert set(ended(before, after, names)) == names
    same = Running(state=State.RUNNING, pid=100)
    assert ended(before, Observed(alive=True, services={"redis": same}), {"redis"}) == {}
    look = Flows(sent=True, broken=BROKEN, ended={"agent-core": "terminated by SIGBUS"})
    (finding,) = judge(look, GIVEN)
    assert finding.subject == "agent-core"
    assert "agent-core ended while a task was sent through it (terminated by SIGBUS)" in (
        finding.cause
    )


def test_a_library_that_a_running_service_lacks_is_the_cause() -> None:
    broken = Broken(hop="answered", service="agent-core", peer="agent-core", detail="HTTP 500")
    said = ("Traceback", "ImportError: /v/x.so: file too short", "GET / 500")
    look = Flows(sent=True, broken=broken, said=said, python="/c/.venv/bin/python")
    (finding,) = judge(look, GIVEN)
    assert "ImportError: /v/x.so: file too short" in finding.cause
    assert finding.fix.commands == ("rm -rf '/c/.venv'", "alfred-dev up agent-core")
    (finding,) = judge(Flows(sent=True, broken=broken), GIVEN)
    assert finding.fix.commands[0] == "alfred-dev logs agent-core"


def test_a_reason_with_a_quoted_word_is_told_whole() -> None:
    detail = 'HTTP 503: {"error":{"code":"x","message":"column \\"service\\" does not exist"}}'
    broken = Broken(hop="stored", service="agent-core", peer="db-postgres", detail=detail)
    (finding,) = judge(Flows(sent=True, broken=broken), GIVEN)
    assert finding.cause.endswith(': column "service" does not exist')

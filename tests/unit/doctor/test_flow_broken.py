from __future__ import annotations

import asyncio

from alfred_dev.doctor.checks.flow_broken import judge
from alfred_dev.doctor.look.flows import Flows, tried
from alfred_dev.doctor.model import Given
from alfred_dev.flow.model import Broken, Flow
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

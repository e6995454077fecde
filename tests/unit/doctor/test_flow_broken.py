from __future__ import annotations

from alfred_dev.doctor.checks.flow_broken import judge
from alfred_dev.doctor.look.flows import Flows
from alfred_dev.doctor.model import Given
from alfred_dev.flow.model import Broken
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

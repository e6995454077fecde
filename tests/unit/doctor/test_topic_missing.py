from __future__ import annotations

from alfred_dev.doctor.checks.topic_missing import judge
from alfred_dev.doctor.look.topics import Topics
from alfred_dev.doctor.model import Given
from tests.worlds import plan

GIVEN = Given(root="/project", plan=plan())


def test_what_is_missing_is_named_with_what_makes_it() -> None:
    lines = ("projects/p/topics/abc is missing", "projects/p/subscriptions/sub is missing")
    (finding,) = judge(Topics(missing={"pubsub-emulator": lines}), GIVEN)
    assert finding.cause == f"pubsub-emulator is not as declared: {lines[0]}, and 1 more"
    assert finding.evidence == lines
    assert finding.fix.commands == ("alfred-dev up pubsub-emulator",) and finding.fix.automatic


def test_what_is_complete_is_no_finding() -> None:
    assert list(judge(Topics(), GIVEN)) == []

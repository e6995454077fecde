from __future__ import annotations

import uuid
from datetime import UTC, datetime

from alfred_dev.embedded.outbox import FIRST_S, LONGEST_S, Due
from alfred_dev.embedded.tasks import Task


def task() -> Task:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Task(id=uuid.uuid4(), title="t", status="queued", service="agent-core", created_at=when)


def test_what_waits_is_told_again_ever_more_seldom() -> None:
    due, one = Due(), task()
    told = [now for now in range(1200) if due.take([one], float(now))]
    assert told == [3, 9, 21, 45, 93, 189, 381, 681, 981]
    assert told[0] == FIRST_S and told[-1] - told[-2] == LONGEST_S


def test_what_is_done_is_forgotten() -> None:
    due, one, other = Due(), task(), task()
    assert due.take([one, other], 0.0) == []
    assert due.pause_s(1.0) == FIRST_S - 1
    assert due.take([other], 3.0) == [other]
    assert due.take([], 4.0) == [] and due.pause_s(4.0) is None
    assert due.take([one], 5.0) == []  # new again

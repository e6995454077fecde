"""What a command says when it has done its work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alfred_dev.lifecycle import Report
from alfred_dev.report import text
from tests.unit.dashboard import views


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"gateway"}, "1 service, 3 ports healthy after 1.5 s"),
        ({"gateway", "vector-db"}, "1 service, 2 ports healthy after 1.5 s"),
    ],
)
def test_helpers_count_where_they_are_all_there_is(
    names: set[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    view = views.view(ill="")
    statuses = tuple(replace(s, selected=s.id in names) for s in view.statuses)
    text.print_urls(view.plan, Report(statuses=statuses, duration_s=1.5), waited=True)
    assert said in capsys.readouterr().out

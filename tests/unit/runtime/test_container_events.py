"""A container that was stopped in order, though it had to be killed, is no failure."""

from __future__ import annotations

from typing import Any

import pytest

from alfred_dev.runtime.container_events import in_order
from alfred_dev.runtime.containers import ENDED_BY, STOPPED, detail, failed


def events(*words: str) -> list[dict[str, Any]]:
    return [
        {
            "Action": word.split()[0],
            "timeNano": number,
            "Actor": {"Attributes": {"signal": word.split()[-1]}},
        }
        for number, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("said", "stopped"),
    [
        (["kill 15", "kill 9", "die"], True),  # docker stop of what does not hear
        (["kill 2", "die"], True),
        (["kill 9", "die"], False),  # docker kill
        (["die"], False),  # it crashed, or somebody else killed it
        (["kill 15", "die", "die"], False),  # stopped, started again, then crashed
        (["kill 15"], False),  # not over yet
        ([], False),  # long ago: the engine has forgotten
    ],
)
def test_who_asked_first(said: list[str], stopped: bool) -> None:
    assert in_order(events(*said)[::-1]) is stopped


def test_what_is_known_of_its_end_is_said() -> None:
    state = {"Status": "exited", "ExitCode": 137}
    assert failed({"State": state})
    assert detail({"State": {**state, ENDED_BY: STOPPED}}) == STOPPED
    assert detail({"State": {**state, ENDED_BY: ""}}) == "terminated by SIGKILL"
    assert not failed({"State": {**state, "OOMKilled": True}})
    assert not failed({"State": {"Status": "running", "ExitCode": 0}})

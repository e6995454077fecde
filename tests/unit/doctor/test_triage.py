"""Root causes: something is always named, and never what follows from another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.doctor import triage
from alfred_dev.doctor.model import (
    Category,
    Cause,
    Check,
    Finding,
    Fix,
    Outcome,
    Severity,
    State,
)
from alfred_dev.doctor.registry import every
from tests import worlds


async def nothing(scene: object) -> None:
    """Look at nothing."""


def check(code: str, *depends_on: str, **more: Any) -> Check:
    return Check(
        code=code, title=code, category=Category.SERVICES, cause="c", fix="f",
        observe=nothing, judge=lambda seen, given: (), depends_on=frozenset(depends_on), **more,
    )  # fmt: skip


def finding(subject: str, **more: Any) -> Finding:
    return Finding(subject=subject, cause=f"{subject} is ill", fix=Fix(text="mend it"), **more)


def outcome(one: Check, *findings: Finding) -> Outcome:
    return Outcome(check=one, state=State.FOUND if findings else State.OK, findings=findings)


def causes(*outcomes: Outcome) -> list[Cause]:
    return list(triage.causes(outcomes, worlds.plan()))


def test_a_dead_engine_is_one_finding() -> None:
    engine = outcome(check("engine-down"), finding("docker", everything=True))
    stopped = outcome(check("stopped", "engine-down"), *map(finding, ("redis", "agent-core")))
    (only,) = causes(engine, stopped)
    assert only.finding.subject == "docker"
    assert only.masks == ("redis: stopped", "agent-core: stopped")


def test_what_waits_for_a_database_follows_from_it() -> None:
    down = outcome(check("stopped"), finding("db-postgres"))
    waits = outcome(
        check("unready"),
        finding("model-registry", symptom=True),
        finding("ui-chat", symptom=True),  # three services above it
    )
    (only,) = causes(down, waits)
    assert only.finding.subject == "db-postgres"
    assert len(only.masks) == 2


def test_two_independent_faults_are_two() -> None:
    down = outcome(check("stopped"), finding("db-postgres"))
    frozen = outcome(check("frozen"), finding("agent-core"))  # it needs db-postgres
    alone = outcome(check("unready"), finding("auth-ui", symptom=True))  # it needs nothing
    assert {c.finding.subject for c in causes(down, frozen, alone)} == {
        "db-postgres", "agent-core", "auth-ui",
    }  # fmt: skip


def test_two_sides_of_one_thing_are_one() -> None:
    taken = outcome(check("port-taken"), finding("redis"))
    ended = outcome(check("ended", "port-taken"), finding("redis"), finding("vector-db"))
    found = causes(taken, ended)
    assert [(c.check.code, c.finding.subject) for c in found] == [
        ("port-taken", "redis"), ("ended", "vector-db"),
    ]  # fmt: skip


def test_what_one_command_mends_is_one() -> None:
    fix = Fix(text="start", commands=("alfred-dev up",))
    found = causes(outcome(check("stale"), *(
        Finding(subject=s, cause="old", fix=fix, evidence=(s,)) for s in ("redis", "agent-core")
    )))  # fmt: skip
    assert len(found) == 1
    assert found[0].finding.about == {"agent-core"}
    assert found[0].finding.evidence == ("redis", "agent-core")


def test_a_warning_masks_no_error() -> None:
    warning = outcome(check("low", severity=Severity.WARNING), finding("redis", everything=True))
    error = outcome(check("ended", "low"), finding("redis"))
    assert [c.check.code for c in causes(warning, error)] == ["ended", "low"]


def test_errors_come_first_then_rank_then_the_start_order() -> None:
    found = causes(
        outcome(check("info", severity=Severity.INFO, rank=1), finding("x")),
        outcome(check("late", rank=50), finding("agent-core"), finding("db-postgres")),
        outcome(check("early", rank=2), finding("ui-chat")),
    )
    assert [c.finding.subject for c in found] == ["ui-chat", "db-postgres", "agent-core", "x"]


def test_a_masked_check_says_so() -> None:
    outcomes = [
        outcome(check("a"), finding("redis", everything=True)),
        outcome(check("b", "a"), finding("redis")),
        outcome(check("c")),
    ]
    roots = triage.causes(outcomes, worlds.plan())
    states = [o.state for o in triage.states(outcomes, roots)]
    assert states == [State.FOUND, State.MASKED, State.OK]


SERVICES = sorted(worlds.plan().ids)
CODES = list("abcdef")


@st.composite
def diagnoses(draw: st.DrawFn) -> list[Outcome]:
    found = []
    for place, code in enumerate(CODES):
        earlier = draw(st.frozensets(st.sampled_from(CODES), max_size=3))
        depends = earlier if draw(st.booleans()) else earlier & set(CODES[:place])
        subjects = draw(st.frozensets(st.sampled_from(SERVICES), max_size=4))
        findings = [
            finding(s, symptom=draw(st.booleans()), everything=draw(st.booleans()))
            for s in sorted(subjects)
        ]
        found.append(outcome(check(code, *sorted(depends)), *findings))
    return found


@given(outcomes=diagnoses())
def test_something_is_always_named_and_nothing_is_lost(outcomes: list[Outcome]) -> None:
    roots = triage.causes(outcomes, worlds.plan())
    all_found = {(o.check.code, f.subject) for o in outcomes for f in o.findings}
    named = {(c.check.code, c.finding.subject) for c in roots}
    masked = {tuple(reversed(m.split(": "))) for c in roots for m in c.masks}
    assert bool(named) == bool(all_found)
    assert named <= all_found
    assert named | masked == all_found


@pytest.mark.parametrize("cycle", [{"a": frozenset({"b"}), "b": frozenset({"a"})}])
def test_a_circle_of_checks_ends(cycle: triage.Graph) -> None:
    assert triage.closure(cycle) == {"a": {"a", "b"}, "b": {"a", "b"}}


def test_what_merely_could_follow_over_a_step_that_is_not_there_is_named() -> None:
    invalid = outcome(check("invalid"), finding(".env", everything=True))
    missing = outcome(check("missing", "invalid"))
    wrong = outcome(check("wrong", "missing"), finding("agent-core"))
    assert {c.finding.subject for c in causes(invalid, missing, wrong)} == {".env", "agent-core"}
    between = outcome(check("missing", "invalid"), finding("x", about=frozenset({"agent-core"})))
    (only,) = causes(invalid, between, wrong)
    assert only.finding.subject == ".env"
    assert only.masks == ("x: missing", "agent-core: wrong")


def test_a_wrong_url_and_an_edited_file_stand_beside_a_broken_configuration() -> None:
    known = {c.code: c for c in every()}
    found = causes(
        outcome(known["config-invalid"], finding(".env", everything=True)),
        outcome(known["endpoint-wrong"], finding("agent-legal")),
        outcome(known["settings-changed"], finding("ui-chat", about=frozenset({"render"}))),
        outcome(known["render-old"], finding("render")),
        outcome(known["render-changed"], finding(".alfred/render/prometheus/prometheus.yml")),
    )
    assert [c.check.code for c in found] == ["config-invalid", "endpoint-wrong", "render-changed"]

"""Every check is whole, can be named, and points at others that exist."""

from __future__ import annotations

import re

import pytest

from alfred_dev.doctor import registry, triage
from alfred_dev.doctor.ailing import WHY_ENDED
from alfred_dev.doctor.model import Check
from alfred_dev.doctor.repairs import REPAIRS

EVERY = (*registry.every(), *registry.scanning())
CODES = {check.code for check in EVERY}


@pytest.mark.parametrize("check", registry.every(), ids=lambda c: c.code)
def test_a_check_is_whole(check: Check) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.code)
    assert check.title
    assert check.cause
    assert check.fix
    assert check.depends_on <= CODES, check.depends_on - CODES


def test_codes_are_unique() -> None:
    codes = [check.code for check in registry.every()]
    assert len(codes) == len(set(codes))


def test_what_explains_an_ending_exists() -> None:
    assert WHY_ENDED <= CODES, WHY_ENDED - CODES


def test_no_check_follows_from_itself() -> None:
    graph = triage.closure({c.code: c.depends_on for c in EVERY})
    assert [code for code, below in graph.items() if code in below] == []


def test_there_are_repairs() -> None:
    assert set(REPAIRS) == {"put_settings_back", "set_password"}

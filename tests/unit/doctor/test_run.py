"""Looks are shared, time-limited and isolated; a crash is an outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from alfred_dev.doctor.model import Category, Check, Diagnosis, Finding, Fix, Given, State
from alfred_dev.doctor.run import diagnose
from alfred_dev.doctor.scene import Scene


def scene(**known: Any) -> Scene:
    given = Given(root="", plan=None, secrets=frozenset({"s3cret"}), **known)
    return Scene(given=given, workspace=None, stack=None)


def check(code: str, observe: Any, judge: Any = lambda seen, given: (), **more: Any) -> Check:
    return Check(
        code=code, title=code, category=Category.HOST, cause="", fix="", observe=observe,
        judge=judge, **{"needs_plan": False, **more},
    )  # fmt: skip


def run(*checks: Check) -> Diagnosis:
    return asyncio.run(diagnose(checks, scene()))


def test_a_look_is_taken_once_for_all() -> None:
    looked = []

    async def look(scene: Scene) -> int:
        looked.append(1)
        await asyncio.sleep(0)
        return 7

    def judge(seen: int, given: Given) -> Iterable[Finding]:
        yield Finding(subject="x", cause=str(seen), fix=Fix(text=""))

    found = run(check("a", look, judge), check("b", look, judge))
    assert len(looked) == 1
    assert [o.state for o in found.outcomes] == [State.FOUND, State.FOUND]
    assert not found.ok


def test_who_hangs_or_breaks_hides_nobody() -> None:
    async def hangs(scene: Scene) -> None:
        await asyncio.Event().wait()

    async def breaks(scene: Scene) -> None:
        raise RuntimeError("with s3cret in it")

    async def fine(scene: Scene) -> None:
        return None

    found = run(
        check("hangs", hangs, timeout_s=0.05), check("breaks", breaks), check("fine", fine),
        check("planless", fine, needs_plan=True),
    )  # fmt: skip
    states = {o.check.code: o.state for o in found.outcomes}
    assert states == {
        "hangs": State.CRASHED, "breaks": State.CRASHED, "fine": State.OK,
        "planless": State.SKIPPED,
    }  # fmt: skip
    said = {o.check.code: o.detail for o in found.outcomes}
    assert "0.05 s" in said["hangs"]
    assert "s3cret" not in said["breaks"]
    assert "RuntimeError" in said["breaks"]

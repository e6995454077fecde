"""Run all checks at once, each within its time. A check that crashes is an outcome, never lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from alfred_dev.doctor import triage
from alfred_dev.doctor.model import Check, Diagnosis, Finding, Outcome, State
from alfred_dev.doctor.scene import Scene
from alfred_dev.settings import masked


async def diagnose(checks: Iterable[Check], scene: Scene) -> Diagnosis:
    """Look, judge, and tell root causes from what follows. Raises nothing but cancellation."""
    began = time.monotonic()
    try:
        outcomes = await asyncio.gather(*(outcome(c, scene) for c in checks))
    finally:
        await scene.close()
    causes = triage.causes(outcomes, scene.given.plan)
    return Diagnosis(
        causes=causes,
        outcomes=triage.states(outcomes, causes),
        duration_s=time.monotonic() - began,
    )


async def outcome(check: Check, scene: Scene) -> Outcome:
    """Return what came of one check. Raises nothing but cancellation."""
    if check.needs_plan and scene.stack is None:
        return Outcome(check=check, state=State.SKIPPED, detail="there is no plan to compare with")
    began = time.monotonic()
    findings: tuple[Finding, ...] = ()
    state, detail = State.OK, ""
    try:
        async with asyncio.timeout(check.timeout_s):
            seen = await scene.see(check.observe)
        findings = tuple(check.judge(seen, scene.given))
        state = State.FOUND if findings else State.OK
    except TimeoutError:
        state, detail = State.CRASHED, f"it could not look within {check.timeout_s:g} s"
    except Exception as error:  # one check that breaks must not hide what the others see
        state, detail = State.CRASHED, _told(error, scene)
    return Outcome(
        check=check,
        state=state,
        findings=findings,
        detail=detail,
        duration_ms=(time.monotonic() - began) * 1000,
    )


def _told(error: Exception, scene: Scene) -> str:
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
    return masked(f"{type(error).__name__} at {place}: {error}", scene.given.secrets)

"""``up --watch``: builds and starts anew what a saved file belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import watchfiles

from alfred_dev.cli import checkouts, session
from alfred_dev.errors import AlfredError, InterruptedByUser
from alfred_dev.lifecycle import STARTING, Report
from alfred_dev.report import text
from alfred_dev.stack import Stack

LOOK_MS = 1000


def on_save(stack: Stack, bring_up: Callable[[], tuple[Stack, Report]]) -> None:
    """Go on until Ctrl-C. A mistake in what was saved is said, and may be mended."""
    folders = [str(folder) for folder in checkouts.of(stack.plan.platform).values()]
    if not folders:
        session.note("nothing to watch: no service is built from a checkout of the platform")
        return
    for _ in _saves(folders):
        try:
            built, report = bring_up()
        except InterruptedByUser:
            raise
        except AlfredError as error:
            session.note(f"{error.what}: {error.cause}")
        else:
            if any(step.action in STARTING for step in report.steps):
                text.print_report(built.plan, report, waited=True)


def _saves(folders: Sequence[str]) -> Iterator[None]:
    """Yield whenever something was saved, first when nothing is missed any more."""
    watching = False
    for changes in watchfiles.watch(
        *folders, raise_interrupt=False, yield_on_timeout=True, rust_timeout=LOOK_MS
    ):
        if not watching:
            session.note(f"watching {len(folders)} folders (Ctrl-C ends it; what runs goes on)")
        if changes or not watching:
            yield
        watching = True

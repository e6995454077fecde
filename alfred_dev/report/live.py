"""Progress while ``up`` waits: a live table on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from alfred_dev.reconcile import Action, Step
from alfred_dev.report.command import typed
from alfred_dev.report.text import STYLES, console
from alfred_dev.status import Health, ServiceStatus


class Silent:
    """Shows nothing; notes still matter and go to stderr."""

    def __init__(self) -> None:
        self.out = console(stderr=True)

    def note(self, text: str) -> None:
        """Say one line."""
        self.out.print(f"alfred-dev: {typed(text)}", soft_wrap=True)

    def steps(self, steps: Sequence[Step]) -> None:
        """Stay silent."""

    def statuses(self, statuses: Sequence[ServiceStatus], elapsed_s: float) -> None:
        """Stay silent."""


class Lines(Silent):
    """A line when something changes: for logs, CI and dumb terminals."""

    def __init__(self) -> None:
        super().__init__()
        self.healthy: set[str] = set()
        self.changing: set[str] = set()

    def steps(self, steps: Sequence[Step]) -> None:
        """Say what will be done, and why where it is not simply a start."""
        self.changing = {s.service for s in steps if s.action in (Action.START, Action.RESTART)}
        for step in steps:
            if step.action in (Action.RESTART, Action.STOP):
                self.note(f"{step.action} {step.service}: {step.cause}")

    def statuses(self, statuses: Sequence[ServiceStatus], elapsed_s: float) -> None:
        """Say which services have become healthy."""
        for status in statuses:
            if status.selected and status.health is Health.HEALTHY and status.id in self.changing:
                if status.id not in self.healthy:
                    self.note(f"{status.id}: healthy after {elapsed_s:.1f} s")
                self.healthy.add(status.id)


class LiveLines(Lines):
    """One line a service, redrawn in place: waiting for what, healthy after how long."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self.live = live
        self.out = live.console
        self.since: dict[str, float] = {}

    def statuses(self, statuses: Sequence[ServiceStatus], elapsed_s: float) -> None:
        """Redraw."""
        for status in statuses:
            if status.health is Health.HEALTHY:
                self.since.setdefault(status.id, elapsed_s)
            else:
                self.since.pop(status.id, None)
        if self.changing:
            self.live.update(self._lines(statuses, elapsed_s), refresh=True)

    def _lines(self, statuses: Sequence[ServiceStatus], elapsed_s: float) -> Text:
        shown = [s for s in statuses if s.selected]
        lines = [self._line(s) for s in shown]
        well = sum(s.health is Health.HEALTHY for s in shown)
        lines.append(Text(f"{well} of {len(shown)} healthy, {elapsed_s:.1f} s"))
        return Text("\n").join(lines)

    def _line(self, status: ServiceStatus) -> Text:
        name = Text(f"{status.id:<21}")
        if status.health is Health.HEALTHY:
            text = f"healthy after {self.since[status.id]:.1f} s"
        elif status.blocked_by:
            text = f"waiting for {', '.join(status.blocked_by)}"
        else:
            text = f"{status.health}: {status.detail}" if status.detail else str(status.health)
        line = name + Text(text, style=STYLES[status.health])
        line.truncate(max(20, self.live.console.width - 1), overflow="ellipsis")
        return line


@contextlib.contextmanager
def chosen(*, silent: bool) -> Iterator[Silent]:
    """Choose by what stderr is."""
    out: Console = console(stderr=True)
    if silent:
        yield Silent()
    elif not out.is_terminal or out.is_dumb_terminal:
        yield Lines()
    else:
        with Live(console=out, auto_refresh=False, transient=True) as live:
            yield LiveLines(live)


@contextlib.contextmanager
def counted(what: str, count: int, *, silent: bool) -> Iterator[Callable[[int], object]]:
    """Show on a terminal how many of ``count`` are done; call what is yielded with each number."""
    out = console(stderr=True)
    if silent or not out.is_terminal:
        yield lambda number: None
        return
    with out.status(f"{what}: 0 of {count}") as shown:
        yield lambda number: shown.update(f"{what}: {number} of {count}")

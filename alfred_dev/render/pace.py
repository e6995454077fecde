"""How often Prometheus looks, and every length of time that follows from it. Pure.

A window holds four scrapes: fewer show nothing when one of them is late. A person who wants to see
an alert come and go within seconds sets the interval to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from alfred_dev.plan import Plan

SETTING = "ALFRED_METRICS_INTERVAL"
WINDOW, USUAL = "$WINDOW", "$USUAL"
"""Stand in a query for the length of a window, and for the time from which one's usual is known."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``interval_s``: seconds between two scrapes, and between two evaluations of the rules."""

    interval_s: int = 15

    @property
    def interval(self) -> str:
        """Return it as Prometheus reads it."""
        return self.looks(1)

    def looks(self, count: int) -> str:
        """Return the time that so many intervals take, as Prometheus reads it."""
        return f"{count * self.interval_s}s"

    def fill(self, expr: str) -> str:
        """Return a query with its lengths of time."""
        return expr.replace(WINDOW, self.looks(4)).replace(USUAL, self.looks(240))


def of(plan: Plan) -> Pace:
    """Return what the settings say."""
    return Pace(int(plan.settings[SETTING]))

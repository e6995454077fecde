"""What a rule is, and what it says. A rule decides on values: it never looks at the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project


class Severity(StrEnum):
    """How bad it is: error will not work or is open to others, warning will surprise."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The one right answer: in a line, the first ``old`` from ``column`` on becomes ``new``."""

    where: Where
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause. ``places``: everywhere it shows, the best place to mend it first."""

    rule: str
    severity: Severity
    service: str | None
    message: str
    fix: str
    places: tuple[Where, ...]
    edits: tuple[Edit, ...] = ()

    @property
    def where(self) -> Where:
        """Where to look first."""
        return self.places[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What rules may know besides the project. ``now``: seconds since 1970.

    ``ports``: the platform's map, service or alias -> host ports; ``ranges``: its ranges.
    """

    now: float
    ports: Mapping[str, frozenset[int]] = field(default_factory=dict)
    ranges: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``page``: what docs/lint.md says; ``bad`` and ``good``: its example.

    ``across``: for what only several projects together show.
    """

    code: str
    title: str
    severity: Severity
    page: str
    bad: str
    good: str
    check: Callable[[Project, Context], Iterable[Finding]] | None = None
    across: Callable[[Sequence[Project], Context], Iterable[Finding]] | None = None

    def found(
        self,
        message: str,
        *places: Where,
        fix: str,
        service: str | None = None,
        severity: Severity | None = None,
        edits: tuple[Edit, ...] = (),
    ) -> Finding:
        """Make a finding of this rule."""
        return Finding(
            rule=self.code,
            severity=severity or self.severity,
            service=service,
            message=message,
            fix=fix,
            places=tuple(dict.fromkeys(places)),
            edits=edits,
        )

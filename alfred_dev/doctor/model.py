"""The nouns of the doctor. Pure.

A check looks (``observe``: effects, shared with other checks that need the same look) and judges
(``judge``: pure). What it finds is data: a cause, the evidence, and a fix that can be typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from alfred_dev.errors import AlfredError
from alfred_dev.plan import Plan


class Severity(StrEnum):
    """How bad it is; the order is that of a report."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Category(StrEnum):
    """What a check looks at; ``doctor --only CATEGORY``."""

    CONFIG = "config"
    HOST = "host"
    RESOURCES = "resources"
    DOCKER = "docker"
    NETWORK = "network"
    PORTS = "ports"
    DATA = "data"
    SERVICES = "services"
    CERTS = "certs"
    NAMES = "names"
    FLOWS = "flows"
    TUNNEL = "tunnel"
    DRIFT = "drift"


class State(StrEnum):
    """What came of a check. ``masked``: all it found follows from something else."""

    OK = "ok"
    FOUND = "found"
    MASKED = "masked"
    SKIPPED = "skipped"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What mends it. ``commands`` can be typed as they stand, in the project's folder.

    ``automatic``: ``--fix`` does it without asking: it loses nothing and can be done again;
    ``manual``: it ends what is somebody else's, so only a person types it, whatever ``--yes``;
    ``repair``: what ``--fix`` does instead of typing ``commands``: a function of ``repairs``;
    ``undo``: what gives the machine back, as root, where ``commands`` change it outside of the
    project: the ledger keeps it, and ``uninstall`` types it.
    """

    text: str
    commands: tuple[str, ...] = ()
    automatic: bool = False
    manual: bool = False
    repair: str = ""
    undo: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, as one check sees it.

    ``subject``: what it is about, a service's id where it is one; ``about``: further subjects;
    ``symptom``: it says nothing of its own cause, so it follows from whatever ails a service
    below; ``everything``: whatever depends on this check follows from it, whatever its subject.
    """

    subject: str
    cause: str
    fix: Fix
    evidence: tuple[str, ...] = ()
    severity: Severity | None = None
    about: frozenset[str] = frozenset()
    symptom: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What every judge knows besides what its own look saw.

    ``plan`` is None where the configuration cannot be used; ``problem`` says why, and ``plan`` may
    then still be the one of the catalog alone (``guessed``). ``environment``: of this shell.
    ``root``: the project's folder, empty outside of one; ``project``: its name in the engine;
    ``sudo``: what privilege takes here.
    """

    root: str
    plan: Plan | None
    problem: AlfredError | None = None
    guessed: bool = False
    selected: frozenset[str] = frozenset()
    ever_up: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    project: str = ""
    sudo: str = ""
    platform: str = "linux"
    now: float = 0.0


Observe = Callable[[Any], Awaitable[Any]]
Judge = Callable[[Any, Given], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question. ``cause`` and ``fix`` say in general what docs/doctor.md lists.

    ``depends_on``: codes from which this one may follow; ``rank``: how early the finding stands
    among those of the same severity, the lowest first; ``needs_plan``: skipped without one;
    ``quick``: part of ``--quick``; ``timeout_s``: wall-clock seconds that looking may take, with
    all looks that it builds on: every edge has a time-out of its own, and this one is the last.
    """

    code: str
    title: str
    category: Category
    cause: str
    fix: str
    observe: Observe
    judge: Judge
    severity: Severity = Severity.ERROR
    depends_on: frozenset[str] = frozenset()
    rank: int = 50
    needs_plan: bool = True
    quick: bool = True
    timeout_s: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one check. ``detail``: why it was skipped, or how it crashed."""

    check: Check
    state: State
    findings: tuple[Finding, ...] = ()
    detail: str = ""
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A root cause: a finding of a check, and everything that follows from it."""

    check: Check
    finding: Finding
    masks: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """How bad it is: the finding's own word, else the check's."""
        return self.finding.severity or self.check.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The whole answer: root causes, the likeliest first, and what came of every check."""

    causes: tuple[Cause, ...]
    outcomes: tuple[Outcome, ...]
    duration_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is worse than a warning, and every check could look."""
        return all(cause.severity is not Severity.ERROR for cause in self.causes)

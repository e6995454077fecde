"""The nouns of the dashboard: one view of everything at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alfred_dev.dashboard.figures import Traffic
from alfred_dev.host.usage import Usage
from alfred_dev.plan import Plan
from alfred_dev.status import ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one look gave. ``at``: epoch seconds; ``cpu``: processors, by service; ``usage``: by
    service; ``traffic``: what each was asked; ``calls``: caller -> called -> traffic;
    ``certificates``: name -> the end, epoch seconds; ``resources``: of the machine, 0 to 1;
    ``processors``: how many there are; ``limits``: bytes of memory a service may have;
    ``heat``: when requests were counted last, and how many took how long."""

    at: float
    plan: Plan
    statuses: tuple[ServiceStatus, ...]
    usage: Mapping[str, Usage] = field(default_factory=dict)
    cpu: Mapping[str, float] = field(default_factory=dict)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    calls: Mapping[str, Mapping[str, Traffic]] = field(default_factory=dict)
    certificates: Mapping[str, float] = field(default_factory=dict)
    tunnels: tuple[Mapping[str, Any], ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict)
    processors: int = 1
    limits: Mapping[str, int] = field(default_factory=dict)
    heat: tuple[float, tuple[int, ...]] | None = None

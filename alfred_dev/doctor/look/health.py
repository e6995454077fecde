"""Health checks of the engine that call a service unhealthy which answers as it should."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from alfred_dev.doctor.look.engine import Container, Containers, compose_of, containers
from alfred_dev.doctor.scene import Scene
from alfred_dev.runtime.compose import ComposeRuntime
from alfred_dev.status import Health

TIMEOUT_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """``wrong``: service -> what its check says now, though the service is well."""

    containers: Containers
    wrong: Mapping[str, str] = field(default_factory=dict)


async def alarms(scene: Scene) -> Alarms:
    """Run such checks now: the engine does so twice a minute, and may mean what is over."""
    found = await scene.see(containers)
    compose = compose_of(scene.stack.runtime) if scene.stack else None
    doubtful = [c for c in found.ours if compose and c.health == "unhealthy" and _well(c, found)]
    said = await asyncio.gather(*(asyncio.to_thread(_run, compose, c) for c in doubtful))
    wrong = {c.service: text for c, text in zip(doubtful, said, strict=True) if text}
    return Alarms(containers=found, wrong=wrong)


def _well(container: Container, found: Containers) -> bool:
    return found.services[container.service].status.health is Health.HEALTHY


def _run(compose: ComposeRuntime | None, container: Container) -> str:
    """Return what a check says now, "" where it is content or is too slow to tell."""
    if compose is None or not container.health_test:
        return ""
    done = compose.docker.run("exec", container.name, *container.health_test, timeout_s=TIMEOUT_S)
    late = done.code == 124  # noqa: PLR2004 - what ``run`` returns when time is over
    if done.code == 0 or late:
        return ""
    return (done.error or done.out).strip()[:200] or f"it ends with {done.code}"

"""Which runtime a checkout uses. What only Docker needs is loaded only where it is used."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from alfred_dev.engine import endpoint as endpoints
from alfred_dev.engine.api import Engine
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.runtime import memory
from alfred_dev.runtime.base import Runtime
from alfred_dev.runtime.process import ProcessRuntime
from alfred_dev.workspace import Workspace

if TYPE_CHECKING:
    from alfred_dev.cli.containers import Containers
    from alfred_dev.runtime.compose import ComposeRuntime

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtaining:
    """How images are had. ``offline``: nobody outside is asked; ``build``: ours are made anew;
    ``yes``: what a checkout says may be built."""

    offline: bool = False
    build: bool = False
    yes: bool = False


OBTAIN = Obtaining()


def opened(place: Workspace, runtime: str, tell: Tell, *, starting: bool) -> Containers | None:
    """Return the engine to use, None for local processes. Raises MachineError."""
    if runtime != "docker":
        return None
    from alfred_dev.cli.containers import Containers

    found = Containers.open(place, tell, starting=starting)
    if starting:
        found.check()
    return found


def of(place: Workspace, tell: Tell) -> list[ComposeRuntime]:
    """Return the Docker runtime of a checkout, as far as it may run something there.

    Where containers were started an engine that is down is an error; where none ever were, it is
    none.
    """
    used = memory.load(place).url
    if not used and not Engine(endpoints.find(os.environ, Path.home())).answers():
        return []
    from alfred_dev.cli.containers import Containers
    from alfred_dev.runtime.compose import ComposeRuntime

    found = Containers.open(place, tell, starting=False)
    return [ComposeRuntime(place, found.docker, found.engine)]


def choose(place: Workspace, wanted: str, tell: Tell, *, starting: bool) -> str:
    """Return the runtime to use. Raises UsageError for a word that is none.

    A checkout keeps the one that it used; the first time it is Docker where an engine answers.
    """
    if wanted not in ("auto", "docker", "process"):
        cause = "known are auto, docker and process"
        raise UsageError("usage", f"there is no runtime {wanted}", cause=cause)
    if wanted != "auto":
        return wanted
    remembered = memory.load(place).runtime
    return remembered or ("docker" if _can_use_docker(tell, starting=starting) else "process")


def _can_use_docker(tell: Tell, *, starting: bool) -> bool:
    from alfred_dev.engine import kinds
    from alfred_dev.engine.command import Docker

    try:
        found = endpoints.find(os.environ, Path.home())
        engine = Engine(found)
        if not engine.answers():
            return False
        docker = Docker(endpoint=found)
        kinds.known(engine.get("/info"), found)
        docker.check_compose()
    except (MachineError, UsageError) as error:
        if starting:
            tell(f"runtime process: a Docker engine answers, but {error.what} ({error.cause})")
        return False
    return True


def every(place: Workspace, tell: Tell) -> list[Runtime]:
    """Return every runtime that may run something of a checkout, whatever its settings say.

    Raises MachineError when its containers cannot be looked for.
    """
    return [process_runtime(place), *of(place, tell)]


def running(place: Workspace, tell: Tell) -> str:
    """Return the name of the runtime that runs services of a checkout now, else nothing.

    An engine that does not answer runs nothing that can be ended: who holds a port is seen there.
    """
    if process_runtime(place).records() is not None and not memory.load(place).mixed:
        return "process"
    try:
        return "docker" if any(r.listed() for r in of(place, tell)) else ""
    except MachineError:
        return ""


def shown(place: Workspace, chosen: str, tell: Tell) -> str:
    """Return the runtime to look at: of what runs, whatever is asked for meanwhile."""
    if memory.load(place).runtime in ("", chosen):
        return chosen
    found = running(place, tell)
    if found in ("", chosen):
        return chosen
    tell(
        f"this checkout runs in the {found} runtime; ALFRED_RUNTIME={chosen} counts "
        "after `alfred-dev down`"
    )
    return found


def refuse_other(place: Workspace, chosen: str, tell: Tell) -> None:
    """Refuse to start beside services that the other runtime runs. Raises UsageError."""
    found = running(place, tell)
    if found and found != chosen:
        raise UsageError(
            "runtime-in-use",
            f"this checkout runs in the {found} runtime",
            cause=f"{chosen} was asked for, and both would want the same ports",
            fix=["alfred-dev down", f"alfred-dev up --runtime {chosen}"],
        )


def remember_processes(place: Workspace) -> None:
    """Remember that this checkout uses local processes."""
    remembered = memory.load(place)
    if remembered.runtime != "process":
        memory.save(place, replace(remembered, runtime="process"))


def process_runtime(place: Workspace) -> ProcessRuntime:
    """Return the runtime of a checkout; works without its settings."""
    return ProcessRuntime(place, dict(os.environ))

"""What the doctor looks at, and every look at most once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from alfred_dev.doctor.model import Given
from alfred_dev.pki.authority import Store
from alfred_dev.workspace import Workspace

if TYPE_CHECKING:
    from alfred_dev.stack import Stack

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One checkout and its machine. ``stack`` is None where there is no plan to make one of.

    ``store``: where certificates are; ``names``: of the stack; ``web_names``: the gateway's;
    ``own_certificate``: the user brought that; ``probe_timeout_s``: seconds that one port may take.
    """

    given: Given
    workspace: Workspace | None
    stack: Stack | None
    store: Store | None = None
    web_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    own_certificate: bool = False
    probe_timeout_s: float = 2.0
    _looks: dict[Any, asyncio.Task[Any]] = field(default_factory=dict)

    async def see(self, look: Callable[[Scene], Awaitable[T]]) -> T:
        """Return what ``look`` sees. The first who asks has it look; all others share that."""
        task: asyncio.Task[T] | None = self._looks.get(look)
        if task is None:
            task = asyncio.ensure_future(_run(look, self))
            self._looks[look] = task
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End looks that nobody waits for any more."""
        for task in self._looks.values():
            task.cancel()
        await asyncio.gather(*self._looks.values(), return_exceptions=True)


async def _run(look: Callable[[Scene], Awaitable[T]], scene: Scene) -> T:
    return await look(scene)

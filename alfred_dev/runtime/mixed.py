"""A stack in two places: services in containers, helpers as processes of this machine."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alfred_dev.runtime.base import Observed, Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedRuntime:
    """``local``: the names that ``processes`` runs; all others belong to ``containers``."""

    containers: Runtime
    processes: Runtime
    local: Collection[str]

    @property
    def name(self) -> str:
        """The word that ``--runtime`` takes."""
        return self.containers.name

    def observe(self, ports: Mapping[str, Iterable[int]]) -> Observed:
        """Take one snapshot of both."""
        here, there = self._split(ports)
        contained = self.containers.observe({name: ports[name] for name in there})
        local = self.processes.observe({name: ports[name] for name in here})
        return Observed(
            alive=contained.alive,
            services={**contained.services, **local.services},
            pids=contained.pids | local.pids,
        )

    def trouble(self) -> str:
        """Say what is wrong with one of them."""
        return self.processes.trouble()

    def apply(self, start: Sequence[str], restart: Sequence[str]) -> None:
        """Take over the rendered files in both; helpers first: they start while Compose works."""
        local_start, contained_start = self._split(start)
        local_restart, contained_restart = self._split(restart)
        if local_start or local_restart:
            self.processes.apply(local_start, local_restart)
        self.containers.apply(contained_start, contained_restart)

    def stop(self, names: Iterable[str]) -> None:
        """Stop services and wait until they have ended."""
        here, there = self._split(names)
        if here:
            self.processes.stop(here)
        if there:
            self.containers.stop(there)

    def end_all(self) -> list[str]:
        """End what a lost supervisor left behind."""
        return [*self.processes.end_all(), *self.containers.end_all()]

    def down(self, *, volumes: bool = False) -> list[str]:
        """End everything."""
        cleaned = self.processes.down(volumes=volumes)
        return [*cleaned, *self.containers.down(volumes=volumes)]

    def logs(self, names: Sequence[str]) -> dict[str, str]:
        """Return all that services have said."""
        here, there = self._split(names)
        return {**self.processes.logs(here), **self.containers.logs(there)}

    def follow(self, names: Sequence[str]) -> Iterable[Mapping[str, str]]:
        """Yield what services say from now on."""
        here, there = self._split(names)
        sides = [s for s, n in ((self.processes, here), (self.containers, there)) if n]
        streams = [side.follow(self._split(names)[side is self.containers]) for side in sides]
        return streams[0] if len(streams) == 1 else _alternately(streams)

    def last_words(self, name: str, size: int) -> str:
        """Return at most the last ``size`` bytes that a service has said."""
        side = self.processes if name in self.local else self.containers
        return side.last_words(name, size)

    def _split(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return the names that run here, and those that run in containers."""
        known = list(names)
        here = [name for name in known if name in self.local]
        return here, [name for name in known if name not in self.local]


def _alternately(streams: Sequence[Iterable[Mapping[str, str]]]) -> Iterator[Mapping[str, str]]:
    """Yield from each in turn; each says in time when it has nothing new."""
    for group in itertools.zip_longest(*streams):
        yield from (lines for lines in group if lines)

"""The process behind a tunnel: its front, its way to the world, and its end.

It ends when its time is over, when it is told to, and when whoever started it is gone: then the
pipe on stdin ends, or the supervisor is its parent no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alfred_dev.errors import TunnelError
from alfred_dev.host import processes
from alfred_dev.tunnel import asking, faults, health, hook, state
from alfred_dev.tunnel.base import Opened, Provider
from alfred_dev.tunnel.front import Front, Seen
from alfred_dev.tunnel.model import State, TunnelSpec, error_data

TICK_S = 0.5
HEALTH_S = 10.0
FIRST_REACH_S = 2.5
BACKOFF_S = (0.1, 0.3, 0.7, 1.5, 3.0, 6.0, 12.0, 30.0)


@dataclass(slots=True, kw_only=True)
class Tunnel:
    """One tunnel, from its opening to its end."""

    spec: TunnelSpec
    provider: Provider
    secret: str = ""
    clock: Callable[[], float] = time.time
    elapsed: Callable[[], float] = time.monotonic
    seen: Callable[[Seen], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    _front: Front | None = None

    @property
    def home(self) -> Path:
        """The checkout's ``.alfred``."""
        return Path(self.spec.home)

    async def run(self) -> TunnelError | None:
        """Open, keep, and close it. Returns why it did not open."""
        self._front = Front(
            spec=self.spec,
            secret=self.secret,
            clock=self.clock,
            healthy=lambda: asking.ask_service(self.spec),
            seen=self.seen,
            mounts=self._mounts if self.provider.shares else dict,
        )
        try:
            port = await self._front.start()
            self._amend(pid=os.getpid(), identity=str(processes.identity(os.getpid())), port=port)
            error = await self._open(port)
            if error is not None:
                self._amend(state=State.FAILED, error=error_data(error))
                return error
            await self._keep(port)
            return None
        finally:
            await self._front.close()
            await self.provider.close()
            state.forget(self.home, self.spec)

    async def _open(self, port: int) -> TunnelError | None:
        """Open; None when the front was reached, or cannot be asked."""
        try:
            opened = await self.provider.open(port)
            self._use(opened)
            await self._check(opened)
        except TunnelError as error:
            return error
        return None

    def _use(self, opened: Opened) -> None:
        assert self._front is not None  # noqa: S101 - made in run
        self._front.url = opened.url
        self._amend(
            children={str(p): str(processes.identity(p)) for p in self.provider.processes()},
            owner=opened.owner,
            mount=opened.mount,
        )

    async def _check(self, opened: Opened) -> None:
        """Ask through the public URL, then write down that it is open. Raises TunnelError."""
        deadline = time.monotonic() + FIRST_REACH_S
        clear = asyncio.create_task(self._in_clear())
        found = await self._look()
        while found.broken == health.PROVIDER and time.monotonic() < deadline:
            if found.code:
                clear.cancel()
                raise faults.of_ngrok(found.code)
            await asyncio.sleep(0.2)
            found = await self._look()
        self._amend(
            state=State.OPEN,
            url=opened.url,
            where=opened.where,
            warning=await clear,
            healthy=not found.broken,
            broken=found.broken,
            detail=found.detail,
        )

    async def _in_clear(self) -> str:
        ask = getattr(self.provider, "in_clear", None)
        if ask is None or not await ask(self.spec.health_url):
            return ""
        return (
            "the server shows the port to everybody, unencrypted (GatewayPorts yes): "
            "set GatewayPorts no in its sshd_config"
        )

    async def _keep(self, port: int) -> None:
        """Stay until the end; connect again when the way is lost."""
        tasks = [
            asyncio.create_task(self.until_the_end()),
            asyncio.create_task(self._stay_connected(port)),
            asyncio.create_task(self._watch_health()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a mistake of ours shall be heard of
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until_the_end(self) -> None:
        """Return when time is over, or it is told to end.

        By the clock, which goes on in a sleep; and by the time that has passed, so that a clock
        which is set back makes nothing last longer.
        """
        limit = self.elapsed() + self.spec.expires_at - self.clock()
        while self.clock() < self.spec.expires_at and self.elapsed() < limit:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self.ends.wait()
            if self.ends.is_set():
                return
        self.say("its time is over")

    async def _stay_connected(self, port: int) -> None:
        while True:
            error = await self.provider.lost()
            self._amend(state=State.LOST, healthy=False, broken=health.PROVIDER, detail=error.cause)
            self.say(f"lost: {error.cause}; connecting again")
            await self._again(port)

    async def _again(self, port: int) -> None:
        for attempt in range(1_000_000):
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            old = state.of(self.home, self.spec)
            try:
                opened = await self.provider.open(port)
            except TunnelError as error:
                self._amend(detail=f"{error.what}: {error.cause}")
                continue
            self._use(opened)
            self._amend(state=State.OPEN, url=opened.url, healthy=True, broken="", detail="")
            self.say(f"connected again: {opened.url}")
            if old is not None and old.url != opened.url and self.spec.hook:
                await asyncio.to_thread(hook.run, self.spec.hook, self.spec, opened.url, self.say)
            return

    async def _watch_health(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_S)
            record = state.of(self.home, self.spec)
            if record is None:  # closed, or opened anew, by somebody who could not tell us
                self.ends.set()
                return
            if record.state is State.OPEN:
                found = await self._look()
                new = {
                    "healthy": not found.broken, "broken": found.broken, "detail": found.detail,
                }  # fmt: skip
                if any(getattr(record, key) != value for key, value in new.items()):
                    self._amend(**new)

    async def _look(self) -> health.Verdict:
        return await asking.look(self.spec, self.provider)

    def _mounts(self) -> dict[str, int]:
        rows = state.read(self.home).values()
        return {r.mount: r.port for r in rows if r.owner == self.spec.name and r.mount and r.port}

    def _amend(self, **changes: Any) -> None:
        state.amend(self.home, self.spec, **changes)


def line(found: Seen) -> str:
    """Return a request as the list of requests has it."""
    note = f"   {found.note}" if found.note else ""
    return f"{found.method:<6} {found.path} {found.status} {found.ms:.0f} ms{note}"


def parse_environment(environ: Mapping[str, str]) -> TunnelSpec:
    """Return the instructions. Raises TunnelError when they are none."""
    try:
        return TunnelSpec.from_encoded(environ["ALFRED_TUNNEL"])
    except (ValueError, KeyError, TypeError) as error:
        raise TunnelError(
            "tunnel-spec", "there is nothing to open", cause=json.dumps(str(error))
        ) from error

"""``python -m alfred_dev.tunnel``: the process behind one tunnel; see ``serve``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from alfred_dev.tunnel import registry, serve, state
from alfred_dev.tunnel.model import TunnelSpec
from alfred_dev.tunnel.signatures import SENDERS

PARENT_POLL_S = 0.5


def say(text: str) -> None:
    """Log one line; nobody may be listening any more."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def run(spec: TunnelSpec) -> None:
    """Be the tunnel until its end."""

    def clock() -> str:
        """Return the time, where nobody else puts it before our lines."""
        return "" if spec.detached else time.strftime("%H:%M:%S ")

    sender = SENDERS.get(spec.guard.verify)
    tunnel = serve.Tunnel(
        spec=spec,
        provider=registry.provider(spec),
        secret=os.environ.get(sender.setting, "") if sender else "",
        seen=lambda found: say(f"{clock()}{serve.line(found)}"),
        say=lambda text: say(f"tunnel {spec.name}: {text}"),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, tunnel.ends.set)
    opening = asyncio.current_task()
    watcher = loop.create_task(_orphaned(spec, tunnel))
    ender = loop.create_task(_cancel_opening(tunnel, opening))
    try:
        await tunnel.run()
    except asyncio.CancelledError:
        return
    finally:
        watcher.cancel()
        ender.cancel()


async def _orphaned(spec: TunnelSpec, tunnel: serve.Tunnel) -> None:
    """End the tunnel when whoever started it is gone, however that went."""
    if not spec.detached:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.read()
    else:
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(PARENT_POLL_S)
    tunnel.ends.set()


async def _cancel_opening(tunnel: serve.Tunnel, opening: asyncio.Task[None] | None) -> None:
    """A tunnel that is told to end while it opens does not open."""
    await tunnel.ends.wait()
    await asyncio.sleep(0.2)
    record = state.of(tunnel.home, tunnel.spec)
    if opening is not None and record is not None and not record.url:
        opening.cancel()


def main() -> int:
    """Run; a tunnel that nobody wants any more ends in order."""
    spec = serve.parse_environment(os.environ)
    if state.of(Path(spec.home), spec) is None:
        return 0  # closed meanwhile, or opened anew: a supervisor need not start it again
    asyncio.run(run(spec))
    return 0


if __name__ == "__main__":
    sys.exit(main())

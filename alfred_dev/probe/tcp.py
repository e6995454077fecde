"""TCP: does anything listen?"""

from __future__ import annotations

from alfred_dev.probe.base import ProbeResult, Target, well
from alfred_dev.probe.wire import concluded, connected


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether ``target`` accepts a TCP connection.

    Sends no bytes: proves a listener, not a healthy application. ``timeout_s`` is wall-clock
    seconds over name resolution and handshake together. An unreachable target is an answer, not
    an error. Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    async with connected(target):
        return well("accepts connections")

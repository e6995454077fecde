"""HTTP/1.1 by TLS: does the health path answer 2xx?

Whose certificate it is, and whether anybody trusts it, is asked elsewhere: this one tells that a
server is well, also before its CA is trusted.
"""

from __future__ import annotations

import functools
import ssl

from alfred_dev.probe.base import ProbeResult, Target, well
from alfred_dev.probe.http import fetch, refusal
from alfred_dev.probe.wire import concluded


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether GET ``target.path`` is answered with 2xx over TLS.

    Proves nothing about the certificate. ``timeout_s`` is wall-clock seconds over connection,
    handshake, request and answer together. An unreachable target is an answer, not an error.
    Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    answer = await fetch(target, target.path, tls=_context())
    return well(str(answer)) if answer.ok else refusal(answer)


@functools.cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the system's CAs takes 15 ms
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context

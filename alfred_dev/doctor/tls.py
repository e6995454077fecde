"""One TLS handshake, told in full: what is served, how, and whether it may be believed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What came of it. ``error``: why there is no TLS there; ``untrusted``: why the certificate is
    not to be believed for this name; ``certificate``: what was served, DER."""

    host: str
    port: int
    name: str
    error: str = ""
    untrusted: str = ""
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    certificate: bytes = b""


async def handshake(
    host: str, port: int, name: str, *, ca: Path | None, timeout_s: float
) -> Handshake:
    """Shake hands with ``host:port`` for ``name``. Raises nothing but cancellation.

    ``ca``: the file of the CA to believe, the system's own when None.
    """
    seen = await _shake(host, port, name, _believing_all(), timeout_s)
    if seen.error:
        return seen
    try:
        strict = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        return _with(seen, f"the CA file cannot be read: {error}")
    checked = await _shake(host, port, name, strict, timeout_s)
    return _with(seen, checked.error) if checked.error else seen


def _with(seen: Handshake, untrusted: str) -> Handshake:
    return Handshake(
        host=seen.host, port=seen.port, name=seen.name, untrusted=untrusted,
        version=seen.version, cipher=seen.cipher, alpn=seen.alpn, certificate=seen.certificate,
    )  # fmt: skip


def _believing_all() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def _shake(
    host: str, port: int, name: str, context: ssl.SSLContext, timeout_s: float
) -> Handshake:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        return Handshake(host=host, port=port, name=name, error=error.verify_message or str(error))
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        return Handshake(host=host, port=port, name=name, error=f"no TLS: {reason}")
    except TimeoutError:
        return Handshake(
            host=host, port=port, name=name, error=f"no handshake within {timeout_s:g} s"
        )
    except (OSError, EOFError) as error:
        words = getattr(error, "strerror", None) or str(error) or "the connection was closed"
        return Handshake(host=host, port=port, name=name, error=words)
    made = writer.get_extra_info("ssl_object")
    seen = Handshake(
        host=host, port=port, name=name, version=made.version() or "",
        cipher=(made.cipher() or ("",))[0], alpn=made.selected_alpn_protocol() or "",
        certificate=made.getpeercert(binary_form=True) or b"",
    )  # fmt: skip
    with contextlib.suppress(OSError):
        writer.transport.abort()
    return seen

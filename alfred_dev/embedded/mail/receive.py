"""SMTP: takes every mail, from everybody, to everybody, and sends none on."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from alfred_dev.embedded.mail.store import Mail, Store

log = logging.getLogger("alfred_dev.embedded")

SIZE_LIMIT = 25 * 1024 * 1024  # bytes of one mail
RECIPIENTS = 1000
IDLE_S = 300.0
FULL = "452 4.3.1 there is no room for this mail: the disk is full"
BROKEN = "451 4.3.0 this mail could not be kept; the log of mail-server says why"


class Postbox(SMTP):
    """One connection. Lines may be longer than the standard allows: many programs send such."""

    line_length_limit = 1024 * 1024

    async def push(self, status: AnyStr) -> None:
        """Answer, then let the others have a turn: a client may send commands by the thousand."""
        await super().push(status)
        await asyncio.sleep(0)


class _Handler:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.original_content or b""
        try:
            name = await self.store.add(Mail(raw, tuple(envelope.rcpt_tos)))
        except sqlite3.Error as error:
            log.error("a mail could not be kept: %s", error)
            return FULL if "full" in str(error) else BROKEN
        except OSError as error:
            log.error("a mail could not be kept: %s", error)
            return BROKEN
        log.info("kept %s: %d bytes for %s", name, len(raw), _some(envelope.rcpt_tos))
        return f"250 2.0.0 kept as {name}"

    async def handle_exception(self, error: Exception) -> str:
        """Answer what a malformed command made of us; the connection goes on."""
        log.error("a command could not be done: %s", error)
        return "500 5.5.2 this command cannot be read"


def _some(people: list[str]) -> str:
    shown = ascii(people[0])[1:-1][:80] if people else "nobody"
    return shown if len(people) < 2 else f"{shown} and {len(people) - 1} more"


def _anybody(*_: Any) -> AuthResult:
    return AuthResult(success=True)


def factory(store: Store, name: str, certificate: Path) -> Callable[[], asyncio.Protocol]:
    """Return what makes one connection. ``name``: how it greets."""
    for logger in ("mail.log", "mail.debug"):  # every command of everybody
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    handler = _Handler(store)

    def make() -> asyncio.Protocol:
        return Postbox(
            handler,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname=name,
            ident="alfred-dev mail",
            tls_context=context,
            auth_require_tls=False,
            authenticator=_anybody,
            timeout=IDLE_S,
            loop=asyncio.get_running_loop(),
        )

    return make

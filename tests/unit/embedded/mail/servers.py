"""The mail server as a real process, and mails for it."""

from __future__ import annotations

import smtplib
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import Running, listener, spec_of

SERVICE = "mail-server"
READY = "mail answers on"


def spec(data: Path) -> EmbeddedSpec:
    ports = [listener(free_port(), kind) for kind in (ProbeKind.SMTP, ProbeKind.HTTP)]
    return spec_of(SERVICE, ports, stands_in=False, data=data)


@contextmanager
def ours(data: Path, *, prefix: Sequence[str] = ()) -> Iterator[Running]:
    with running.started(spec(data), prefix=prefix) as service:
        service.wait_for(READY)
        yield service


def web(service: Running) -> httpx.Client:
    url = f"http://127.0.0.1:{service.spec.ports[1].listen}"
    return httpx.Client(base_url=url, trust_env=False, timeout=running.TIMEOUT_S)


def smtp(service: Running) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", service.port, timeout=running.TIMEOUT_S)


def letter(
    subject: str = "a subject", text: str = "some text\n", html: str = "", **headers: str
) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    for name, value in {"from": "ann@example.com", "to": "bob@example.com", **headers}.items():
        made[name] = value
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def send(service: Running, *letters: EmailMessage) -> None:
    with smtp(service) as client:
        for one in letters:
            client.send_message(one)


def subjects(client: httpx.Client, path: str = "/api/v1/messages") -> list[str]:
    messages: list[dict[str, Any]] = client.get(path).json()["messages"]
    return [one["Subject"] for one in messages]


def png() -> bytes:
    """Return a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes((40, 120, 200)) * 2) * 2)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks

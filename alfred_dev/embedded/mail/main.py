"""Running it: take both ports, open the mails, serve until a signal."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.embedded import folder, guard
from alfred_dev.embedded.listen import listening
from alfred_dev.embedded.spec import EmbeddedSpec, SpecError

CERTIFICATE = "starttls.pem"


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlfredError: a port is taken, the mails are broken."""
    if sorted(port.probe for port in spec.ports) != [ProbeKind.HTTP, ProbeKind.SMTP]:
        raise SpecError(f"{spec.id} has one port for SMTP and one for HTTP")
    # Taken before anything large is imported: who comes early waits instead of being refused.
    taken = {port.probe: listening(spec.bind, port.listen) for port in spec.ports}
    from alfred_dev.embedded.serve import configure_logging

    configure_logging()
    os.umask(0o077)
    folder.lock(spec.data, sys.stderr.write)
    spec.data.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(_serve(spec, taken[ProbeKind.SMTP], taken[ProbeKind.HTTP]))


async def _serve(spec: EmbeddedSpec, post: socket.socket, web: socket.socket) -> None:
    from alfred_dev.embedded.mail import certificate, receive
    from alfred_dev.embedded.mail.store import Store
    from alfred_dev.embedded.mail.web import Web
    from alfred_dev.embedded.serve import serve

    store = Store(spec.data)
    names = ["localhost", spec.id, f"{spec.id}.{spec.domain}"]
    pem: Path = certificate.ensure(spec.data / CERTIFICATE, names)
    make = receive.factory(store, spec.id, pem)
    server = await asyncio.get_running_loop().create_server(make, sock=post)
    known = guard.names(spec.domain, (spec.id, *spec.aliases))
    app = guard.GuardMiddleware(Web(store, spec.domain).app(), known)
    headers = {"server": "alfred-dev mail", "x-alfred-service": spec.id}
    try:
        await serve(app, [web], headers, what="mail")
    finally:
        server.close()
        store.close()

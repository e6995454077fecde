"""A real Envoy on the real rendered files, on free ports, before servers that say what they hear.

with doors.opened(tmp_path) as door:
    door.get("api", "/agents/core/", token=door.token())
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alfred_dev import hostnames
from alfred_dev.access import Access, Certificate, Client, Limits
from alfred_dev.embedded import engines
from alfred_dev.embedded import gateway as embedded
from alfred_dev.identity import keys
from alfred_dev.identity.store import Store
from alfred_dev.identity.tokens import Subject, mint
from alfred_dev.pki import certificates
from alfred_dev.plan import Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render import gateway
from alfred_dev.render.gateway.world import Place
from alfred_dev.workspace import write
from tests.gateway import upstream
from tests.servers import free_port
from tests.worlds import ENGINES, catalog, settings

DOMAIN = "dev.alfred-platform.example.com"
SECRET = "what-only-the-gateway-and-services-know"  # noqa: S105 - of a test
READY_S, WAIT_S = 20.0, 20.0
HTTPS, HTTP, STATISTICS = 443, 80, 9901
GENEROUS = Limits(ip=1_000_000, auth=1_000_000, user=1_000_000, client=1_000_000, overall=9_000_000)


@dataclass
class Door:
    """A running gateway. ``ports``: catalog's port -> where it listens here."""

    folder: Path
    plan: Plan
    access: Access
    ports: dict[int, int]
    services: dict[str, int]
    authority: bytes
    store: Store
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def tls(self) -> ssl.SSLContext:
        """Trusts our CA alone."""
        return ssl.create_default_context(cadata=self.authority.decode())

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(verify=self.tls, trust_env=False, timeout=10, **options)

    def request(
        self,
        method: str,
        label: str,
        path: str,
        *,
        token: str = "",
        client: httpx.Client | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Ask ``label``'s host; nothing is resolved."""
        name = host(label)
        headers = {"Host": name, **options.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"https://127.0.0.1:{self.ports[HTTPS]}{path}"
        extensions = {"sni_hostname": name}
        if client is not None:
            return client.request(method, url, headers=headers, extensions=extensions, **options)
        with self.client() as once:
            return once.request(method, url, headers=headers, extensions=extensions, **options)

    def get(self, label: str, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", label, path, **options)

    def token(
        self, user: str = "ann", role: str = "user", claimed: Mapping[str, Any] | None = None
    ) -> str:
        """A token as ``alfred-dev token`` makes them; ``claimed``: what it says instead."""
        key = self.store.signing_keys()[0]
        subject = Subject(user=user, role=role, scope="api")
        made = mint(subject, key, issuer=self.plan.issuer, now=time.time(), ttl_s=900)
        return keys.sign({**made.claims, **claimed}, key) if claimed else made.text

    def raw(self, data: bytes, *, label: str = "api") -> bytes:
        """Send bytes in a TLS connection and return all that comes back in a second."""
        with self.connected(label) as sock:
            sock.sendall(data)
            return received(sock)

    def connected(self, label: str = "api") -> ssl.SSLSocket:
        """A TLS connection of HTTP/1.1."""
        return self.tls.wrap_socket(self.connected_plain(), server_hostname=host(label))

    def connected_plain(self) -> socket.socket:
        """A connection that nothing was said on."""
        return socket.create_connection(("127.0.0.1", self.ports[HTTPS]), 5)

    def statistics(self) -> str:
        return httpx.get(
            f"http://127.0.0.1:{self.ports[STATISTICS]}/stats/prometheus", trust_env=False
        ).text

    def change(self, **changes: Any) -> None:
        """Render with another ``Access`` and replace what differs, as ``up`` does."""
        self.access = replace(self.access, **changes)
        self.plan = replace(self.plan, access=self.access)
        self.write()

    def write(self) -> list[str]:
        found = gateway.render(self.plan, self.access, place(self.ports, self.services))
        return [a.path for a in found if write(self.folder / "render" / a.path, a.text.encode())]

    def log(self) -> str:
        return (self.folder / "log").read_text()


def received(sock: socket.socket, timeout_s: float = 1.0) -> bytes:
    """Return what arrives until the end, or until nothing comes for a while."""
    sock.settimeout(timeout_s)
    data = b""
    try:
        while chunk := sock.recv(65536):
            data += chunk
    except (TimeoutError, ConnectionError, ssl.SSLError):
        pass
    return data


def host(label: str) -> str:
    """``api`` -> its name; what has a dot, or is empty, stays as it is."""
    if "." in label or label == "localhost":
        return label
    return f"{label}.{DOMAIN}" if label else DOMAIN


def place(ports: Mapping[int, int], services: Mapping[str, int]) -> Place:
    return Place(
        address=lambda service, endpoint: ("127.0.0.1", services[service.id]),
        listen=lambda endpoint: ports[endpoint.port],
        watched="render/gateway",
        sockets="run/gateway",
    )


@contextmanager
def opened(
    folder: Path,
    *,
    limits: Limits = GENEROUS,
    clients: tuple[Client, ...] = (),
    origins: tuple[str, ...] = (),
    versions: Mapping[str, Mapping[str, str]] | None = None,
    identity: int | None = None,
) -> Iterator[Door]:
    """Run a gateway. ``identity``: the port of a real issuer."""
    if engines.envoy() is None:
        pytest.skip("there is no Envoy for this machine")
    store = Store(folder / "identity")
    store.ensure(time.time())
    authority, access = certified(store, limits, clients, origins, versions or {})
    known = Facts(engines={**ENGINES, "gateway": "Envoy", "identity": "ours"}, access=access)
    plan = make(catalog(), settings(ALFRED_GATEWAY_SECRET=SECRET), known)
    with upstream.serving(plan.ids) as services:
        found = services | ({"identity": identity} if identity else {})
        ports = {number: free_port() for number in (HTTPS, HTTP, STATISTICS)}
        (folder / "run" / "gateway").mkdir(parents=True, exist_ok=True)
        (folder / "render" / "gateway").mkdir(parents=True, exist_ok=True)
        door = Door(
            folder=folder, plan=plan, access=access, ports=ports, services=found,
            authority=authority, store=store, process=None,  # type: ignore[arg-type]
        )  # fmt: skip
        door.write()
        door.process = started(folder)
        try:
            wait(door)
            yield door
        finally:
            door.process.terminate()
            door.process.wait()


def certified(
    store: Store,
    limits: Limits,
    clients: tuple[Client, ...],
    origins: tuple[str, ...],
    versions: Mapping[str, Mapping[str, str]],
) -> tuple[bytes, Access]:
    """A CA of its own, its leaves, and what the gateway is to enforce."""
    now = datetime.now(UTC)
    authority = certificates.make_ca(DOMAIN, now, owner="test")
    names = hostnames.names(catalog(), DOMAIN, web_only=True)
    leaf = certificates.issue(authority, names, now)
    numbers = certificates.issue(authority, ("127.0.0.1", "::1", "localhost"), now)
    access = Access(
        certificate=pem(leaf), loopback=pem(numbers), jwks=store.jwks(), secret=SECRET,
        clients=clients, origins=origins, limits=limits, versions=versions,
    )  # fmt: skip
    return authority.certificate, access


def pem(pair: certificates.Pair) -> Certificate:
    return Certificate(chain=pair.certificate.decode(), key=pair.key.decode())


def started(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [str(engines.envoy()), *embedded.arguments()],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait(door: Door) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        assert door.process.poll() is None, door.log()
        try:
            if door.get("localhost", "/health").status_code == 200:
                return
        except (httpx.HTTPError, OSError):
            time.sleep(0.02)
    raise AssertionError(f"the gateway is not ready: {door.log()[-3000:]}")


def until(true: Callable[[], bool]) -> None:
    """Wait until ``true``; how long that takes is for the benchmark to say."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def heard(answer: httpx.Response) -> dict[str, Any]:
    """What a service behind the gateway says it was asked."""
    assert answer.status_code == 200, (answer.status_code, answer.text)
    found: dict[str, Any] = json.loads(answer.text)
    return found

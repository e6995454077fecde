"""Faults of names, certificates and the gateway. Files outside of the project are copies."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alfred_dev.pki import certificates
from alfred_dev.pki.certificates import Pair
from bench.faults.record import Fault, fault
from bench.faults.ways import Change, Inject, mode, project, signalled, stopped
from bench.faults.world import Undo, World

HOSTS = Path("/etc/hosts")
API = "api.dev.alfred-platform.example.com"


def hosts(change: Change) -> Inject:
    def inject(world: World) -> Undo:
        old = HOSTS.read_text()
        HOSTS.write_text(change(old))

        def undo() -> None:
            HOSTS.write_text(old)
            world.run("names", "apply", "--yes")

        return undo

    return inject


def without_api(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if f"\t{API}\t" not in line)


def ca(world: World) -> Pair:
    folder = next((world.root.parent / "home/.local/share/alfred-dev").glob("ca"))
    return Pair((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())


def leaf(
    *, ago: timedelta = timedelta(0), life: timedelta | None = None, drop: int = 0,
    in_place: bool = False,
) -> Inject:  # fmt: skip
    """Put another leaf of the gateway in place: of another time, or without some names."""

    def inject(world: World) -> Undo:
        path = world.root / "certs/gateway.pem"
        key = path.with_suffix(".key")
        old, old_key = path.read_bytes(), key.read_bytes()
        names = certificates.read(old).names[drop:]
        more = {"life": life} if life else {}
        made = certificates.issue(ca(world), names, datetime.now(UTC) - ago, **more)
        if in_place:  # the gateway takes over only what is renamed into place
            path.write_bytes(made.certificate)
            key.write_bytes(made.key)
        else:
            put(path, made.certificate, 0o644)
            put(key, made.key, 0o600)

        def undo() -> None:
            put(key, old_key, 0o600)
            put(path, old, 0o644)
            world.run("restart", "gateway")

        return undo

    return inject


def put(path: Path, data: bytes, bits: int) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(data)
    new.chmod(bits)
    new.replace(path)


def other_key(world: World) -> Undo:
    key, other = world.root / "certs/gateway.key", world.root / "certs/loopback.key"
    old = key.read_bytes()
    put(key, other.read_bytes(), 0o600)
    return lambda: put(key, old, 0o600)


def untrusted(world: World) -> Undo:
    for anchor in Path("/usr/local/share/ca-certificates").glob("alfred-dev-*"):
        anchor.unlink()
    subprocess.run(["update-ca-certificates", "--fresh"], capture_output=True, check=False)
    return lambda: world.run("certs", "trust", "--yes")


# ui-admin's port, on this machine and in its container.
ROUTED = re.compile(r"(port_value\"?: ?)(?:3007|3000)\b")


def edited_route(world: World) -> Undo:
    """Give a rendered file of the gateway a port on which nobody listens."""
    for path in sorted((world.alfred / "render/gateway").rglob("*")):
        if path.is_file() and ROUTED.search(text := path.read_text()):
            changed = ROUTED.sub(r"\g<1>3999", text)
            put(path, changed.encode(), 0o600)
            return lambda: world.run("up")
    raise LookupError("no rendered file leads to 3007")


def each(*injects: Callable[[World], Undo]) -> Inject:
    def inject(world: World) -> Undo:
        undos = [one(world) for one in injects]

        def undo() -> None:
            for back in reversed(undos):
                back()

        return undo

    return inject


FAULTS: tuple[Fault, ...] = (
    fault("N01", "a name is missing in the hosts file", "names-lost", hosts(without_api),
          touches="hosts", subjects="hosts names"),
    fault("N02", "a stale address in the hosts file", "name-elsewhere",
          hosts(lambda text: f"172.19.0.5\t{API}\n{text}"), touches="hosts", subjects=API),
    fault("N04", "the block in the hosts file lost its end", "names-lost",
          hosts(lambda text: text.replace("# alfred-dev end\n", "")), touches="hosts"),
    fault("NQ1", "the whole hosts file was made anew", "names-lost",
          hosts(lambda text: "127.0.0.1\tlocalhost\n"), touches="hosts"),
    fault("X05", "a service was added after setup",
          "names-lost settings-changed render-changed certificate-unusable",
          project("services:\n  db-auth:\n    ports: [{host: 9999, path: /health}]\n"
                  "    host_port: 9999\n"),
          touches="alfred.yaml hosts", mends="the service itself is the user's to run"),
    fault("C01", "the certificate expired", "certificate-unusable",
          leaf(ago=timedelta(days=900)), touches="certs"),
    fault("C02", "the certificate ends in ten days", "certificate-unusable",
          leaf(life=timedelta(days=10)), touches="certs"),
    fault("C04", "a name is not in the certificate", "certificate-unusable", leaf(drop=3),
          touches="certs"),
    fault("C06", "the key is of another certificate", "certificate-unusable", other_key,
          touches="certs"),
    fault("C07", "the system does not trust the CA any more", "ca-untrusted", untrusted,
          touches="trust"),
    fault("C10", "the gateway serves the old certificate", "certificate-served",
          leaf(in_place=True), touches="certs gateway"),
    fault("C12", "others may read the key", "certificate-unusable files-open",
          mode("certs/gateway.key", 0o644), touches="certs"),
    fault("GQ1", "the gateway is stopped", "service-stopped", stopped("gateway"),
          touches="gateway", subjects="gateway"),
    fault("GQ2", "the gateway is frozen", "service-frozen", signalled("gateway", signal.SIGSTOP),
          touches="gateway", subjects="gateway"),
    fault("GQ3", "the issuer is stopped", "service-stopped", stopped("identity"),
          touches="identity", subjects="identity"),
    fault("GQ4", "a route of the gateway was edited", "gateway-route render-changed",
          edited_route, touches="gateway render"),
)  # fmt: skip

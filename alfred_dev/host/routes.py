"""Where this machine sends packets: networks it can reach, and the size of its way out."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from pathlib import Path

TIMEOUT_S = 5.0
USUAL_MTU = 1500


def networks() -> list[IPv4Network]:
    """Return every network that this machine has a route to, but the default route."""
    if sys.platform == "darwin":
        return parse_netstat(_netstat())
    return parse_proc(_read(Path("/proc/net/route")))


def mtu() -> int:
    """Return the greatest packet of the default route's interface; the usual where not known."""
    for line in _read(Path("/proc/net/route")).splitlines()[1:]:
        fields = line.split()
        if len(fields) > 2 and fields[1] == "00000000":
            size = _read(Path("/sys/class/net") / fields[0] / "mtu").strip()
            return int(size) if size.isdigit() else USUAL_MTU
    return USUAL_MTU


def parse_proc(text: str) -> list[IPv4Network]:
    """Read /proc/net/route: addresses and masks in hexadecimal, the last byte first."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        with contextlib.suppress(IndexError, ValueError):
            address, mask = (IPv4Address(bytes.fromhex(fields[i])[::-1]) for i in (1, 7))
            found.append(IPv4Network(f"{address}/{mask}", strict=False))
    return [network for network in found if network.prefixlen > 0]


def parse_netstat(text: str) -> list[IPv4Network]:
    """Read ``netstat -rn -f inet`` of macOS, which leaves out trailing zeros: ``10.8/16``."""
    found = []
    for line in text.splitlines():
        match = re.match(r"(\d+(?:\.\d+){0,3})(?:/(\d+))?\s", line)
        if match is None:
            continue
        parts = match[1].split(".")
        prefix = match[2] or str(8 * len(parts))
        address = ".".join([*parts, "0", "0", "0"][:4])
        with contextlib.suppress(AddressValueError, NetmaskValueError, ValueError):
            found.append(IPv4Network(f"{address}/{prefix}", strict=False))
    return [network for network in found if network.prefixlen > 0]


def _netstat() -> str:
    try:
        command = ["netstat", "-rn", "-f", "inet"]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

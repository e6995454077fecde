"""Linux: who listens, from netlink or the text of /proc/net/tcp, and whose sockets they are."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

from alfred_dev.host import sockdiag
from alfred_dev.host.sockdiag import Socket

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# sl: local remote st(0A = LISTEN) queues timer retransmits uid timeout inode ...
_LISTEN = re.compile(
    r"^ *[0-9]+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A"
    r" \S+ \S+ \S+ +([0-9]{1,10}) +[0-9]+ +([0-9]{1,20})(?: |$)",
    re.MULTILINE,
)


def parse(text: str) -> list[Socket]:
    """Return the listening sockets of a table; lines of another shape are passed over."""
    return [
        Socket(address=_address(words), port=int(port, 16), uid=int(uid), inode=int(inode))
        for words, port, uid, inode in _LISTEN.findall(text)
    ]


def _address(words: str) -> str:
    """Decode an address: 32-bit words in network order, each printed as a little-endian number."""
    packed = b"".join(bytes.fromhex(words[i : i + 8])[::-1] for i in range(0, len(words), 8))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def listening() -> list[Socket]:
    """Return the listening sockets of this network namespace, IPv4 and IPv6."""
    try:
        return sockdiag.listening()
    except OSError:  # kernels without the module, and imitations of Linux: the slow way
        return tables()


def tables() -> list[Socket]:
    """Read the same from /proc; a kernel without IPv6 has only one table."""
    return [found for table in TABLES if table.exists() for found in parse(table.read_text())]


def holders(sockets: Collection[Socket]) -> dict[int, int]:
    """Return inode -> process id, for those sockets whose process this user may look into.

    Processes of the sockets' users are asked first, and of several that share a socket the one
    with the lowest id is named: the parent, as a rule, and ending a mere worker frees no port.
    """
    wanted = {found.inode for found in sockets}
    uids = {found.uid for found in sockets}
    found: dict[int, int] = {}
    for pid in _pids(first=uids) if wanted else ():
        for inode in inodes(pid) & wanted:
            found[inode] = pid
            wanted.discard(inode)
        if not wanted:
            break
    return found


def _pids(first: Collection[int]) -> Iterator[int]:
    others = []
    with os.scandir("/proc") as entries:
        numbered = sorted((int(e.name), e) for e in entries if e.name.isdecimal())
    for pid, entry in numbered:
        try:
            uid = entry.stat().st_uid
        except FileNotFoundError:  # it has ended meanwhile
            continue
        if uid in first:
            yield pid
        else:
            others.append(pid)
    yield from others


def inodes(pid: int) -> set[int]:
    """Return the inodes of the sockets that ``pid`` holds; none if it may not be looked into."""
    folder = f"/proc/{pid}/fd"
    found: set[int] = set()
    try:
        descriptors = os.listdir(folder)  # noqa: PTH208 - a Path for each descriptor costs 5 times
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return found
    for descriptor in descriptors:
        try:
            target = os.readlink(f"{folder}/{descriptor}")  # noqa: PTH115 - as above
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # closed, ended, not ours
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found


def program(pid: int) -> str:
    """Return the name of the program that ``pid`` runs, or nothing when it has ended.

    The kernel keeps only 15 bytes of it; the rest comes from the executable, where readable.
    """
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
        full = Path(f"/proc/{pid}/exe").readlink().name
    except (FileNotFoundError, ProcessLookupError):
        return ""
    except PermissionError:
        return name
    return full if full.startswith(name) else name


def command(pid: int) -> str:
    """Return the command line of ``pid``, its arguments joined by spaces; may be empty."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()

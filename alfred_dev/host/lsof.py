"""macOS: who listens, from ``lsof -F``, and what they run, from ``ps``."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from alfred_dev.errors import MachineError

# One field a line, its letter first: p process, c command, L login name, u user id, then for each
# file f descriptor, t type, n name, T TCP state. Absolute paths: /usr/sbin is not on every PATH.
LISTENING = ("/usr/sbin/lsof", "-nP", "-iTCP", "-sTCP:LISTEN", "-FpcLftnTu")
COMMANDS = ("/bin/ps", "-ww", "-o", "pid=,command=", "-p")
TIMEOUT_S = 20.0
_NAME = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^\[\]]*)):(?P<port>[0-9]{1,5})")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_WILDCARDS = {"IPv4": "0.0.0.0", "IPv6": "::"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One listening socket of one process. ``program``: at most 9 characters unless one asks."""

    pid: int
    program: str
    uid: int | None
    user: str
    address: str
    port: int


def parse(output: str) -> list[Record]:
    """Return the listening sockets in ``lsof -F`` output; lines of another shape are passed over.

    A file without a state counts as listening: lsof was told to show no others.
    """
    return [record for process in _sets(output, "p") for record in _records(process)]


def _records(process: list[str]) -> Iterator[Record]:
    files = list(_sets("\n".join(process), "f"))
    owner = _fields(process[: process.index(files[0][0])] if files else process)
    pid, uid = owner.get("p", ""), owner.get("u", "")
    for file in files:
        fields = _fields(file)
        match = _NAME.fullmatch(fields.get("n", ""))
        listens = fields.get("T", "ST=LISTEN") == "ST=LISTEN"
        if not (match and listens and _is_number(pid)):
            continue
        yield Record(
            pid=int(pid),
            program=_ESCAPE.sub(lambda code: chr(int(code[1], 16)), owner.get("c", "")),
            uid=int(uid) if _is_number(uid) else None,
            user=owner.get("L", uid),
            address=_address(match, fields.get("t", "")),
            port=int(match["port"]),
        )


def _sets(output: str, letter: str) -> Iterator[list[str]]:
    """Split lines into sets, each beginning with a line of field ``letter``."""
    current: list[str] = []
    for line in output.split("\n"):
        if line.startswith(letter):
            if current:
                yield current
            current = [line]
        elif current:
            current.append(line)
    if current:
        yield current


def _fields(lines: list[str]) -> dict[str, str]:
    """Return letter -> value. TCP details share a letter: only the state (ST=) is kept."""
    details = [line for line in lines if line[:1] == "T" and not line.startswith("TST=")]
    return {line[0]: line[1:] for line in lines if line and line not in details}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def _address(match: re.Match[str], family: str) -> str:
    address = match["v6"] if match["v6"] is not None else match["v4"]
    return _WILDCARDS.get(family, "::") if address in ("*", "") else address


def listening() -> list[Record]:
    """Ask lsof. Without root it shows only this user's processes. Raises MachineError."""
    return parse(_run(LISTENING))


def parse_commands(output: str) -> dict[int, str]:
    """Return pid -> command line from the output of ``ps -o pid=,command=``."""
    pairs = (line.strip().partition(" ") for line in output.split("\n"))
    return {int(pid): command.strip() for pid, _, command in pairs if _is_number(pid)}


def commands(pids: Collection[int]) -> dict[int, str]:
    """Return the command line of each process that is still there. Raises MachineError."""
    if not pids:
        return {}
    return parse_commands(_run((*COMMANDS, ",".join(str(pid) for pid in sorted(pids)))))


def _run(command: tuple[str, ...]) -> str:
    # Both tools exit 1 when they find nothing: their output is the answer.
    try:
        result = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(
            "tool-missing",
            f"{command[0]} cannot be asked who listens",
            cause=str(error),
            fix=[" ".join(command)],
        ) from error
    return result.stdout.decode(errors="replace")

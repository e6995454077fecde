"""What Compose and the engine say when they refuse -> what happened, the cause, what to type.

Pure; the patterns are tested on the words of real engines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alfred_dev.engine.command import how_to_install, last_lines
from alfred_dev.errors import MachineError

Match = re.Match[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One way to be refused: how it sounds, and what it means."""

    sounds: re.Pattern[str]
    code: str
    what: str
    fix: Callable[[Match], Sequence[str]]


def _fixed(*lines: str) -> Callable[[Match], Sequence[str]]:
    return lambda _: lines


REFUSALS = (
    Refusal(
        sounds=re.compile(r"no space left on device|disk quota exceeded", re.I),
        code="disk-full",
        what="the engine's disk is full",
        fix=_fixed("docker system df", "docker system prune   (asks; deletes what nobody uses)"),
    ),
    Refusal(
        sounds=re.compile(r"port is already allocated|address already in use|ports are not availa"),
        code="port-taken",
        what="a port is taken",
        fix=_fixed("alfred-dev ports --check", "alfred-dev up --slot auto"),
    ),
    Refusal(
        sounds=re.compile(r"No chain/target/match by that name|\(iptables failed"),
        code="engine-rules-gone",
        what="the engine's rules in the firewall are gone",
        fix=_fixed(
            "sudo systemctl restart docker   (or: sudo service docker restart)", "alfred-dev up"
        ),
    ),
    Refusal(
        sounds=re.compile(r"Pool overlaps with other one|non-overlapping IPv4 address pool", re.I),
        code="subnet-taken",
        what="no addresses are left for the network",
        fix=_fixed("docker network prune   (asks; deletes networks that nobody uses)"),
    ),
    Refusal(
        sounds=re.compile(r"network (\S+) was found but has incorrect label|network with name"),
        code="network-foreign",
        what="the network belongs to somebody else",
        fix=_fixed("docker network ls", "alfred-dev up --slot auto   (has a network of its own)"),
    ),
    Refusal(
        sounds=re.compile(r"bind source path does not exist: (\S+)"),
        code="bind-missing",
        what="a file that a container mounts is not there",
        fix=lambda m: (f"ls -ld '{m[1]}'", "alfred-dev up   (writes what is ours)"),
    ),
    Refusal(
        sounds=re.compile(r"No such image: ?(\S+)|pull access denied for (\S+),|manifest unknown"),
        code="image-missing",
        what="an image is not there",
        fix=_fixed("alfred-dev up   (without --offline)"),
    ),
    Refusal(
        sounds=re.compile(
            r"is not a docker command|unknown (docker )?command|unknown (shorthand )?flag"
        ),
        code="compose-missing",
        what="the docker command has no Compose that we can drive",
        fix=lambda _: [*how_to_install(), "or: alfred-dev up --runtime process"],
    ),
    Refusal(
        sounds=re.compile(r"is too new\. Maximum supported API version is (\S+)"),
        code="engine-old",
        what="the docker command and the engine do not understand each other",
        fix=_fixed("unset DOCKER_API_VERSION", "or update the engine"),
    ),
    Refusal(
        sounds=re.compile(r"Cannot connect to the Docker daemon|error during connect", re.I),
        code="engine-down",
        what="the Docker engine does not answer",
        fix=_fixed(
            "sudo systemctl start docker   (or: sudo service docker start)",
            "or use local processes, which have data of their own: alfred-dev up --runtime process",
        ),
    ),
    Refusal(
        sounds=re.compile(r"permission denied while trying to connect", re.I),
        code="engine-denied",
        what="the Docker engine may not be asked",
        fix=_fixed('sudo usermod -aG docker "$USER"   (as good as root), then log in again'),
    ),
    Refusal(
        sounds=re.compile(r"cgroup|OCI runtime create failed|failed to create shim", re.I),
        code="container-refused",
        what="the engine cannot start a container",
        fix=_fixed("alfred-dev status", "docker info   (its warnings)"),
    ),
)


def refused(said: str, doing: str) -> MachineError:
    """Return the error for what ``docker`` said while it was ``doing`` something."""
    return known_refusal(said) or MachineError(
        "compose-failed",
        f"{doing} did not work",
        cause=last_lines(said) or "docker says nothing",
        fix=["alfred-dev status   (what was started stays, to be looked at)"],
    )


def known_refusal(said: str) -> MachineError | None:
    """Return the error for what ``docker`` said, None when it means nothing to us."""
    for refusal in REFUSALS:
        if match := refusal.sounds.search(said):
            return MachineError(
                refusal.code,
                refusal.what,
                cause=_line_of(said, match),
                fix=[*refusal.fix(match)],
            )
    return None


def _line_of(said: str, match: Match) -> str:
    begin = said.rfind("\n", 0, match.start()) + 1
    end = said.find("\n", match.end())
    return said[begin : end if end >= 0 else len(said)].strip()

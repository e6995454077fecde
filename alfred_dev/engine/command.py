"""The docker command and its Compose plugin: everything that changes the engine goes through here.

Secrets reach Compose by its environment, never by an argument.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alfred_dev.engine.endpoint import Endpoint
from alfred_dev.errors import MachineError

LEAST_COMPOSE = (2, 24)
VERSION_TIMEOUT_S = 20.0
# What Compose may inherit: nothing of the shell may change what the plan says.
INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
    "DOCKER_CONFIG", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """The docker command for one engine. ``environ``: of whoever typed the command."""

    endpoint: Endpoint
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def program(self) -> str:
        """The path of the docker command. Raises MachineError where there is none."""
        found = shutil.which("docker", path=self.environ.get("PATH", os.defpath))
        if found is None:
            raise MachineError(
                "docker-missing",
                "there is no docker command",
                cause="no docker on PATH",
                fix=[*how_to_install(), "or: alfred-dev up --runtime process"],
            )
        return found

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a docker command."""
        kept = {k: self.environ[k] for k in INHERITED if k in self.environ}
        return {**kept, **self.endpoint.variables, **(more or {})}

    def run(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        given: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Done:
        """Run ``docker ARGUMENTS``; what it says is returned, whatever its exit code."""
        try:
            done = subprocess.run(
                [self.program, *arguments],
                env=self.variables(variables),
                input=given if given is not None else b"",
                capture_output=True,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            return Done(code=124, out="", error=f"no answer within {timeout_s:g} s")
        except OSError as error:
            return Done(code=127, out="", error=str(error.strerror))
        out, error_text = (b.decode(errors="replace") for b in (done.stdout, done.stderr))
        return Done(code=done.returncode, out=out, error=error_text)

    def change(self, *arguments: str, variables: Mapping[str, str]) -> Done:
        """Run ``docker ARGUMENTS`` in a folder with no compose file of anybody.

        It inherits the checkout's lock: when we are killed, nobody else changes the checkout
        until it has ended too.
        """
        done = subprocess.run(
            [self.program, *arguments],
            env=self.variables(variables),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            close_fds=False,
        )
        out, error = (b.decode(errors="replace") for b in (done.stdout, done.stderr))
        return Done(code=done.returncode, out=out, error=error)

    def compose_version(self) -> str:
        """Return Compose's version, empty where there is none."""
        done = self.run("compose", "version", "--short", timeout_s=VERSION_TIMEOUT_S)
        return done.out.strip() if done.code == 0 else ""

    def check_compose(self) -> None:
        """Raise MachineError unless there is a Compose that we can drive."""
        found = self.compose_version()
        if version(found) >= LEAST_COMPOSE:
            return
        least = ".".join(map(str, LEAST_COMPOSE))
        raise MachineError(
            "compose-missing" if not found else "compose-too-old",
            f"Compose {least} or newer is needed",
            cause=f"docker compose is {found}" if found else "docker has no plugin compose",
            fix=[*how_to_install(), "or: alfred-dev up --runtime process"],
        )


def version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version; empty when there are none."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(n) for n in found.groups() if n) if found else ()


def how_to_install() -> list[str]:
    """Return what brings Docker and Compose to this kind of machine."""
    if sys.platform == "darwin":
        return ["brew install docker docker-compose colima && colima start   (or Docker Desktop)"]
    return ["sudo scripts/install-docker   (Debian, Ubuntu)", "docs.docker.com/compose/install"]


def last_lines(text: str, count: int = 3) -> str:
    """Return the last lines of what a command said, without progress and repetition."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(list(dict.fromkeys(lines))[-count:])

"""Tunnels by ngrok: one agent for all of them, driven by its API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import h11

from alfred_dev.errors import AlfredError, TunnelError
from alfred_dev.tunnel import agent, faults, state
from alfred_dev.tunnel.base import Opened, Place, Reached
from alfred_dev.tunnel.model import State
from alfred_dev.tunnel.ssh import reach_url
from alfred_dev.tunnel.wire import Answer, fetch

VARIABLE = "NGROK_AUTHTOKEN"
API_S = 6.0
POLL_S = 1.0
_ONLINE = re.compile(r"'?(https?://[A-Za-z0-9.:-]+)'? is already online")


def find_token(environ: Mapping[str, str], root: Path, home: Path) -> str:
    """Return the token: of the environment, of ``.env``, of ngrok's own file; empty for none."""
    from alfred_dev.envtext import parse_env_file

    if environ.get(VARIABLE):
        return environ[VARIABLE]
    for name in (".env.local", ".env"):
        with contextlib.suppress(OSError, AlfredError):
            values = parse_env_file((root / name).read_bytes(), file=name)
            if values.get(VARIABLE, ("",))[0]:
                return values[VARIABLE][0]
    for path in own_files(environ, home):
        with contextlib.suppress(OSError):
            if found := _token_in(path.read_text(errors="replace")):
                return found
    return ""


def own_files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return where ngrok keeps its configuration, by its documentation."""
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [
        config / "ngrok" / "ngrok.yml",
        home / "Library" / "Application Support" / "ngrok" / "ngrok.yml",
        home / ".ngrok2" / "ngrok.yml",
    ]


def _token_in(text: str) -> str:
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    if not isinstance(document, dict):
        return ""
    inner = document.get("agent")
    found = document.get("authtoken") or (inner.get("authtoken") if isinstance(inner, dict) else "")
    return str(found or "")


def find_program(home: Path, path: str) -> str | None:
    """Return the agent: of PATH, else the one that was downloaded into this checkout."""
    own = downloaded(home)
    return shutil.which("ngrok", path=path) or (str(own) if os.access(own, os.X_OK) else None)


def downloaded(home: Path) -> Path:
    """Return where a downloaded agent lies."""
    return home / "bin" / "ngrok"


def download(home: Path) -> None:
    """Have pyngrok fetch the agent. Raises TunnelError."""
    from pyngrok import installer
    from pyngrok.exception import PyngrokError

    try:
        with contextlib.redirect_stdout(sys.stderr):  # it shows its progress
            installer.install_ngrok(str(downloaded(home)))
    except (PyngrokError, OSError) as error:
        raise faults.no_network(faults.plain(str(error))) from error


def ensure_agent(run: Path, token: str, program: str) -> str:
    """Have the agent running; return its API's URL. Raises TunnelError within ten seconds."""
    if not token and agent.noted(run) is None:
        raise faults.no_token()
    try:
        return agent.ensure(run, token, program)
    except agent.NotStartedError as error:
        found = faults.of_ngrok(error.words, secrets=[token])
        told = found.code not in ("tunnel-provider",)
        if error.silent and not told:
            raise faults.timed_out("the ngrok agent", agent.START_S) from error
        raise found from error


@dataclass(slots=True, kw_only=True)
class Ngrok:
    """A tunnel by ngrok."""

    place: Place
    domain: str = ""
    name: str = "ngrok"
    shares: bool = True
    api: str = ""
    owner: str = ""
    _url: str = ""

    @property
    def run(self) -> Path:
        """Where the agent is noted."""
        return self.place.run

    async def open(self, port: int) -> Opened:
        """Ask the agent for a public URL; where the domain is ours already, share it by path."""
        self.owner = ""
        program = find_program(self.place.home, os.environ.get("PATH", os.defpath))
        if program is None:
            raise faults.no_agent("ngrok", [faults.INSTALL_NGROK, faults.OTHER])
        token = find_token(os.environ, self.place.home.parent, Path.home())
        self.api = await asyncio.to_thread(ensure_agent, self.run, token, program)
        await self._call("DELETE", self._mine())  # what a killed front has left in the agent
        wanted: dict[str, Any] = {
            "name": self.place.name,
            "proto": "http",
            "addr": f"http://127.0.0.1:{port}",
            "inspect": False,
        }
        answer = await self._call("POST", "/api/tunnels", wanted | self._with_domain())
        if answer.status >= 400:
            return self._share(answer)
        self._url = _public_url(answer)
        return Opened(url=self._url)

    def _with_domain(self) -> dict[str, Any]:
        return {"domain": self.domain} if self.domain else {}

    def _mine(self) -> str:
        return f"/api/tunnels/{quote(self.place.name)}"

    def _share(self, answer: Answer) -> Opened:
        """Lie below another tunnel of this checkout that has the domain. Raises TunnelError."""
        words = _error_words(answer)
        found = _ONLINE.search(words)
        taken = urlsplit(found[1]).netloc if found else self.domain
        for record in state.read(self.place.home).values():
            mine = record.provider == self.name and not record.owner and record.state is State.OPEN
            same = urlsplit(record.url).netloc == taken and record.name != self.place.name
            if "ERR_NGROK_334" in words and mine and same and state.alive(record):
                self.owner, self._url = record.name, f"{record.url.rstrip('/')}/{self.place.name}"
                mount = f"/{self.place.name}"
                return Opened(url=self._url, owner=record.name, mount=mount)
        raise faults.of_ngrok(words)

    async def _call(self, method: str, path: str, document: object = None) -> Answer:
        try:
            return await fetch(self.api + path, method=method, document=document, timeout_s=API_S)
        except TimeoutError as error:
            raise faults.timed_out("the ngrok agent", API_S) from error
        except OSError as error:
            raise TunnelError(
                "tunnel-agent-lost",
                "the ngrok agent has ended",
                cause=f"its API on {self.api} does not answer",
                fix=["alfred-dev tunnel open ...   (again)"],
            ) from error
        except h11.ProtocolError as error:
            raise faults.changed(f"{self.api}{path}: {error}") from error

    async def lost(self) -> TunnelError:
        """Return when the agent, its tunnel, or the tunnel whose URL we share is gone."""
        while True:
            await asyncio.sleep(POLL_S)
            if self.owner:
                record = state.read(self.place.home).get(self.owner)
                if record is None or not state.alive(record):
                    return faults.changed(f"{self.owner}, whose URL it shares, is closed")
                continue
            try:
                answer = await self._call("GET", self._mine())
            except TunnelError as error:
                return error
            if answer.status != 200:
                return faults.changed(f"the agent no longer has the tunnel (HTTP {answer.status})")

    def resume(self, url: str) -> None:
        """Take over a way that another process holds, to ask through it."""
        self._url = url

    async def reach(self, path: str) -> Reached:
        """Ask from the world's side."""
        return await reach_url(self._url + path)

    async def close(self) -> None:
        """Give the URL up; the last one ends the agent."""
        if self.api and not self.owner:
            with contextlib.suppress(TunnelError):
                await self._call("DELETE", self._mine())
        agent.leave(self.run)

    def processes(self) -> list[int]:
        """Return none: the agent ends with its last user, whoever started it."""
        return []


def _public_url(answer: Answer) -> str:
    try:
        url = json.loads(answer.body)["public_url"]
    except (ValueError, KeyError, TypeError) as error:
        raise faults.changed("the agent's answer names no public_url") from error
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise faults.changed("the agent's answer names no public_url")
    return url


def _error_words(answer: Answer) -> str:
    """Return what the agent says against it. Raises TunnelError when that is no error of its."""
    try:
        document = json.loads(answer.body)
        details = document.get("details") or {}
        return str(details.get("err") or document["msg"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise faults.changed(f"the agent answers HTTP {answer.status} without a reason") from error

"""Tunnels by ``ssh -R``: no account, a server of one's own. The remote side is bound to loopback.

One ssh holds the connection; all else is asked of it through its control socket, whose answers
are documented, instead of from what it prints.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import h11

from alfred_dev.errors import TunnelError, UsageError
from alfred_dev.tunnel import faults, leash
from alfred_dev.tunnel.base import OPEN_TIMEOUT_S, Opened, Place, Reached
from alfred_dev.tunnel.wire import LOOPBACK, Peer, ask, fetch
from alfred_dev.workspace import make_private_folder

# A cut is seen after twice this; then the connection is made again.
ALIVE_S = 2
POLL_S = 0.02
AGAIN_S = 4.0
REACH_S = 3.0
IN_CLEAR_S = 2.5
FIRST, PORTS = 20_000, 10_000
_HOST = re.compile(r"(?:ssh://)?(?P<host>[A-Za-z0-9_.@%\[\]:-]+?)(?::(?P<port>\d{1,5}))?/?")
OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ExitOnForwardFailure=yes",
    "ClearAllForwardings=yes",
    f"ServerAliveInterval={ALIVE_S}",
    "ServerAliveCountMax=1",
    f"ConnectTimeout={int(OPEN_TIMEOUT_S) - 1}",
    "ControlMaster=yes",
    "ControlPersist=no",
    "PermitLocalCommand=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "LogLevel=ERROR",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where ssh goes: what it is called, and its port where one was given."""

    host: str
    port: str = ""

    @property
    def arguments(self) -> list[str]:
        """Return what names it on a command line of ssh."""
        return [*(["-p", self.port] if self.port else []), "--", self.host]


def server(text: str) -> Server:
    """Read ``USER@HOST[:PORT]`` or a name of ~/.ssh/config. Raises UsageError."""
    found = _HOST.fullmatch(text)
    if found is None or text.startswith("-"):
        raise UsageError(
            "usage",
            "the ssh host is not understood" if text else "the ssh provider needs a server",
            cause="expected USER@HOST, USER@HOST:PORT or a name of ~/.ssh/config",
            fix=["--ssh-host USER@HOST", "ALFRED_TUNNEL_SSH_HOST=USER@HOST   (in .env)"],
        )
    return Server(host=found["host"], port=found["port"] or "")


@dataclass(slots=True, kw_only=True)
class Ssh:
    """A tunnel by ssh."""

    place: Place
    server: Server
    domain: str = ""
    name: str = "ssh"
    shares: bool = False
    remote: int = 0
    _process: asyncio.subprocess.Process | None = None
    _said: bytearray = field(default_factory=bytearray)
    _reading: asyncio.Task[None] | None = None

    @property
    def socket(self) -> Path:
        """The control socket: a short path, in a folder of this user alone."""
        key = f"{self.place.home}\0{self.place.name}".encode()
        name = f"ssh-{hashlib.sha256(key).hexdigest()[:12]}"
        return Path("/tmp", f"alfred-dev-{os.getuid()}", name)  # noqa: S108 - checked: ours, 0700

    async def open(self, port: int) -> Opened:
        """Connect, then forward: the same remote port as before, where it is free."""
        program = shutil.which("ssh")
        if program is None:
            raise faults.no_agent("ssh", ["sudo apt install openssh-client"])
        await self.close()
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._connect(program)
                self.remote = await self._forward(port)
        except TimeoutError as error:
            await self.close()
            raise faults.timed_out(self.server.host, OPEN_TIMEOUT_S) from error
        except TunnelError:
            await self.close()
            raise
        if self.domain:
            return Opened(url=f"https://{self.domain}")
        return Opened(url=f"http://{LOOPBACK}:{self.remote}", where=self.server.host)

    async def _connect(self, program: str) -> None:
        folder = self.socket.parent
        make_private_folder(folder)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise faults.changed(f"{folder} is not ours")
        self.socket.unlink(missing_ok=True)
        options = [part for option in OPTIONS for part in ("-o", option)]
        self._said.clear()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(Path(leash.__file__))),
            *(program, "-M", "-N", "-T", "-S", str(self.socket), *options),
            *self.server.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        while not self.socket.exists():
            if self._process.returncode is not None:
                raise await self._fault()
            await asyncio.sleep(POLL_S)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        while process.stderr and (data := await process.stderr.read(4096)):
            self._said += data
            del self._said[:-16_384]

    async def _fault(self) -> TunnelError:
        if self._reading is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.shield(self._reading)
        words = self._said.decode(errors="replace")
        return faults.of_ssh(words, self.server.host, self.server.port)

    async def _forward(self, port: int) -> int:
        """Have a port of the server's loopback lead to ours; return it."""
        loop = asyncio.get_running_loop()
        again_until = loop.time() + (AGAIN_S if self.remote else 0.0)
        wanted = self.remote or self._preferred()
        while True:
            status, out, words = await self._ask_master(
                "-O", "forward", "-R", f"{LOOPBACK}:{wanted}:{LOOPBACK}:{port}"
            )
            if status == 0:
                return wanted or int(out.split()[-1])
            if self._process is None or self._process.returncode is not None:
                raise await self._fault()
            if wanted == 0:
                raise faults.of_ssh(words, self.server.host, self.server.port)
            if loop.time() < again_until:  # the old connection may hold it for a moment
                await asyncio.sleep(0.2)
            else:
                wanted = 0

    def _preferred(self) -> int:
        """Return a port that is the same each time, so that a web server can lead to it."""
        key = f"{self.place.project}\0{self.place.name}".encode()
        return FIRST + int.from_bytes(hashlib.sha256(key).digest()[:4]) % PORTS

    async def _ask_master(self, *arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *("ssh", "-S", str(self.socket), *arguments, *self.server.arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )
        try:
            out, words = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return process.returncode or 0, out.decode(), words.decode(errors="replace")

    async def lost(self) -> TunnelError:
        """Return when ssh has ended."""
        if self._process is not None:
            await self._process.wait()
        return await self._fault()

    def resume(self, url: str) -> None:
        """Take over a way that another process holds, to ask through it."""
        self.remote = urlsplit(url).port or 0

    async def reach(self, path: str) -> Reached:
        """Ask by the domain; without one from the server itself, through ssh."""
        if self.domain:
            return await reach_url(f"https://{self.domain}{path}")
        try:
            async with asyncio.timeout(REACH_S):
                return await self._from_there(path)
        except (OSError, h11.ProtocolError) as error:
            return Reached(asked=True, ok=False, detail=str(error) or "no answer")

    async def _from_there(self, path: str) -> Reached:
        target = f"{LOOPBACK}:{self.remote}"
        process = await asyncio.create_subprocess_exec(
            *("ssh", "-S", str(self.socket), "-W", target, *self.server.arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin and process.stdout and process.stderr  # noqa: S101 - piped above
        try:
            peer = Peer(h11.CLIENT, process.stdout, process.stdin)
            answer = await ask(peer, target, f"http://{target}{path}")
        except (OSError, h11.ProtocolError):
            words = (await process.stderr.read()).decode(errors="replace")
            if "prohibited" in words:  # forwarding to there alone is allowed: nobody can ask
                return Reached(asked=False, ok=False, detail="the server lets nobody ask there")
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return Reached(asked=True, ok=answer.status == 200, body=answer.body.decode())

    async def in_clear(self, path: str) -> bool:
        """Tell whether the server shows the port to everybody (GatewayPorts), unencrypted."""
        with contextlib.suppress(OSError, h11.ProtocolError):
            async with asyncio.timeout(IN_CLEAR_S):
                _, out, _ = await self._ask_master("-G")
                names = [line.split()[1] for line in out.splitlines() if line[:9] == "hostname "]
                host = _beside_loopback(names[0] if names else self.server.host)
                answer = await fetch(f"http://{host}:{self.remote}{path}", timeout_s=IN_CLEAR_S)
                return answer.status in (200, 503) and b'"tunnel"' in answer.body
        return False

    async def close(self) -> None:
        """End ssh and all that it forwards."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(2.0):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._process = None
        self.socket.unlink(missing_ok=True)

    def processes(self) -> list[int]:
        """Return ssh."""
        return [self._process.pid] if self._process is not None else []


def _beside_loopback(host: str) -> str:
    """Return ``host``; for 127.0.0.1 another address of loopback, which a port bound to that one
    does not answer."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        return "127.0.0.2" if address.is_loopback and address.version == 4 else host
    return "127.0.0.2" if host == "localhost" else host


async def reach_url(url: str) -> Reached:
    """Ask a URL of the world for the front's own health."""
    headers = {"ngrok-skip-browser-warning": "1"}
    try:
        answer = await fetch(url, headers=headers, timeout_s=REACH_S)
    except (OSError, h11.ProtocolError) as error:
        return Reached(asked=True, ok=False, detail=str(error) or "no answer in time")
    code = answer.headers.get("ngrok-error-code", "")
    ours = b'"tunnel"' in answer.body and not code
    body = answer.body.decode(errors="replace")
    return Reached(
        asked=True,
        ok=ours,
        body=body if ours else "",
        code=code,
        detail="" if ours else f"HTTP {answer.status}" + (f", {code}" if code else ""),
    )

"""A real sshd on loopback, with keys of its own, and a real ssh that knows it.

    with sshd.running(tmp_path) as server:
        server.host, server.path   # PATH whose ssh reads the test's configuration

sshd wants absolute paths, keys of the right mode and, as root, its folder of privilege separation.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import free_port

START_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Sshd:
    """``path``: a PATH on which ``ssh`` is the real one with the test's keys and known hosts."""

    folder: Path
    program: str
    port: int
    path: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"{getpass.getuser()}@127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "sshd.log").read_text()
            time.sleep(0.02)

    def cut(self) -> None:
        """End every connection, and the server with them."""
        assert self.process is not None
        import psutil

        parent = psutil.Process(self.process.pid)
        for child in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):  # a connection may end by itself
                child.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.cut()


def _key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def make(folder: Path, *options: str) -> Sshd:
    """Prepare one; ``options``: lines of sshd_config. Skips where the programs are not."""
    program = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if program is None or shutil.which("ssh") is None:
        pytest.skip("needs openssh-server and openssh-client")
    folder.mkdir(parents=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    host_key, user_key = _key(folder / "host"), _key(folder / "user")
    (folder / "authorized").write_bytes(user_key.with_suffix(".pub").read_bytes())
    (folder / "authorized").chmod(0o600)
    public = host_key.with_suffix(".pub").read_text().split()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    lines = [
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {host_key}", "PidFile none",
        f"AuthorizedKeysFile {folder / 'authorized'}", "StrictModes no", "UsePAM no",
        "PasswordAuthentication no", "KbdInteractiveAuthentication no", *options,
    ]  # fmt: skip
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    (folder / "ssh_config").write_text(
        f"IdentityFile {user_key}\nIdentitiesOnly yes\nIdentityAgent none\n"
        f"UserKnownHostsFile {folder / 'known'}\nGlobalKnownHostsFile /dev/null\n"
    )
    wrapper = folder / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder / "ssh_config"} "$@"\n')
    wrapper.chmod(0o755)
    path = f"{wrapper.parent}:{os.environ.get('PATH', '')}"
    return Sshd(folder=folder, program=program, port=port, path=path)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Sshd]:
    """Run one for the block."""
    made = make(folder, *options)
    made.start()
    try:
        yield made
    finally:
        made.stop()

"""``python -m alfred_dev.tunnel.agent RUN_FOLDER``: one ngrok agent for all tunnels of a checkout.

pyngrok starts it and this process keeps it, for as long as somebody who has put his name into
``ngrok.users`` lives. The token comes on stdin and is on disk only while the agent starts: in no
environment, on no command line.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alfred_dev.host import processes
from alfred_dev.tunnel import leash
from alfred_dev.workspace import make_private_folder, write

if TYPE_CHECKING:
    from pyngrok.process import NgrokProcess

NOTE, USERS, LOCK, CONFIG, PROGRAM = (
    "ngrok.json", "ngrok.users", "ngrok.lock", "ngrok.yml", "ngrok-on-a-leash",
)  # fmt: skip
START_S = 6
WAIT_S = 7.5
POLL_S = 0.3
_started: list[subprocess.Popen[bytes]] = []


class NotStartedError(Exception):
    """The agent does not start. ``words``: what it said; ``silent``: it said nothing in time."""

    def __init__(self, words: str, *, silent: bool) -> None:
        super().__init__(words)
        self.words, self.silent = words, silent


def ensure(run: Path, token: str, program: str) -> str:
    """Have the agent running, with us among its users; return its API's URL.

    Raises NotStartedError within ``WAIT_S`` seconds.
    """
    make_private_folder(run / USERS)
    with _locked(run):
        register(run)
        known = noted(run)
        if known is not None:
            return str(known["api"])
        (run / NOTE).unlink(missing_ok=True)
        keeper = _spawn(run, token, program)
        deadline = time.monotonic() + WAIT_S
        while True:
            said = _read(run / NOTE)
            if said.get("keeper") == keeper.pid and "api" in said:
                return str(said["api"])
            if said.get("keeper") == keeper.pid:
                _reap(keeper, grace_s=1.0)
                raise NotStartedError(str(said.get("words", "")), silent=bool(said.get("silent")))
            if keeper.poll() is not None or time.monotonic() > deadline:
                _reap(keeper)
                raise NotStartedError("", silent=True)
            time.sleep(0.02)


def _spawn(run: Path, token: str, program: str) -> subprocess.Popen[bytes]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
    proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
    keeper = subprocess.Popen(
        [sys.executable, "-m", "alfred_dev.tunnel.agent", str(run), program],
        env={**kept, **proxies, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _started.append(keeper)  # it outlives us, or is reaped with the next
    assert keeper.stdin is not None  # noqa: S101 - piped above
    keeper.stdin.write(token.encode())
    keeper.stdin.close()
    return keeper


def _reap(keeper: subprocess.Popen[bytes], *, grace_s: float = 0.0) -> None:
    """Have a keeper ended that has said all it will say."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        keeper.wait(grace_s)
    keeper.kill()
    keeper.wait()


def noted(run: Path) -> dict[str, Any] | None:
    """Return what is known of the running agent; None when none runs."""
    said = _read(run / NOTE)
    pairs = (("keeper", "keeper_identity"), ("pid", "identity"))
    runs = "api" in said and all(processes.alive(int(said[p]), str(said[i])) for p, i in pairs)
    return said if runs else None


def pids(run: Path) -> list[int]:
    """Return the agent's processes: who keeps it, and itself."""
    known = noted(run)
    return [int(known["keeper"]), int(known["pid"])] if known else []


def end(run: Path) -> None:
    """End the agent, whoever uses it."""
    said = _read(run / NOTE)
    for pid, identity in (("keeper", "keeper_identity"), ("pid", "identity")):
        if pid in said and identity in said:
            processes.kill_tree(int(said[pid]), str(said[identity]), grace_s=1.0)
    for keeper in _started:  # the one that was ours is no zombie from now on
        keeper.poll()
    for name in (NOTE, CONFIG):
        (run / name).unlink(missing_ok=True)


def register(run: Path) -> None:
    """Put our name among the users."""
    pid = os.getpid()
    write(run / USERS / str(pid), str(processes.identity(pid)).encode())


def leave(run: Path) -> None:
    """Take our name away."""
    (run / USERS / str(os.getpid())).unlink(missing_ok=True)


def used(run: Path) -> bool:
    """Tell whether a user lives; forgets those that do not."""
    found = False
    for path in (run / USERS).glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if processes.alive(int(path.name), path.read_text()):
                found = True
            else:
                path.unlink(missing_ok=True)
    return found


@contextlib.contextmanager
def _locked(run: Path) -> Iterator[None]:
    descriptor = os.open(run / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# From here on: the process that keeps the agent.


def main(run: Path, program: str) -> int:
    """Start the agent and keep it while it is used."""
    token = sys.stdin.read()
    own = {"keeper": os.getpid(), "keeper_identity": processes.identity(os.getpid())}
    silent = threading.Event()
    try:
        agent = _start(run, token, program, silent)
    except Exception as error:  # whatever pyngrok raises: who asked must hear of it
        words = _words(error).replace(token, "***") if token else _words(error)
        _note(run, {**own, "words": words, "silent": silent.is_set()})
        return 1
    finally:
        write(run / CONFIG, _config(run, "", agent_port(run)).encode())
    pid = agent.proc.pid
    _note(run, {**own, "api": agent.api_url, "pid": pid, "identity": processes.identity(pid)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # pyngrok ends the agent at exit
    while used(run) and agent.proc.poll() is None:
        time.sleep(POLL_S)
    (run / NOTE).unlink(missing_ok=True)
    return 0


def agent_port(run: Path) -> int:
    """Return the port that the configuration names, 0 for none."""
    words = (run / CONFIG).read_text().split() if (run / CONFIG).exists() else []
    found = [word.strip('"').rpartition(":")[2] for word in words if "127.0.0.1:" in word]
    return int(found[0]) if found else 0


def _config(run: Path, token: str, port: int) -> str:
    import yaml

    document: dict[str, Any] = {
        "version": "2",  # every agent of version 3 reads it
        "web_addr": f"127.0.0.1:{port}",
        "inspect_db_size": -1,  # the inspector stores headers: off
        "console_ui": False,
        "update_check": False,
    }
    return yaml.safe_dump({**document, **({"authtoken": token} if token else {})}, sort_keys=False)


def _start(run: Path, token: str, program: str, silent: threading.Event) -> NgrokProcess:
    from pyngrok import conf, process
    from pyngrok.exception import PyngrokError

    agents: list[NgrokProcess] = []

    def noted_once(_: object) -> None:
        agents.extend(process._current_processes.values() if not agents else ())

    write(run / CONFIG, _config(run, token, _free_port()).encode())
    made = conf.PyngrokConfig(
        ngrok_path=str(_leashed(run, program)),
        config_path=str(run / CONFIG),
        startup_timeout=START_S,
        max_logs=50,
        log_event_callback=noted_once,
        config_version="2",
    )
    made.auth_token = None  # pyngrok would put it on the command line
    # pyngrok waits for a line of an agent that may never say one.
    timer = threading.Timer(START_S, _give_up, [silent])
    timer.daemon = True
    timer.start()
    try:
        return process.get_process(made)
    except PyngrokError as error:
        raise RuntimeError(f"{_words(error)}\n{_unread(agents)}") from error
    finally:
        timer.cancel()


def _unread(agents: Iterable[NgrokProcess]) -> str:
    """Return what an agent said last: pyngrok reads no further once it has ended."""
    return "".join(a.proc.stdout.read() for a in agents if a.proc.stdout is not None)


def _give_up(silent: threading.Event) -> None:
    silent.set()
    for pid in processes.tree(os.getpid())[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _leashed(run: Path, program: str) -> Path:
    """Return a script that runs the agent so that it never outlives this process."""
    import shlex

    argv = [sys.executable, "-I", "-S", str(Path(leash.__file__)), program]
    text = f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n'
    write(run / PROGRAM, text.encode(), mode=0o700)
    return run / PROGRAM


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _words(error: Exception) -> str:
    logs = [str(log.err or log.msg or log.line) for log in getattr(error, "ngrok_logs", ())]
    return "\n".join([str(getattr(error, "ngrok_error", "") or error), *logs[-10:]])


def _note(run: Path, document: Mapping[str, Any]) -> None:
    write(run / NOTE, json.dumps(document).encode())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))

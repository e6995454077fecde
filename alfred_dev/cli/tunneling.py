"""How ``tunnel`` does it: checks, starts the process behind a tunnel, and stays with it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alfred_dev.cli import open_tunnels
from alfred_dev.errors import MachineError, TunnelError
from alfred_dev.tunnel import agent, asking, base, faults, hook, joined, ngrok, registry, state
from alfred_dev.tunnel.model import Record, State, TunnelSpec, error_of
from alfred_dev.tunnel.opening import Chance, Place, Wish, record_of, spec_of, upstream_down
from alfred_dev.tunnel.signatures import SENDERS

if TYPE_CHECKING:
    from alfred_dev.lifecycle import Stack
    from alfred_dev.settings import Settings
    from alfred_dev.workspace import Workspace

SETTLE_S = base.OPEN_TIMEOUT_S + 6.0
END_S = 6.0
FRONT_PORT, FRONT_PORTS = 8790, 40
GATEWAY_SOCKET = "run/gateway/tunnel.sock"
# What a process behind a tunnel may inherit; all else is in its instructions.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK",
             "XDG_CONFIG_HOME")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """Options that do not belong to the tunnel itself."""

    offline: bool
    yes: bool
    as_json: bool


def open_tunnel(ctx: typer.Context, wish: Wish, how: How) -> int:
    """Open, say so, and stay with it, unless the supervisor has it. Returns the exit code."""
    from alfred_dev.cli import session

    process = None
    with session.locked("tunnel open"):
        stack = session.stack(ctx)
        spec, chance = prepared(stack, wish)
        settings = stack.plan.settings
        allowed = consented(stack, how)
        spec = replace(spec, hook=allowed)
        if spec.provider == "ngrok":
            ready_ngrok(stack.workspace, settings, how)
        if spec.detached:
            spec = replace(spec, port=free_port(stack.plan.slot))
        state.put(stack.workspace.home, record_of(spec, time.time()))
        try:
            process = _started(ctx, spec, settings)
            record = _settled(spec, process)
        except BaseException:
            _end(stack.workspace, spec.name, process)
            raise
    agent.leave(stack.workspace.run)
    told = {**joined.public_urls([record])}
    _say(record, chance, spec, told, how)
    if spec.hook:
        hook.run(spec.hook, spec, record.url, session.note)
    _offer_restart(ctx, stack, record, how)
    return 0 if process is None else _stay(stack.workspace, spec.name, process)


def prepared(stack: Stack, wish: Wish) -> tuple[TunnelSpec, Chance]:
    """Return the instructions. Raises UsageError: refused; TunnelError: nothing to show."""
    workspace = stack.workspace
    state.sweep(workspace.home, time.time())
    chance = Chance(
        nonce=secrets.token_urlsafe(18),
        salt=secrets.token_hex(8),
        password=secrets.token_urlsafe(18),
    )
    place = Place(
        home=str(workspace.home),
        project=workspace.project,
        search=os.environ.get("PATH", os.defpath),
        ssh_agent=os.environ.get("SSH_AUTH_SOCK", ""),
        gateway=GATEWAY_SOCKET if _answers(workspace.home / GATEWAY_SOCKET) else "",
        has_token=bool(_token(workspace, stack.plan.settings)),
        now=time.time(),
    )
    spec = spec_of(wish, stack.plan, place, chance, state.read(workspace.home))
    registry.provider(spec)  # refuses a host that is none
    found = asyncio.run(asking.ask_service(spec))
    if not found["ok"]:
        raise upstream_down(spec.service, str(found["detail"]))
    return spec, chance


def _answers(socket_path: Path) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.path.relpath(socket_path))
        except OSError:
            return False
    return True


def _token(workspace: Workspace, settings: Settings) -> str:
    found = settings["NGROK_AUTHTOKEN"]
    return found or ngrok.find_token(os.environ, workspace.root, Path.home())


def ready_ngrok(workspace: Workspace, settings: Settings, how: How) -> None:
    """Have the agent running; we are a user of it until the tunnel's own process is."""
    workspace.prepare()
    program = ngrok.find_program(workspace.home, os.environ.get("PATH", os.defpath))
    token = _token(workspace, settings)
    if not token and agent.noted(workspace.run) is None:
        raise faults.no_token()
    if program is None:
        program = _downloaded(workspace, how)
    try:
        ngrok.ensure_agent(workspace.run, token, program)
    except TunnelError:
        agent.leave(workspace.run)
        raise


def _downloaded(workspace: Workspace, how: How) -> str:
    """Ask, then download the agent. Raises TunnelError where nobody said yes."""
    from alfred_dev.cli import session

    terminal = sys.stdin.isatty() and "CI" not in os.environ
    question = f"Download the ngrok agent from ngrok into {ngrok.downloaded(workspace.home)}?"
    if how.offline or not (how.yes or (terminal and typer.confirm(question, err=True))):
        raise faults.no_agent("ngrok", [faults.INSTALL_NGROK, faults.OTHER])
    session.note("downloading the ngrok agent")
    ngrok.download(workspace.home)
    return str(ngrok.downloaded(workspace.home))


def consented(stack: Stack, how: How) -> tuple[str, ...]:
    """Return the hook of alfred.yaml, once this user has allowed it for this checkout."""
    from alfred_dev import consent, projectfile
    from alfred_dev.cli import session

    root = stack.workspace.root
    command = projectfile.loaded(stack.workspace).project.on_open
    folder = session.slots_file().parent
    if not command:
        return ()
    if not consent.given(folder, root, command):
        terminal = sys.stdin.isatty() and "CI" not in os.environ
        question = f"alfred.yaml has a hook for tunnels. May it run here?\n  {command}\n"
        if not (how.yes or (terminal and typer.confirm(question, err=True))):
            session.note(f"the hook was not allowed, and does not run: {command}")
            return ()
        consent.give(folder, root, command)
    return tuple(shlex.split(command))


def free_port(slot: int) -> int:
    """Return a port for the front of a tunnel that the supervisor owns. Raises MachineError."""
    from alfred_dev.host import listeners
    from alfred_dev.planner import SLOT_STEP

    first = FRONT_PORT + SLOT_STEP * slot
    ports = range(first, first + FRONT_PORTS)
    taken = {found.port for found in listeners.listeners(ports)}
    for port in ports:
        if port not in taken:
            return port
    raise MachineError(
        "port-taken",
        "there is no free port for the front of a tunnel",
        cause=f"{first} to {ports[-1]} are all taken",
        fix=["alfred-dev tunnel close --all"],
    )


def _started(
    ctx: typer.Context, spec: TunnelSpec, settings: Settings
) -> subprocess.Popen[bytes] | None:
    """Start the process behind a tunnel: a child of ours, or the supervisor's."""
    if spec.detached:
        _supervised(ctx, spec)
        return None
    sender = SENDERS.get(spec.guard.verify)
    kept = {key: os.environ[key] for key in INHERITED if key in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "alfred_dev.tunnel"],
        cwd=spec.home,
        env={
            **kept,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ALFRED_TUNNEL": spec.encoded,
            **({sender.setting: settings[sender.setting]} if sender else {}),
        },
        stdin=subprocess.PIPE,  # it ends when this does, however we end
        stdout=sys.stderr.fileno(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _supervised(ctx: typer.Context, spec: TunnelSpec) -> None:
    from alfred_dev import lifecycle
    from alfred_dev.cli import session
    from alfred_dev.plan import only

    stack = session.stack(ctx, make_secrets=True)
    name = joined.helper_id(spec.name)
    steps = lifecycle.prepare(stack, only(stack.plan, {name}))
    lifecycle.select(stack, [name])
    lifecycle.act(stack, steps)


def _settled(spec: TunnelSpec, process: subprocess.Popen[bytes] | None) -> Record:
    """Wait until the tunnel is open. Raises TunnelError when it is not."""
    home = Path(spec.home)
    deadline = time.monotonic() + SETTLE_S
    record: Record | None = None
    while time.monotonic() < deadline:
        record = state.wait(home, spec.name, timeout_s=0.2)
        ended = process is not None and process.poll() is not None
        if record is None or record.state is not State.OPENING or ended:
            break
    if record is not None and record.state is State.FAILED:
        raise error_of(record.error)
    if record is None or record.state is State.OPENING:
        raise faults.timed_out("the tunnel's process", SETTLE_S)
    return record


def _say(
    record: Record, chance: Chance, spec: TunnelSpec, told: Mapping[str, str], how: How
) -> None:
    from alfred_dev.report import json as report_json
    from alfred_dev.report import qr
    from alfred_dev.report import tunnels as report

    user = spec.guard.user
    if how.as_json:
        document = report.opened(record, user=user, password=chance.password, told=told)
        report_json.emit(document)
        sys.stdout.flush()
        return
    for line in report.opening(record, user=user, password=chance.password, told=told):
        print(line, flush=True)
    if sys.stdout.isatty() and not record.where and sys.stdout.encoding.lower() == "utf-8":
        print(*qr.lines(record.url + record.path), sep="\n", flush=True)


def _offer_restart(ctx: typer.Context, stack: Stack, record: Record, how: How) -> None:
    """Offer to restart the service, so that it is told its public URL."""
    from alfred_dev.cli import session

    if record.service not in stack.plan.ids or stack.plan[record.service].by_developer:
        return None
    command = f"alfred-dev restart {record.service}"
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and "CI" not in os.environ
    question = f"Restart {record.service}, so that it is told {joined.VARIABLE}?"
    if how.as_json or how.yes or not terminal or not typer.confirm(question, err=True):
        return session.note(f"{record.service} is told {joined.VARIABLE} by: {command}")
    from alfred_dev.cli import stack as stack_commands

    try:
        stack_commands.restart(ctx, [record.service])
    except typer.Exit:
        session.note(f"it did not become healthy again: alfred-dev logs {record.service}")
    return None


def _stay(workspace: Workspace, name: str, process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the tunnel; Ctrl-C ends it."""
    from alfred_dev.cli import session

    try:
        process.wait()
    except KeyboardInterrupt:
        _end(workspace, name, process)
        session.note(f"closed: nothing of {name} is shown any more")
        return 130
    session.note(f"the tunnel to {name} has ended")
    return 0


def _end(workspace: Workspace, name: str, process: subprocess.Popen[bytes] | None) -> None:
    """End a tunnel, whatever it has come to."""
    if process is not None:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    elif name in state.read(workspace.home):
        open_tunnels.close(workspace, name, everything=False)
    state.drop(workspace.home, name)
    agent.leave(workspace.run)

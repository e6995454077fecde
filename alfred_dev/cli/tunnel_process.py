"""The process behind a tunnel, as the command that opens it starts it, waits for it and ends it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from alfred_dev.cli import open_tunnels
from alfred_dev.errors import MachineError
from alfred_dev.tunnel import agent, base, faults, joined, state
from alfred_dev.tunnel.model import Record, State, TunnelSpec, error_of
from alfred_dev.tunnel.signatures import SENDERS

if TYPE_CHECKING:
    import typer

    from alfred_dev.settings import Settings
    from alfred_dev.workspace import Workspace

SETTLE_S = base.OPEN_TIMEOUT_S + 6.0
END_S = 6.0
FRONT_PORT, FRONT_PORTS = 8790, 40
# What a process behind a tunnel may inherit; all else is in its instructions.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK",
             "XDG_CONFIG_HOME")  # fmt: skip


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


def started(
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
    from alfred_dev import lifecycle, selection
    from alfred_dev.cli import session
    from alfred_dev.plan import only

    stack = session.stack(ctx, make_secrets=True)
    name = joined.helper_id(spec.name)
    steps = lifecycle.dry_run(stack, only(stack.plan, {name}))
    lifecycle.prepare(stack, steps)
    selection.add(stack.workspace, [name], slot=stack.plan.slot)
    lifecycle.act(stack, steps)


def settled(spec: TunnelSpec, process: subprocess.Popen[bytes] | None) -> Record:
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


def stay(workspace: Workspace, name: str, process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the tunnel; Ctrl-C ends it."""
    from alfred_dev.cli import session

    try:
        process.wait()
    except KeyboardInterrupt:
        end(workspace, name, process)
        session.note(f"closed: nothing of {name} is shown any more")
        return 130
    if process.returncode:
        session.note(f"the tunnel to {name} has ended before its time: its process was killed")
        return 1
    session.note(f"the tunnel to {name} has ended")
    return 0


def end(workspace: Workspace, name: str, process: subprocess.Popen[bytes] | None) -> None:
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

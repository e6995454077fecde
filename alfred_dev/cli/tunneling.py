"""How ``tunnel`` does it: checks, starts the process behind a tunnel, and stays with it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alfred_dev.cli import tunnel_agent, tunnel_process
from alfred_dev.tunnel import agent, asking, hook, joined, registry, state
from alfred_dev.tunnel.model import Record, TunnelSpec
from alfred_dev.tunnel.opening import Chance, Place, Wish, record_of, spec_of, upstream_down

if TYPE_CHECKING:
    from alfred_dev.stack import Stack
    from alfred_dev.workspace import Workspace


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
            tunnel_agent.ready(stack.workspace, settings, offline=how.offline, yes=how.yes)
        if spec.detached:
            spec = replace(spec, port=tunnel_process.free_port(stack.plan.slot))
        state.put(stack.workspace.home, record_of(spec, time.time()))
        try:
            process = tunnel_process.started(ctx, spec, settings)
            record = tunnel_process.settled(spec, process)
        except BaseException:
            tunnel_process.end(stack.workspace, spec.name, process)
            raise
    agent.leave(stack.workspace.run)
    told = {**joined.public_urls([record])}
    _say(record, chance, spec, told, how)
    if spec.hook:
        hook.run(spec.hook, spec, record.url, session.note)
    _offer_restart(ctx, stack, record, how)
    return 0 if process is None else tunnel_process.stay(stack.workspace, spec.name, process)


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
        gateway=_door(workspace),
        has_token=bool(tunnel_agent.token(workspace, stack.plan.settings)),
        now=time.time(),
    )
    spec = spec_of(wish, stack.plan, place, chance, state.read(workspace.home))
    registry.provider(spec)  # refuses a host that is none
    found = asyncio.run(asking.ask_service(spec))
    if not found["ok"]:
        raise upstream_down(spec.service, str(found["detail"]))
    return spec, chance


def _door(workspace: Workspace) -> str:
    """Return the gateway's socket, below ``.alfred``; empty when nobody answers there."""
    from alfred_dev.cli import session

    if _answers(workspace.tunnel_door):
        return str(workspace.tunnel_door.relative_to(workspace.home))
    session.note("the gateway does not run: the service is called without its limits and its log")
    return ""


def _answers(socket_path: Path) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.path.relpath(socket_path))
        except OSError:
            return False
    return True


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

"""The ngrok agent as ``tunnel open`` needs it: its token, and the program, downloaded if asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alfred_dev.errors import TunnelError
from alfred_dev.tunnel import agent, faults, ngrok

if TYPE_CHECKING:
    from alfred_dev.settings import Settings
    from alfred_dev.workspace import Workspace


def token(workspace: Workspace, settings: Settings) -> str:
    """Return ngrok's token, empty when there is none."""
    found = settings["NGROK_AUTHTOKEN"]
    return found or ngrok.find_token(os.environ, workspace.root, Path.home())


def ready(workspace: Workspace, settings: Settings, *, offline: bool, yes: bool) -> None:
    """Have the agent running; we are a user of it until the tunnel's own process is."""
    workspace.prepare()
    program = ngrok.find_program(workspace.home, os.environ.get("PATH", os.defpath))
    secret = token(workspace, settings)
    if not secret and agent.noted(workspace.run) is None:
        raise faults.no_token()
    if program is None:
        program = _downloaded(workspace, offline=offline, yes=yes)
    try:
        ngrok.ensure_agent(workspace.run, secret, program)
    except TunnelError:
        agent.leave(workspace.run)
        raise


def _downloaded(workspace: Workspace, *, offline: bool, yes: bool) -> str:
    """Ask, then download the agent. Raises TunnelError where nobody said yes."""
    from alfred_dev.cli import session

    terminal = sys.stdin.isatty() and "CI" not in os.environ
    question = f"Download the ngrok agent from ngrok into {ngrok.downloaded(workspace.home)}?"
    if offline or not (yes or (terminal and typer.confirm(question, err=True))):
        raise faults.no_agent("ngrok", [faults.INSTALL_NGROK, faults.OTHER])
    session.note("downloading the ngrok agent")
    ngrok.download(workspace.home)
    return str(ngrok.downloaded(workspace.home))

"""Builds of the platform's checkout: asked for once, because a Dockerfile runs what it likes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from alfred_dev import consent
from alfred_dev.cli.place import slots_file
from alfred_dev.errors import UsageError
from alfred_dev.plan import PlannedService, SourceKind


def of(services: Sequence[PlannedService]) -> dict[str, Path]:
    """Return the build context of every service that comes from a checkout."""
    checkouts = (s for s in services if s.source.kind is SourceKind.CHECKOUT)
    return {service.id: Path(service.source.path) for service in checkouts}


def permit(root: Path, platform: str, names: Sequence[str], *, yes: bool) -> None:
    """Have this user's word that what alfred.yaml names may be built here; it is kept.

    Raises UsageError where there is nobody to ask, Abort for a no.
    """
    folder = slots_file().parent
    command = f"docker build {platform}"
    if consent.given(folder, root, command):
        return
    what = f"Dockerfiles of {platform} run commands, as alfred.yaml says: {', '.join(names)}"
    if not yes:
        if not sys.stdin.isatty() or "CI" in os.environ:
            raise UsageError(
                "confirmation-needed",
                "nobody has allowed these builds yet",
                cause=what,
                fix=["alfred-dev up --yes   (once; it is remembered for this checkout)",
                     "or without them: services.NAME.from: stand-in in alfred.yaml"],
            )  # fmt: skip
        if not typer.confirm(f"{what}.\nMay they be built here?", err=True):
            raise typer.Abort
    consent.give(folder, root, command)

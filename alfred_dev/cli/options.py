"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from alfred_dev.cli.complete import services

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SERVICE]...", autocompletion=services, help="Default: all."),
]
Service = Annotated[str, typer.Argument(metavar="SERVICE", autocompletion=services)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Timeout = Annotated[
    float | None, typer.Option("--wait-timeout", metavar="SECONDS", min=0.1, help="Default: 120.")
]

"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from alfred_dev.cli.complete import services
from alfred_dev.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """What stands before the command. ``flags``: settings, the strongest layer."""

    env_file: str | None
    flags: Mapping[str, str]


def finite(seconds: float) -> None:
    """Refuse what is no number of seconds. Raises UsageError."""
    if seconds != seconds:  # noqa: PLR0124 - only "nan" differs from itself
        raise UsageError("usage", "nan is no number of seconds", cause="expected 0.1 to 99999")


def assignments(texts: Iterable[str]) -> dict[str, str]:
    """Read KEY=VALUE arguments of settings. Raises UsageError."""
    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.isidentifier():
            raise UsageError(
                "usage",
                f"--set {key} is not understood",
                cause="expected KEY=VALUE",
                fix=["alfred-dev --set ALFRED_LOG_LEVEL=DEBUG up"],
            )
        found[key] = value
    return found


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SERVICE]...", autocompletion=services, help="Default: all."),
]
Service = Annotated[str, typer.Argument(metavar="SERVICE", autocompletion=services)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Timeout = Annotated[
    float | None,
    typer.Option("--wait-timeout", metavar="SECONDS", min=0.1, max=99_999, help="Default: 120."),
]

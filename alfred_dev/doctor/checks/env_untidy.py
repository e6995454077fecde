"""A .env file has line ends of Windows, keys that stand twice, or placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alfred_dev.doctor.look.configuration import Configuration, EnvFile, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.settings import BY_KEY


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find what parsers forgive and scripts do not, and what was never filled in."""
    for file in seen.files:
        yield from _line_ends(file)
        yield from _twice(file)
        yield from _placeholders(file)


def _line_ends(file: EnvFile) -> Iterator[Finding]:
    if file.crlf:
        yield Finding(
            subject=file.path,
            cause=f"{file.crlf} lines of {file.path} end as on Windows (CRLF): "
            "a shell that reads them gets a carriage return in every value",
            evidence=(f"{file.path}: {file.crlf} times CR LF",),
            fix=Fix(
                text="Take the carriage returns out.",
                commands=(f"sed -i 's/\\r$//' {file.path}",),
                automatic=True,
            ),
        )


def _twice(file: EnvFile) -> Iterator[Finding]:
    for key, lines in file.twice:
        first = ", ".join(map(str, lines[:-1]))
        yield Finding(
            subject=f"{file.path}:{lines[0]}",
            cause=f"{key} stands {len(lines)} times in {file.path}: "
            f"line {lines[-1]} counts, line {first} does not",
            evidence=tuple(f"{file.path}:{line}: {key}" for line in lines),
            fix=Fix(
                text="Delete the lines that do not count.",
                commands=(f"sed -i '{';'.join(f'{n}d' for n in lines[:-1])}' {file.path}",),
            ),
        )


def _placeholders(file: EnvFile) -> Iterator[Finding]:
    for key, line in file.placeholders:
        setting = BY_KEY.get(key)
        yield Finding(
            subject=f"{file.path}:{line}",
            cause=f"{key} in {file.path}:{line} is still a placeholder",
            evidence=(f"{file.path}:{line}: {key}",),
            fix=_value(file, key, line, optional=setting is not None and not setting.generated),
        )


def _value(file: EnvFile, key: str, line: int, *, optional: bool) -> Fix:
    if optional:
        return Fix(
            text=f"Give {key} its value, or none: nothing needs it to start.",
            commands=(f"sed -i '{line}s/=.*/=/' {file.path}", "alfred-dev up"),
        )
    return Fix(text=f"Give {key} a value of its own in {file.path} (line {line}).")


CHECK = Check(
    code="env-untidy",
    title="A .env file has something that is easily misread",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="it was edited on Windows, merged by hand, or never filled in",
    fix="the one line of the message",
    depends_on=frozenset({"config-invalid"}),
    rank=61,
    needs_plan=False,
    observe=configuration,
    judge=judge,
)

"""Shell operators where no shell is."""

from collections.abc import Iterator

from alfred_dev.lint.model import Command, Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import Map, Scalar, Seq, printable

OPERATORS = ("&&", "||", "|", ";", ">", ">>", "2>&1", "<")
SHELLS = (
    "sh", "bash", "ash", "zsh", "dash", "/bin/sh", "/bin/bash", "/bin/ash", "/usr/bin/env",
    "busybox", "cmd", "powershell", "pwsh", "tini", "su", "ssh", "docker-entrypoint.sh",
)  # fmt: skip


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a command or check."""
    for service in project.services.values():
        yield from _command(service, service.command, "command")
        yield from _command(service, service.entrypoint, "entrypoint")
        yield from _health(service)
        yield from _cut(service)
        yield from _dropped(service)


def _command(service: Service, said: Command | None, key: str) -> Iterator[Finding]:
    if said is None or _shell(service, said, key):
        return
    found = next(
        ((i, w) for i, w in enumerate(said.words) if w in OPERATORS[:4] or w[-1:] == ";"), None
    )
    if found and found[0] > 0:
        yield RULE.found(
            f"the {key} of {service.name} holds {found[1]}, which no shell reads: it becomes an "
            f"argument of {said.words[0]}",
            said.place(found[0]),
            service=service.name,
            fix=f'{key}: ["sh", "-c", "..."]',
        )


def _shell(service: Service, said: Command, key: str) -> bool:
    """Whether a shell reads the words, or may do."""
    if said.words[:1] and said.words[0] in SHELLS:
        return True
    if key == "entrypoint":
        return False
    before = service.entrypoint.words if service.entrypoint else ()
    if not before and service.dockerfile:
        before = service.dockerfile.command("ENTRYPOINT") or ()
    return any(w in SHELLS or w.endswith(".sh") for w in before)


def _health(service: Service) -> Iterator[Finding]:
    health = service.health
    if health is None or health.script is not None or not health.words:
        return
    found = next((w for w in health.words if w in OPERATORS), None)
    if found and health.words[0] not in SHELLS:
        yield RULE.found(
            f"the health check of {service.name} is of the CMD form, which no shell reads: {found} "
            f"becomes an argument of {health.words[0]}",
            health.place,
            service=service.name,
            fix='test: ["CMD-SHELL", "..."]',
        )


def _dropped(service: Service) -> Iterator[Finding]:
    """CMD-SHELL takes one text; of a list only the first word is run."""
    check = service.node.get("healthcheck")
    test = check.get("test") if isinstance(check, Map) else None
    words = [s for s in test.items if isinstance(s, Scalar)] if isinstance(test, Seq) else []
    if len(words) > 2 and words[0].value == "CMD-SHELL":
        yield RULE.found(
            f"the health check of {service.name} runs {printable(words[1].value)} alone: CMD-SHELL "
            "takes one text, what follows becomes $0, $1, ...",
            words[0].where,
            service=service.name,
            severity=Severity.WARNING,
            fix="write the command as one text, or CMD",
        )


def _cut(service: Service) -> Iterator[Finding]:
    """``sh -c`` as entry point, and a command that Compose cuts in words: all but one are lost."""
    entry, said = service.entrypoint, service.command
    if entry is None or said is None or len(said.words) < 2:
        return
    if entry.words[-1:] == ("-c",) and entry.words[0].rpartition("/")[2] in ("sh", "bash", "ash"):
        yield RULE.found(
            f"{service.name} runs only {said.words[0]}: sh -c takes one argument as its "
            "script, the "
            "other words become $0, $1, ...",
            said.where,
            service=service.name,
            fix="make the command a list of one text",
        )


BAD = """\
services:
  a:
    image: node:22.12
    command: npm install && npm start
"""
GOOD = """\
services:
  a:
    image: node:22.12
    command: sh -c 'npm install && npm start'
"""
RULE = Rule(
    code="shell-syntax",
    title="Shell syntax where no shell runs",
    severity=Severity.ERROR,
    page="Compose cuts a command into words and starts it without a shell. `a && b` gives `a` the "
    "arguments `&&` and `b`. The CMD form of a health check is the same.",
    bad=BAD,
    good=GOOD,
    check=check,
)

"""A start command that names a file which is not in the image."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.dockerfile import Dockerfile
from alfred_dev.lint.files import join
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import printable

RUNNERS = re.compile(r"(?:python|python3|node|bash|sh|deno|bun|ts-node|tsx)\Z")
SCRIPT = re.compile(r"\.?/?[\w./-]+\.(?:py|js|mjs|ts|sh)\Z")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service."""
    for service in project.services.values():
        found = service.dockerfile
        if found is None or service.build is None or service.build.context is None:
            continue
        said, where = _said(service, found)
        script = _script(said)
        if script and _gone(project, service, found, script):
            yield RULE.found(
                f"{service.name} starts {printable(script)}, which is not in "
                f"{printable(service.build.context)}",
                where,
                service=service.name,
                fix="name a file that the Dockerfile copies",
            )


def _said(service: Service, found: Dockerfile) -> tuple[tuple[str, ...], Where]:
    if service.command:
        return service.command.words, service.command.where
    step = found.last("CMD")
    return found.command("CMD") or (), Where(found.path, step.line if step else 1, 1)


def _script(words: tuple[str, ...]) -> str | None:
    if len(words) >= 2 and RUNNERS.match(words[0]) and SCRIPT.match(words[1]):
        return words[1]
    return None


def _gone(project: Project, service: Service, found: Dockerfile, script: str) -> bool:
    """Sure only where the whole context is copied into the working folder, and nothing is made."""
    if script.startswith("/") or service.build is None or service.build.context is None:
        return False
    if any(
        m.target.startswith("/") and m.kind != "tmpfs" and _over(m.target) for m in service.mounts
    ):
        return False
    copies = [s.text for s in found.steps if s.name in ("COPY", "ADD")]
    plain = [
        c
        for c in copies
        if re.match(r"(?:--chown=\S+\s+)?\.\s+\./?\Z|(?:--chown=\S+\s+)?\.\s+/\w+/?\Z", c)
    ]
    if not plain or any("--from" in c for c in copies) or "<<" in "".join(copies):
        return False
    makes = re.search(
        r"npm run build|yarn build|tsc|go build|webpack|make\b|>\s*\S+\.(?:py|sh|js)", found.runs
    )
    return not makes and project.kind(join(service.build.context, script)) is None


def _over(target: str) -> bool:
    return target.count("/") <= 2


BAD = """\
services:
  a:
    build: .
# --- Dockerfile
FROM python:3.12
WORKDIR /app
COPY . .
CMD ["python", "simple_bot.py"]
"""
GOOD = """\
services:
  a:
    build: .
# --- Dockerfile
FROM python:3.12
WORKDIR /app
COPY . .
CMD ["python", "bot.py"]
# --- bot.py
print()
"""
RULE = Rule(
    code="entry-missing",
    title="A start command whose file is not in the image",
    severity=Severity.ERROR,
    page="`can't open file`, exit 2, and again and again. Judged only where the Dockerfile "
    "copies its "
    "whole context and nothing is mounted over it.",
    bad=BAD,
    good=GOOD,
    check=check,
)

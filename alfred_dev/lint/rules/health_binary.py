"""A health check that calls a program which is not in the image."""

import re
from collections.abc import Iterator

from alfred_dev.lint import images
from alfred_dev.lint.model import Health, Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity

BEGINS = re.compile(
    r"(?:^|[|;&({]|\bif\b|\bthen\b|!|\btimeout\s+\d+\w?\b)\s*(?P<program>[A-Za-z][\w.-]*)"
)
GONE = {  # program: (family, the first major version without it)
    "mongo": ("mongo", 6), "mysqladmin": ("mysql", 11), "mysql": ("mysql", 11),
}  # fmt: skip
MINIO_WITHOUT_CURL = "RELEASE.2023-11"
INSTALLS = re.compile(r"\b(?:apt-get|apt|apk|yum|dnf|microdnf|install|COPY|pacman|brew)\b")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a check."""
    for service in project.services.values():
        if service.health is None or service.health.disabled:
            continue
        for program in called(service.health):
            image = lacking(service, program)
            if image:
                yield _finding(service, service.health, program, image)
                break


def _finding(service: Service, health: Health, program: str, image: str) -> Finding:
    return RULE.found(
        f"the health check of {service.name} calls {program}, which {image} does not have: it can "
        "never succeed",
        health.place,
        service=service.name,
        fix=_instead(service, program),
    )


def _instead(service: Service, program: str) -> str:
    if service.dockerfile:
        return f"install {program} in {service.dockerfile.path}, or call a program that is there"
    return "call a program that is in the image, or drop the check and probe from outside"


def called(health: Health) -> list[str]:
    """Return the programs that a check calls."""
    if health.script is None:
        words = list(health.words)
        if words[:1] and words[0].rpartition("/")[2] in ("sh", "bash") and "-c" in words:
            shell = words[0].rpartition("/")[2]
            return [shell, *_in_script(" ".join(words[words.index("-c") + 1 :]))]
        return [words[0].rpartition("/")[2]] if words else []
    return ["sh", *_in_script(health.script)]


def _in_script(script: str) -> list[str]:
    return [m["program"] for m in BEGINS.finditer(script[:2000])]


def lacking(service: Service, program: str) -> str | None:
    """Return the image that lacks a program; None when it has it, or when that is not known."""
    if service.build is not None:
        return _built_without(service, program)
    if service.image is None:
        return None
    name = service.image.value
    return name if _lacks(name, program) else None


def _lacks(name: str, program: str) -> bool:
    if program.startswith("kafka-"):
        confluent = "confluentinc/" in name
        return (confluent and program.endswith(".sh")) or (
            not confluent and "kafka" in name and not program.endswith(".sh")
        )
    image, major = images.known(name), images.major(name)
    if image and program in GONE and image.kind == GONE[program][0]:
        mariadb = image.names[0] == "mariadb"
        return major is not None and major >= GONE[program][1] and (program == "mongo" or mariadb)
    if image and image.kind == "minio" and program in ("curl", "wget"):
        found = images.reference(name)
        tag = found.tag if found else None
        return tag is not None and tag.startswith("RELEASE.") and tag >= MINIO_WITHOUT_CURL
    if image and image.kind == "keycloak" and program in ("curl", "wget"):
        return (
            major is not None
            and major >= 18
            and image.names[0] == "keycloak/keycloak"
            and ("bitnami" not in name)
        )
    if program not in images.WATCHED:
        return False
    there = images.programs(name)
    return there is not None and program not in there


def _built_without(service: Service, program: str) -> str | None:
    found = service.dockerfile
    if found is None or not found.base or program not in images.WATCHED:
        return None
    there = images.programs(found.base)
    if there is None or program in there:
        return None
    installed = "\n".join(s.text for s in found.steps if s.name in ("RUN", "COPY", "ADD"))
    package = {"python3": "python", "nc": r"netcat|nc|ncat"}.get(program, program)
    if re.search(rf"(?<![\w.])(?:{package})(?:\d[\w.]*|-[\w-]+)?(?![\w])", installed):
        return None
    if program in ("sh", "bash") and found.base != "scratch" and "distroless" not in found.base:
        return None if program == "sh" else f"the image of {found.path}"
    if re.search(r"\b(?:apt-get|apt|apk|dnf|yum)\b", installed) and _opaque(installed):
        return None
    return f"the image of {found.path} (from {found.base})"


def _opaque(installed: str) -> bool:
    """Whether what is installed is not written in the Dockerfile itself."""
    return bool(
        re.search(
            r"\$\(|xargs|requirements.*apt|install\s+\$|playwright|build-essential", installed
        )
    )


BAD = """\
services:
  a:
    image: qdrant/qdrant:v1.12.4
    healthcheck: {test: [CMD, curl, -f, 'http://localhost:6333/readyz']}
"""
GOOD = """\
services:
  a:
    image: qdrant/qdrant:v1.12.4
    healthcheck: {test: [CMD, bash, -c, ': > /dev/tcp/127.0.0.1/6333']}
"""
RULE = Rule(
    code="health-binary",
    title="A health check without the program it needs",
    severity=Severity.ERROR,
    page="`executable file not found`: the service works, but Docker calls it unhealthy for "
    "ever, and "
    "whoever waits for it never starts. Many slim and distroless images have no curl and no wget.",
    bad=BAD,
    good=GOOD,
    check=check,
)

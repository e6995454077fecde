"""What several rules ask."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from alfred_dev.errors import Problem, Where
from alfred_dev.lint import images, references
from alfred_dev.lint.model import Command, Project, Service, Variable
from alfred_dev.lint.references import Reference
from alfred_dev.lint.tree import HOLE, Ref, scalars

PLACEHOLDER = re.compile(
    r"change[-_ ]?me|changeit|your[-_]|placeholder|replace[-_]?(me|this)|xxxx|<.*>|todo|example|"
    r"insert[-_]|dummy|not[-_]?set|fill[-_]?in|\.\.\.",
    re.IGNORECASE,
)
SECRET_KEY = re.compile(
    r"(PASSWORD|PASSWD|_PASS$|^PASS$|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL)",
    re.IGNORECASE,
)  # fmt: skip
WEAK = {
    "postgres", "password", "passw0rd", "admin", "root", "secret", "test", "guest", "user",
    "changeme", "change_me", "changeit", "minioadmin", "minio", "redis", "mysql", "example",
    "12345", "123456", "12345678", "pass", "default", "dev", "letmein", "qwerty", "admin123",
    "minio123", "password123", "neo4j", "elastic", "mongo", "rabbitmq", "your_password",
    "yourpassword", "supersecret", "toor", "rootpassword", "root_password", "mypassword",
    "postgres123", "app", "rootpass", "minioadmin123",
}  # fmt: skip
MOCK = re.compile(r"(^|[-_])(mock|fake|stub|dummy|test|example)([-_s]|$)", re.IGNORECASE)


def where(problem: Problem) -> Where:
    """Return the place of a problem."""
    return Where(problem.file, problem.line, problem.column)


def near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the name that was probably meant; of very many names nobody can tell."""
    names = list(known)
    found = difflib.get_close_matches(word, names, 1, cutoff) if len(names) <= 120 else []
    return found[0] if found else None


def services(names: Iterable[str]) -> str:
    """Return names as a sentence needs them."""
    listed = sorted(set(names))
    if len(listed) <= 1:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"


def mock(service: Service) -> bool:
    """Whether a service says itself that it only plays something."""
    return MOCK.search(service.name) is not None


def image_of(service: Service) -> images.Image | None:
    """Return what is known of the image that a service runs, or None."""
    return images.known(service.image.value) if service.image and not service.build else None


@lru_cache(maxsize=64)
def internal(project: Project) -> tuple[tuple[Service, Reference, Service], ...]:
    """Return who speaks of whom, and how, inside of a project."""
    return tuple(_internal(project))


def _internal(project: Project) -> Iterator[tuple[Service, Reference, Service]]:
    for service in project.services.values():
        for reference in references.of(project, service):
            for target in references.targets(project, reference)[:1]:
                yield service, reference, target


def written(project: Project, reference: Reference, text: str) -> Where:
    """Return where ``text`` of a reference is written: its line, or that of a variable in it."""
    for ref in reference.variable.refs if reference.variable else ():
        setting = project.scope.get(ref.name)
        if setting is not None and text in setting.value:
            return setting.where
    return reference.where


def alternatives(one: Service, other: Service) -> bool:
    """Whether profiles choose between two variants of one thing: nobody starts both."""
    same = one.image and other.image and one.image.value == other.image.value
    return bool(
        same and one.profiles and other.profiles and not {*one.profiles} & {*other.profiles}
    )


def share(one: Service, other: Service) -> bool:
    """Whether two services meet on a network."""
    if one.network_mode == "host" and other.network_mode == "host":
        return True
    return bool(one.networks.keys() & other.networks.keys())


def healthcheck_of(project: Project, service: Service) -> bool | None:
    """Whether a service has a health check; None when only its image knows."""
    if service.health and (service.health.disabled or service.health.text):
        return not service.health.disabled
    if service.dockerfile:
        step = service.dockerfile.last("HEALTHCHECK")
        if step:
            return not step.text.upper().startswith("NONE")
        base = service.dockerfile.base
        image = images.known(base) if base else None
        return image.checked if image else None
    image = image_of(service)
    return image.checked if image else None


def ignored(project: Project, path: str) -> bool:
    """Whether .gitignore leaves a path out: then it is made later, by whoever runs this."""
    relative = path.removeprefix(project.folder).lstrip("/")
    parts = relative.split("/")
    for pattern in project.ignored:
        bare = pattern.strip("/")
        if pattern.startswith("!") or not bare:
            continue
        if fnmatch.fnmatch(relative, bare) or fnmatch.fnmatch(relative, f"*/{bare}"):
            return True
        if any(fnmatch.fnmatch(part, bare) for part in parts):
            return True
        if relative.startswith(f"{bare}/"):
            return True
    return False


def redis_password(service: Service) -> tuple[str, Where] | None:
    """Return the password that a Redis demands, with its place; None when it demands none."""
    for said in (service.command, service.entrypoint):
        told = _told(service, said) if said else None
        if told:
            return told
    image = image_of(service)
    for name in image.secret if image and image.kind == "redis" else ():
        variable = service.environment.get(name)
        if variable:
            return variable.text or "", variable.where
    for text in service.configs.values():
        found_line = re.search(r"^\s*requirepass\s+(\S+)", text, re.MULTILINE)
        if found_line:
            return HOLE, service.at("volumes")
    return None


def ref_at(service: Service, place: Where) -> Ref | None:
    """Return the variable of the compose file that fills in a line of the service, or None."""
    found = (s for s in scalars(service.node) if s.where.line == place.line and s.refs)
    scalar = next(found, None)
    return scalar.refs[-1] if scalar else None


def _told(service: Service, said: Command) -> tuple[str, Where] | None:
    """Return the password that a command line sets."""
    found = _requirepass(said.words)
    if found is not None:
        last = found >= len(said.words) or said.words[found].startswith("--")
        return "" if last else said.words[found], said.place(found - 1 if last else found)
    inside = re.search(r"requirepass[\s=]+[\"']?([^\s\"']+)", said.text)
    return (_inside(service, inside[1]), said.where) if inside else None


def _inside(service: Service, text: str) -> str:
    """Return what ``$NAME`` in a container's own shell becomes."""
    name = text.strip("{}$")
    variable = service.environment.get(name)
    if text.startswith("$"):
        return (variable.text or HOLE) if variable else HOLE
    return text


def _requirepass(words: tuple[str, ...]) -> int | None:
    for index, word in enumerate(words):
        if word == "--requirepass":  # nothing may follow: the value of a variable that is empty
            return index + 1
    return None


def secret_of(service: Service) -> tuple[str, Where] | None:
    """Return the password that a store demands of its clients, with its place."""
    image = image_of(service)
    if image is None:
        return None
    if image.kind == "redis":
        return redis_password(service)
    for name in image.secret:
        variable = service.environment.get(name)
        if variable is not None:
            return variable.text if variable.text is not None else HOLE, variable.where
    return None


def first_of(service: Service, names: Iterable[str]) -> tuple[str, Where] | None:
    """Return the first of some variables that is set, with its place."""
    for name in names:
        variable = service.environment.get(name)
        if variable is not None and variable.text:
            return variable.text, variable.where
    return None


def weak(service: Service, variable: Variable) -> bool:
    """Whether a password is one that everybody knows, and not one that an example proposes."""
    text = (variable.text or "").lower()
    if variable.name == "NEO4J_AUTH":  # user/password in one
        text = text.partition("/")[2]
    if not text or HOLE in text or variable.origin == "env_file":
        return False
    if any(r.source in ("example", "env") for r in variable.refs):
        return False
    own = {service.name.lower()} | {
        v.value.lower()
        for v in service.environment.values()
        if v.name.endswith(("USER", "USERNAME", "_DB", "DATABASE"))
    }
    return text in WEAK or text in own or PLACEHOLDER.search(text) is not None

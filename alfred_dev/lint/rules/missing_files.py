"""Contexts, Dockerfiles, mounts, env files and secrets that do not exist."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import dockerfile, dotenv
from alfred_dev.lint.files import join
from alfred_dev.lint.model import Build, EnvFileUse, Mount, Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import printable

# A name with such an end is a file: Docker would make a folder of it.
FILE = re.compile(
    r"\.(?:conf|cnf|ya?ml|json|toml|ini|cfg|sql|sh|py|js|env|txt|xml|properties|acl|template|"
    r"htpasswd|lua|config|php|rules|tmpl|tpl|cypher|png|jpe?g|svg|ico|html|css)\Z"
)
# What is made later, by whoever runs the project.
MADE = re.compile(
    r"(^|/)(node_modules|certs?|ssl|tls|data|logs?|backups?|secrets?|credentials?|keys?|tmp|dist|"
    r"build|\.venv)(/|$)|\.(?:pem|crt|key|cert|log|sock|pid|db|sqlite3?)$|(^|/)\.env(\.|$)|^/|^~",
    re.IGNORECASE,
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a path."""
    seen: set[str] = set()
    for service in project.services.values():
        for finding in _of(project, service):
            if f"{finding.where}" not in seen:
                seen.add(f"{finding.where}")
                yield finding
    for section in (project.secrets, project.configs):
        for resource in section.values():
            if resource.path and project.kind(resource.path) is None:
                if _common.ignored(project, resource.path) or MADE.search(resource.path):
                    continue
                yield RULE.found(f"there is no file {printable(resource.path)}", resource.where,
                                 fix="make it, or name another")  # fmt: skip


def _of(project: Project, service: Service) -> Iterator[Finding]:
    yield from _build(project, service)
    for use in service.env_files:
        yield from _env_file(project, service, use)
    for mount in service.mounts:
        yield from _mount(project, service, mount)


def _build(project: Project, service: Service) -> Iterator[Finding]:
    made = service.build
    if made is None or made.context is None or _common.ignored(project, made.context):
        return
    if project.kind(made.context) != "dir":
        yield RULE.found(
            f"the build context of {service.name} is not there: {printable(made.context)}",
            made.where, service=service.name, fix="name a folder that exists",
        )  # fmt: skip
        return
    path = join(made.context, made.dockerfile or "Dockerfile")
    if not made.inline and project.kind(path) != "file":
        yield RULE.found(
            f"{service.name} is built by {printable(path)}, which is not there",
            made.dockerfile_where, service=service.name, fix="name a Dockerfile that exists",
        )  # fmt: skip
    elif made.target and service.dockerfile and service.dockerfile.target_missing:
        yield RULE.found(
            f"{printable(path)} has no stage {printable(made.target)}, which {service.name} builds",
            made.where, service=service.name, fix="name a stage of that file",
        )  # fmt: skip
    else:
        yield from _copies(project, service, made)


def _copies(project: Project, service: Service, made: Build) -> Iterator[Finding]:
    """What COPY takes is not in the context, but is where another context would have it."""
    found, context = service.dockerfile, made.context
    for step, source in dockerfile.copied(found) if found and context is not None else ():
        if found is None or context is None or project.kind(join(context, source)) is not None:
            continue
        places = (p for p in dockerfile.elsewhere(found, context, source) if project.kind(p))
        there = next(places, None)
        if there is not None:
            yield RULE.found(
                f"{printable(found.path)} copies {printable(source)}, which is not in the build "
                f"context of {service.name} ({printable(context)}): it is {printable(there)}",
                made.where,
                Where(found.path, step.line, 1),
                service=service.name,
                fix="change the context, or the path in the Dockerfile",
            )
            return


def _env_file(project: Project, service: Service, use: EnvFileUse) -> Iterator[Finding]:
    if project.kind(use.path) == "file" or not use.required:
        return
    folder = use.path.rpartition("/")[0]
    example = any(
        kind == "file" and path.rpartition("/")[0] == folder and _example_of(path, use.path)
        for path, kind in project.kinds.items()
    )
    if example:
        return  # whoever runs this is meant to copy it
    own = _common.ignored(project, use.path) or use.path.rpartition("/")[2].startswith(".env")
    yield RULE.found(
        f"the env file {printable(use.text)} of {service.name} is not there"
        + (", and nothing beside it says what belongs in it" if own else ""),
        use.where,
        service=service.name,
        severity=Severity.WARNING if own else Severity.ERROR,
        fix="commit an example of it, or say required: false",
    )


def _example_of(path: str, env_file: str) -> bool:
    name, own = path.rpartition("/")[2], env_file.rpartition("/")[2]
    return name != own and (name.startswith(own) or name in dotenv.examples(own) or own == ".env")


def _mount(project: Project, service: Service, mount: Mount) -> Iterator[Finding]:
    path = mount.path
    if path is None or mount.source.startswith(("/", "~")) or project.kind(path) is not None:
        return
    file = FILE.search(mount.source) is not None and FILE.search(mount.target) is not None
    if MADE.search(mount.source) or _common.ignored(project, path) or (mount.creates and not file):
        return
    what = "Docker makes an empty folder of that name" if mount.creates else "the start fails"
    yield RULE.found(
        f"{service.name} mounts {printable(mount.source)}, which is not there: {what}",
        mount.where, service=service.name, fix="make the file, or name one that exists",
    )  # fmt: skip


BAD = """\
services:
  a:
    build: ./nowhere
"""
GOOD = """\
services:
  a:
    build: .
# --- Dockerfile
FROM nginx:1.27
"""
RULE = Rule(
    code="missing-file",
    title="A context, Dockerfile, mount, env file or secret that does not exist",
    severity=Severity.ERROR,
    page="Compose refuses the project, or Docker makes an empty folder where a file was meant: "
    "`Are "
    "you trying to mount a directory onto a file?`. What .gitignore leaves out, and an env file "
    "with an example beside it, are made later: not judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)

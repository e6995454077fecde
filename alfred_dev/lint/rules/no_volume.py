"""A database that keeps its data in its container."""

import re
from collections.abc import Iterator

from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

TEST = re.compile(r"(^|[/._-])(tests?|ci|e2e)([/._-]|$)")  # what is thrown away anyway
KINDS = ("postgres", "mysql", "mongo", "minio", "elasticsearch", "neo4j", "cassandra", "influxdb",
         "memgraph")  # fmt: skip
# What is mounted to tell a server how to begin: no data is kept there.
SETTINGS = re.compile(r"initdb|init\.d|/etc/|\.(?:conf|cnf|ya?ml|sql|sh|toml|ini|json)\Z")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding for the project."""
    if any(TEST.search(file) for file in project.files):
        return
    bare = []
    for service in project.services.values():
        image = _common.image_of(service)
        if image is None or image.kind not in KINDS or _common.mock(service):
            continue
        if not _kept(service):
            bare.append(service)
    if bare:
        yield RULE.found(
            f"{_common.services(s.name for s in bare)} keeps its data in no volume: `down` and "
            "`up` lose it",
            *(s.image.where if s.image else s.where for s in bare),
            service=bare[0].name,
            fix=(
                "mount a volume where the image keeps its data, or say that it is thrown away "
                "(tmpfs)"
            ),
        )


def _kept(service: Service) -> bool:
    """Whether anything is mounted in which it may keep its data."""
    if {"volumes_from", "tmpfs"} & service.node.items.keys():
        return True
    known = len(service.mounts) > 0 or "volumes" not in service.node.items
    return not known or any(not SETTINGS.search(m.target) for m in service.mounts)


BAD = """\
services:
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: '${PW:?}'}
"""
GOOD = """\
services:
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: '${PW:?}'}
    volumes: ['data:/var/lib/postgresql/data']
volumes:
  data: {}
"""
RULE = Rule(
    code="no-volume",
    title="A database without a volume",
    severity=Severity.INFO,
    page="What it learns is gone with its container. Caches and queues are not judged, nor what is "
    "called a mock or test.",
    bad=BAD,
    good=GOOD,
    check=check,
)

"""A URL in the browser's hands that only containers can resolve."""

import re
from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

TESTS = re.compile(r"playwright|cypress|selenium|e2e|test", re.IGNORECASE)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a variable."""
    for service, reference, target in _common.internal(project):
        if TESTS.search(service.name):
            continue  # its browser is a container too
        if not reference.bundled or reference.scheme is None or "INTERNAL" in reference.key:
            continue
        port = reference.port
        host = next((p for p in target.ports if p.target == port and p.published), None)
        inside = f"{reference.host}:{port}"
        yield RULE.found(
            f"{reference.key} of {service.name} goes to browsers, which cannot resolve "
            f"{reference.host}",
            reference.where,
            service=service.name,
            fix=f"http://localhost:{host.published}"
            if host
            else f"publish {target.name}, and name that address",
            edits=(Edit(where=reference.where, old=inside, new=f"localhost:{host.published}"),)
            if host and port
            else (),
        )


BAD = """\
services:
  a:
    image: example/a:1
    environment: {VITE_API_URL: 'http://api:8000'}
  api:
    image: example/b:1
    ports: ['127.0.0.1:8000:8000']
"""
GOOD = """\
services:
  a:
    image: example/a:1
    environment: {VITE_API_URL: 'http://localhost:8000'}
  api:
    image: example/b:1
    ports: ['127.0.0.1:8000:8000']
"""
RULE = Rule(
    code="browser-url",
    title="A URL for browsers that only containers can resolve",
    severity=Severity.ERROR,
    page="What begins with NEXT_PUBLIC_, VITE_, REACT_APP_ and the like is built into pages. The "
    "browser runs on the host: service names mean nothing there.",
    bad=BAD,
    good=GOOD,
    check=check,
)

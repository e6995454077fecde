"""depends_on that names nobody, or goes round in a circle."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a name, one a circle."""
    for service in project.services.values():
        for name, needed in service.depends_on.items():
            if name not in project.services and needed.required:
                near = _common.near(name, project.services)
                hint = (
                    f"did you mean {near}?" if near else "remove it, or load the file that has it"
                )
                yield RULE.found(
                    f"{service.name} depends on {printable(name)}, which is no service here",
                    needed.where,
                    service=service.name,
                    fix=hint,
                    edits=(Edit(where=needed.where, old=name, new=near),) if near else (),
                )
    yield from _circles(project)


def _circles(project: Project) -> Iterator[Finding]:
    done: set[str] = set()
    for start in project.services:
        circle = _circle(project, start, done)
        if circle:
            places = [
                project.services[a].depends_on[b].where
                for a, b in zip(circle, circle[1:] + circle[:1], strict=True)
            ]
            yield RULE.found(
                f"{' -> '.join([*circle, circle[0]])}: they wait for each other, Compose "
                "refuses that",
                *places,
                service=circle[0],
                fix="take one of these dependencies out",
            )


def _circle(project: Project, start: str, done: set[str]) -> list[str]:
    """Return a circle that can be reached from ``start``; what was looked at goes into ``done``."""
    path: list[str] = []
    stack = [(start, iter(project.services[start].depends_on))] if start not in done else []
    path.append(start)
    while stack:
        name, children = stack[-1]
        child = next(children, None)
        if child is None:
            done.add(name)
            stack.pop()
            path.pop()
        elif child in path:
            done.update(path)
            return path[path.index(child) :]
        elif child in project.services and child not in done:
            stack.append((child, iter(project.services[child].depends_on)))
            path.append(child)
    return []


BAD = """\
services:
  a:
    image: nginx:1.27
    depends_on: [db]
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    depends_on: [db]
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    environment: {POSTGRES_PASSWORD: '${PW:?}'}
"""
RULE = Rule(
    code="depends-unknown",
    title="A dependency that does not exist, or a circle of them",
    severity=Severity.ERROR,
    page="`depends_on` must name services of the project, and nobody may wait for himself, not "
    "even "
    "by way of others.",
    bad=BAD,
    good=GOOD,
    check=check,
)

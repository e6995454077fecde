"""Variables that nobody sets."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.rules.default_differs import uses
from alfred_dev.lint.tree import Map, Ref, scalars

# What the machine itself, or Compose, sets.
AMBIENT = {
    "HOME", "USER", "PWD", "PATH", "UID", "GID", "HOSTNAME", "SHELL", "TERM", "DISPLAY", "LANG",
    "TZ", "XAUTHORITY", "SSH_AUTH_SOCK", "COMPOSE_PROJECT_NAME", "TMPDIR", "LOGNAME", "EDITOR",
    "XDG_RUNTIME_DIR", "WAYLAND_DISPLAY", "DOCKER_HOST", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "COMPOSE_PROFILES", "COMPOSE_FILE",
}  # fmt: skip


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding for the project, and one a variable that a container is to fill in itself."""
    unset: dict[str, list[Ref]] = {}
    for name, refs in sorted(uses(project).items()):
        bare = [r for r in refs if r.source == "unset"]
        if bare and name not in AMBIENT and not any(r.source in ("env", "example") for r in refs):
            unset[name] = bare
    own = _own(project, unset)
    yield from _inside(project, own)
    rest = {
        name: refs for name, refs in unset.items() if name not in own and not _known(project, name)
    }
    if rest:
        yield _finding(project, rest)


def _known(project: Project, name: str) -> bool:
    """Whether the example has it, empty: then whoever copies it is told."""
    return project.example is not None and name in project.example.values


def _own(project: Project, unset: dict[str, list[Ref]]) -> dict[str, list[tuple[str, Where]]]:
    """A variable of the container itself in its command or check: one dollar too few."""
    found: dict[str, list[tuple[str, Where]]] = {}
    for service in project.services.values():
        places = [c.where for c in (service.command, service.entrypoint) if c]
        places += [p for c in (service.command, service.entrypoint) if c for p in c.places]
        places += _lines_of_check(service)
        lines = {(p.file, p.line) for p in places}
        for name, refs in unset.items():
            variable = service.environment.get(name)
            inner = [r.where for r in refs if (r.where.file, r.where.line) in lines]
            if (
                inner
                and variable is not None
                and variable.text is not None
                and not any(r.name == name for r in variable.refs)
            ):
                found.setdefault(name, []).extend((service.name, w) for w in inner)
    return found


def _lines_of_check(service: Service) -> list[Where]:
    check = service.node.get("healthcheck")
    test = check.get("test") if isinstance(check, Map) else None
    return [s.where for s in scalars(test)]


def _inside(project: Project, own: dict[str, list[tuple[str, Where]]]) -> Iterator[Finding]:
    for name, uses_ in own.items():
        yield RULE.found(
            f"{uses_[0][0]} is meant to read its own {name}, but Compose fills it in first, "
            "with nothing",
            *(w for _, w in uses_),
            service=uses_[0][0],
            severity=Severity.WARNING,
            fix=f"$${name}",
        )


def _finding(project: Project, unset: dict[str, list[Ref]]) -> Finding:
    names = sorted(unset)
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    beside = project.env or project.example
    where = (
        f"neither {beside.file} nor a default sets"
        if beside
        else "no .env, example or default sets"
    )
    first = sorted({unset[n][0].where for n in names})
    secret = any(_common.SECRET_KEY.search(n) for n in names)
    return RULE.found(
        f"{where} {shown}: Compose takes nothing for it",
        *first,
        severity=Severity.WARNING if beside or secret else Severity.INFO,
        fix=(
            "a line each in .env.example, ${NAME:?message} where nothing works without it, or "
            "a default"
        ),
    )


BAD = """\
services:
  a:
    image: example/a:1
    environment: {API_TOKEN: '${API_TOKEN}'}
"""
GOOD = """\
services:
  a:
    image: example/a:1
    environment: {API_TOKEN: '${API_TOKEN:?make one}'}
"""
RULE = Rule(
    code="variable-unset",
    title="Variables that nobody sets",
    severity=Severity.WARNING,
    page="Compose warns in one line and goes on with an empty text. One finding names them all. "
    "`${NAME:?message}` stops instead; `$$NAME` is the container's own. What an example lists is "
    "known to whoever copies it: not judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)

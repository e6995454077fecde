"""Services that need each other on networks that do not meet."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a pair."""
    apart: dict[tuple[str, str], list[tuple[str, Where]]] = {}
    for service, reference, target in _common.internal(project):
        if _common.share(service, target) or reference.bundled or _elsewhere(service, target):
            continue
        if reference.public and not reference.store and reference.scheme is not None:
            continue
        if (
            reference.scheme is None
            and reference.port is None
            and target.name not in service.depends_on
        ):
            continue
        apart.setdefault((service.name, target.name), []).append((reference.key, reference.named))
    for pair, use in _waiting(project):
        apart.setdefault(pair, [use])
    for (one, other), uses in apart.items():
        yield _finding(project.services[one], project.services[other], uses)


def _waiting(project: Project) -> Iterator[tuple[tuple[str, str], tuple[str, Where]]]:
    """Yield who waits for a store without sharing a network with it."""
    for service in project.services.values():
        for name, needed in service.depends_on.items():
            other = project.services.get(name)
            if other and _needs(service, other):
                yield (service.name, name), ("depends_on", needed.where)


def _needs(service: Service, target: Service) -> bool:
    """Who waits for a database, cache or queue is going to speak to it."""
    image = _common.image_of(target)
    apart = not _common.share(service, target) and not _elsewhere(service, target)
    return (
        apart
        and image is not None
        and image.store
        and "host" not in (service.network_mode, target.network_mode)
    )


def _elsewhere(service: Service, target: Service) -> bool:
    """Whether one of them lives in the network of a third: nothing is known of that."""
    modes = (service.network_mode or "", target.network_mode or "")
    return any(m.startswith(("service:", "container:")) for m in modes)


def _finding(service: Service, target: Service, uses: list[tuple[str, Where]]) -> Finding:
    keys = ", ".join(dict.fromkeys(key for key, _ in uses))
    return RULE.found(
        f"{service.name} needs {target.name} ({keys}), but they share no network: "
        f"{_of(service)} and {_of(target)}",
        *(place for _, place in uses),
        service=service.name,
        fix=_fix(service, target),
    )


def _of(service: Service) -> str:
    if service.network_mode:
        return f"{service.name} has network_mode {service.network_mode}"
    return f"{service.name} is on {_common.services(service.networks) or 'none'}"


def _fix(service: Service, target: Service) -> str:
    if service.network_mode == "host":
        return "speak to localhost and its published port, or leave the host's network"
    if target.network_mode == "host":
        return "reach it as host.docker.internal, or take it off the host's network"
    return f"put {service.name} on {_common.services(target.networks) or 'its network'} too"


BAD = """\
services:
  a:
    image: example/a:1
    depends_on: [cache]
    environment: {REDIS_URL: 'redis://cache:6379'}
  cache:
    image: redis:7.4
    networks: [back]
networks:
  back: {}
"""
GOOD = """\
services:
  a:
    image: example/a:1
    depends_on: [cache]
    networks: [back]
    environment: {REDIS_URL: 'redis://cache:6379'}
  cache:
    image: redis:7.4
    networks: [back]
networks:
  back: {}
"""
RULE = Rule(
    code="networks-apart",
    title="Services that need each other on networks that do not meet",
    severity=Severity.ERROR,
    page="A name resolves only on a network that both are on. A service without `networks` is on "
    "`default` alone; one on the host's network knows no names.",
    bad=BAD,
    good=GOOD,
    check=check,
)

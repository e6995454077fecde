"""A scrape target that is not there."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import listen, tree
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.references import ADDRESS
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import Map, Scalar, printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a target."""
    for service in project.services.values():
        if (image := _common.image_of(service)) is None or image.kind != "prometheus":
            continue
        for place, text in service.configs.items():
            path = place.partition("\n")[2]
            root, _ = tree.parse(text, file=path) if "scrape_configs" in text else (None, ())
            jobs = root.get("scrape_configs") if isinstance(root, Map) else None
            for scalar in _targets(jobs):
                yield from _judged(project, service, scalar)


def _targets(jobs: tree.Node | None) -> Iterator[Scalar]:
    for job in jobs.items if isinstance(jobs, tree.Seq) else ():
        groups = job.get("static_configs") if isinstance(job, Map) else None
        for group in groups.items if isinstance(groups, tree.Seq) else ():
            yield from tree.scalars(group.get("targets") if isinstance(group, Map) else None)


def _judged(project: Project, service: Service, scalar: Scalar) -> Iterator[Finding]:
    found = ADDRESS.match(scalar.raw)
    if not found:
        return
    host, port = found["host"], int(found["port"])
    own = service.name in (s.name for s in project.named(host))
    if host == "localhost" and port != 9090:
        yield _finding(service, scalar.where, scalar, f"is the container of {service.name} itself")
    elif "." in host or host in ("localhost", "host") or own:
        return
    elif not project.named(host):
        if not _outer(project, service):
            yield _finding(service, scalar.where, scalar, "names no service of the project")
    else:
        target = project.named(host)[0]
        there = listen.of(target)
        if there.sure and not there.may(port) and there.complete:
            ports = ", ".join(str(p) for p in sorted(there.sure)[:4])
            yield _finding(
                service, scalar.where, scalar, f"answers nobody: {host} listens on {ports}"
            )
        elif not _common.share(service, target) and not target.network_mode:
            yield _finding(service, scalar.where, scalar, f"is on no network of {service.name}")


def _outer(project: Project, service: Service) -> bool:
    return any(n in project.networks and project.networks[n].external for n in service.networks)


def _finding(service: Service, where: Where, scalar: Scalar, why: str) -> Finding:
    return RULE.found(
        f"the scrape target {printable(scalar.raw)} {why}",
        where,
        service=service.name,
        severity=Severity.WARNING,
        fix="name a service and the port it has inside of its container",
    )


BAD = """\
services:
  prometheus:
    image: prom/prometheus:v3.1.0
    volumes: ['./prometheus.yml:/etc/prometheus/prometheus.yml:ro']
# --- prometheus.yml
scrape_configs:
  - job_name: api
    static_configs:
      - targets: ['apy:8000']
"""
GOOD = """\
services:
  api:
    image: example/api:1
  prometheus:
    image: prom/prometheus:v3.1.0
    volumes: ['./prometheus.yml:/etc/prometheus/prometheus.yml:ro']
# --- prometheus.yml
scrape_configs:
  - job_name: api
    static_configs:
      - targets: ['api:8000']
"""
RULE = Rule(
    code="prometheus-target",
    title="A scrape target that is not there",
    severity=Severity.WARNING,
    page="`prometheus.yml` beside the compose file: hosts must be services, ports those inside "
    "of the "
    "container. Otherwise the graphs stay empty and nobody says why.",
    bad=BAD,
    good=GOOD,
    check=check,
)

"""Networks that want the same addresses."""

import ipaddress
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import HOLE, printable

MAX_NETWORKS = 60
Net = ipaddress.IPv4Network | ipaddress.IPv6Network


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a pair."""
    known: list[tuple[str, Net, Where]] = []
    for name, resource in project.networks.items():
        for text, where in resource.subnets:
            if HOLE in text or resource.external:
                continue
            try:
                net = ipaddress.ip_network(text, strict=False)
            except ValueError:
                yield RULE.found(
                    f"{printable(text)} is no subnet", where, fix="such as 172.28.0.0/16"
                )
                continue
            other = next(
                (o for o, n, _ in known if n.version == net.version and n.overlaps(net)), None
            )
            if other is not None:
                yield RULE.found(
                    f"the networks {other} and {name} overlap: Pool overlaps with other one on "
                    "this address space",
                    where, fix="give one of them another subnet",
                )  # fmt: skip
            if len(known) < MAX_NETWORKS:
                known.append((name, net, where))


BAD = """\
services:
  a: {image: 'nginx:1.27', networks: [one, two]}
networks:
  one: {ipam: {config: [{subnet: 172.28.0.0/16}]}}
  two: {ipam: {config: [{subnet: 172.28.5.0/24}]}}
"""
GOOD = """\
services:
  a: {image: 'nginx:1.27', networks: [one, two]}
networks:
  one: {ipam: {config: [{subnet: 172.28.0.0/16}]}}
  two: {ipam: {config: [{subnet: 172.29.5.0/24}]}}
"""
RULE = Rule(
    code="subnet-twice",
    title="Networks that want the same addresses",
    severity=Severity.ERROR,
    page="Docker refuses the second: `Pool overlaps with other one on this address space`.",
    bad=BAD,
    good=GOOD,
    check=check,
)

"""What each stand-in answers beyond health: one row a service, no code.

A service that is not in the table is one of the platform's own: it gets the common pages, and
the parts of the platform's API that the catalog names. A service of the table is somebody else's
software, of which nothing is played but what a client needs to find it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT, JSON = "text/plain; charset=utf-8", "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An answer that is always the same."""

    content_type: str
    body: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """How to play a service. ``real``: the software that would really be there.

    ``fixed``: answers to GET, by path template.
    """

    real: str
    fixed: Mapping[str, Fixed] = field(default_factory=dict)


OTHERS: Mapping[str, Role] = {
    "vector-db": Role(real="Qdrant"),
    "pubsub-emulator": Role(
        real="Google's Pub/Sub emulator",
        fixed={
            "/": Fixed(content_type=TEXT, body="Ok\n", purpose="what clients take for readiness"),
            "/v1/projects/{project}/topics": Fixed(
                content_type=JSON, body="{}\n", purpose="the topics: always none"
            ),
        },
    ),
    "mail-server": Role(real="Mailpit"),
    "monitoring-metrics": Role(
        real="Prometheus",
        fixed={
            "/-/healthy": Fixed(
                content_type=TEXT, body="The stand-in is healthy.\n", purpose="liveness"
            )
        },
    ),
    "monitoring-dashboard": Role(real="Grafana"),
}

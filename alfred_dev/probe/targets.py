"""Plan -> targets: each endpoint with the credentials that its question needs."""

from __future__ import annotations

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.plan import LOOPBACK, Endpoint, Plan
from alfred_dev.probe.base import Target
from alfred_dev.settings import Settings

POSTGRES_USER = "postgres"
POSTGRES_DATABASE = "postgres"


def targets_of(plan: Plan) -> dict[Endpoint, Target]:
    """Return the target behind every endpoint of ``plan``, in start order."""
    return {endpoint: target_of(endpoint, plan.settings) for endpoint in plan.endpoints}


def target_of(endpoint: Endpoint, settings: Settings) -> Target:
    """Return ``endpoint`` as a target, asked from this machine."""
    is_postgres = endpoint.probe is ProbeKind.POSTGRES
    passwords = {ProbeKind.POSTGRES: "POSTGRES_PASSWORD", ProbeKind.REDIS: "REDIS_PASSWORD"}
    key = passwords.get(endpoint.probe)
    return Target(
        kind=endpoint.probe,
        host=LOOPBACK,
        port=endpoint.port,
        path=endpoint.path,
        user=POSTGRES_USER if is_postgres else "",
        password=settings[key] if key else "",
        database=POSTGRES_DATABASE if is_postgres else "",
        project=settings["ALFRED_PROJECT_ID"] if endpoint.probe is ProbeKind.PUBSUB else "",
    )

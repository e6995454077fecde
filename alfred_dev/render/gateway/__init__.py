"""Plan + access -> what Envoy reads. Pure; the same for a process and for a container.

Four files are watched and change without a restart: clusters (where services are), routes (what
leads where), listeners (what is enforced), certificates. They are replaced by rename only: Envoy
does not notice writes in place. They are JSON, which it reads many times faster than YAML. Paths
are relative to the folder that Envoy runs in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from alfred_dev.access import Access
from alfred_dev.plan import Plan
from alfred_dev.render.gateway import bootstrap, clusters, filters, listeners, routes, tls
from alfred_dev.render.gateway.world import Place, World
from alfred_dev.workspace import Artifact

FOLDER = "gateway"
BOOTSTRAP = f"{FOLDER}/bootstrap.json"


def render(plan: Plan, access: Access, place: Place) -> tuple[Artifact, ...]:
    """Return every file of the gateway, in path order."""
    world = World(plan=plan, access=access, place=place)
    documents: Mapping[str, Mapping[str, Any]] = {
        filters.AUTHENTICATION: resources(
            [filters.extension(filters.JWT, filters.authentication(world))]
        ),
        "bootstrap": bootstrap.document(world),
        **{name: resources([secret]) for name, secret in tls.secrets(world).items()},
        "clusters": resources(clusters.clusters(world)),
        "listeners": resources(listeners.listeners(world)),
        "routes-https": resources([routes.https(world)]),
        "routes-tunnel": resources([routes.tunnel(world)]),
    }
    return tuple(_artifact(name, document) for name, document in documents.items())


def resources(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a file of the kind that Envoy watches."""
    return {"resources": found}


def _artifact(name: str, document: Mapping[str, Any]) -> Artifact:
    # In one line: with an indent, Python writes what else C does, at fifty times the cost.
    return Artifact(f"{FOLDER}/{name}.json", json.dumps(document) + "\n")

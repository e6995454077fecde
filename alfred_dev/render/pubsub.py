"""What Pub/Sub shall have, for each way in which an emulator is started."""

from __future__ import annotations

import json
from collections.abc import Sequence

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.catalog.topology import Wanted, to_json, wanted
from alfred_dev.plan import Plan, PlannedService
from alfred_dev.render.expressions import literal
from alfred_dev.workspace import Artifact

FILE = "pubsub/topology.json"
BESIDE = "alfred_dev.embedded.pubsub.beside"


def speaks(service: PlannedService) -> bool:
    """Tell whether a service is an emulator of Pub/Sub."""
    return bool(service.endpoints) and service.endpoints[0].probe is ProbeKind.PUBSUB


def declared(plan: Plan) -> tuple[Wanted, ...]:
    """Return everything that alfred.yaml declares."""
    return tuple(wanted(plan.catalog.topology, plan.settings["ALFRED_PROJECT_ID"]))


def render(plan: Plan) -> tuple[Artifact, ...]:
    """Return the file that emulators' processes read when they start."""
    found = declared(plan)
    return (Artifact(FILE, to_json(found) + "\n"),) if found else ()


def command(words: Sequence[str], port: int, plan: Plan) -> list[str]:
    """Return the command of a container of Google's image: what it shall have comes by itself.

    The image has bash and curl. Every start of the container runs this anew.
    """
    found = declared(plan)
    if not found:
        return list(words)
    base = f"http://127.0.0.1:{port}"
    put = "curl -sS -o /dev/null -X PUT -H 'content-type: application/json'"
    lines = [f"until curl -sf -o /dev/null {base}/; do sleep 0.2; done"]
    # Names and bodies hold no quote: catalog/topology.py says what a name is.
    lines += [f"{put} -d '{json.dumps(one.body)}' '{base}/v1/{one.path}'" for one in found]
    script = f'({"; ".join(lines)}) & exec "$@"'
    return ["bash", "-c", literal(script), "bash", *words]

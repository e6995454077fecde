"""What Pub/Sub shall have, for each way in which an emulator is started."""

from __future__ import annotations

import json
from collections.abc import Sequence

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.catalog.topology import FLOW, Wanted, to_json, wanted
from alfred_dev.plan import Plan, PlannedService, SourceKind
from alfred_dev.render.expressions import literal, setting
from alfred_dev.workspace import Artifact

FILE = "pubsub/topology.json"
PROJECT = "ALFRED_PROJECT_ID"
_MARK = "<project>"  # no name of a project: Compose puts the setting there
BESIDE = "alfred_dev.embedded.pubsub.beside"


def speaks(service: PlannedService) -> bool:
    """Tell whether a service is an emulator of Pub/Sub."""
    return bool(service.endpoints) and service.endpoints[0].probe is ProbeKind.PUBSUB


def declared(plan: Plan, project: str = "") -> tuple[Wanted, ...]:
    """Return what our stand-ins' flow needs, where they play it, and what alfred.yaml declares.

    ``project``: another name for the Google Cloud project than the settings say.
    """
    name = project or plan.settings[PROJECT]
    flow = wanted(FLOW, name) if any(map(_takes_part, plan.services)) else ()
    return (*flow, *wanted(plan.catalog.topology, name))


def _takes_part(service: PlannedService) -> bool:
    plays = not {"events", "work"}.isdisjoint(service.definition.api)
    return plays and service.source.kind is SourceKind.STAND_IN


def render(plan: Plan) -> tuple[Artifact, ...]:
    """Return the file that emulators' processes read when they start."""
    found = declared(plan)
    return (Artifact(FILE, to_json(found) + "\n"),) if found else ()


def told(service: PlannedService, plan: Plan) -> str:
    """Return what a container of ours is told, as Compose must read it; empty for nothing."""
    found = declared(plan, _MARK)
    return _expression(to_json(found), service, plan) if found else ""


def command(words: Sequence[str], port: int, service: PlannedService, plan: Plan) -> list[str]:
    """Return the command of a container of Google's image: what it shall have comes by itself.

    The image has bash and curl. Every start of the container runs this anew.
    """
    found = declared(plan, _MARK)
    if not found:
        return list(words)
    base = f"http://127.0.0.1:{port}"
    put = "curl -sS -o /dev/null -X PUT -H 'content-type: application/json'"
    lines = [f"until curl -sf -o /dev/null {base}/; do sleep 0.2; done"]
    # Names and bodies hold no quote: catalog/topology.py says what a name is.
    lines += [f"{put} -d '{json.dumps(one.body)}' '{base}/v1/{one.path}'" for one in found]
    script = _expression(f'({"; ".join(lines)}) & exec "$@"', service, plan)
    return ["bash", "-c", script, "bash", *words]


def _expression(text: str, service: PlannedService, plan: Plan) -> str:
    return literal(text).replace(_MARK, setting(plan.settings, PROJECT, service.definition))

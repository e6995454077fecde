"""The CA bundle in every container, and the variables by which programs find it."""

from __future__ import annotations

import hashlib
from typing import Any

from alfred_dev.render.compose import FILES
from alfred_dev.settings import CA_VARIABLES
from alfred_dev.workspace import Artifact

BUNDLE = "ca-bundle.pem"  # in .alfred, of whom this machine trusts, and our CA
PATH = "trust/ca-bundle.pem"
INSIDE = "/etc/alfred/ca-bundle.pem"


def add(document: dict[str, Any], authorities: str) -> tuple[Artifact, ...]:
    """Mount ``authorities`` into every container of ``document``; return the file.

    A variable that a service sets itself stays as it is. Other authorities make another label, so
    that the container is made anew: a mounted file does not change under it.
    """
    if not authorities:
        return ()
    digest = hashlib.sha256(authorities.encode()).hexdigest()[:16]
    for entry in document["services"].values():
        told = dict.fromkeys(CA_VARIABLES, INSIDE)
        entry["environment"] = {**told, **entry.get("environment", {})}
        mount = {"type": "bind", "source": f"./{PATH}", "target": INSIDE, "read_only": True}
        mount["bind"] = {"create_host_path": False}
        entry["volumes"] = [*entry.get("volumes", ()), mount]
        labels = entry.setdefault("labels", {})
        labels[FILES] = " ".join(part for part in (labels.get(FILES, ""), digest) if part)
    return (Artifact(PATH, authorities),)

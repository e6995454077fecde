"""Plan -> Grafana's provisioning: the one data source that there is, and our dashboards."""

from __future__ import annotations

from typing import Any

from alfred_dev.render import dashboards
from alfred_dev.render.pace import Pace
from alfred_dev.render.text import yaml_text
from alfred_dev.workspace import Artifact

PROVISIONING = "grafana/provisioning"


def render(prometheus_url: str, folder: str, pace: Pace) -> tuple[Artifact, ...]:
    """Return what Grafana reads at its start, dashboards included.

    ``prometheus_url``: Prometheus as Grafana sees it; ``folder``: where it finds the dashboards.
    """
    return (*provisioning(prometheus_url, folder, pace), *dashboards.render(pace))


def provisioning(prometheus_url: str, folder: str, pace: Pace) -> tuple[Artifact, ...]:
    """Return the data source, and where the dashboards are."""
    source = {
        "name": "Prometheus",
        "uid": dashboards.DATASOURCE["uid"],
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus_url,
        "isDefault": True,
        "editable": False,
        "jsonData": {"timeInterval": pace.interval},
    }
    provider = {
        "name": "alfred-dev",
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": folder},
    }
    return (
        _file("datasources", {"apiVersion": 1, "datasources": [source]}),
        _file("dashboards", {"apiVersion": 1, "providers": [provider]}),
    )


def _file(kind: str, document: dict[str, Any]) -> Artifact:
    text = yaml_text(document)
    return Artifact(f"{PROVISIONING}/{kind}/alfred.yaml", text)
